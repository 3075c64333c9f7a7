#include "xlstm/mlx/row_attention.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace xlstm::mlx {
namespace {

using RowNumbers = std::vector<std::int32_t>;

// Sets of rows that see the same rows, all of one size: n rows that see m.
struct Bundle {
  int sets = 0;
  RowNumbers rows, seen;  // [sets * n], [sets * m]
};

using Bundles = std::map<std::pair<int, int>, Bundle>;  // by n and m

Bundles bundles_of(const RowAttentionSpec& spec) {
  std::map<std::int32_t, std::array<RowNumbers, 2>> groups;  // covariates and targets of each
  for (std::size_t r = 0; r < spec.group.size(); ++r) {
    const std::size_t kind = spec.is_target[r] != 0 ? 1 : 0;
    groups[spec.group[r]][kind].push_back(static_cast<std::int32_t>(r));
  }
  Bundles out;
  for (const auto& [group, kinds] : groups) {
    RowNumbers seen;
    for (const RowNumbers& rows : kinds) {  // covariates do not see targets
      seen.insert(seen.end(), rows.begin(), rows.end());
      if (rows.empty()) continue;
      Bundle& bundle = out[{static_cast<int>(rows.size()), static_cast<int>(seen.size())}];
      ++bundle.sets;
      bundle.rows.insert(bundle.rows.end(), rows.begin(), rows.end());
      bundle.seen.insert(bundle.seen.end(), seen.begin(), seen.end());
    }
  }
  return out;
}

// Of x [R, ...] these rows.
DeviceArray take_rows(A x, const RowNumbers& rows) {
  const mx::array order(rows.data(), {static_cast<int>(rows.size())}, mx::int32);
  return {mx::take(x.array, order, 0, x.device), x.device};
}

// x [R, S, NA, DA] -> [sets, S, NA, rows of a set, DA]
DeviceArray heads_of(A x, const RowNumbers& rows, int sets) {
  const int n = static_cast<int>(rows.size()) / sets;
  return transpose(reshape(take_rows(x, rows), {sets, n, x.axis(1), x.axis(2), x.axis(3)}),
                   {0, 2, 3, 1, 4});
}

// q, k, v [R, S, NA, DA] -> [sets * n, S, NA * DA], the bundle's rows in its order.
DeviceArray attend(A q, A k, A v, const Bundle& bundle) {
  const int rows = static_cast<int>(bundle.rows.size()), S = q.axis(1), NA = q.axis(2);
  const int DA = q.axis(3);
  const DeviceArray keys = heads_of(k, bundle.seen, bundle.sets);
  const DeviceArray scores = matmul(heads_of(q, bundle.rows, bundle.sets), swap_last_axes(keys)) /
                             std::sqrt(static_cast<float>(DA));
  const DeviceArray weights = {mx::softmax(scores.array, -1, true, q.device), q.device};
  const DeviceArray y = matmul(weights, heads_of(v, bundle.seen, bundle.sets));
  return reshape(transpose(y, {0, 3, 1, 2, 4}), {rows, S, NA * DA});
}

}  // namespace

DeviceArray row_attention(A qkv, const RowAttentionSpec& spec) {
  const int R = static_cast<int>(spec.group.size()), NA = static_cast<int>(spec.NA);
  const int T = qkv.axis(0), S = T / R, D = qkv.axis(1) / 3, DA = D / NA;
  const auto heads = [&](int index) {
    return reshape(as_type(part(qkv, 1, index * D, (index + 1) * D), mx::float32), {R, S, NA, DA});
  };
  const auto normed = [&](A x) {
    return spec.qk_norm_eps ? x * rsqrt(mean(square(x), -1, true) + *spec.qk_norm_eps) : x;
  };
  const DeviceArray q = normed(heads(0)), k = normed(heads(1)), v = heads(2);
  std::vector<mx::array> parts;
  RowNumbers place(spec.group.size());  // of each row among the parts
  std::int32_t at = 0;
  for (const auto& [sizes, bundle] : bundles_of(spec)) {
    parts.push_back(attend(q, k, v, bundle).array);
    for (const std::int32_t row : bundle.rows) place[static_cast<std::size_t>(row)] = at++;
  }
  const DeviceArray y = take_rows(join(std::move(parts), 0, qkv.device), place);
  return as_type(reshape(y, {T, D}), qkv.array.dtype());
}

DeviceArray reverse_tokens(A x, int B) {
  const int T = x.axis(0), D = x.axis(1), S = T / B;
  const DeviceArray order = {mx::arange(S - 1, -1, -1, mx::int32, x.device), x.device};
  const DeviceArray rows = reshape(x, {B, S, D});
  return reshape({mx::take(rows.array, order.array, 1, x.device), x.device}, {T, D});
}

}  // namespace xlstm::mlx
