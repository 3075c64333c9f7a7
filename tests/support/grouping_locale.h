// A C++ locale that writes 3601 as "3,601", as de_DE or en_US do in hosts that set one.
#pragma once

#include <locale>
#include <string>

namespace xlstm::testing {

class GroupingLocale {
 public:
  explicit GroupingLocale(char mark = ',')
      : before_(std::locale::global(std::locale(std::locale::classic(), new Marks(mark)))) {}
  ~GroupingLocale() { std::locale::global(before_); }
  GroupingLocale(const GroupingLocale&) = delete;
  GroupingLocale& operator=(const GroupingLocale&) = delete;

 private:
  struct Marks : std::numpunct<char> {
    explicit Marks(char separator) : mark(separator) {}
    char do_thousands_sep() const override { return mark; }
    char do_decimal_point() const override { return ';'; }
    std::string do_grouping() const override { return "\3"; }
    char mark;
  };

  std::locale before_;
};

}  // namespace xlstm::testing
