// The lines of xlstm batch that are still to be answered, one after the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "xlstm/apps/batch_output.h"
#include "xlstm/apps/line_reader.h"

namespace xlstm::apps {

struct BatchLine {
  std::uint64_t index = 0;    // in the input, from 0
  std::uint64_t request = 0;  // see BatchKey
  std::uint64_t seed = 0;  // of the answer, where nobody says another; whoever reads it makes it up
  std::string text = {};
};

inline constexpr std::size_t kMostLineBytes = std::size_t{64} << 20;

class BatchInput {
 public:
  // `options` is hash_of_options(). What `output` has answered is not answered again; what failed
  // is, unless it is to be kept. `output` must live as long as this. Throws Error(kFile).
  BatchInput(const std::string& file, std::uint64_t options, const BatchOutput& output,
             bool keep_failed);

  struct Counts {
    std::uint64_t lines = 0;  // but for empty ones
    std::uint64_t left = 0;   // of them, to be answered
  };
  // Of all lines, if they can be read twice. Throws Error(kUsage) where `output` has answers to
  // others. To be called before next().
  std::optional<Counts> count();

  // The next line to be answered; kLater as LineReader::next(). Throws Error(kUsage) where `output`
  // answers another request in its place.
  NextLine next(BatchLine& line, bool wait);

  const std::string& name() const { return name_; }

 private:
  bool is_answered(const BatchLine& line);

  std::string name_;
  LineReader reader_;
  std::uint64_t options_;
  const BatchOutput& output_;
  bool keep_failed_;
  std::uint64_t index_ = 0;  // of the next line
  std::uint64_t lines_ = 0;  // but for empty ones
  std::uint64_t met_ = 0;    // of them, those with a line in the output
};

}  // namespace xlstm::apps
