#include "xlstm/apps/batch_input.h"

#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

[[noreturn]] void refuse_to_resume(const std::string& output, const std::string& got) {
  fail_wanted(ErrorKind::kUsage, output, "answers to these prompts, with these options and model",
              got + "; name another file, or --restart");
}

}  // namespace

BatchInput::BatchInput(const std::string& file, std::uint64_t options, const BatchOutput& output,
                       bool keep_failed)
    : name_(source_name(file)),
      reader_(file, kMostLineBytes),
      options_(options),
      output_(output),
      keep_failed_(keep_failed) {}

std::optional<BatchInput::Counts> BatchInput::count() {
  if (!reader_.is_regular()) return std::nullopt;
  Counts counts;
  BatchLine line;
  while (next(line, true) == NextLine::kLine) ++counts.left;
  counts.lines = lines_;
  const std::uint64_t answered = output_.answered().size();
  if (met_ != answered) {
    refuse_to_resume(output_.name(),
                     str("some to ", answered - met_, " lines that ", name_, " does not have"));
  }
  reader_.rewind();
  index_ = lines_ = met_ = 0;
  return counts;
}

NextLine BatchInput::next(BatchLine& line, bool wait) {
  for (;;) {
    const NextLine got = reader_.next(line.text, wait);
    if (got != NextLine::kLine) return got;
    line.index = index_++;
    if (line.text.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++lines_;
    line.request = hash_of_line(options_, line.text);
    if (!is_answered(line)) return NextLine::kLine;
  }
}

// A line that failed may have been put right.
bool BatchInput::is_answered(const BatchLine& line) {
  const BatchAnswered* answered = output_.find(line.index);
  if (answered == nullptr) return false;
  ++met_;
  const bool same = answered->request == line.request;
  if (answered->failed) return keep_failed_ && same;
  if (!same)
    refuse_to_resume(output_.name(), "one to another request than " + line_name(name_, line.index));
  return true;
}

}  // namespace xlstm::apps
