#include "xlstm/forecast/tirex2/sample_batch.h"

namespace xlstm::tirex2 {

SampleBatch::SampleBatch(std::span<const Sample* const> samples) {
  rows.S = samples.front()->computed;
  const auto add_rows = [&](auto takes) {
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const bool is_mixed = samples[s]->rows.size() > 1;
      for (const Row& row : samples[s]->rows) {
        if (!takes(row, is_mixed)) continue;
        order.push_back(&row);
        if (!is_mixed) continue;
        rows.groups.group.push_back(static_cast<std::int32_t>(s));
        rows.groups.is_target.push_back(row.is_target ? 1 : 0);
      }
    }
    return std::ssize(order);
  };
  rows.known = add_rows([](const Row& row, bool) { return row.is_known; });
  const auto others =
      add_rows([](const Row& row, bool) { return !row.is_target && !row.is_known; });
  rows.mixed = add_rows([](const Row& row, bool is_mixed) { return row.is_target && is_mixed; });
  rows.R = add_rows([](const Row& row, bool is_mixed) { return row.is_target && !is_mixed; });
  rows.targets = rows.R - others;
}

std::vector<float> SampleBatch::tokens(const SeriesSpec& spec) const {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(rows.R * rows.S * 2 * spec.P));
  for (const Row* row : order) append_tokens(*row, spec, rows.S, out);
  return out;
}

}  // namespace xlstm::tirex2
