#include "xlstm/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/base/yaml_scalar.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostBytes = 1'000'000;

// Takes the parser's events; the method names are the library's.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view where, const JsonLimits& limits) : where_(where), limits_(limits) {}

  Json take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override { at(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    at(mark);
    if (expects_key()) wanted("a key", "none");
    add({nullptr, 1}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    at(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) wanted("an alias of a value that is complete", "another");
    if (expects_key()) wanted("a key that is a scalar", "an alias");
    add(found->second, YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    at(mark);
    if (utf8_first_error(value) != std::string::npos) wanted("text in UTF-8", quoted(value));
    if (expects_key()) return take_key(tag, value);
    const bool plain = tag == "?" || (tag.starts_with(kOwnTags) && tag != kText);
    if (!plain) check_tag(tag, kText);
    std::optional<Json> scalar = plain ? yaml_scalar(value) : Json(value);
    if (!scalar) wanted("a number that JSON can hold", quoted(value));
    add({std::move(*scalar), 1}, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    at(mark);
    check_tag(tag, "tag:yaml.org,2002:seq");
    open(Json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    at(mark);
    check_tag(tag, "tag:yaml.org,2002:map");
    open(Json::object(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  static constexpr std::string_view kOwnTags = "tag:yaml.org,2002:";
  static constexpr std::string_view kText = "tag:yaml.org,2002:str";

  struct Counted {
    Json value;
    std::size_t values = 0;  // in it, with itself
  };
  // An array or object that is not complete.
  struct Open {
    Counted made;
    YAML::anchor_t anchor;
    std::optional<std::string> key = std::nullopt;
  };

  void at(const YAML::Mark& mark) { line_ = mark.line + 1; }
  [[noreturn]] void wanted(std::string_view wanted, std::string_view got) const {
    fail_wanted(ErrorKind::kFormat, str(where_, ", line ", line_), wanted, got);
  }

  // "?" is none, "!" stands for quotes; scalars of YAML's own types are read as if they had none.
  void check_tag(const std::string& tag, std::string_view own) const {
    if (tag.empty() || tag == "?" || tag == "!" || tag == own) return;
    wanted("plain values (nothing is constructed)", str("the tag ", quoted(tag)));
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().made.value.is_object() && !open_.back().key;
  }

  void take_key(const std::string& tag, const std::string& key) {
    check_tag(tag, kText);
    if (key == "<<" && tag == "?") wanted("keys of its own", "<<, which merges others");
    if (open_.back().made.value.contains(key)) wanted("each key once", quoted(key) + " again");
    open_.back().key = key;
  }

  void count(std::size_t more) {
    values_ += more;
    if (values_ > limits_.max_values) {
      wanted(str("at most ", limits_.max_values, " values"), "more (with aliases)");
    }
  }

  void add(Counted made, YAML::anchor_t anchor) {
    count(made.values);
    if (anchor != YAML::NullAnchor) {
      count(made.values);
      anchors_[anchor] = made;
    }
    if (open_.empty()) {
      root_ = std::move(made.value);
      return;
    }
    Open& in = open_.back();
    in.made.values += made.values;
    if (in.made.value.is_array()) {
      in.made.value.push_back(std::move(made.value));
    } else {
      in.made.value[*in.key] = std::move(made.value);
      in.key.reset();
    }
  }

  void open(Json container, YAML::anchor_t anchor) {
    if (expects_key()) wanted("a key that is a scalar", "a list or a map");
    if (open_.size() >= limits_.max_depth) {
      wanted(str("values nested at most ", limits_.max_depth, " deep"), "deeper nesting");
    }
    open_.push_back({{std::move(container), 1}, anchor});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    // Its values were counted one by one.
    values_ -= done.made.values - 1;
    add(std::move(done.made), done.anchor);
  }

  std::string_view where_;
  const JsonLimits& limits_;
  int line_ = 1;
  std::size_t values_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Counted> anchors_;
  Json root_;
};

}  // namespace

Json parse_yaml(std::string_view text, std::string_view where, const JsonLimits& limits) {
  if (text.size() > kMostBytes) {
    fail_wanted(ErrorKind::kFormat, where, str("at most ", kMostBytes, " bytes of YAML"),
                str(text.size()));
  }
  if (utf8_first_error(text) != std::string_view::npos) {
    fail_wanted(ErrorKind::kFormat, where, "UTF-8", "other bytes");
  }
  Builder builder(where, limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Json root = builder.take_root();
    if (parser.HandleNextDocument(builder)) {
      fail_wanted(ErrorKind::kFormat, where, "one YAML document", "several");
    }
    return root;
  } catch (const YAML::Exception& error) {
    fail(ErrorKind::kFormat, where,
         str("malformed YAML at line ", error.mark.line + 1, ", column ", error.mark.column + 1,
             ": ", utf8_repaired(error.msg)));
  }
}

}  // namespace xlstm
