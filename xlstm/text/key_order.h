// The order in which an object's keys stand in a file: where it decides which of several new tokens
// comes first. Json sorts them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xlstm::text {

// Of the object that `json`, well-formed, is, or of the object that its member `member` is. Empty
// where there is none.
std::vector<std::string> key_order(std::string_view json, std::string_view member = "");

}  // namespace xlstm::text
