#include "xlstm/apps/batch_job.h"

#include <new>
#include <utility>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/report.h"
#include "xlstm/backend/sampling.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/limits.h"
#include "xlstm/group/group.h"
#include "xlstm/model/model.h"

namespace xlstm::apps {
namespace {

using Clock = std::chrono::steady_clock;

// Lines in memory, for each row under way: one that ends leaves its place to one that is there.
constexpr std::size_t kWindow = 4;
constexpr std::size_t kMostWindowBytes = std::size_t{64} << 20;
// Nobody waits for the first token of a row, and rows that decode cost the less the more they are:
// prompts go first. What is read between two steps is what Ctrl-C may have to wait for.
constexpr std::int64_t kPromptTokens = 8 * kSegmentTokens;
constexpr auto kShowEvery = std::chrono::milliseconds(100);

struct Failure {
  std::string message;
  int code = kExitOther;
};

// "[top_p] wanted ..." of the engine becomes "[prompts.jsonl, line 3: top_p] wanted ...".
std::string with_line(const std::string& message, const std::string& line) {
  if (message.starts_with("[" + line)) return message;
  if (message.starts_with('[')) return str("[", line, ": ", message.substr(1));
  return str("[", line, "] ", message);
}

Failure failure_of(const std::exception_ptr& error, const std::string& line) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return {with_line(known.what(), line), exit_code_of(known.kind())};
  } catch (const std::bad_alloc&) {
    return {with_line("wanted more memory than the machine gives", line), kExitMemory};
  } catch (const std::exception& other) {
    return {with_line(other.what(), line), kExitOther};
  }
}

// Ctrl-C while a row's prompt is read. An Error, of all ranks alike, so that they stay together.
struct RowInterrupted : Error {
  RowInterrupted() : Error(ErrorKind::kCancelled, "batch", "interrupted") {}
};

bool is_interruption(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RowInterrupted&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Whether it may be what a rank told the others, and not a line's own error.
bool may_be_of_a_rank(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RowInterrupted&) {
    return false;
  } catch (const Error& known) {
    return known.kind() == ErrorKind::kMemory || known.kind() == ErrorKind::kInternal ||
           known.kind() == ErrorKind::kCancelled;
  } catch (...) {
    return true;
  }
}

}  // namespace

BatchJob::BatchJob(const Engine& engine, BatchSetup setup, BatchFiles* files)
    : engine_(engine),
      setup_(std::move(setup)),
      files_(files),
      batch_(engine.batch({.max_rows = setup_.rows, .prompt_tokens = kPromptTokens})) {
  setup_.request.on_prompt_progress = [](double) {
    if (agreed(interrupted())) throw RowInterrupted();
  };
}

BatchSummary BatchJob::run() {
  watch_ = {};
  run_rows();
  bar_.clear();
  summary_.interrupted = interrupted();
  summary_.tokens = batch_.tokens();
  summary_.seconds = watch_.seconds();
  return std::move(summary_);
}

void BatchJob::run_rows() {
  for (;;) {
    BatchRound round = apps::agreed(setup_.engine.group.get(), next_round());
    ended_ = round.ended;
    for (BatchLine& line : round.lines) start(std::move(line));
    show_progress();
    if (!round.goes_on || (batch_.rows() == 0 && ended_)) return;
    batch_.step();
    const std::vector<Batch::Finished> finished = batch_.take_finished();
    check_ranks(finished);
    for (const Batch::Finished& each : finished) take(each);
    if (!finished.empty()) respect_limit();
  }
}

// Rows that were under way when a rank failed have no answers, and their lines no errors.
void BatchJob::check_ranks(const std::vector<Batch::Finished>& finished) const {
  const Group* const group = setup_.engine.group.get();
  if (group == nullptr || !group->is_broken()) return;
  for (const Batch::Finished& each : finished) {
    if (each.error && may_be_of_a_rank(each.error)) std::rethrow_exception(each.error);
  }
  // Else the next meeting says why.
}

void BatchJob::respect_limit() {
  Backend& backend = engine_.model().backend();
  const auto turn = backend.exclusive();
  respect_soft_limit(setup_.engine, backend);
}

BatchRound BatchJob::next_round() {
  BatchRound round;
  if (files_ == nullptr) return round;  // rank 0 says
  round.goes_on = read_ && !interrupted();
  if (!round.goes_on) return round;
  try {
    round.ended = ended_ || read_lines(round.lines);
  } catch (const Interrupted&) {  // while it waited for a line
    round.lines.clear();
    round.goes_on = false;
  }
  return round;
}

// Waits for lines only where there is nothing else to do. Whether they have ended.
bool BatchJob::read_lines(std::vector<BatchLine>& lines) {
  BatchLine line;
  std::size_t bytes = bytes_;
  while (rows_.size() + lines.size() < kWindow * setup_.rows && bytes < kMostWindowBytes) {
    const NextLine got = files_->input.next(line, batch_.rows() == 0 && lines.empty());
    if (got != NextLine::kLine) return got == NextLine::kEnd;
    bytes += line.text.size();
    line.seed = random_seed();
    lines.push_back(std::move(line));
  }
  return false;
}

void BatchJob::start(BatchLine line) {
  const std::string name = line_name(setup_.input_name, line.index);
  BatchPrompt prompt;
  if (line.text.size() > kMostLineBytes) {
    try {
      fail_wanted(ErrorKind::kFormat, name, str("at most ", kMostLineBytes, " bytes"), "more");
    } catch (const Error&) {
      prompt.error = std::current_exception();
    }
  } else {
    prompt = batch_prompt(line.text, name, setup_.request);
  }
  prompt.key.index = line.index;
  prompt.key.request = line.request;
  if (prompt.error) return fail_line(prompt.key, prompt.error);
  if (!prompt.request.seed) prompt.request.seed = line.seed;
  const Batch::Row row =
      batch_.add([this, request = std::move(prompt.request)] { return engine_.sequence(request); });
  rows_[row] = {std::move(prompt.key), line.text.size()};
  bytes_ += line.text.size();
}

void BatchJob::take(const Batch::Finished& finished) {
  const Row row = std::move(rows_.extract(finished.row).mapped());
  bytes_ -= row.bytes;
  if (finished.error) {
    if (!is_interruption(finished.error)) fail_line(row.key, finished.error);
    return;
  }
  const Completion& answer = finished.sequence->result();
  summary_.prompt_tokens += answer.prompt_tokens;
  ++summary_.answered;
  write(answer_line(row.key, answer));
}

void BatchJob::fail_line(const BatchKey& key, std::exception_ptr error) {
  const Failure failure = failure_of(error, line_name(setup_.input_name, key.index));
  if (summary_.failed == 0 || key.index < summary_.first_failed) {
    summary_.first_failed = key.index;
    summary_.first_reason = failure.message;
    summary_.first_code = failure.code;
  }
  ++summary_.failed;
  write(error_line(key, failure.message));
}

void BatchJob::write(const std::string& line) {
  if (!read_ || files_ == nullptr) return;
  if (!files_->output.is_file()) bar_.clear();  // both may be one terminal
  read_ = files_->output.write(line);
}

void BatchJob::show_progress() {
  const Clock::time_point now = Clock::now();
  if (now - shown_ < kShowEvery) return;
  shown_ = now;
  const std::uint64_t done = summary_.answered + summary_.failed;
  std::string text = with_commas(done);
  std::optional<double> share;
  if (setup_.counts) {
    const auto [lines, left] = *setup_.counts;
    const std::uint64_t done_of_all = lines - left + done;
    text = str(with_commas(done_of_all), " of ", with_commas(lines));
    share = static_cast<double>(done_of_all) / static_cast<double>(lines);
  }
  const double rate = static_cast<double>(batch_.tokens()) / watch_.seconds();
  text += str(", ", with_commas(static_cast<std::uint64_t>(rate)), " tokens/s");
  if (summary_.failed > 0) text += str(", ", with_commas(summary_.failed), " failed");
  bar_.update(share, text);
}

}  // namespace xlstm::apps
