#include "xlstm/cuda/row_attention.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// Of row_attention.cu.
constexpr std::int64_t kWarps = 8, kColumns = 128;

// The rows group by group, in each the targets first; then for each row where those that it sees
// begin in this order; then where they end: [3, R].
std::vector<std::int32_t> seen_rows(const RowAttentionSpec& spec) {
  const std::size_t R = spec.group.size();
  std::vector<std::int32_t> all(3 * R);
  const std::span<std::int32_t> order(all.data(), R), begin(order.data() + R, R),
      end(begin.data() + R, R);
  const auto row_of = [](std::int32_t row) { return static_cast<std::size_t>(row); };
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int32_t a, std::int32_t b) {
    const std::int32_t left = spec.group[row_of(a)], right = spec.group[row_of(b)];
    return left != right ? left < right : spec.is_target[row_of(a)] > spec.is_target[row_of(b)];
  });
  for (std::size_t first = 0; first < R;) {
    const std::int32_t group = spec.group[row_of(order[first])];
    std::size_t covariates = first, last = first;
    for (; last < R && spec.group[row_of(order[last])] == group; ++last) {
      if (spec.is_target[row_of(order[last])] != 0) covariates = last + 1;
    }
    for (std::size_t at = first; at < last; ++at) {
      begin[row_of(order[at])] = static_cast<std::int32_t>(at < covariates ? first : covariates);
      end[row_of(order[at])] = static_cast<std::int32_t>(last);
    }
    first = last;
  }
  return all;
}

}  // namespace

Tensor row_attention(Workspace& work, const Tensor& qkv, const RowAttentionSpec& spec) {
  constexpr const char* kOp = "row_attention";
  const std::int64_t S = check_row_attention(qkv, spec), D = qkv.shape()[1] / 3;
  const std::int64_t R = std::ssize(spec.group), DA = D / spec.NA;
  const Tensor y = work.allocate(qkv.shape().with_last(D), qkv.dtype(), kOp);
  if (y.elements() == 0) return y;
  const std::vector<std::int32_t> rows = seen_rows(spec);
  Tensor seen = work.allocate({3 * R}, DType::kI32, kOp);
  std::memcpy(work.writable(seen).data(), rows.data(), seen.bytes());
  const int* const order = work.pointer<const int>(seen);
  const RowAttentionArgs args = {.qkv = work.pointer(qkv),
                                 .y = work.to_write(y),
                                 .order = order,
                                 .begin = order + R,
                                 .end = order + 2 * R,
                                 .R = narrow(R),
                                 .S = narrow(S),
                                 .NA = narrow(spec.NA),
                                 .DA = narrow(DA),
                                 .norms = spec.qk_norm_eps ? 1 : 0,
                                 .norm_eps = spec.qk_norm_eps.value_or(0.0F)};
  work.programs().launch("row_attention", str("row_attention_", type_name(qkv.dtype())),
                         {.x = blocks_for(R * S * spec.NA, kWarps), .y = blocks_for(DA, kColumns)},
                         args);
  return y;
}

}  // namespace xlstm::cuda
