// Random answers under a constraint of JSON.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/grammar/vocabularies.h"
#include "xlstm/grammar/constraint.h"
#include "xlstm/grammar/token_trie.h"

namespace xlstm::test {

// Reads an answer to its end by single bytes, of which '"', '}' and ']' end what they can: whatever
// was chosen before, the end can be reached.
inline std::string closing_text(Constraint& constraint, const TokenTries& tries, TokenMask& mask) {
  std::string text;
  for (int i = 0; i < 1000 && !constraint.may_end(); ++i) {
    constraint.allow(mask);
    std::string best;
    TokenId chosen = -1;
    const std::string_view order = "\"}]:0";
    std::size_t best_rank = order.size() + 1;
    for (const TokenId id : test::ids_in(mask)) {
      const std::string_view bytes = tries.later.text(id);
      if (bytes.size() != 1) continue;
      const std::size_t rank = std::min(order.find(bytes[0]), order.size());
      if (rank < best_rank) {
        best_rank = rank;
        chosen = id;
      }
    }
    if (chosen < 0) {
      ADD_FAILURE() << "a dead end " << constraint.where();
      return text;
    }
    text += tries.later.text(chosen);
    constraint.accept(chosen);
  }
  EXPECT_TRUE(constraint.may_end()) << constraint.where();
  return text;
}

// Up to `length` random tokens, and then to the end.
inline std::string random_json_answer(Constraint& constraint, const TokenTries& tries,
                                      unsigned length, std::mt19937& random) {
  TokenMask mask(tries.V);
  std::string text;
  for (unsigned at = 0; at < length; ++at) {
    constraint.allow(mask);
    auto allowed = ids_in(mask);
    if (allowed.empty()) break;
    // Structure as often as the many tokens of a string's inside.
    if (random() % 2) {
      std::erase_if(allowed, [&](TokenId id) {
        return tries.later.text(id).find_first_of("\"{}[]:,0123456789\\") == std::string::npos;
      });
      if (allowed.empty()) allowed = ids_in(mask);
    }
    const TokenId id = allowed[random() % allowed.size()];
    text += tries.later.text(id);
    constraint.accept(id);
  }
  return text + closing_text(constraint, tries, mask);
}

}  // namespace xlstm::test
