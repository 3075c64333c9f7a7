// xlstm info: what a model is and what it takes to run it.
#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/doctor.h"
#include "xlstm/engine/special_tokens.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::apps {
namespace {

struct InfoArguments {
  ModelOptions model;
  std::int64_t batch = 1;
  bool load = false;
  bool json = false;
};

// The machine's and this process's memory, and what the model will take of it.
struct Needs {
  MemoryNeed model;
  std::uint64_t physical, available;
  MemoryUse now;
};

Needs needs_of(const InfoArguments& options) {
  Needs needs{};
  needs.model = Engine::memory_need(options.model.model, engine_options(options.model),
                                    static_cast<int>(options.batch));
  needs.physical = physical_memory_bytes();
  needs.available = available_memory_bytes();
  needs.now = options.load ? open_engine(options.model).memory() : memory_now();
  return needs;
}

std::string token_text(const Tokenizer& tokenizer, TokenId id) {
  return str(id, " ", quoted(tokenizer.token_bytes(id)));
}

std::string tokenizer_text(const Tokenizer& tokenizer, const Plan& plan) {
  const std::optional<TokenId> begin = begin_token(tokenizer, plan);
  std::vector<std::string> ends;
  for (const TokenId id : end_tokens(tokenizer, plan)) ends.push_back(token_text(tokenizer, id));
  return fact("tokenizer", str(tokenizer.max_id() + 1, " ids, BOS ",
                               begin ? token_text(tokenizer, *begin) : "none")) +
         fact("end tokens", ends.empty() ? "none" : joined(ends));
}

// "eos_id" is the first of the end tokens.
Json tokenizer_json(const Tokenizer& tokenizer, const Plan& plan) {
  const std::optional<TokenId> begin = begin_token(tokenizer, plan);
  Json ends = Json::array();
  for (const TokenId id : end_tokens(tokenizer, plan)) {
    ends.push_back({{"id", id}, {"text", tokenizer.token_bytes(id)}});
  }
  return {{"ids", tokenizer.max_id() + 1},
          {"bos_id", begin ? Json(*begin) : Json()},
          {"eos_id", ends.empty() ? Json() : ends.front()["id"]},
          {"end_tokens", ends}};
}

std::string needs_text(const InfoArguments& options, const Needs& needs) {
  return fact("needs",
              str(human_bytes(needs.model.needed), " to run, --dtype ", options.model.engine.dtype,
                  ", batch ", options.batch, ", of ", human_bytes(needs.model.left), " left of ",
                  needs.model.of, ": ", needs.model.fits() ? "it fits" : "it does not fit")) +
         fact("machine",
              str(human_bytes(needs.physical), ", ", human_bytes(needs.available), " available")) +
         memory_text(needs.now);
}

std::string info_text(const InfoArguments& options, const Plan& plan,
                      const std::optional<Tokenizer>& tokenizer, const std::string& folder,
                      const Needs& needs) {
  return model_text(plan) + fact("folder", folder) +
         (tokenizer ? tokenizer_text(*tokenizer, plan) : fact("tokenizer", "none in the folder")) +
         needs_text(options, needs);
}

Json info_json(const Plan& plan, const std::optional<Tokenizer>& tokenizer,
               const std::string& folder, const Needs& needs) {
  Json json = model_json(plan);
  json["folder"] = folder;
  json["tokenizer"] = tokenizer ? tokenizer_json(*tokenizer, plan) : Json();
  json["memory"] = memory_json(needs.now);
  json["memory"]["estimate"] = needs.model.needed;
  json["memory"]["left"] = needs.model.left;
  json["memory"]["fits"] = needs.model.fits();
  json["memory"]["physical"] = needs.physical;
  json["memory"]["available"] = needs.available;
  return json;
}

int run_info(InfoArguments options) {
  const auto folder = model_folder(options.model.model, options.model.engine.hub);
  options.model.model = folder.string();
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const Plan& plan = checkpoint.plan;
  // A converted checkpoint may have none yet; to look at it needs none.
  std::optional<Tokenizer> tokenizer;
  if (!checkpoint.tokenizer_files.empty()) tokenizer = Tokenizer::open(folder);
  const Needs needs = needs_of(options);
  write_out(options.json ? json_line(info_json(plan, tokenizer, folder.string(), needs))
                         : info_text(options, plan, tokenizer, folder.string(), needs));
  return kExitOk;
}

}  // namespace

Command info_command() {
  const auto options = std::make_shared<InfoArguments>();
  Option batch{"--batch", "N", "Sequences at once, for the estimate (default: 1)",
               [options = options.get()](const std::string& text) {
                 options->batch = parse_integer("--batch", text, 1, 1 << 20);
               }};
  return {.name = "info",
          .summary = "What a model is and the memory it takes",
          .description = "Reads config.json and the headers of the weights, not the weights.",
          .groups = {model_option_group(options->model),
                     {"Information",
                      {batch,
                       switch_option("--load", "Load the model, to measure the memory it takes",
                                     options->load),
                       switch_option("--json", "One JSON object", options->json)}}},
          .examples = {{"xlstm info", "The embedded model."},
                       {"xlstm info --model ./xLSTM-7b --dtype bf16 --batch 4",
                        "Whether a model will fit before it is loaded."}},
          .run = [options] { return run_info(*options); }};
}

}  // namespace xlstm::apps
