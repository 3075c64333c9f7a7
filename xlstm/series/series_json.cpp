#include "xlstm/series/series_json.h"

#include <array>
#include <cmath>
#include <limits>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/series/calendar.h"

namespace xlstm {
namespace {

[[noreturn]] void refuse(const std::string& where, std::string_view wanted, const Json& got) {
  fail_wanted(ErrorKind::kFormat, where, wanted, described(got));
}

float value_of(const Json& json, const std::string& where) {
  if (json.is_null()) return std::numeric_limits<float>::quiet_NaN();
  if (!json.is_number()) refuse(where, "numbers, or null for a missing one", json);
  const double value = json.get<double>();
  if (std::abs(value) > std::numeric_limits<float>::max()) refuse(where, "float32 numbers", json);
  return static_cast<float>(value);
}

std::vector<float> values_of(const Json& json, const std::string& where) {
  if (!json.is_array()) refuse(where, "an array of numbers", json);
  std::vector<float> out;
  out.reserve(json.size());
  for (const Json& value : json) out.push_back(value_of(value, where));
  return out;
}

// Rows without names, or with those of an object. A row alone need not be in another array.
std::vector<NamedValues> rows_of(const Json& json, const std::string& where) {
  std::vector<NamedValues> out;
  if (json.is_object()) {
    for (const auto& row : json.items()) out.push_back({row.key(), values_of(row.value(), where)});
    return out;
  }
  if (!json.is_array()) refuse(where, "an array", json);
  const bool nested = !json.empty() && json.front().is_array();
  if (!nested) return {{"", values_of(json, where)}};
  for (const Json& row : json) out.push_back({"", values_of(row, where)});
  return out;
}

const Json* member(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Json& json, const std::string& where) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number()) return json.dump();
  refuse(where, "a text or a number", json);
}

NamedStep step_of(const Json& json, const TimePoint& start, const std::string& where) {
  const bool number = start.style.form == TimeForm::kNumber;
  if (number && json.is_number() && json.get<double>() > 0) {
    return {TimeUnit::kNumber, json.get<double>()};
  }
  const auto named =
      number || !json.is_string() ? std::nullopt : parse_step(json.get<std::string>());
  if (named) return *named;
  refuse(where, number ? "a number above 0" : "a step: month, 15 minutes, D, ...", json);
}

// Digits behind the point of a number as people write it.
int digits_of(double number) {
  constexpr int kMost = 12;
  int digits = 0;
  for (double scaled = number; digits < kMost; ++digits, scaled *= 10) {
    if (std::abs(scaled - std::round(scaled)) <= 1e-9 * scaled) break;
  }
  return digits;
}

// Of a day; a month or quarter has none.
bool is_last_of_month(const TimePoint& time) {
  const bool day = time.style.form == TimeForm::kDate || time.style.form == TimeForm::kDateTime;
  return day && time.day == last_of_month(time.day);
}

std::optional<Timeline> times_of(const Json& json, const std::string& where) {
  const Json *start = member(json, "start"), *step = member(json, "step");
  if (start == nullptr) {
    if (step != nullptr) fail_wanted(ErrorKind::kFormat, where, "start beside step", "none");
    return {};
  }
  const std::optional<TimePoint> first = parse_time(text_of(*start, where + ", start"));
  if (!first) refuse(where + ", start", "a time: a number, 2020-03, 2020-03-31, ...", *start);
  const NamedStep each =
      step == nullptr ? usual_step(first->style.form) : step_of(*step, *first, where + ", step");
  std::optional<TimePoint> shown = shown_with(*first, each);
  if (!shown) refuse(where + ", step", "days or weeks, as start is a week", *step);
  if (each.unit == TimeUnit::kNumber) {
    shown->style.digits = std::max(shown->style.digits, digits_of(each.count));
  }
  const bool month_ends = each.month_ends && is_last_of_month(*shown);
  return Timeline(*shown, each.unit, each.count, month_ends);
}

void check_keys(const Json& json, const std::string& where) {
  constexpr std::array<std::string_view, 6> kKeys = {"target", "past",  "known",
                                                     "id",     "start", "step"};
  for (const auto& item : json.items()) {
    if (std::ranges::find(kKeys, item.key()) != kKeys.end()) continue;
    fail_wanted(ErrorKind::kFormat, where, "target, past, known, id, start, step",
                quoted(item.key()));
  }
}

void check_lengths(const TimedSeries& series) {
  const std::size_t length = series.length();
  const auto check = [&](const std::vector<NamedValues>& rows, bool longer, std::string_view kind) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t size = rows[r].values.size();
      if (longer ? size >= length : size == length) continue;
      fail_wanted(ErrorKind::kFormat, str(series.where, ", ", kind, " ", r + 1),
                  str(longer ? "at least " : "", length, " values, as the first target has"),
                  str(size));
    }
  };
  check(series.targets, false, "target");
  check(series.past, false, "past");
  check(series.known, true, "known");
}

bool is_whole_value(std::string_view line) {
  return Json::accept(line);
}

std::vector<TimedSeries> series_of_text(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where);
  const bool many = json.is_array() && !json.empty() && json.front().is_structured();
  if (!many) return {series_of_json(json, where)};
  std::vector<TimedSeries> out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    out.push_back(series_of_json(json[i], str(where, ", series ", i + 1)));
  }
  return out;
}

}  // namespace

TimedSeries series_of_json(const Json& json, const std::string& where) {
  TimedSeries out;
  out.where = where;
  if (json.is_array()) {
    out.targets = {{"", values_of(json, where)}};
    return out;
  }
  if (!json.is_object()) refuse(where, "an object with a target, or an array of numbers", json);
  check_keys(json, where);
  if (const Json* id = member(json, "id")) out.id = text_of(*id, where + ", id");
  const Json* target = member(json, "target");
  if (target == nullptr) fail_wanted(ErrorKind::kFormat, where, "a target", "none");
  out.targets = rows_of(*target, where + ", target");
  if (out.targets.empty()) fail_wanted(ErrorKind::kFormat, where, "a target", "none");
  if (const Json* past = member(json, "past")) out.past = rows_of(*past, where + ", past");
  if (const Json* known = member(json, "known")) out.known = rows_of(*known, where + ", known");
  out.times = times_of(json, where);
  check_lengths(out);
  return out;
}

std::vector<TimedSeries> read_series_json(std::string_view text, const std::string& where) {
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::string_view first_line = text.substr(first, text.find('\n', first) - first);
  const bool one_alone =
      text.find_first_not_of(" \t\r\n", first + first_line.size()) == std::string_view::npos;
  if (one_alone || !is_whole_value(first_line)) return series_of_text(text, where);
  std::vector<TimedSeries> out;
  std::size_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string name = str(where, ", line ", number);
    out.push_back(series_of_json(parse_json(line, name), name));
  }
  return out;
}

}  // namespace xlstm
