#include "xlstm/grammar/grammar_constraint.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/grammar/describe_bytes.h"

namespace xlstm::grammar {
namespace {

constexpr std::size_t kShownBytes = 40;

}  // namespace

GrammarConstraint::GrammarConstraint(std::shared_ptr<TokenMasks> masks)
    : masks_(std::move(masks)), place_(masks_->start()) {}

std::unique_ptr<Constraint> GrammarConstraint::clone() const {
  return std::make_unique<GrammarConstraint>(*this);
}

void GrammarConstraint::allow(TokenMask& mask) {
  if (mask.V() != masks_->V()) {
    fail_wanted(ErrorKind::kUsage, "constraint", str("a mask of ", masks_->V(), " ids"),
                str("one of ", mask.V()));
  }
  masks_->allow(place_, is_first_token_, mask);
}

void GrammarConstraint::accept(TokenId id) {
  const std::string_view text = masks_->text(id, is_first_token_);
  if (text.empty() || !masks_->advance(place_, text)) {
    fail_wanted(ErrorKind::kUsage, "constraint", where(),
                text.empty() ? str("token ", id, ", which adds no text")
                             : str("token ", id, ": ", quoted(text)));
  }
  is_first_token_ = false;
  bytes_ += text.size();
  last_bytes_ += text;
  if (last_bytes_.size() > kShownBytes) last_bytes_.erase(0, last_bytes_.size() - kShownBytes);
}

bool GrammarConstraint::may_end() const {
  return masks_->is_end(place_);
}

std::string GrammarConstraint::where() const {
  const std::string next = describe_bytes(masks_->next_bytes(place_), may_end());
  if (bytes_ == 0) return str("at the start: ", next);
  return str("after ", bytes_ > last_bytes_.size() ? "..." : "", quoted(last_bytes_), " (", bytes_,
             bytes_ == 1 ? " byte): " : " bytes): ", next);
}

}  // namespace xlstm::grammar
