// Months and business days, counted.
#pragma once

#include <chrono>
#include <cstdint>

namespace xlstm {

// Rounded down, below zero too.
std::int64_t floor_div(std::int64_t value, std::int64_t by);

// Months since that of year 0.
std::int64_t month_count(std::chrono::sys_days day);
std::chrono::sys_days last_of_month(std::chrono::sys_days day);
// The day of another month that is as far in it as `day` is in its own, or that month's last.
std::chrono::sys_days in_month(std::int64_t count, std::chrono::sys_days day, bool month_end);

// Days from Monday to Friday since some Monday; a weekend's are its Friday.
std::int64_t business_day_count(std::chrono::sys_days day);
std::chrono::sys_days business_day(std::int64_t count);

}  // namespace xlstm
