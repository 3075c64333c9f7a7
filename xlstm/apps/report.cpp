#include "xlstm/apps/report.h"

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/generate/statistics.h"
#include "xlstm/group/group.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::apps {
namespace {

std::string seconds(double value) {
  if (value < 1) return decimals(value * 1e3, 1) + " ms";
  return decimals(value, 2) + " s";
}

std::string rate(double tokens_per_second) {
  return decimals(tokens_per_second, tokens_per_second < 100 ? 2 : 0) + " tokens/s";
}

// The bandwidth at which decoding moves weights and state, which bounds its speed.
double decode_bytes_per_second(const Statistics& run) {
  return static_cast<double>(run.bytes_per_token) * run.decode_tokens_per_second();
}

Json speed_json(const Statistics& run) {
  return {{"load_seconds", run.load_seconds},
          {"prompt_tokens", run.prompt_tokens},
          {"generated_tokens", run.generated_tokens},
          {"prefill_seconds", run.prefill_seconds},
          {"prefill_tokens_per_second", run.prefill_tokens_per_second()},
          {"decode_seconds", run.decode_seconds},
          {"decode_tokens_per_second", run.decode_tokens_per_second()},
          {"first_token_seconds", run.first_token_seconds},
          {"bytes_per_token", run.bytes_per_token},
          {"decode_bytes_per_second", decode_bytes_per_second(run)},
          {"peak_bytes", run.peak_bytes}};
}

std::string speed_text(const Statistics& run) {
  return fact("load", seconds(run.load_seconds)) +
         fact("prompt", str(run.prompt_tokens, " tokens, ", seconds(run.prefill_seconds), ", ",
                            rate(run.prefill_tokens_per_second()))) +
         fact("answer", str(run.generated_tokens, " tokens, ", seconds(run.decode_seconds), ", ",
                            rate(run.decode_tokens_per_second()))) +
         fact("first token", seconds(run.first_token_seconds)) +
         fact("traffic",
              str(human_bytes(run.bytes_per_token), " a token, ",
                  human_bytes(static_cast<std::uint64_t>(decode_bytes_per_second(run))), "/s"));
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string fact(std::string_view label, std::string_view text) {
  constexpr std::size_t kColumn = 13;
  std::string line(label);
  line.resize(std::max(kColumn, line.size() + 1), ' ');
  return line.append(text) + "\n";
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string statistics_text(const Completion& completion, const MemoryUse& memory) {
  return speed_text(completion.statistics) + memory_text(memory) +
         fact("ended by", str(name_of(completion.stop_reason), ", seed ", completion.seed));
}

std::string interrupted_prompt_text(const Completion& completion) {
  const auto read = static_cast<std::uint64_t>(completion.statistics.prompt_tokens);
  const bool tokenising =
      completion.prompt_tokens == 0 && completion.stop_reason == StopReason::kCancelled;
  if (tokenising && completion.tokens.empty()) return "read nothing of the prompt\n";
  if (read >= completion.prompt_tokens) return "";
  return str("read ", with_commas(read), " of ", with_commas(completion.prompt_tokens),
             " tokens of the prompt\n");
}

Json statistics_json(const Completion& completion, const MemoryUse& memory) {
  Json json = speed_json(completion.statistics);
  json["memory"] = memory_json(memory);
  return json;
}

std::string memory_text(const MemoryUse& memory) {
  return fact("memory", str(human_bytes(memory.active), " active, ", human_bytes(memory.peak),
                            " peak, ", human_bytes(memory.cache), " cache")) +
         fact("process",
              str(human_bytes(memory.resident), " resident, ", human_bytes(memory.peak_resident),
                  " at most; limit ", memory.limit == 0 ? "none" : human_bytes(memory.limit)));
}

Json memory_json(const MemoryUse& memory) {
  return {{"active", memory.active},
          {"peak", memory.peak},
          {"cache", memory.cache},
          {"resident", memory.resident},
          {"peak_resident", memory.peak_resident},
          {"limit", memory.limit}};
}

std::string model_text(const Plan& plan) {
  std::string text = fact("model", plan.name) +
                     fact("family", plan.family + ", " + plan.dialect + " names") +
                     fact("parameters", with_commas(plan.parameter_count())) +
                     fact("in files", str(human_bytes(plan.bytes()), ", ", plan.dtypes()));
  if (!plan.blocks_text.empty()) text += fact("blocks", plan.blocks_text);
  if (plan.V > 0) {
    text += fact("vocabulary", str(plan.V, " rows", plan.tied_head() ? ", tied head" : ""));
  }
  return text + fact("state", human_bytes(plan.state_bytes()) + " a sequence, at every position");
}

std::string division_text(const Model& model) {
  Group* const group = model.backend().group();
  if (group == nullptr) return "";
  std::string each;
  for (const std::uint64_t bytes : group->gather(model.weight_bytes())) {
    each += str(each.empty() ? "" : ", ", human_bytes(bytes));
  }
  return fact("devices", str(group->size(), ", with weights of ", each,
                             "; parameters, files and state above are of one"));
}

Json model_json(const Plan& plan) {
  Json json = {{"name", plan.name},
               {"family", plan.family},
               {"dialect", plan.dialect},
               {"parameters", plan.parameter_count()},
               {"file_bytes", plan.bytes()},
               {"file_types", plan.dtypes()},
               {"state_bytes", plan.state_bytes()},
               {"tied_head", plan.tied_head()}};
  for (const SizeFact& size : plan.sizes) json[size.name] = size.value;
  return json;
}

}  // namespace xlstm::apps
