#include "xlstm/text/pre_tokenizer.h"

#include <algorithm>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/component.h"
#include "xlstm/text/pre_tokenizer_steps.h"

namespace xlstm::text {
namespace {

using Step = std::unique_ptr<const PreTokenizerStep>;

// Flattens nested sequences.
void flatten(const Json& json, std::string_view where, std::vector<const Json*>& components) {
  if (type_of(json, where) != "Sequence") {
    components.push_back(&json);
    return;
  }
  for (const Json& part : required_array(json, "pretokenizers", where)) {
    flatten(part, where, components);
  }
}

// Each doubles the text that the one before it has spelled.
void check_byte_levels(const std::vector<const Json*>& components, std::string_view where) {
  constexpr std::ptrdiff_t kMost = 4;
  const auto count = std::count_if(
      components.begin(), components.end(),
      [&](const Json* component) { return type_of(*component, where) == "ByteLevel"; });
  if (count > kMost) {
    fail_wanted(ErrorKind::kModel, where, str("at most ", kMost, " ByteLevel steps"), str(count));
  }
}

// One level of the chain of steps.
class Chain final : public PieceSink {
 public:
  Chain(const std::vector<Step>& steps, std::size_t index, PieceSink& last)
      : steps_(steps), index_(index), last_(last) {}

  void take(const Piece& piece) override {
    if (index_ == steps_.size()) return last_.take(piece);
    Chain next(steps_, index_ + 1, last_);
    steps_[index_]->run(piece, index_ + 1 == steps_.size() ? last_ : next);
  }

 private:
  const std::vector<Step>& steps_;
  std::size_t index_;
  PieceSink& last_;
};

}  // namespace

PreTokenizer::PreTokenizer(const Json& json, std::string_view where) {
  if (json.is_null()) return;
  std::vector<const Json*> components;
  flatten(json, where, components);
  check_byte_levels(components, where);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const bool is_last = i + 1 == components.size();
    if (is_last && type_of(*components[i], where) == "ByteLevel") gives_bytes_ = true;
    add_pre_tokenizer_steps(*components[i], where, is_last, steps_);
  }
}

void PreTokenizer::run(const Piece& piece, PieceSink& sink) const {
  Chain(steps_, 0, sink).take(piece);
}

}  // namespace xlstm::text
