#include "xlstm/kernels/quantize/gptq.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <vector>

#include "xlstm/kernels/quantize/add_product.h"
#include "xlstm/kernels/quantize/quantize_groups.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"

namespace xlstm::kernels {
namespace {

// Rounds single elements to what a group can hold.
class Codes {
 public:
  Codes(const Quantization& format, const QuantizedGroup& group)
      : affine_(format.mode == QuantizationMode::kAffine),
        most_(static_cast<float>((1 << format.bits) - 1)),
        scale_(affine_ ? group.scale : std::ldexp(1.0F, group.exponent - 127)),
        bias_(group.bias) {}

  std::uint32_t nearest(float value) const {
    if (affine_) {
      return static_cast<std::uint32_t>(
          std::min(std::max(0.0F, std::rint((value - bias_) / scale_)), most_));  // a NaN: 0
    }
    const float magnitude = std::abs(value) / scale_;
    std::uint32_t code = 0;
    while (code < 7 && magnitude > 0.5F * (kE2m1[code] + kE2m1[code + 1])) ++code;
    return value < 0 && code > 0 ? code + 8 : code;
  }

  float value(std::uint32_t code) const {
    if (affine_) return scale_ * static_cast<float>(code) + bias_;
    return code < 8 ? scale_ * kE2m1[code] : -scale_ * kE2m1[code - 8];
  }

 private:
  static constexpr std::array<float, 8> kE2m1 = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6};
  bool affine_;
  float most_, scale_, bias_;
};

// A few rows at a time, so that the factor is read once for them.
class Tile {
 public:
  Tile(const float* W, std::size_t rows, const LdlFactor& factor, const Quantization& format,
       Rounding rounding, const QuantizedRows& out)
      : W_(W),
        rows_(rows),
        factor_(factor),
        format_(format),
        rounding_(rounding),
        out_(out),
        size_(static_cast<std::size_t>(format.group_size)),
        wanted_(W, W + rows * factor.K),
        errors_(rows * size_) {}

  void run() {
    const std::size_t K = factor_.K;
    for (std::size_t k = 0; k < K; k += size_) {
      for (std::size_t r = 0; r < rows_; ++r) round_group(r, k);
      const std::size_t next = k + size_;
      if (next == K) break;
      add_product({errors_.data(), size_, factor_.U.data() + k * K + next, K, wanted_.data() + next,
                   K, rows_, size_, K - next});
    }
  }

 private:
  void round_group(std::size_t r, std::size_t k) {
    const std::size_t K = factor_.K;
    float* wanted = wanted_.data() + r * K + k;
    QuantizedGroup group;
    quantize_group({wanted, factor_.D.data() + k, format_, rounding_, out_.scale_type}, group);
    const Codes codes(format_, group);
    for (std::size_t i = 0; i < size_; ++i) {
      group.codes[i] = codes.nearest(wanted[i]);
      const float error = W_[r * K + k + i] - codes.value(group.codes[i]);
      errors_[r * size_ + i] = error;
      const float* U = factor_.U.data() + (k + i) * K + k;
      for (std::size_t j = i + 1; j < size_; ++j) wanted[j] += error * U[j];
    }
    store_group(group, format_, (r * K + k) / size_, out_);
  }

  const float* W_;
  std::size_t rows_;
  const LdlFactor& factor_;
  const Quantization& format_;
  Rounding rounding_;
  QuantizedRows out_;
  std::size_t size_;
  std::vector<float> wanted_;  // [rows, K]: what the columns shall be, given those before
  std::vector<float> errors_;  // [rows, group_size]: of the group just rounded
};

}  // namespace

void gptq_rows(const float* W, std::size_t N, const LdlFactor& factor, const Quantization& format,
               Rounding rounding, const QuantizedRows& out) {
  assert(factor.K % static_cast<std::size_t>(format.group_size) == 0);
  assert(factor.U.size() == factor.K * factor.K && factor.D.size() == factor.K);
  assert(N == 0 || (W != nullptr && out.words != nullptr && out.scales != nullptr));
  for (std::size_t n = 0; n < N; n += kGptqRows) {
    Tile(W + n * factor.K, std::min(kGptqRows, N - n), factor, format, rounding,
         rows_from(out, n, factor.K, format))
        .run();
  }
}

}  // namespace xlstm::kernels
