// xlstm perplexity: how well a model predicts a text.
#include "xlstm/base/json.h"
#include "xlstm/generate/perplexity.h"

#include <memory>
#include <sstream>

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
  std::vector<std::string> files;  // none: standard input
  bool lines = false;
  bool no_bos = false;
  bool json = false;
};

// A text of its own, with where it is from.
struct Text {
  std::string source;
  std::vector<TokenId> ids;
};

// Special tokens' text in it is text: what is measured is how well text is predicted.
Text encoded(const PerplexityArguments& options, const std::string& source, const std::string& text,
             const Engine& engine) {
  Text out = {source, {}};
  if (!options.no_bos && engine.bos_id()) out.ids.push_back(*engine.bos_id());
  const auto ids = encode_with_progress(engine.tokenizer(), text, {.parse_special_tokens = false});
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  if (out.ids.size() < 2) {
    fail_wanted(ErrorKind::kUsage, source, "a text of at least one token to predict",
                str(ids.size(), " tokens"));
  }
  return out;
}

// Lines without text are none.
void add_lines(const PerplexityArguments& options, const std::string& source,
               const std::string& text, const Engine& engine, std::vector<Text>& to) {
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) to.push_back(encoded(options, str(source, ":", number), line, engine));
  }
}

std::vector<Text> texts_of(const PerplexityArguments& options,
                           const std::vector<std::string>& contents, const Engine& engine) {
  std::vector<Text> texts;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const std::string source = source_name(options.files[i]);
    if (options.lines) {
      add_lines(options, source, contents[i], engine, texts);
    } else {
      texts.push_back(encoded(options, source, contents[i], engine));
    }
  }
  if (texts.empty()) {
    fail_wanted(ErrorKind::kUsage, "--lines", "at least one line with text", "none");
  }
  return texts;
}

Option files_option(std::vector<std::string>& to) {
  Option option{.name = "--file",
                .value = "FILE",
                .help = "The text (default: standard input); may be given several times",
                .set =
                    [&to](const std::string& text) {
                      if (text.empty()) {
                        fail_wanted(ErrorKind::kUsage, "--file", "a file name", "an empty one");
                      }
                      to.push_back(text);
                    },
                .completes = Completes::kFile,
                .repeatable = true};
  return option;
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

void show(const PerplexityArguments& options, const std::vector<Text>& texts,
          const Perplexities& result) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Perplexity& each = result.of_text[i];
    if (options.json) {
      Json json = {{"text", texts[i].source}};
      json.update(result_json(each));
      json.erase("seconds");
      json.erase("tokens_per_second");
      write_out(json_line(json));
    } else if (!options.lines) {
      write_out(fact(
          decimals(each.perplexity, 4),
          str(with_commas(static_cast<std::uint64_t>(each.tokens)), " tokens, ", texts[i].source)));
    }
  }
  if (options.json) {
    Json json = {{"texts", texts.size()}};
    json.update(result_json(result.total));
    write_out(json_line(json));
  } else {
    write_out(fact("texts", with_commas(texts.size())) + result_text(result.total));
  }
}

int run_perplexity(PerplexityArguments options) {
  if (options.files.empty()) options.files = {"-"};
  std::vector<std::string> contents;
  for (const std::string& file : options.files) {
    contents.push_back(require_utf8(source_name(file), read_all(file)));
  }
  const Engine engine = open_engine(options.model);
  const std::vector<Text> texts = texts_of(options, contents, engine);
  std::size_t all = 0;
  for (const Text& text : texts) all += text.ids.size() - 1;
  ProgressBar bar("Reading");
  const auto on_progress = [&](std::int64_t done) {
    throw_if_interrupted();
    bar.update(static_cast<double>(done) / static_cast<double>(all));
  };
  if (texts.size() == 1 && !options.lines) {
    const Perplexity result = perplexity(engine.model(), texts.front().ids, on_progress);
    bar.clear();
    write_out(options.json ? json_line(result_json(result)) : result_text(result));
    return kExitOk;
  }
  std::vector<std::vector<TokenId>> ids;
  for (const Text& text : texts) ids.push_back(text.ids);
  const Perplexities result = perplexities(engine.model(), ids, on_progress);
  bar.clear();
  show(options, texts, result);
  return kExitOk;
}

}  // namespace

Command perplexity_command() {
  const auto options = std::make_shared<PerplexityArguments>();
  return {
      .name = "perplexity",
      .summary = "How well a model predicts a text",
      .description =
          "A text is one sequence with a carried state, BOS first: perplexity per token, its "
          "standard error, tokens and speed. Several texts are read side by side; each starts "
          "afresh, and the total is that of all their tokens.",
      .groups = {{"Text",
                  {files_option(options->files),
                   switch_option("--lines", "Each line is a text of its own; empty ones are none",
                                 options->lines),
                   switch_option("--no-bos", "Do not put the BOS token first", options->no_bos),
                   switch_option("--json", "One JSON object", options->json)}},
                 divided_model_option_group(options->model)},
      .examples = {{"xlstm perplexity --file alice.txt", "Of the embedded model."},
                   {"xlstm perplexity --file alice.txt --file oz.txt",
                    "Of two texts, and of both together."},
                   {"xlstm perplexity --model ./xLSTM-7b --file alice.txt --dtype bf16 --json",
                    "Of another, for a program."}},
      .run = [options] { return run_perplexity(*options); },
      .devices = [options] { return options->model.devices; }};
}

}  // namespace xlstm::apps
