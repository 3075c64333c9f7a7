// xlstm batch: prompts in, answers out, many at a time.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "xlstm/apps/batch_input.h"
#include "xlstm/apps/batch_job.h"
#include "xlstm/apps/batch_lines.h"
#include "xlstm/apps/batch_output.h"
#include "xlstm/apps/constraint_options.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::apps {
namespace {

constexpr int kMostRows = 256;     // where nobody says how many
constexpr int kMostNamed = 65536;  // that somebody may ask for

struct BatchArguments {
  std::string in, out;  // "" and "-": a standard stream
  int named = 0;        // of the two
  ModelOptions model;
  Request request = {.parse_special = true};  // prompts are the caller's own
  std::vector<std::string> end_tokens;
  ConstraintOptions constraint;
  int rows = 0;  // 0: what memory allows
  bool restart = false;
  bool keep_failed = false;
  bool stats = false;
};

// What tells models apart whose answers must not be mixed; options.model is a folder.
std::string model_text_of(const ModelOptions& options) {
  const Plan plan = Checkpoint::open(options.model).plan;
  const EngineOptions engine = engine_options(options);
  return str(plan.name, " ", plan.family, " ", plan.parameter_count(), " ", plan.bytes(), " ",
             engine.dtype, " ", engine.quantization ? to_string(*engine.quantization) : "");
}

// The most rows, up to `most`, that take no more than three quarters of the memory that one leaves:
// others want some too.
int rows_that_fit(const std::function<MemoryNeed(int batch)>& need_of, int most) {
  const MemoryNeed one = need_of(1);
  const std::uint64_t for_rows = one.fits() ? (one.left - one.needed) / 4 * 3 : 0;
  int fits = 1;
  for (int too_many = most + 1; too_many - fits > 1;) {
    const int rows = fits + (too_many - fits) / 2;
    const std::uint64_t needed = need_of(rows).needed;
    (needed <= one.needed + for_rows ? fits : too_many) = rows;
  }
  return fits;
}

// Ranks find more or less memory left. They meet here before they drop their backends, which one
// that reads slow files would else do alone.
std::size_t fewest_of_ranks(int rows) {
  Group* const group = this_group().get();
  if (group == nullptr) return static_cast<std::size_t>(rows);
  return static_cast<std::size_t>(std::ranges::min(group->gather(rows)));
}

std::size_t rows_of(const BatchArguments& options,
                    const std::optional<BatchInput::Counts>& counts) {
  int rows = options.rows == 0 ? kMostRows : options.rows;
  if (counts && counts->left < static_cast<std::uint64_t>(rows)) {
    rows = static_cast<int>(counts->left);
  }
  const auto need_of = Engine::memory_needs(options.model.model, engine_options(options.model));
  if (options.rows == 0) return fewest_of_ranks(rows_that_fit(need_of, rows));
  const MemoryNeed need = need_of(rows);
  if (!need.fits()) {
    fail_wanted(ErrorKind::kMemory, "--rows", str(human_bytes(need.needed), " for ", rows),
                str(human_bytes(need.left), " left of ", need.of));
  }
  return fewest_of_ranks(rows);
}

// Rows whose answers are, to the token, what each is alone: where these are enough to be worth
// while, more are taken only where they are asked for.
std::size_t rows_as_alone(const Engine& engine) {
  constexpr std::int64_t kWorthWhile = 16;
  const std::span<const std::int64_t> limits = engine.model().row_limits();
  const bool few = limits.empty() || limits.front() < kWorthWhile;
  return few ? kMostRows : static_cast<std::size_t>(limits.front());
}

std::string statistics_of(const BatchSummary& summary, std::size_t rows, const Engine& engine) {
  const double rate =
      summary.seconds > 0 ? static_cast<double>(summary.tokens) / summary.seconds : 0;
  return fact("load", decimals(engine.load_seconds(), 2) + " s") +
         fact("lines", str(with_commas(summary.answered), " answered, ",
                           with_commas(summary.failed), " failed, ", rows, " rows at once")) +
         fact("prompts", with_commas(summary.prompt_tokens) + " tokens") +
         fact("answers", str(with_commas(summary.tokens), " tokens, ", decimals(summary.seconds, 2),
                             " s, ", decimals(rate, 0), " tokens/s")) +
         memory_text(engine.memory());
}

// Of a run that Ctrl-C ended.
std::string how_to_go_on(const BatchSummary& summary, const BatchOutput& output) {
  const std::string done = with_commas(summary.answered + summary.failed);
  if (!output.is_file()) return str("\nxlstm: interrupted, ", done, " lines answered\n");
  return str("\nxlstm: interrupted, ", done, " lines answered now; the same command goes on from ",
             output.name(), "\n");
}

int end_of(const BatchSummary& summary, BatchOutput& output) {
  if (summary.interrupted) {
    write_note(how_to_go_on(summary, output));
    return interrupt_exit_code();
  }
  output.finish();
  if (summary.failed == 0) return kExitOk;
  write_note(str("xlstm: ", summary.first_reason, " (the first of ", with_commas(summary.failed),
                 summary.failed == 1 ? " line" : " lines", " that failed; ",
                 with_commas(summary.answered), " answered)\n"));
  return summary.first_code;
}

void check_names(const BatchArguments& options) {
  const bool to_file = options.out != "-";
  for (const auto& [given, name] :
       {std::pair{options.restart, "--restart"}, std::pair{options.keep_failed, "--keep-failed"}}) {
    if (!given || to_file) continue;
    fail_wanted(ErrorKind::kUsage, name, "a file OUT", "standard output");
  }
}

int run_batch(BatchArguments options) {
  if (options.in.empty()) options.in = "-";
  if (options.out.empty()) options.out = "-";
  check_names(options);
  options.model.model = model_folder(options.model.model, options.model.engine.hub).string();
  const std::uint64_t hash =
      hash_of_options(options.request, options.end_tokens,
                      model_text_of(options.model) + constraint_text_of(options.constraint));
  std::optional<BatchFiles> files;
  if (leads()) {
    files.emplace(options.in, options.out, hash, options.restart, options.keep_failed);
  }
  BatchSetup setup;
  setup.input_name = source_name(options.in);
  setup.counts = agreed(this_group().get(), files ? files->input.count() : std::nullopt);
  if (setup.counts && setup.counts->left == 0) return files ? end_of({}, files->output) : kExitOk;
  setup.rows = rows_of(options, setup.counts);
  setup.engine = engine_options(options.model);
  const Engine engine = open_engine(options.model);
  if (options.rows == 0) setup.rows = std::min(setup.rows, rows_as_alone(engine));
  check_logit_bias(options.request, engine);
  setup.request = options.request;
  setup.request.end_tokens = end_token_ids(options.end_tokens, engine);
  setup.request.constraint = constraint_of(options.constraint, engine);
  const std::size_t rows = setup.rows;
  const BatchSummary summary = BatchJob(engine, std::move(setup), files ? &*files : nullptr).run();
  if (!files) return kExitOk;  // rank 0 says what came of it
  if (options.stats) write_note(statistics_of(summary, rows, engine));
  return end_of(summary, files->output);
}

OptionGroup batch_group(BatchArguments& to) {
  const Option rows{
      "--rows", "N",
      "Answers under way at once (default: 16 where these are to the token what each is "
      "alone, else what memory allows, up to " +
          std::to_string(kMostRows) + ")",
      [&to](const std::string& text) {
        to.rows = static_cast<int>(parse_integer("--rows", text, 1, kMostNamed));
      }};
  return {
      "Lines",
      {rows,
       switch_option("--restart", "Answer all lines anew; OUT is replaced with the first answer",
                     to.restart),
       switch_option("--keep-failed", "Do not try lines again that OUT says failed",
                     to.keep_failed),
       switch_option("--stats", "Lines, speed and memory at the end, on standard error",
                     to.stats)}};
}

void take_name(BatchArguments& to, const std::string& name) {
  std::string& which = to.named++ == 0 ? to.in : to.out;
  if (name.empty()) fail_wanted(ErrorKind::kUsage, "xlstm batch", "a file name", "an empty one");
  which = name;
}

}  // namespace

Command batch_command() {
  const auto options = std::make_shared<BatchArguments>();
  OptionGroup prompts = batch_group(*options);
  prompts.options.push_back(parse_special_option(options->request.parse_special));
  return {
      .name = "batch",
      .summary = "Answer a file of prompts, many at a time",
      .description =
          "Reads a prompt a line from IN: a JSON string, or an object with \"prompt\" or "
          "\"prompt_ids\" and, if wanted, \"id\", \"metadata\" and options of its own (max_tokens, "
          "temperature, seed, stop, ...). Writes a JSON object a line to OUT as soon as an answer "
          "is done. Where OUT is there already it goes on: lines that it answers are left out. "
          "\"-\", or nothing, is a standard stream.",
      .groups = {prompts, divided_model_option_group(options->model),
                 answer_option_group(options->request, options->end_tokens),
                 constraint_option_group(options->constraint)},
      .examples = {{"xlstm batch prompts.jsonl answers.jsonl -n 200",
                    "The same again, after Ctrl-C say, goes on."},
                   {"jq -c .question quiz.jsonl | xlstm batch --temperature 0 | jq -r .text",
                    "From a pipe to a pipe, in the order in which answers are done."},
                   {"xlstm batch prompts.jsonl answers.jsonl --rows 16 --seed 7 --stats",
                    "What xlstm generate --seed 7 says to each prompt."},
                   {"xlstm batch prompts.jsonl answers.jsonl --model ./xLSTM-7b --devices 2",
                    "Two GPUs answer together."}},
      .run = [options] { return run_batch(*options); },
      .argument = "IN OUT",
      .set_argument = [options](const std::string& text) { take_name(*options, text); },
      .argument_optional = true,
      .arguments = 2,
      .argument_completes = Completes::kFile,
      .devices = [options] { return options->model.devices; }};
}

}  // namespace xlstm::apps
