// The mLSTM cell on tensor cores against the float64 recurrence, for every length of a chunk; on
// machines with a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "tests/kernels/mlstm_cases.h"
#include "xlstm/base/dtype.h"
#include "xlstm/cuda/device.h"
#include "xlstm/cuda/mlstm.h"

namespace xlstm::cuda {
namespace {

using testing::MlstmCase;
using testing::MlstmData;
using testing::MlstmResult;

constexpr double kRounding = 0x1p-8;  // of a number to bfloat16

std::int64_t axis(std::size_t length) {
  return static_cast<std::int64_t>(length);
}

std::vector<std::int64_t> chunks_to_test() {
  if (!has_device()) return {};
  return {64, 128, 256};
}

MlstmData rounded_data(const MlstmCase& c) {
  MlstmData data = testing::make_data(c);
  for (auto* values : {&data.q, &data.k, &data.v}) {
    for (float& x : *values) x = float_from_bf16(bf16_from_float(x));
  }
  return data;
}

class MlstmChunk : public ::testing::TestWithParam<std::int64_t> {
 protected:
  Tensor floats(const TensorShape& shape, std::span<const float> values) {
    Tensor tensor = work_->allocate(shape, DType::kF32, "test");
    std::memcpy(work_->writable(tensor).data(), values.data(), values.size_bytes());
    return tensor;
  }
  Tensor halves(const TensorShape& shape, std::span<const float> values) {
    Tensor tensor = work_->allocate(shape, DType::kBF16, "test");
    const std::span<std::byte> to = work_->writable(tensor);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t bits = bf16_from_float(values[i]);
      std::memcpy(to.data() + i * sizeof bits, &bits, sizeof bits);
    }
    return tensor;
  }
  std::vector<float> numbers(const Tensor& tensor) {
    const std::span<const std::byte> bytes = work_->read(tensor);
    std::vector<float> out(static_cast<std::size_t>(tensor.elements()));
    if (tensor.dtype() == DType::kF32) {
      std::memcpy(out.data(), bytes.data(), bytes.size());
      return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, bytes.data() + i * sizeof bits, sizeof bits);
      out[i] = float_from_bf16(bits);
    }
    return out;
  }

  std::unique_ptr<CudaStates> states(const MlstmCase& c, const MlstmData& d) {
    auto out = std::make_unique<CudaStates>(work_);
    const auto row = [&](const std::vector<float>& values, std::size_t b) {
      const std::size_t size = values.size() / c.B;
      return std::span(values).subspan(b * size, size);
    };
    for (std::size_t b = 0; b < c.B; ++b) {
      out->add(
          {{floats({axis(c.NH), axis(c.DHQK), axis(c.DHV)}, row(d.C, b)),
            floats({axis(c.NH), axis(c.DHQK)}, row(d.n, b)), floats({axis(c.NH)}, row(d.m, b))}});
    }
    return out;
  }

  MlstmMixerSpec spec(const MlstmCase& c, std::optional<float> cap = std::nullopt) {
    return {axis(c.NH), axis(c.DHQK), axis(c.DHV), 1e-6F, 1e-6F, cap};
  }

  MlstmResult cell(const MlstmCase& c, const MlstmData& d) {
    const std::int64_t T = axis(c.B * c.S), QK = axis(c.NH * c.DHQK), V = axis(c.NH * c.DHV);
    const auto batch = states(c, d);
    const Tensor h = mlstm_.cell({halves({T, QK}, d.q), halves({T, QK}, d.k), halves({T, V}, d.v),
                                  floats({T, axis(c.NH)}, d.i), floats({T, axis(c.NH)}, d.f)},
                                 spec(c), {*batch, 0});
    return {numbers(h), numbers(batch->take(0)), numbers(batch->take(1)), numbers(batch->take(2))};
  }

  std::shared_ptr<Workspace> work_ = std::make_shared<Workspace>();
  Mlstm mlstm_{*work_, GetParam()};
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MlstmChunk);
INSTANTIATE_TEST_SUITE_P(Chunks, MlstmChunk, ::testing::ValuesIn(chunks_to_test()),
                         ::testing::PrintToStringParamName());

TEST_P(MlstmChunk, AgreesWithTheReference) {
  for (const MlstmCase& c : testing::mlstm_tile_cases()) {
    const MlstmData data = rounded_data(c);
    const MlstmResult truth = testing::reference(c, data);
    const MlstmResult bound = testing::bounds(c, data, truth, kRounding);
    EXPECT_EQ(testing::compare(cell(c, data), truth, bound), "") << c.name;
  }
}

TEST_P(MlstmChunk, TwoRunsAreTheSame) {
  const MlstmCase c = {"again", 2, 333, 2, 128, 256};
  const MlstmData data = rounded_data(c);
  const MlstmResult one = cell(c, data), other = cell(c, data);
  EXPECT_EQ(one.h, other.h);
  EXPECT_EQ(one.C, other.C);
  EXPECT_EQ(one.n, other.n);
  EXPECT_EQ(one.m, other.m);
}

// Of h [T, NH * DHV], in float64.
std::vector<double> normed_and_gated(const MlstmCase& c, const std::vector<float>& h,
                                     const std::vector<float>& weight,
                                     const std::vector<float>& bias,
                                     const std::vector<float>& gate) {
  std::vector<double> y(h.size());
  for (std::size_t begin = 0; begin < h.size(); begin += c.DHV) {
    double mean = 0, squares = 0;
    for (std::size_t i = begin; i < begin + c.DHV; ++i) mean += h[i];
    mean /= static_cast<double>(c.DHV);
    for (std::size_t i = begin; i < begin + c.DHV; ++i) squares += (h[i] - mean) * (h[i] - mean);
    const double r = 1 / std::sqrt(squares / static_cast<double>(c.DHV) + 1e-6);
    for (std::size_t i = begin; i < begin + c.DHV; ++i) {
      const std::size_t column = i % (c.NH * c.DHV);
      const double z = static_cast<double>(gate[i]);
      y[i] = ((h[i] - mean) * r * weight[column] + bias[column]) / (1 + std::exp(-z));
    }
  }
  return y;
}

TEST_P(MlstmChunk, NormAndOutputGateFollowInTheSameKernel) {
  for (const MlstmCase& c :
       {MlstmCase{"scaling_400m", 2, 150, 2, 128, 256},
        MlstmCase{"xlstm_7b_head", 1, 100, 2, 256, 512}, MlstmCase{"narrow", 1, 70, 3, 64, 64}}) {
    const MlstmData data = rounded_data(c);
    const std::size_t T = c.B * c.S, QK = c.NH * c.DHQK, V = c.NH * c.DHV;
    MlstmData other = rounded_data({"other", c.B, c.S, c.NH, c.DHV, c.DHV});
    const std::vector<float>& gate = other.q;
    const std::vector<float> weight(other.v.begin(), other.v.begin() + axis(V));
    const std::vector<float> bias(other.k.begin(), other.k.begin() + axis(V));
    std::vector<float> qkvo, gates;
    for (std::size_t t = 0; t < T; ++t) {
      const auto add = [&](std::vector<float>& to, const std::vector<float>& from,
                           std::size_t width) {
        to.insert(to.end(), from.begin() + axis(t * width), from.begin() + axis((t + 1) * width));
      };
      add(qkvo, data.q, QK), add(qkvo, data.k, QK), add(qkvo, data.v, V), add(qkvo, gate, V);
      add(gates, data.i, c.NH), add(gates, data.f, c.NH);
    }
    const auto batch = states(c, data);
    const Norm norm = {floats({axis(V)}, weight), floats({axis(V)}, bias)};
    const auto got =
        numbers(mlstm_.mixer(halves({axis(T), axis(2 * QK + 2 * V)}, qkvo),
                             floats({axis(T), axis(2 * c.NH)}, gates), norm, spec(c), {*batch, 0}));
    const MlstmResult without = cell(c, data);
    const auto wanted = normed_and_gated(c, without.h, weight, bias, gate);
    // A rounding to bfloat16, and float32's of sums of DHV normed numbers, each below sqrt(DHV).
    const double small = 0x1p-23 * static_cast<double>(c.DHV) * 4;
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      worst =
          std::max(worst, std::abs(got[i] - wanted[i]) / (kRounding * std::abs(wanted[i]) + small));
    }
    EXPECT_LE(worst, 1) << c.name;
    EXPECT_EQ(numbers(batch->take(0)), without.C) << c.name;
    EXPECT_EQ(numbers(batch->take(1)), without.n) << c.name;
  }
}

}  // namespace
}  // namespace xlstm::cuda
