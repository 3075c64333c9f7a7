// Answers under a JSON schema, against a check of the answer as the schema's words have it.
#include "xlstm/grammar/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/grammar/json_answers.h"
#include "tests/grammar/vocabularies.h"
#include "tests/support/expect_error.h"
#include "xlstm/grammar/json_constraint.h"

namespace xlstm {
namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return value.is_number_integer() ||  // beyond 64 bits a double
         (value.is_number() && std::abs(value.get<double>()) > 1e18);
}

bool fits(const json& value, const json& schema) {
  if (schema.is_boolean()) return true;
  if (schema.contains("type")) {
    const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
    if (std::none_of(types.begin(), types.end(),
                     [&](const json& type) { return has_type(value, type.get<std::string>()); })) {
      return false;
    }
  }
  if (schema.contains("const") && value != schema["const"]) return false;
  if (schema.contains("enum")) {
    const json& all = schema["enum"];
    if (std::find(all.begin(), all.end(), value) == all.end()) return false;
  }
  if (value.is_array()) {
    if (value.size() < schema.value("minItems", 0U)) return false;
    if (schema.contains("maxItems") && value.size() > schema["maxItems"]) return false;
    for (const json& item : value) {
      if (schema.contains("items") && !fits(item, schema["items"])) return false;
    }
  }
  if (value.is_object() && schema.contains("properties")) {
    for (const auto& [name, member] : value.items()) {
      if (!schema["properties"].contains(name)) return false;
      if (!fits(member, schema["properties"][name])) return false;
    }
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name.get<std::string>())) return false;
    }
  }
  return true;
}

const std::vector<std::string>& schemas() {
  static const auto& all = *new std::vector<std::string>{
      "true",
      "{}",
      R"({"type": "string"})",
      R"({"type": ["integer", "null"]})",
      R"({"enum": ["a \"é", 1, null, {"b": [2]}]})",
      R"({"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3})",
      R"({"type": "array", "minItems": 2})",
      R"({"type": "array", "maxItems": 0})",
      R"({"type": "array", "items": {"type": "array", "items": {"type": "number"}}})",
      R"({"type": "object"})",
      R"({"type": "object", "properties": {}, "additionalProperties": false})",
      R"({"type": "object", "properties": {"a": {"type": "integer"}}})",
      R"({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}})",
      R"({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["b"]})",
      R"({"type": "object", "title": "a whale", "required": ["name", "tags"], "properties": {
          "name": {"type": "string"}, "length": {"type": ["number", "null"]},
          "tags": {"type": "array", "items": {"enum": ["white", "grey"]}},
          "at": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"const": 0}},
                 "required": ["x", "y"]}}})"};
  return all;
}

bool accepts(const std::string& schema, const std::string& text) {
  const auto constraint = json_schema_constraint(schema, test::byte_tries());
  return test::reads(*constraint, text) && constraint->may_end();
}

TEST(JsonSchema, RandomAnswersFit) {
  const Tokenizer tokenizer = Tokenizer::open(test::classics_folder());
  const auto tries = TokenTries::of(tokenizer, tokenizer.max_id() + 1);
  std::mt19937 random(17);
  for (const std::string& schema : schemas()) {
    SCOPED_TRACE(schema);
    const auto start = json_schema_constraint(schema, tries);
    for (int i = 0; i < 30; ++i) {
      const std::string text =
          test::random_json_answer(*start->clone(), *tries, random() % 60, random);
      ASSERT_TRUE(json::accept(text)) << text;
      EXPECT_TRUE(fits(json::parse(text), json::parse(schema))) << text;
    }
  }
}

// All values put together of a few, which fit as their schema says.
TEST(JsonSchema, TakesJustWhatFits) {
  std::vector<std::string> values = {"null",      "true", "1",  "-2.5", "\"x\"",
                                     "\"white\"", "0",    "[]", "{}"};
  for (const char* item : {"true", "1", "\"white\"", "[1,2.5]", "[[1],[]]"}) {
    values.push_back(str("[", item, "]"));
    values.push_back(str("[", item, ",", item, "]"));
    values.push_back(str("[", item, ",", item, ",false,", item, "]"));
  }
  for (unsigned names = 1; names < 8; ++names) {
    for (const char* value : {"1", "\"x\""}) {
      std::string text = "{";
      for (unsigned i = 0; i < 3; ++i) {
        if (!(names >> i & 1)) continue;
        text += str(text.size() > 1 ? "," : "", '"', "abc"[i], "\":", value);
      }
      values.push_back(text + "}");
    }
  }
  for (const char* text :
       {R"({"name":"x","tags":[]})", R"({"name":"x","length":1e3,"tags":["white","grey"]})",
        R"({"name":"x","tags":["red"]})", R"({"tags":[]})", R"({"name":1,"tags":[]})",
        R"({"name":"x","tags":[],"at":{"x":1,"y":0}})", R"({"name":"x","tags":[],"at":{"x":1}})",
        R"({"name":"x","tags":[],"at":{"x":1,"y":1}})", R"({"b":[2]})", R"("a \"é")",
        R"({"z":1})"}) {
    values.emplace_back(text);
  }
  for (const std::string& schema : schemas()) {
    for (const std::string& value : values) {
      EXPECT_EQ(accepts(schema, value), fits(json::parse(value), json::parse(schema)))
          << schema << "\n"
          << value;
    }
  }
}

TEST(JsonSchema, WritesPropertiesInItsOrder) {
  const std::string schema = R"({"type": "object", "properties": {"z": {}, "a": {}}})";
  EXPECT_TRUE(accepts(schema, R"({"z":1,"a":2})"));
  EXPECT_FALSE(accepts(schema, R"({"a":2,"z":1})"));
  EXPECT_TRUE(accepts(schema, "{\n  \"z\": 1,\n  \"a\": 2\n}"));
}

TEST(JsonSchema, RefusesWhatItDoesNotHave) {
  const std::vector<std::vector<std::string>> cases = {
      {"false", "[schema] wanted an object or true"},
      {"[1]", "[schema] wanted an object or true, got an array"},
      {R"({"pattern": "a"})", "[schema] wanted keywords that we have (type", "got \"pattern\""},
      {R"({"type": "object", "properties": {"a": {"minimum": 1}}})", "[schema.properties.\"a\"]",
       "\"minimum\""},
      {R"({"type": "text"})", "[schema.type] wanted \"object\"", "\"text\""},
      {R"({"type": []})", "[schema.type] wanted at least one type"},
      {R"({"type": [1]})", "[schema.type]", "a number: 1"},
      {R"({"properties": {}})", "[schema] wanted a type beside \"properties\""},
      {R"({"additionalProperties": false})", "wanted a type beside \"additionalProperties\""},
      {R"({"type": "object", "properties": 1})", "[schema.properties] wanted an object"},
      {R"({"type": "object", "required": ["a"]})", "[schema.required] wanted names of properties"},
      {R"({"type": "object", "properties": {}, "required": 1})",
       "[schema.required] wanted an array"},
      {R"({"type": "object", "additionalProperties": true})", "[schema.additionalProperties]"},
      {R"({"type": "array", "items": {"type": "array", "items": false}})",
       "[schema.items.items] wanted an object or true"},
      {R"({"type": "array", "minItems": -1})", "[schema.minItems] wanted a whole number"},
      {R"({"type": "array", "maxItems": 1.5})", "[schema.maxItems] wanted a whole number"},
      {R"({"type": "array", "maxItems": 10001})", "[schema.maxItems] wanted a whole number"},
      {R"({"type": "array", "minItems": 2, "maxItems": 1})", "[schema.maxItems] wanted at least"},
      {R"({"enum": []})", "[schema] wanted a value that enum, const and type allow"},
      {R"({"enum": 1})", "[schema.enum] wanted an array"},
      {R"({"type": "string", "enum": [1, 2]})", "wanted a value that enum, const and type allow"},
      {R"({"const": 1, "enum": [2]})", "wanted a value that enum, const and type allow"},
      {R"({"type": "array", "minItems": 10000})", "[constraint]", "50000 states"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each[0]);
    expect_error(ErrorKind::kUsage, {each.begin() + 1, each.end()},
                 [&] { json_schema_constraint(each[0], test::byte_tries()); });
  }
  for (const char* text : {"", "{", R"({"type": "string", "type": "null"})"}) {
    expect_error(ErrorKind::kFormat, {"schema"},
                 [&] { json_schema_constraint(text, test::byte_tries()); });
  }
}

// A dozen properties of which none is required are still not too many.
TEST(JsonSchema, TakesADozenOptionalProperties) {
  std::string properties;
  for (char name = 'a'; name < 'm'; ++name) {
    properties += str(properties.empty() ? "" : ",", '"', name, "\":{\"type\":\"string\"}");
  }
  const std::string schema = str(R"({"type":"object","properties":{)", properties, "}}");
  EXPECT_TRUE(accepts(schema, "{}"));
  EXPECT_TRUE(accepts(schema, R"({"b":"","l":"x"})"));
  EXPECT_FALSE(accepts(schema, R"({"l":"","b":"x"})"));
}

}  // namespace
}  // namespace xlstm
