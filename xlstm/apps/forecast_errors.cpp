#include "xlstm/apps/forecast_errors.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace xlstm::apps {
namespace {

std::optional<std::string> option_name(std::string_view where) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Pair, 8> kNames = {{{"horizon", "--horizon"},
                                           {"context", "--context"},
                                           {"quantiles", "--quantiles"},
                                           {"batch", "--batch"},
                                           {"accelerated_steps", "--accelerated"},
                                           {"resample", "--resample"},
                                           {"difference_trends", "--difference-trends"},
                                           {"flip_sign", "--flip-sign"}}};
  for (const auto& [name, option] : kNames) {
    if (where == name) return std::string(option);
  }
  return {};
}

// "series 2, target 1" -> the second's name, ", target 1" behind it.
std::optional<std::string> series_name(std::string_view where, std::span<const std::string> names) {
  constexpr std::string_view kSeries = "series ", kStream = "stream";
  if (where.starts_with(kStream) && names.size() == 1) {
    return names.front() + std::string(where.substr(kStream.size()));
  }
  if (!where.starts_with(kSeries)) return {};
  where.remove_prefix(kSeries.size());
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(where.data(), where.data() + where.size(), number);
  if (problem != std::errc() || number == 0 || number > names.size()) return {};
  where.remove_prefix(static_cast<std::size_t>(end - where.data()));
  return names[number - 1] + std::string(where);
}

}  // namespace

Error in_terms_of_command(const Error& error, std::span<const std::string> series_names) {
  const std::string_view text = error.what();
  const std::size_t end = text.find("] ");
  if (!text.starts_with('[') || end == std::string_view::npos) return error;
  const std::string_view where = text.substr(1, end - 1);
  std::optional<std::string> name = option_name(where);
  if (!name) name = series_name(where, series_names);
  return name ? Error(error.kind(), *name, text.substr(end + 2)) : error;
}

}  // namespace xlstm::apps
