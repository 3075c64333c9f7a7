#include "xlstm/grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/grammar/json_grammar.h"
#include "xlstm/grammar/regex_parser.h"

namespace xlstm::grammar {
namespace {

using Schema = nlohmann::ordered_json;  // properties come in the schema's order

constexpr std::array<std::string_view, 9> kKeywords = {
    "type",  "properties",          "required", "items", "minItems", "maxItems", "enum",
    "const", "additionalProperties"};
constexpr std::array<std::string_view, 8> kNotes = {
    "title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment"};
constexpr std::array<std::string_view, 7> kTypes = {"object",  "array",   "string", "number",
                                                    "integer", "boolean", "null"};

template <typename List>
bool has(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

[[noreturn]] void wanted(const std::string& where, std::string_view what, std::string_view got) {
  fail_wanted(ErrorKind::kUsage, where, what, got);
}

std::string short_text(const Schema& value) {
  return described(Json::parse(value.dump()));
}

bool is_of_type(const Schema& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

// One schema; `where` is its place, "schema.properties.name".
class Reader {
 public:
  Reader(const Schema& schema, std::string where) : schema_(schema), where_(std::move(where)) {}

  Expression read() const {
    if (schema_ == Schema(true)) return json_value();
    if (!schema_.is_object()) wanted(where_, "an object or true", short_text(schema_));
    check_keywords();
    const std::vector<std::string> types = read_types();
    if (schema_.contains("enum") || schema_.contains("const")) return read_values(types);
    if (types.empty()) return json_value();
    std::vector<Expression> parts;
    for (const std::string& type : types) parts.push_back(read_type(type));
    return choice(std::move(parts));
  }

 private:
  std::string inside(std::string_view key) const { return str(where_, ".", key); }

  void check_keywords() const {
    for (const auto& [key, value] : schema_.items()) {
      if (has(kNotes, key)) continue;
      if (!has(kKeywords, key)) {
        std::string known;
        for (const std::string_view each : kKeywords) known += str(known.empty() ? "" : ", ", each);
        wanted(where_, str("keywords that we have (", known, ")"), quoted(key));
      }
    }
    const auto additional = schema_.find("additionalProperties");
    if (additional != schema_.end() && *additional != Schema(false)) {
      wanted(inside("additionalProperties"), "false", short_text(*additional));
    }
  }

  std::vector<std::string> read_types() const {
    std::vector<std::string> types;
    const auto found = schema_.find("type");
    if (found == schema_.end()) {
      for (const char* key :
           {"properties", "required", "additionalProperties", "items", "minItems", "maxItems"}) {
        if (schema_.contains(key)) wanted(where_, str("a type beside ", quoted(key)), "none");
      }
      return types;
    }
    const Schema list = found->is_array() ? *found : Schema::array({*found});
    if (list.empty()) wanted(inside("type"), "at least one type", "none");
    for (const Schema& name : list) {
      if (!name.is_string() || !has(kTypes, name.get<std::string>())) {
        wanted(
            inside("type"),
            "\"object\", \"array\", \"string\", \"number\", \"integer\", \"boolean\" or \"null\"",
            short_text(name));
      }
      types.push_back(name.get<std::string>());
    }
    return types;
  }

  // Of enum and const, those that all keywords allow.
  Expression read_values(const std::vector<std::string>& types) const {
    const auto all = schema_.find("enum");
    const auto one = schema_.find("const");
    if (all != schema_.end() && !all->is_array()) {
      wanted(inside("enum"), "an array", short_text(*all));
    }
    const Schema values = all != schema_.end() ? *all : Schema::array({*one});
    std::vector<Expression> parts;
    for (const Schema& value : values) {
      const bool has_type =
          types.empty() || std::any_of(types.begin(), types.end(),
                                       [&](auto& type) { return is_of_type(value, type); });
      const bool is_one = one == schema_.end() || value == *one;
      if (has_type && is_one) parts.push_back(literal(value.dump()));
    }
    if (parts.empty()) wanted(where_, "a value that enum, const and type allow", "none");
    return choice(std::move(parts));
  }

  Expression read_type(const std::string& type) const {
    if (type == "object") return read_object();
    if (type == "array") return read_array();
    if (type == "string") return json_string();
    if (type == "number") return json_number();
    if (type == "integer") return json_integer();
    return parse_regex(type == "boolean" ? "true|false" : "null");
  }

  struct Member {
    Expression expression;
    bool is_required;
  };

  std::vector<std::string> read_required(const Schema& properties) const {
    std::vector<std::string> names;
    const auto found = schema_.find("required");
    if (found == schema_.end()) return names;
    if (!found->is_array()) wanted(inside("required"), "an array", short_text(*found));
    for (const Schema& name : *found) {
      if (!name.is_string() || !properties.contains(name.get<std::string>())) {
        wanted(inside("required"), "names of properties", short_text(name));
      }
      names.push_back(name.get<std::string>());
    }
    return names;
  }

  Expression read_object() const {
    const auto found = schema_.find("properties");
    const Schema properties = found == schema_.end() ? Schema::object() : *found;
    if (!properties.is_object()) wanted(inside("properties"), "an object", short_text(properties));
    const std::vector<std::string> required = read_required(properties);
    if (found == schema_.end() && !schema_.contains("additionalProperties")) return json_object();
    std::vector<Member> members;
    for (const auto& [name, schema] : properties.items()) {
      const Expression value = Reader(schema, str(inside("properties"), ".", quoted(name))).read();
      members.push_back({json_member(literal(Schema(name).dump()), value), has(required, name)});
    }
    if (members.empty()) return sequence({literal("{"), json_gap(), literal("}")});
    return sequence({literal("{"), json_rest_of_list(list_of(members), "}")});
  }

  // The members from `first` on behind another one.
  static void append_rest(const std::vector<Member>& members, std::size_t first,
                          std::vector<Expression>& parts) {
    for (std::size_t i = first; i < members.size(); ++i) {
      Expression item = json_after_comma(members[i].expression);
      parts.push_back(members[i].is_required ? std::move(item) : repeat(std::move(item), 0, 1));
    }
  }

  static Expression list_of(const std::vector<Member>& members) {
    const auto required = static_cast<std::size_t>(
        std::find_if(members.begin(), members.end(), [](auto& each) { return each.is_required; }) -
        members.begin());
    std::vector<Expression> parts;
    if (required < members.size()) {  // commas stand behind what comes before it
      for (std::size_t i = 0; i < required; ++i) {
        parts.push_back(repeat(sequence({members[i].expression, literal(","), json_gap()}), 0, 1));
      }
      parts.push_back(members[required].expression);
      append_rest(members, required + 1, parts);
      return sequence(std::move(parts));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {  // the first that is there
      std::vector<Expression> way = {members[i].expression};
      append_rest(members, i + 1, way);
      parts.push_back(sequence(std::move(way)));
    }
    return repeat(choice(std::move(parts)), 0, 1);
  }

  std::uint32_t read_count(const char* key, std::uint32_t otherwise) const {
    constexpr std::int64_t kMost = 10'000;
    const auto found = schema_.find(key);
    if (found == schema_.end()) return otherwise;
    const bool is_count = found->is_number_integer() && found->get<double>() >= 0 &&
                          found->get<double>() <= static_cast<double>(kMost);
    if (!is_count) wanted(inside(key), str("a whole number from 0 to ", kMost), short_text(*found));
    return found->get<std::uint32_t>();
  }

  Expression read_array() const {
    const std::uint32_t least = read_count("minItems", 0),
                        most = read_count("maxItems", kUnbounded);
    if (least > most) wanted(inside("maxItems"), str("at least minItems, ", least), str(most));
    const auto found = schema_.find("items");
    if (found == schema_.end() && least == 0 && most == kUnbounded) return json_array();
    const Expression item =
        found == schema_.end() ? json_value() : Reader(*found, inside("items")).read();
    if (most == 0) return sequence({literal("["), json_gap(), literal("]")});
    const Expression items =
        sequence({item, repeat(json_after_comma(item), least == 0 ? 0 : least - 1,
                               most == kUnbounded ? kUnbounded : most - 1)});
    return sequence({literal("["), json_rest_of_list(repeat(items, least == 0 ? 0 : 1, 1), "]")});
  }

  const Schema& schema_;
  std::string where_;
};

}  // namespace

Grammar schema_grammar(std::string_view schema) {
  parse_json(schema, "schema");  // refuses what is malformed, too deep, or given twice
  const Schema parsed = Schema::parse(schema);
  return json_grammar_of(Reader(parsed, "schema").read());
}

}  // namespace xlstm::grammar
