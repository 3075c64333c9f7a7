#include "xlstm/apps/batch_lines.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "xlstm/apps/nearest.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

constexpr std::string_view kBegin = "{\"index\":";
constexpr int kHexadecimal = 16;

[[noreturn]] void refuse(const std::string& where, std::string_view wanted, const Json& value) {
  fail_wanted(ErrorKind::kFormat, where, wanted, described(value));
}

// --- values of a line, ranges left to the engine ------------------------------------------------

template <typename Integer>
Integer whole(const Json& value, const std::string& where) {
  constexpr Integer kMost = std::numeric_limits<Integer>::max();
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMost)) {
    refuse(where, str("a whole number from 0 to ", kMost), value);
  }
  return value.get<Integer>();
}

float number(const Json& value, const std::string& where) {
  const bool good = value.is_number() &&
                    std::abs(value.get<double>()) <= double{std::numeric_limits<float>::max()};
  if (!good) refuse(where, "a finite number", value);
  return value.get<float>();
}

bool truth(const Json& value, const std::string& where) {
  if (!value.is_boolean()) refuse(where, "true or false", value);
  return value.get<bool>();
}

std::string text(const Json& value, const std::string& where) {
  if (!value.is_string()) refuse(where, "a string", value);
  return value.get<std::string>();
}

std::vector<std::string> texts(const Json& value, const std::string& where) {
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_array()) refuse(where, "a string or an array of strings", value);
  std::vector<std::string> out;
  for (const Json& each : value) out.push_back(text(each, where));
  return out;
}

std::vector<std::int32_t> ids(const Json& value, const std::string& where) {
  if (!value.is_array()) refuse(where, "an array of token ids", value);
  std::vector<std::int32_t> out;
  out.reserve(value.size());
  for (const Json& each : value) out.push_back(whole<std::int32_t>(each, where));
  return out;
}

// {"1234": -1.5, "17": "-inf"}
std::map<std::int32_t, float> biases(const Json& value, const std::string& where) {
  if (!value.is_object()) refuse(where, "an object of token ids and numbers", value);
  std::map<std::int32_t, float> out;
  for (const auto& [name, bias] : value.items()) {
    std::int32_t id = -1;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (problem != std::errc() || end != name.data() + name.size() || id < 0) {
      fail_wanted(ErrorKind::kFormat, where, "token ids as keys", quoted(name));
    }
    out[id] = bias == "-inf" ? -std::numeric_limits<float>::infinity() : number(bias, where);
  }
  return out;
}

// --- keys ---------------------------------------------------------------------------------------

struct Key {
  std::string_view name;
  void (*set)(const Json& value, const std::string& where, Request& to);
};

constexpr auto kKeys = std::to_array<Key>({
    {"prompt", [](const Json& v, const std::string& at, Request& to) { to.prompt = text(v, at); }},
    {"prompt_ids",
     [](const Json& v, const std::string& at, Request& to) { to.prompt_ids = ids(v, at); }},
    {"max_tokens", [](const Json& v, const std::string& at,
                      Request& to) { to.max_tokens = whole<std::int32_t>(v, at); }},
    {"temperature",
     [](const Json& v, const std::string& at, Request& to) { to.temperature = number(v, at); }},
    {"top_k",
     [](const Json& v, const std::string& at, Request& to) { to.top_k = whole<int>(v, at); }},
    {"top_p", [](const Json& v, const std::string& at, Request& to) { to.top_p = number(v, at); }},
    {"min_p", [](const Json& v, const std::string& at, Request& to) { to.min_p = number(v, at); }},
    {"repetition_penalty", [](const Json& v, const std::string& at,
                              Request& to) { to.repetition_penalty = number(v, at); }},
    {"presence_penalty", [](const Json& v, const std::string& at,
                            Request& to) { to.presence_penalty = number(v, at); }},
    {"frequency_penalty", [](const Json& v, const std::string& at,
                             Request& to) { to.frequency_penalty = number(v, at); }},
    {"logit_bias",
     [](const Json& v, const std::string& at, Request& to) { to.logit_bias = biases(v, at); }},
    {"seed", [](const Json& v, const std::string& at,
                Request& to) { to.seed = whole<std::uint64_t>(v, at); }},
    {"stop", [](const Json& v, const std::string& at, Request& to) { to.stop = texts(v, at); }},
    {"end_tokens",
     [](const Json& v, const std::string& at, Request& to) { to.end_tokens = ids(v, at); }},
    {"add_bos",
     [](const Json& v, const std::string& at, Request& to) { to.add_bos = truth(v, at); }},
    {"stop_at_end_token", [](const Json& v, const std::string& at,
                             Request& to) { to.stop_at_end_token = truth(v, at); }},
    {"parse_special",
     [](const Json& v, const std::string& at, Request& to) { to.parse_special = truth(v, at); }},
});

[[noreturn]] void refuse_key(const std::string& name, const std::string& where) {
  std::vector<std::string> names = {"id", "metadata"};
  for (const Key& key : kKeys) names.emplace_back(key.name);
  fail_wanted(ErrorKind::kFormat, where, "a key it knows (others may stand in \"metadata\")",
              quoted(name) + did_you_mean(name, names));
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void take_members(const Json& object, const std::string& where, Request& to) {
  for (const auto& [name, value] : object.items()) {
    if (name == "id" || name == "metadata") continue;
    const std::string& this_name = name;  // clang 14: lambdas do not capture bindings
    const auto key =
        std::ranges::find_if(kKeys, [&](const Key& each) { return each.name == this_name; });
    if (key == kKeys.end()) refuse_key(name, where);
    if (!value.is_null()) key->set(value, str(where, ": ", name), to);
  }
  const bool has_text = object.contains("prompt") && !object["prompt"].is_null();
  if (has_text == to.prompt_ids.has_value()) {
    fail_wanted(ErrorKind::kFormat, where, "one of \"prompt\" and \"prompt_ids\"",
                has_text ? "both" : "neither");
  }
}

void take_line(std::string_view line, const std::string& where, BatchPrompt& to) {
  const Json json = parse_json(line, where);
  if (json.is_string()) {
    to.request.prompt = json.get<std::string>();
    return;
  }
  if (!json.is_object()) refuse(where, "a string or an object", json);
  if (json.contains("id")) to.key.id = dumped(json["id"]);
  if (json.contains("metadata")) to.key.metadata = dumped(json["metadata"]);
  take_members(json, where, to.request);
}

std::string beginning(const BatchKey& key) {
  std::string line = str(kBegin, key.index);
  if (!key.id.empty()) line += ",\"id\":" + key.id;
  if (!key.metadata.empty()) line += ",\"metadata\":" + key.metadata;
  return line;
}

std::string ending(const BatchKey& key) {
  return ",\"request\":\"" + hexadecimal(key.request) + "\"}\n";
}

std::uint64_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

}  // namespace

std::string line_name(std::string_view file, std::uint64_t index) {
  return str(file, ", line ", index + 1);
}

BatchPrompt batch_prompt(std::string_view line, const std::string& where, const Request& defaults) {
  BatchPrompt prompt{.key = {}, .request = defaults};
  try {
    take_line(line, where, prompt);
  } catch (const Error&) {
    prompt.error = std::current_exception();
  }
  return prompt;
}

std::string answer_line(const BatchKey& key, const Completion& answer) {
  return str(beginning(key), ",\"text\":", dumped(answer.text),
             ",\"tokens\":", dumped(answer.tokens), ",\"prompt_tokens\":", answer.prompt_tokens,
             ",\"stop_reason\":\"", name_of(answer.stop_reason), "\",\"seed\":", answer.seed,
             ending(key));
}

std::string error_line(const BatchKey& key, const std::string& message) {
  return str(beginning(key), ",\"error\":", dumped(message), ending(key));
}

BatchAnswered answered_of_line(std::string_view line, const std::string& where) {
  const Json json = parse_json(line, where);
  BatchAnswered answered;
  const bool is_object = json.is_object();
  const Json index = is_object ? json.value("index", Json()) : Json();
  const Json request = is_object ? json.value("request", Json()) : Json();
  answered.failed = is_object && json.contains("error");
  bool good = index.is_number_unsigned() && request.is_string() &&
              (answered.failed || json.contains("tokens"));
  if (good) {
    answered.index = index.get<std::uint64_t>();
    const std::string hash = request.get<std::string>();
    const auto [end, problem] =
        std::from_chars(hash.data(), hash.data() + hash.size(), answered.request, kHexadecimal);
    good = problem == std::errc() && end == hash.data() + hash.size();
  }
  if (good) return answered;
  fail_wanted(ErrorKind::kFormat, where,
              "an answer of xlstm batch, an object with \"index\" and \"request\"",
              is_object ? "an object without" : described(json));
}

bool may_begin_answer(std::string_view text) {
  return text.starts_with(kBegin) || kBegin.starts_with(text);
}

std::uint64_t hash_of_options(const Request& request, const std::vector<std::string>& end_tokens,
                              std::string_view model) {
  Hash hash;
  hash.add(model);
  hash.add(static_cast<std::uint64_t>(request.max_tokens));
  hash.add(static_cast<std::uint64_t>(request.top_k));
  for (const float value :
       {request.temperature, request.top_p, request.min_p, request.repetition_penalty,
        request.presence_penalty, request.frequency_penalty}) {
    hash.add(bits(value));
  }
  hash.add(request.logit_bias.size());
  for (const auto& [id, bias] : request.logit_bias) {
    hash.add(static_cast<std::uint64_t>(id));
    hash.add(bits(bias));
  }
  hash.add(request.seed.has_value() ? 1U : 0U);
  hash.add(request.seed.value_or(0));
  for (const std::vector<std::string>* list : {&request.stop, &end_tokens}) {
    hash.add(list->size());
    for (const std::string& each : *list) hash.add(std::string_view(each));
  }
  for (const bool each : {request.add_bos, request.stop_at_end_token, request.parse_special}) {
    hash.add(each ? 1U : 0U);
  }
  return hash.value();
}

std::uint64_t hash_of_line(std::uint64_t options, std::string_view line) {
  Hash hash;
  hash.add(options);
  hash.add(line);
  return hash.value();
}

}  // namespace xlstm::apps
