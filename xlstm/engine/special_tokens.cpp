#include "xlstm/engine/special_tokens.h"

#include <algorithm>
#include <cstdint>

namespace xlstm {
namespace {

bool is_usable(std::int64_t id, const Tokenizer& tokenizer, const Plan& plan) {
  return id >= 0 && id < plan.V && tokenizer.has_token(static_cast<TokenId>(id));
}

void add(std::int64_t id, std::vector<TokenId>& ids) {
  const auto token = static_cast<TokenId>(id);
  if (std::find(ids.begin(), ids.end(), token) == ids.end()) ids.push_back(token);
}

}  // namespace

std::optional<TokenId> begin_token(const Tokenizer& tokenizer, const Plan& plan) {
  const auto usable = [&](const auto& id) { return id && is_usable(*id, tokenizer, plan); };
  if (usable(tokenizer.named_bos_id())) return tokenizer.named_bos_id();
  if (usable(plan.bos_id)) return static_cast<TokenId>(*plan.bos_id);
  if (usable(tokenizer.bos_id())) return tokenizer.bos_id();
  return std::nullopt;
}

std::vector<TokenId> end_tokens(const Tokenizer& tokenizer, const Plan& plan) {
  std::vector<TokenId> named, ordinary;
  for (const TokenId id : tokenizer.named_end_ids()) {
    if (is_usable(id, tokenizer, plan)) add(id, named);
  }
  for (const std::int64_t id : plan.eos_ids) {
    if (!is_usable(id, tokenizer, plan)) continue;
    add(id, tokenizer.is_added(static_cast<TokenId>(id)) ? named : ordinary);
  }
  if (!named.empty()) return named;
  if (!ordinary.empty()) return ordinary;
  if (const auto id = tokenizer.eos_id(); id && is_usable(*id, tokenizer, plan)) return {*id};
  return {};
}

}  // namespace xlstm
