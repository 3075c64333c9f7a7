// Steps by their names.
#include <array>

#include "xlstm/base/numbers.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/timeline.h"

namespace xlstm {
namespace {

struct UnitName {
  std::string_view word;    // "minute", "minutes"
  std::string_view letter;  // as data frames have it: "min"
  TimeUnit unit;
  double count;  // of units in one
};

constexpr double kSecond = 1e6;
constexpr std::array<UnitName, 9> kUnitNames = {{
    {"second", "s", TimeUnit::kMicrosecond, kSecond},
    {"minute", "min", TimeUnit::kMicrosecond, 60 * kSecond},
    {"hour", "h", TimeUnit::kMicrosecond, 3600 * kSecond},
    {"day", "D", TimeUnit::kDay, 1},
    {"business day", "B", TimeUnit::kBusinessDay, 1},
    {"week", "W", TimeUnit::kDay, 7},
    {"month", "M", TimeUnit::kMonth, 1},
    {"quarter", "Q", TimeUnit::kMonth, 3},
    {"year", "Y", TimeUnit::kMonth, 12},
}};

}  // namespace

std::optional<NamedStep> parse_step(std::string_view text) {
  constexpr double kMost = 1e6;
  text = without_blanks(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<double> count = digits == 0 ? 1 : parse_decimal(text.substr(0, digits));
  if (!count || *count < 1 || *count > kMost) return {};
  const std::string_view name = without_blanks(text.substr(digits));
  for (const UnitName& unit : kUnitNames) {
    const bool plural =
        name.size() == unit.word.size() + 1 && name.starts_with(unit.word) && name.back() == 's';
    if (name == unit.letter || name == unit.word || plural) {
      return NamedStep{unit.unit, *count * unit.count};
    }
  }
  return {};
}

NamedStep usual_step(TimeForm form) {
  switch (form) {
    case TimeForm::kNumber:
      break;
    case TimeForm::kQuarter:
      return {TimeUnit::kMonth, 3};
    case TimeForm::kMonth:
      return {TimeUnit::kMonth, 1};
    case TimeForm::kWeek:
      return {TimeUnit::kDay, 7};
    case TimeForm::kDate:
      return {TimeUnit::kDay, 1};
    case TimeForm::kDateTime:
      return {TimeUnit::kMicrosecond, 3600 * kSecond};
  }
  return {TimeUnit::kNumber, 1};
}

}  // namespace xlstm
