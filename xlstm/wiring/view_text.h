// How the views write names and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "xlstm/base/numbers.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

std::string grouped(std::uint64_t number);     // "6,865,424,896"
std::string printable(std::string_view text);  // UTF-8 without control characters

// "blocks.3.mlstm" -> "blocks.3" and "mlstm"; "lm_head" -> "" and "lm_head".
std::string_view group_of(const Layer& layer);
std::string_view short_name(const Layer& layer);
// "blocks.3.mlstm.norm.weight" -> "norm.weight"
std::string_view short_name(const Parameter& parameter, const Layer& layer);
std::string format_text(const Parameter& parameter);  // "4-bit/64"; empty where it is not quantised

// "xlstm-large (hf): V 4096, D 256, ..." and "norm eps 1e-06, ..."
std::string sizes_line(const Plan& plan);
std::string constants_line(const Plan& plan);

}  // namespace xlstm
