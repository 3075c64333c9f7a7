#include "xlstm/series/time_point.h"

#include <algorithm>
#include <array>

#include "xlstm/base/numbers.h"
#include "xlstm/series/cells.h"

namespace xlstm {
namespace {

using namespace std::chrono;

// Reads a text from its beginning; each call says whether that was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool take(char letter) {
    if (front() != letter || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<char> take_one_of(std::string_view letters) {
    if (rest_.empty() || letters.find(front()) == std::string_view::npos) return {};
    const char letter = front();
    rest_.remove_prefix(1);
    return letter;
  }
  // Exactly so many digits, as a number of at most `most`.
  bool take_number(int digits, int least, int most, int& to) {
    if (rest_.size() < static_cast<std::size_t>(digits)) return false;
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      const char letter = rest_[static_cast<std::size_t>(i)];
      if (letter < '0' || letter > '9') return false;
      value = value * 10 + (letter - '0');
    }
    if (value < least || value > most) return false;
    rest_.remove_prefix(static_cast<std::size_t>(digits));
    to = value;
    return true;
  }
  // One to nine digits behind a point, as microseconds (more digits are dropped).
  bool take_fraction(int& digits, int& micros) {
    int scale = 100'000;
    for (digits = 0, micros = 0; !at_end() && front() >= '0' && front() <= '9'; ++digits) {
      micros += (front() - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    const bool good = digits >= 1 && digits <= 9;
    digits = std::min(digits, 6);
    return good;
  }

 private:
  std::string_view rest_;
};

std::optional<TimePoint> number_of(std::string_view text) {
  const std::optional<double> value = parse_decimal(text);
  if (!value) return {};
  TimePoint out;
  out.number = *value;
  const bool plain = text.find_first_of("eE") == std::string_view::npos;
  const std::size_t point = text.find('.');
  constexpr std::size_t kMostDigits = 12;
  if (plain && point != std::string_view::npos) {
    out.style.digits = static_cast<int>(std::min(text.size() - point - 1, kMostDigits));
  }
  return out;
}

bool take_zone(Scanner& from, TimePoint& to) {
  if (from.take('Z')) {
    to.style.zone = "Z";
    return true;
  }
  const auto sign = from.take_one_of("+-");
  if (!sign) return true;
  int hour = 0, minute = 0;
  if (!from.take_number(2, 0, 14, hour)) return false;
  const bool colon = from.take(':');
  if ((colon || !from.at_end()) && !from.take_number(2, 0, 59, minute)) return false;
  to.offset = (hours(hour) + minutes(minute)) * (*sign == '-' ? -1 : 1);
  const auto two = [](int value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  to.style.zone = *sign + two(hour) + (colon ? ":" : "") + two(minute);
  return true;
}

bool take_clock(Scanner& from, TimePoint& to) {
  int hour = 0, minute = 0, second = 0, micros = 0;
  if (!from.take_number(2, 0, 23, hour) || !from.take(':') || !from.take_number(2, 0, 59, minute)) {
    return false;
  }
  to.style.seconds = from.take(':');
  if (to.style.seconds && !from.take_number(2, 0, 59, second)) return false;
  if (to.style.seconds && from.take('.') && !from.take_fraction(to.style.digits, micros)) {
    return false;
  }
  to.clock = hours(hour) + minutes(minute) + seconds(second) + microseconds(micros);
  return take_zone(from, to);
}

// The year whose week it is: that of its Thursday (ISO 8601).
year year_of_week(sys_days monday) {
  return year_month_day(monday + days(3)).year();
}

// Behind "2020", "2020-" or "2020 ": Q1, W05.
bool take_quarter_or_week(Scanner& from, int of_year, TimePoint& to) {
  int number = 0;
  const year in{of_year};
  if (from.take_one_of("Qq")) {
    to.style.form = TimeForm::kQuarter;
    if (!from.take_number(1, 1, 4, number)) return false;
    to.day = in / month(static_cast<unsigned>(number * 3 - 2)) / 1;
    return from.at_end();
  }
  if (!from.take('W') || !from.take_number(2, 1, 53, number)) return false;
  to.style.form = TimeForm::kWeek;
  // The week of 4 January is a year's first; not every year has 53.
  const sys_days fourth = in / January / 4;
  to.day = fourth - (weekday(fourth) - Monday) + weeks(number - 1);
  return from.at_end() && year_of_week(to.day) == in;
}

bool take_month_and_on(Scanner& from, int of_year, char between, TimePoint& to) {
  int month_number = 0, day_number = 1;
  if (!from.take_number(2, 1, 12, month_number)) return false;
  to.style.form = TimeForm::kMonth;
  if (!from.at_end()) {
    to.style.form = TimeForm::kDate;
    if (!from.take(between) || !from.take_number(2, 1, 31, day_number)) return false;
  }
  const year_month_day date =
      year(of_year) / static_cast<int>(month_number) / static_cast<int>(day_number);
  if (!date.ok()) return false;
  to.day = date;
  if (from.at_end()) return true;
  const auto before_clock = from.take_one_of("T ");
  if (!before_clock) return false;
  to.style.form = TimeForm::kDateTime;
  to.style.before_clock = *before_clock;
  return take_clock(from, to) && from.at_end();
}

// `value` with zeros before it.
std::string padded(std::int64_t value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string clock_text(const TimePoint& time) {
  const hh_mm_ss<microseconds> clock(time.clock);
  std::string out = time.style.before_clock + padded(clock.hours().count(), 2) + ":" +
                    padded(clock.minutes().count(), 2);
  if (time.style.seconds) out += ":" + padded(clock.seconds().count(), 2);
  if (time.style.digits > 0) {
    const std::string micros = padded(clock.subseconds().count(), 6);
    out += "." + micros.substr(0, static_cast<std::size_t>(time.style.digits));
  }
  return out + time.style.zone;
}

std::string week_text(const TimePoint& time) {
  const year in = year_of_week(time.day);
  const auto number = (time.day + days(3) - sys_days(in / January / 1)).count() / 7 + 1;
  return padded(static_cast<int>(in), 4) + time.style.between + "W" + padded(number, 2);
}

}  // namespace

std::string_view describe(TimeForm form) {
  switch (form) {
    case TimeForm::kNumber:
      return "a number";
    case TimeForm::kQuarter:
      return "a quarter, 2020Q1";
    case TimeForm::kMonth:
      return "a month, 2020-03";
    case TimeForm::kWeek:
      return "a week, 2020-W05";
    case TimeForm::kDate:
      return "a date, 2020-03-31";
    case TimeForm::kDateTime:
      return "a date and time, 2020-03-31T12:30:00";
  }
  return "";
}

std::optional<TimePoint> parse_time(std::string_view text) {
  text = without_blanks(text);
  if (auto number = number_of(text)) return number;
  Scanner from(text);
  TimePoint out;
  int of_year = 0;
  if (!from.take_number(4, 1, 9999, of_year)) return {};
  const auto between = from.take_one_of("-/ ");
  out.style.between = between ? std::string(1, *between) : "";
  const bool letters = from.front() == 'Q' || from.front() == 'q' || from.front() == 'W';
  const bool good =
      letters ? take_quarter_or_week(from, of_year, out)
              : between && *between != ' ' && take_month_and_on(from, of_year, *between, out);
  return good ? std::optional(out) : std::nullopt;
}

std::optional<TimePoint> parse_compact_time(std::string_view text) {
  Scanner from(without_blanks(text));
  TimePoint out;
  out.style.between = "";
  out.style.form = TimeForm::kMonth;
  int of_year = 0, of_month = 0, of_day = 1;
  if (!from.take_number(4, 1500, 2999, of_year) || !from.take_number(2, 1, 12, of_month)) return {};
  if (!from.at_end()) {
    out.style.form = TimeForm::kDate;
    if (!from.take_number(2, 1, 31, of_day) || !from.at_end()) return {};
  }
  const year_month_day date = year(of_year) / of_month / of_day;
  if (!date.ok()) return {};
  out.day = date;
  return out;
}

std::chrono::microseconds instant(const TimePoint& time) {
  return time.day.time_since_epoch() + time.clock - time.offset;
}

bool is_later(const TimePoint& time, const TimePoint& than) {
  if (time.style.form == TimeForm::kNumber) return time.number > than.number;
  return instant(time) > instant(than);
}

std::string to_text(const TimePoint& time) {
  if (time.style.form == TimeForm::kNumber) return decimals(time.number, time.style.digits);
  if (time.style.form == TimeForm::kWeek) return week_text(time);
  const year_month_day date(time.day);
  const auto month_number = static_cast<unsigned>(date.month());
  std::string out = padded(static_cast<int>(date.year()), 4) + time.style.between;
  if (time.style.form == TimeForm::kQuarter) {
    return out + "Q" + std::to_string((month_number + 2) / 3);
  }
  out += padded(month_number, 2);
  if (time.style.form == TimeForm::kMonth) return out;
  out += time.style.between + padded(static_cast<unsigned>(date.day()), 2);
  return time.style.form == TimeForm::kDate ? out : out + clock_text(time);
}

}  // namespace xlstm
