#include "tests/text/case_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "xlstm/base/json.h"

namespace xlstm {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json parse(const std::string& path) {
  return Json::parse(read(path));
}

TextCase case_from(const Json& json) {
  TextCase result;
  if (json.contains("t")) {
    std::string text;
    for (int i = 0; i < json.value("n", 1); ++i) text += json["t"].get<std::string>();
    result.text = text;
  }
  if (json.contains("r")) {
    for (const Json& run : json["r"]) result.ids.insert(result.ids.end(), run[1], run[0]);
    return result;
  }
  result.ids = json["i"].get<std::vector<TokenId>>();
  result.with_special = json.contains("a") ? json["a"].get<std::vector<TokenId>>() : result.ids;
  result.ordinary = json.contains("o") ? json["o"].get<std::vector<TokenId>>() : result.ids;
  if (json.contains("d")) {
    result.decoded = json["d"].get<std::string>();
  } else {
    result.decoded = result.text;
  }
  if (json.contains("k")) {
    result.decoded_all = json["k"].get<std::string>();
  } else {
    result.decoded_all = result.decoded;
  }
  return result;
}

std::optional<TokenId> special_of(const Json& variant, const char* name) {
  if (!variant.contains("special") || !variant["special"].contains(name)) return std::nullopt;
  return variant["special"][name].get<TokenId>();
}

}  // namespace

std::vector<TextVariant> read_case_file(const std::string& name) {
  const Json file = parse(std::string(XLSTM_TEST_DATA) + "/text/" + name + ".json");
  Json base = file["tokenizer"];
  if (base.is_string()) {
    base = parse(std::string(XLSTM_SOURCE_DIR) + "/" + base.get<std::string>());
  }
  std::vector<TextVariant> variants;
  for (const Json& json : file["variants"]) {
    Json tokenizer = base;
    for (const auto& [key, value] : json["set"].items()) tokenizer[key] = value;
    variants.push_back({json["name"],
                        tokenizer.dump(),
                        {},
                        json.value("config", ""),
                        json.value("map", ""),
                        special_of(json, "bos"),
                        special_of(json, "eos"),
                        special_of(json, "pad")});
    for (const Json& one : json["cases"]) variants.back().cases.push_back(case_from(one));
  }
  return variants;
}

Tokenizer tokenizer_of(const std::string& name) {
  return Tokenizer::parse(read_case_file(name).front().tokenizer_json, "", name);
}

}  // namespace xlstm
