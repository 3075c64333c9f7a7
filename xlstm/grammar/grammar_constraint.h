// An answer that follows a grammar.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "xlstm/grammar/constraint.h"
#include "xlstm/grammar/token_masks.h"

namespace xlstm::grammar {

class GrammarConstraint final : public Constraint {
 public:
  explicit GrammarConstraint(std::shared_ptr<TokenMasks> masks);

  std::unique_ptr<Constraint> clone() const override;
  void allow(TokenMask& mask) override;
  void accept(TokenId id) override;
  bool may_end() const override;
  std::string where() const override;

 private:
  std::shared_ptr<TokenMasks> masks_;
  Place place_;
  bool is_first_token_ = true;
  std::string last_bytes_;   // of the answer
  std::uint64_t bytes_ = 0;  // of all of it
};

}  // namespace xlstm::grammar
