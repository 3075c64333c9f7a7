#include "xlstm/cpu/row_tokens.h"

#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_tensor.h"

namespace xlstm::cpu {

std::vector<RowTokens> row_tokens(std::string_view op, const CpuStates& states, std::int64_t T) {
  const std::size_t B = states.rows();
  const auto lengths = states.lengths();
  const bool equal = lengths.empty();
  bool fits = B > 0 && (equal ? length(T) % B == 0 : lengths.size() == B);
  std::vector<RowTokens> rows;
  std::size_t first = 0;
  for (std::size_t b = 0; fits && b < B; ++b) {
    const std::size_t count = equal ? length(T) / B : length(lengths[b]);
    rows.push_back({first, count});
    first += count;
  }
  fits = fits && first == length(T);
  if (!fits) fail_wanted(ErrorKind::kInternal, op, str("tokens of ", B, " sequences"), str(T));
  return rows;
}

}  // namespace xlstm::cpu
