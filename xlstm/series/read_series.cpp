#include "xlstm/series/read_series.h"

#include "xlstm/base/error.h"
#include "xlstm/series/series_json.h"

namespace xlstm {

std::vector<TimedSeries> read_series(std::string_view text, const TableOptions& options,
                                     const std::string& where) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::string_view begin = text.substr(first, 1);
  if (begin != "{" && begin != "[") {
    return read_series_table(text, options, where);
  }
  const bool of_table = options.separator || options.header || !options.time.empty() ||
                        !options.id.empty() || !options.columns.empty() || !options.past.empty() ||
                        !options.known.empty() || options.multivariate;
  if (of_table) {
    fail_wanted(ErrorKind::kUsage, where, "a table, whose columns the options name", "JSON");
  }
  return read_series_json(text, where);
}

}  // namespace xlstm
