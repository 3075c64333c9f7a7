#include "xlstm/cpu/candidates.h"

#include <algorithm>
#include <cassert>
#include <functional>

#include "xlstm/base/ceil_div.h"

namespace xlstm::cpu {
namespace {

// Floats, rounded up to a cache line's.
std::size_t aligned(std::size_t count) {
  return ceil_div(count, std::size_t{16}) * 16;
}

}  // namespace

Candidates::Candidates(ThreadPool& pool, std::span<const float> logits)
    : row_(logits),
      memory_(pool.scratch_floats(
          aligned(ceil_div(row_.size(), kernels::kMaximaBlock)) + 3 * aligned(row_.size()),
          "sampling")) {
  const std::size_t column = aligned(row_.size());
  values_ = memory_.floats();
  work_ = values_ + column;
  ids_ = reinterpret_cast<std::int32_t*>(work_ + column);
  maxima_ = work_ + 2 * column;
  most_ = kernels::block_maxima(row_.data(), row_.size(), maxima_);
  left_ = row_.data();
  count_ = row_.size();
}

std::int32_t Candidates::likeliest() const {
  const std::size_t blocks = ceil_div(row_.size(), kernels::kMaximaBlock);
  const auto block =
      static_cast<std::size_t>(std::find(maxima_, maxima_ + blocks, most_) - maxima_);
  return static_cast<std::int32_t>(
      std::find(row_.begin() + static_cast<std::ptrdiff_t>(block * kernels::kMaximaBlock),
                row_.end(), most_) -
      row_.begin());
}

std::int32_t Candidates::id(std::size_t at) const {
  return is_collected() ? ids_[at] : static_cast<std::int32_t>(at);
}

void Candidates::keep_count(std::size_t k) {
  if (k >= count_) return;
  const std::size_t blocks = ceil_div(row_.size(), kernels::kMaximaBlock);
  // k blocks have a logit of that size each, so that the k-th largest is no less. With most blocks
  // among them that would say little.
  if (!is_collected() && k <= blocks / 2) {
    const auto kth = static_cast<std::ptrdiff_t>(k - 1);
    std::copy_n(maxima_, blocks, work_);
    std::nth_element(work_, work_ + kth, work_ + blocks, std::greater<>());
    collect(work_[kth]);
    if (k >= count_) return;
  }
  cut(kernels::cut_at_count(left_, count_, k, work_));
}

void Candidates::keep_mass(double p, float temperature) {
  cut(kernels::cut_at_mass(left_, count_, most_, temperature, p, work_));
}

void Candidates::keep_above(float least) {
  cut({least, count_, 0});
}

void Candidates::collect(float least) {
  count_ = kernels::collect(row_.data(), row_.size(), maxima_, least, values_, ids_);
  left_ = values_;
}

void Candidates::cut(const kernels::Cut& at) {
  if (!is_collected()) {
    collect(at.least);
    if (at.dropped == 0) return;
  }
  std::size_t kept = 0, equals = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const float l = values_[i];
    values_[kept] = l;
    ids_[kept] = ids_[i];
    equals += l == at.least ? 1 : 0;
    kept += l > at.least || (l == at.least && equals <= at.kept) ? 1 : 0;
  }
  count_ = kept;
}

}  // namespace xlstm::cpu
