// What a plan says of its model, by name.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <variant>

#include "xlstm/wiring/plan.h"

namespace xlstm::testing {

inline std::int64_t size_of(const Plan& plan, std::string_view name) {
  for (const SizeFact& size : plan.sizes) {
    if (size.name == name) return size.value;
  }
  ADD_FAILURE() << "no size " << name;
  return 0;
}

// std::monostate: none.
inline std::variant<std::monostate, bool, std::int64_t, float> constant_of(const Plan& plan,
                                                                           std::string_view name) {
  for (const ConstantFact& fact : plan.constants) {
    if (fact.name == name) return fact.value;
  }
  ADD_FAILURE() << "no constant " << name;
  return {};
}

inline bool flag_of(const Plan& plan, std::string_view name) {
  return std::get<bool>(constant_of(plan, name));
}

}  // namespace xlstm::testing
