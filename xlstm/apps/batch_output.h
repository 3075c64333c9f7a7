// Where xlstm batch writes: a file that a later run goes on with, or standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/apps/batch_lines.h"

namespace xlstm::apps {

class BatchOutput {
 public:
  // Of standard output for "-". Reads the answers that are in `file`, unless it is to begin anew;
  // changes nothing before the first write(). No other run may write to it meanwhile. Throws Error:
  // kFormat for a file that holds anything but answers (also where it is to be replaced), kFile;
  // Interrupted.
  BatchOutput(const std::string& file, bool restart);
  ~BatchOutput();  // leaves no file behind that it made and did not write to
  BatchOutput(const BatchOutput&) = delete;
  BatchOutput& operator=(const BatchOutput&) = delete;

  bool is_file() const { return descriptor_ >= 0; }
  const std::string& name() const { return name_; }
  // The last answer to each line, by index.
  const std::vector<BatchAnswered>& answered() const { return answered_; }
  const BatchAnswered* find(std::uint64_t index) const;  // nullptr: none

  // Writes a line, with its line end, for everyone to see. False when nobody reads standard output
  // any more. Throws Error(kFile); the file then ends with the line before.
  bool write(std::string_view line);
  // What was written outlasts a power cut. A file that was to begin anew and got no line is empty
  // now.
  void finish();

 private:
  void open_file();
  void lock();
  void read_answers();
  void begin();  // makes the file what a run goes on with
  void replace(std::string_view first_line);

  std::string name_;
  bool restart_;
  int descriptor_ = -1;
  bool made_ = false;  // the file was not there before
  bool begun_ = false;
  std::uint64_t size_ = 0;  // bytes of whole lines
  std::vector<BatchAnswered> answered_;
};

}  // namespace xlstm::apps
