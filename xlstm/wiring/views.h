// A plan as people and programs read it.
#pragma once

#include <string>

#include "xlstm/wiring/plan.h"

namespace xlstm {

enum class TreeStyle { kUnicode, kAscii };

std::string tree_view(const Plan& plan, TreeStyle style);
std::string json_view(const Plan& plan);  // one object; numbers exact; ends without newline
std::string dot_view(const Plan& plan);   // Graphviz

}  // namespace xlstm
