// read_series on any bytes, with options that the first byte chooses: what it takes has as many
// values in each row as it says, times that rise and read back, and can be drawn; what it refuses
// it refuses in a short, well-formed message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/series/plot.h"
#include "xlstm/series/read_series.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

xlstm::TableOptions options_of(std::uint8_t bits) {
  xlstm::TableOptions options;
  if ((bits & 1) != 0) options.header = (bits & 2) != 0;
  if ((bits & 4) != 0) options.id = "1";
  if ((bits & 8) != 0) options.time = (bits & 16) != 0 ? "none" : "2";
  if ((bits & 32) != 0) options.known = {"3"};
  if ((bits & 64) != 0) options.multivariate = true;
  if ((bits & 128) != 0) options.separator = ';';
  return options;
}

void check_message(const xlstm::Error& error) {
  const std::string_view message = error.what();
  require(xlstm::utf8_first_error(message) == std::string_view::npos);
  require(message.size() < 3000);
}

void check_times(const xlstm::TimedSeries& series) {
  const auto length = static_cast<std::int64_t>(series.length());
  for (const std::int64_t index : {std::int64_t{0}, length - 1, length + 31}) {
    const std::string text = series.times->text(index);
    require(xlstm::parse_time(text).has_value());
  }
}

void check(const xlstm::TimedSeries& series) {
  require(!series.targets.empty());
  const std::size_t length = series.length();
  for (const auto& each : series.targets) require(each.values.size() == length);
  for (const auto& each : series.past) require(each.values.size() == length);
  for (const auto& each : series.known) require(each.values.size() >= length);
  if (length == 0) return;
  try {
    if (series.times) check_times(series);
    xlstm::PlotPanel panel;
    panel.title = series.targets[0].name;
    panel.history = series.targets[0].values;
    panel.times = series.times;
    panel.median = {panel.history.back()};
    require(!xlstm::svg_plot(std::span(&panel, 1)).empty());
    require(!xlstm::sketch(panel, {.columns = 30, .rows = 5}).empty());
  } catch (const xlstm::Error& error) {  // years of more than four digits
    require(error.kind() == xlstm::ErrorKind::kUsage);
    check_message(error);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    for (const auto& series : xlstm::read_series(text, options_of(data[0]), "fuzz")) check(series);
  } catch (const xlstm::Error& error) {
    require(error.kind() == xlstm::ErrorKind::kFormat || error.kind() == xlstm::ErrorKind::kUsage);
    check_message(error);
  }
  return 0;
}
