// xlstm tokenize and xlstm detokenize: text to ids and back.
#include <charconv>
#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/jsonl.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/tokenizing.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm::apps {
namespace {

struct TokenizeArguments {
  std::string tokenizer;
  std::string file = "-";
  bool jsonl = false;
  bool add_special = false;
  bool parse_special = true;
  bool keep_special = false;
};

Tokenizer open_tokenizer(const std::string& path) {
  if (path.empty()) return Tokenizer::open(model_folder(path));
  std::error_code ignored;
  const bool is_repository = path.starts_with("hf://") || repository_name(path);
  if (!is_repository || std::filesystem::exists(path, ignored)) return Tokenizer::open(path);
  HubOptions hub;
  hub.content = HubContent::kTokenizer;
  return Tokenizer::open(model_folder(path, hub));
}

// Calls `answer` with each line of standard input and its number; stops when the reader closed the
// pipe.
template <typename Answer>
void each_line(const Answer& answer) {
  std::size_t number = 0;
  while (const auto line = read_line()) {
    throw_if_interrupted();
    if (!write_out(answer(*line, ++number) + "\n")) return;
  }
}

int run_tokenize(const TokenizeArguments& options) {
  if (options.jsonl && options.file != "-") {
    fail_wanted(ErrorKind::kUsage, "--jsonl", "standard input", "--file " + quoted(options.file));
  }
  const Tokenizer tokenizer = open_tokenizer(options.tokenizer);
  const EncodeOptions how{.add_special_tokens = options.add_special,
                          .parse_special_tokens = options.parse_special};
  if (options.jsonl) {
    each_line([&](const std::string& line, std::size_t number) {
      return json_of_ids(encode_with_progress(tokenizer, string_of_json(line, number), how));
    });
    return kExitOk;
  }
  const std::string text = require_utf8(source_name(options.file), read_all(options.file));
  std::string out;
  for (const TokenId id : encode_with_progress(tokenizer, text, how)) {
    out += (out.empty() ? "" : " ") + std::to_string(id);
  }
  write_out(out + "\n");
  return kExitOk;
}

// A decimal id from a text of ids between blanks, commas or brackets.
TokenId parse_id(std::string_view word, TokenId max_id) {
  TokenId id = -1;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (problem != std::errc() || end != word.data() + word.size() || id < 0 || id > max_id) {
    fail_wanted(ErrorKind::kFormat, "standard input", str("ids from 0 to ", max_id), quoted(word));
  }
  return id;
}

// Text is written as ids arrive; only an incomplete character waits for the next one.
void stream_ids(const Tokenizer& tokenizer, bool keep_special) {
  Detokenizer detokenizer(tokenizer, !keep_special);
  while (const auto line = read_line()) {
    throw_if_interrupted();
    for (std::size_t at = 0; at < line->size();) {
      const std::size_t start = std::min(line->find_first_not_of(" \t", at), line->size());
      at = std::min(line->find_first_of(" \t", start), line->size());
      if (at == start) break;
      const TokenId id =
          parse_id(std::string_view(*line).substr(start, at - start), tokenizer.max_id());
      if (!write_out(detokenizer.push(id))) return;
    }
  }
  write_out(detokenizer.finish());
  if (stdout_is_terminal()) write_out("\n");
}

int run_detokenize(const TokenizeArguments& options) {
  const Tokenizer tokenizer = open_tokenizer(options.tokenizer);
  if (!options.jsonl) {
    stream_ids(tokenizer, options.keep_special);
    return kExitOk;
  }
  each_line([&](const std::string& line, std::size_t number) {
    const auto ids = ids_of_json(line, number, tokenizer.max_id());
    return json_of_string(tokenizer.decode(ids, !options.keep_special));
  });
  return kExitOk;
}

Option tokenizer_option(TokenizeArguments& to) {
  return file_option("--tokenizer", "PATH",
                     "A tokenizer.json, or the folder or repository that has one (default: the "
                     "embedded model's)",
                     to.tokenizer);
}

}  // namespace

Command tokenize_command() {
  const auto options = std::make_shared<TokenizeArguments>();
  const Option plain{
      "--plain", "", "The same as --parse-special off",
      [options = options.get()](const std::string&) { options->parse_special = false; }};
  return {
      .name = "tokenize",
      .summary = "Text to token ids",
      .description =
          "Reads a text, writes its ids on one line. Nothing is added to or taken from the text; "
          "with --jsonl each line is a text of its own.",
      .groups =
          {{"Options",
            {tokenizer_option(*options),
             file_option("--file", "FILE", "The text (default: standard input)", options->file),
             switch_option("--jsonl",
                           "Standard input: one JSON string a line; out: one JSON "
                           "array of ids a line",
                           options->jsonl),
             switch_option("--add-special-tokens", "Add BOS and EOS where the tokenizer says so",
                           options->add_special),
             parse_special_option(options->parse_special), plain}}},
      .examples = {{"printf 'Call me Ishmael.' | xlstm tokenize", "Ids on one line."},
                   {"jq -c .text corpus.jsonl | xlstm tokenize --jsonl --tokenizer ./xLSTM-7b",
                    "A corpus, line by line, with another model's tokenizer."}},
      .run = [options] { return run_tokenize(*options); }};
}

Command detokenize_command() {
  const auto options = std::make_shared<TokenizeArguments>();
  return {.name = "detokenize",
          .summary = "Token ids to text",
          .description =
              "Reads ids with blanks or line ends between them, writes their text as they come in.",
          .groups = {{"Options",
                      {tokenizer_option(*options),
                       switch_option("--jsonl",
                                     "Standard input: one JSON array of ids a line; out: one "
                                     "JSON string a line",
                                     options->jsonl),
                       switch_option("--keep-special", "Show special tokens too",
                                     options->keep_special)}}},
          .examples = {{"printf 'Call me Ishmael.' | xlstm tokenize | xlstm detokenize",
                        "There and back again."},
                       {"echo '[310,271]' | xlstm detokenize --jsonl",
                        "A line of ids as a JSON string."}},
          .run = [options] { return run_detokenize(*options); }};
}

}  // namespace xlstm::apps
