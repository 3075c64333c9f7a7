#include "xlstm/apps/options.h"

#include <limits>
#include <utility>

#include "xlstm/apps/download_progress.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::apps {
namespace {

constexpr float kMostFloat = std::numeric_limits<float>::max();
constexpr NumberRange kTemperature{0, kMostFloat, "a finite number of at least 0"};
constexpr NumberRange kTopP{0, 1, "a number above 0 and up to 1", false};
constexpr NumberRange kMinP{0, 1, "a number from 0 to 1"};
constexpr NumberRange kRepetition{0, kMostFloat, "a finite number above 0", false};
constexpr NumberRange kPenalty{-kMostFloat, kMostFloat, "a finite number"};
constexpr std::int64_t kMostTokens = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostThreads = 1024;

Option number_option(std::string name, const NumberRange& range, std::string help, float& to) {
  return {name, "NUMBER", std::move(help),
          [name, range, &to](const std::string& text) { to = parse_number(name, text, range); }};
}

template <typename Integer>
Option integer_option(std::string name, std::string help, std::int64_t most, Integer& to) {
  return {name, "N", std::move(help), [name, most, &to](const std::string& text) {
            to = static_cast<Integer>(parse_integer(name, text, 0, most));
          }};
}

Option seed_option(Request& to) {
  return {"--seed", "N", "Same seed, same text; made up and told by --stats and --json otherwise",
          [&to](const std::string& text) { to.seed = parse_seed("--seed", text); }};
}

Option bias_option(Request& to) {
  return {.name = "--logit-bias",
          .value = "ID=VALUE",
          .help = "Added to the logit of token ID; -inf forbids it",
          .set =
              [&to](const std::string& text) {
                const auto [id, value] = parse_logit_bias("--logit-bias", text);
                to.logit_bias[id] = value;
              },
          .repeatable = true};
}

Option stop_option(Request& to) {
  return {.name = "--stop",
          .value = "TEXT",
          .help = "Text that ends the answer and is not shown; \\n, \\r, \\t and \\\\ are escapes",
          .set =
              [&to](const std::string& text) {
                const std::string stop = unescape("--stop", require_utf8("--stop", text));
                if (stop.empty()) fail_wanted(ErrorKind::kUsage, "--stop", "some text", "none");
                to.stop.push_back(stop);
              },
          .repeatable = true};
}

Option end_token_option(std::vector<std::string>& to) {
  return {.name = "--end-token",
          .value = "ID|TEXT",
          .help =
              "A token that ends the answer, beside the model's own: its id, or its text with "
              "the escapes of --stop",
          .set =
              [&to](const std::string& text) {
                to.push_back(unescape("--end-token", require_utf8("--end-token", text)));
                if (to.back().empty()) {
                  fail_wanted(ErrorKind::kUsage, "--end-token", "an id or some text", "none");
                }
              },
          .repeatable = true};
}

Option dtype_option(ModelOptions& to) {
  return {.name = "--dtype",
          .value = "TYPE",
          .help = "Of the weights in memory: auto, float32 (f32), bfloat16 (bf16)",
          .set =
              [&to](const std::string& text) {
                to.engine.dtype = text == "f32" ? "float32" : text == "bf16" ? "bfloat16" : text;
              },
          .choices = {"auto", "float32", "bfloat16", "f32", "bf16"}};
}

}  // namespace

Option switch_option(std::string name, std::string help, bool& to) {
  return {std::move(name), "", std::move(help), [&to](const std::string&) { to = true; }};
}

Option recorded(Option option, std::vector<std::string>& given) {
  option.set = [name = option.name, set = std::move(option.set), &given](const std::string& text) {
    set(text);
    given.push_back(name);
  };
  return option;
}

Option parse_special_option(bool& to) {
  return {.name = "--parse-special",
          .value = "on|off",
          .help =
              "Whether special tokens' text, <|endoftext|> say, is read as those tokens; off, "
              "as text like any other (default: on)",
          .set = [&to](const std::string& text) { to = text == "on"; },
          .choices = {"on", "off"}};
}

Option text_option(std::string name, std::string value, std::string help, std::string& to,
                   Completes completes) {
  return {.name = std::move(name),
          .value = std::move(value),
          .help = std::move(help),
          .set = [&to](const std::string& text) { to = text; },
          .completes = completes};
}

Option file_option(std::string name, std::string value, std::string help, std::string& to,
                   Completes completes) {
  const std::string wanted = completes == Completes::kFolder ? "a folder or a name" : "a file name";
  return {.name = name,
          .value = std::move(value),
          .help = std::move(help),
          .set =
              [name, wanted, &to](const std::string& text) {
                if (text.empty()) fail_wanted(ErrorKind::kUsage, name, wanted, "an empty one");
                to = text;
              },
          .completes = completes};
}

Option output_option(std::string name, std::string value, std::string help, std::string& to) {
  Option option = file_option(name, std::move(value), std::move(help), to);
  option.set = [name, &to](const std::string& text) {
    require_output_name(name, text);
    to = text;
  };
  return option;
}

Option device_option(EngineOptions& to) {
  Option device = text_option("--device", "DEVICE", "auto, cpu or gpu", to.device);
  device.choices = {"auto", "cpu", "gpu"};
  return device;
}

Option threads_option(EngineOptions& to) {
  return integer_option("--threads", "CPU threads (default: 0, XLSTM_THREADS or all cores)",
                        kMostThreads, to.threads);
}

Option memory_limit_option(EngineOptions& to) {
  return {"--memory-limit", "SIZE[,SIZE]",
          "Hard limit: what needs more is refused before the work starts. With two sizes the first "
          "is soft: above it caches are dropped. 512M, 1.5G, ...",
          [&to](const std::string& text) {
            const auto [soft, hard] = parse_memory_limit("--memory-limit", text);
            to.soft_memory_limit = soft;
            to.hard_memory_limit = hard;
          }};
}

OptionGroup model_option_group(ModelOptions& to, const std::string& fallback) {
  Option model =
      file_option("--model", "MODEL",
                  "A model's folder, the name of one that came with xlstm (default: " + fallback +
                      "), or a repository of Hugging Face: org/name, org/name@revision",
                  to.model, Completes::kFolder);
  model.letter = 'm';
  Option no_copy = switch_option("--no-quantized-copy",
                                 "Quantise in memory; else a copy is kept for the next time "
                                 "(xlstm cache ls)",
                                 to.no_quantized_copy);
  no_copy.needs = "--quantize";
  OptionGroup group{"Model", {model, dtype_option(to)}};
  for (const Option& option : quantize_options(to.quantize)) group.options.push_back(option);
  for (const Option& option : {no_copy, device_option(to.engine), threads_option(to.engine),
                               memory_limit_option(to.engine)}) {
    group.options.push_back(option);
  }
  return group;
}

OptionGroup divided_model_option_group(ModelOptions& to) {
  OptionGroup group = model_option_group(to);
  group.options.push_back(
      {"--devices", "N",
       "Divide the model among N GPUs (with --device cpu, N processes), by heads and columns",
       [&to](const std::string& text) {
         to.devices = static_cast<int>(parse_integer("--devices", text, 1, kMostRanks));
       }});
  return group;
}

OptionGroup answer_option_group(Request& to, std::vector<std::string>& end_tokens) {
  Option max_tokens = integer_option("--max-tokens", "End after N tokens (default: 50)",
                                     kMostTokens, to.max_tokens);
  max_tokens.letter = 'n';
  Option no_bos{"--no-bos", "", "Do not put the BOS token first",
                [&to](const std::string&) { to.add_bos = false; }};
  Option ignore_eos{"--ignore-eos", "", "Go on after the model's own end tokens",
                    [&to](const std::string&) { to.stop_at_end_token = false; }};
  return {
      "Answer",
      {max_tokens,
       number_option("--temperature", kTemperature,
                     "0 always takes the likeliest token (default: 1.0)", to.temperature),
       integer_option("--top-k", "Only the N likeliest tokens (default: 0, off)", kMostTokens,
                      to.top_k),
       number_option("--top-p", kTopP,
                     "Only the likeliest tokens that have this mass (default: 1, off)", to.top_p),
       number_option(
           "--min-p", kMinP,
           "Only tokens with this share of the likeliest one's probability (default: 0, off)",
           to.min_p),
       number_option("--repetition-penalty", kRepetition,
                     "Divides logits of seen tokens, multiplies negative ones (default: 1, off)",
                     to.repetition_penalty),
       number_option("--presence-penalty", kPenalty,
                     "Subtracted once from seen tokens (default: 0)", to.presence_penalty),
       number_option("--frequency-penalty", kPenalty,
                     "Subtracted as often as a token was seen (default: 0)", to.frequency_penalty),
       bias_option(to), seed_option(to), stop_option(to), end_token_option(end_tokens), no_bos,
       ignore_eos}};
}

OptionGroup state_option_group(StateOptions& to) {
  return {"State",
          {file_option("--load-state", "FILE", "Go on from a saved state", to.load),
           output_option("--save-state", "FILE", "Save the state at the end, whole or not at all",
                         to.save)}};
}

void check_save(const StateOptions& options) {
  if (!options.save.empty() && leads()) Session::check_can_save(options.save);
}

EngineOptions engine_options(const ModelOptions& options) {
  EngineOptions engine = options.engine;
  engine.quantization = options.quantize.format();
  if (!options.no_quantized_copy) engine.quantized_copies = default_quantized_copies();
  engine.group = this_group();
  return engine;
}

std::filesystem::path model_folder(const std::string& model, const HubOptions& hub) {
  DownloadProgress progress;
  if (!leads()) return agreed(std::string());  // one fetches for all
  return agreed(Engine::resolve(model, with_progress(hub, progress)).string());
}

namespace {

// Opens a model with `open(folder, options)`.
template <typename Open>
auto open_with_progress(const ModelOptions& options, const std::string& model, const Open& open) {
  EngineOptions engine = engine_options(options);
  const std::string folder = model_folder(model, engine.hub).string();
  ProgressBar bar("Loading");
  engine.on_load_progress = [&bar](double share) {
    throw_if_interrupted();
    bar.update(share);
  };
  engine.on_notice = [&bar](std::string_view notice) {
    bar.clear();
    write_note(str("xlstm: ", notice, "\n"));
  };
  auto opened = open(folder, engine);
  bar.clear();
  return opened;
}

}  // namespace

Engine open_engine(const ModelOptions& options) {
  return open_with_progress(options, options.model, Engine::open);
}

Forecaster open_forecaster(const ModelOptions& options) {
  return open_with_progress(options, options.model.empty() ? "tides-1m" : options.model,
                            Forecaster::open);
}

void check_logit_bias(const Request& request, const Engine& engine) {
  const std::int64_t V = engine.plan().V;
  for (const auto& [id, value] : request.logit_bias) {
    if (id >= V) {
      fail_wanted(ErrorKind::kUsage, "--logit-bias", str("a token id from 0 to ", V - 1), str(id));
    }
  }
}

std::vector<std::int32_t> end_token_ids(const std::vector<std::string>& named,
                                        const Engine& engine) {
  const std::int64_t V = engine.plan().V;
  std::vector<std::int32_t> ids;
  for (const std::string& name : named) {
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      ids.push_back(static_cast<std::int32_t>(parse_integer("--end-token", name, 0, V - 1)));
      continue;
    }
    const std::optional<TokenId> id = engine.tokenizer().single_token(name);
    if (!id || *id >= V) {
      const std::size_t count = engine.tokenizer().encode(name).size();
      fail_wanted(ErrorKind::kUsage, "--end-token", "an id, or a text that is one of its tokens",
                  str(quoted(name), ", which is ",
                      id ? "beyond the model's vocabulary" : str(count, " tokens")));
    }
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace xlstm::apps
