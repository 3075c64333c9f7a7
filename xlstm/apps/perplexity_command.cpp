// xlstm perplexity: how well a model predicts a text.
#include "xlstm/base/json.h"
#include "xlstm/generate/perplexity.h"

#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/tokenizing.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

struct PerplexityArguments {
  ModelOptions model;
  std::string file = "-";
  bool no_bos = false;
  bool json = false;
};

// Special tokens' text in it is text: what is measured is how well text is predicted.
std::vector<TokenId> ids_of(const PerplexityArguments& options, const std::string& text,
                            const Engine& engine) {
  std::vector<TokenId> ids;
  if (!options.no_bos && engine.bos_id()) ids.push_back(*engine.bos_id());
  const auto encoded =
      encode_with_progress(engine.tokenizer(), text, {.parse_special_tokens = false});
  ids.insert(ids.end(), encoded.begin(), encoded.end());
  if (ids.size() < 2) {
    fail_wanted(ErrorKind::kUsage, source_name(options.file),
                "a text of at least one token to predict", str(encoded.size(), " tokens"));
  }
  return ids;
}

Json result_json(const Perplexity& result) {
  const auto error = result.standard_error;
  return {{"perplexity", result.perplexity}, {"standard_error", error ? Json(*error) : Json()},
          {"mean_nll", result.mean_nll},     {"tokens", result.tokens},
          {"seconds", result.seconds},       {"tokens_per_second", result.tokens_per_second}};
}

std::string result_text(const Perplexity& result) {
  return fact("perplexity", decimals(result.perplexity, 4)) +
         fact("error", result.standard_error ? decimals(*result.standard_error, 4)
                                             : "unknown: one token has no spread") +
         fact("nats", decimals(result.mean_nll, 6) + " a token") +
         fact("tokens", with_commas(static_cast<std::uint64_t>(result.tokens))) +
         fact("speed", decimals(result.tokens_per_second, 0) + " tokens/s");
}

int run_perplexity(const PerplexityArguments& options) {
  const std::string text = require_utf8(source_name(options.file), read_all(options.file));
  const Engine engine = open_engine(options.model);
  const std::vector<TokenId> ids = ids_of(options, text, engine);
  ProgressBar bar("Reading");
  const Perplexity result = perplexity(engine.model(), ids, [&](std::int64_t done) {
    throw_if_interrupted();
    bar.update(static_cast<double>(done) / static_cast<double>(ids.size()));
  });
  bar.clear();
  write_out(options.json ? json_line(result_json(result)) : result_text(result));
  return kExitOk;
}

}  // namespace

Command perplexity_command() {
  const auto options = std::make_shared<PerplexityArguments>();
  return {
      .name = "perplexity",
      .summary = "How well a model predicts a text",
      .description =
          "The whole text is one sequence with a carried state, BOS first: perplexity per token, "
          "its standard error, tokens and speed.",
      .groups = {{"Text",
                  {file_option("--file", "FILE", "The text (default: standard input)",
                               options->file),
                   switch_option("--no-bos", "Do not put the BOS token first", options->no_bos),
                   switch_option("--json", "One JSON object", options->json)}},
                 model_option_group(options->model)},
      .examples = {{"xlstm perplexity --file alice.txt", "Of the embedded model."},
                   {"xlstm perplexity --model ./xLSTM-7b --file alice.txt --dtype bf16 --json",
                    "Of another, for a program."}},
      .run = [options] { return run_perplexity(*options); }};
}

}  // namespace xlstm::apps
