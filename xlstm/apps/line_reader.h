// Lines of a file that need not fit in memory, or of a pipe whose writer takes its time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xlstm::apps {

enum class NextLine {
  kLine,
  kLater,  // it is not all there yet
  kEnd
};

class LineReader {
 public:
  // Of standard input for "-". Of a line with more than `most` bytes only the first most + 1 are
  // kept. Throws as read_all (streams.h) does.
  LineReader(const std::string& file, std::size_t most);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line without its line end ("\n" or "\r\n"); kLater only where it is not to be waited
  // for. Throws as read_all does.
  NextLine next(std::string& line, bool wait = true);
  // Whether the last line had its line end, as all but a file's last one have.
  bool had_line_end() const { return had_line_end_; }
  // Bytes from where the reader began up to the end of the last line.
  std::uint64_t offset() const { return offset_; }

  // Whether it is a regular file, so that lines can be read twice.
  bool is_regular() const { return regular_; }
  // Goes back to where it began. Only of a regular file.
  void rewind();

 private:
  bool fill(bool wait);  // false: nothing there yet
  void take(const char* from, std::size_t size);

  std::string name_;
  int descriptor_;
  std::size_t most_;
  bool regular_ = false;
  std::int64_t start_ = 0;
  std::vector<char> block_;
  std::size_t at_ = 0, filled_ = 0;
  bool ended_ = false;
  bool had_line_end_ = false;
  std::string line_;        // as much of the next one as was read
  bool any_of_it_ = false;  // whether that is some
  std::uint64_t offset_ = 0;
};

}  // namespace xlstm::apps
