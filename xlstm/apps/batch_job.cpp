#include "xlstm/apps/batch_job.h"

#include <new>
#include <utility>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/report.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/limits.h"
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

bool is_interruption(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Interrupted&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

BatchJob::BatchJob(const Engine& engine, BatchSetup setup, BatchInput& input, BatchOutput& output)
    : engine_(engine),
      setup_(std::move(setup)),
      input_(input),
      output_(output),
      batch_(engine.batch({.max_rows = setup_.rows, .prompt_tokens = kPromptTokens})) {
  setup_.request.on_prompt_progress = [](double) { throw_if_interrupted(); };
  setup_.request.on_token = [this](const TokenEvent& event) {
    if (event.id) ++summary_.tokens;
    return true;
  };
}

BatchSummary BatchJob::run() {
  watch_ = {};
  try {
    run_rows();
  } catch (const Interrupted&) {  // while it waited for a line
  }
  bar_.clear();
  summary_.interrupted = interrupted();
  summary_.seconds = watch_.seconds();
  return std::move(summary_);
}

void BatchJob::run_rows() {
  while (read_ && !interrupted()) {
    fill();
    show_progress();
    if (batch_.rows() == 0 && ended_) return;
    batch_.step();
    const std::vector<Batch::Finished> finished = batch_.take_finished();
    for (const Batch::Finished& each : finished) take(each);
    if (!finished.empty()) respect_limit();
  }
}

void BatchJob::respect_limit() {
  Backend& backend = engine_.model().backend();
  const auto turn = backend.exclusive();
  respect_soft_limit(setup_.engine, backend);
}

// Waits for lines only where there is nothing else to do.
void BatchJob::fill() {
  BatchLine line;
  while (!ended_ && read_ && rows_.size() < kWindow * setup_.rows && bytes_ < kMostWindowBytes) {
    const NextLine got = input_.next(line, batch_.rows() == 0);
    if (got == NextLine::kLater) return;
    ended_ = got == NextLine::kEnd;
    if (!ended_) start(std::move(line));
  }
}

void BatchJob::start(BatchLine line) {
  const std::string name = input_.line_name(line.index);
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
  const Failure failure = failure_of(error, input_.line_name(key.index));
  if (summary_.failed == 0 || key.index < summary_.first_failed) {
    summary_.first_failed = key.index;
    summary_.first_reason = failure.message;
    summary_.first_code = failure.code;
  }
  ++summary_.failed;
  write(error_line(key, failure.message));
}

void BatchJob::write(const std::string& line) {
  if (!read_) return;
  if (!output_.is_file()) bar_.clear();  // both may be one terminal
  read_ = output_.write(line);
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
  const double rate = static_cast<double>(summary_.tokens) / watch_.seconds();
  text += str(", ", with_commas(static_cast<std::uint64_t>(rate)), " tokens/s");
  if (summary_.failed > 0) text += str(", ", with_commas(summary_.failed), " failed");
  bar_.update(share, text);
}

}  // namespace xlstm::apps
