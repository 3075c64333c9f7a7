// The ops of sLSTM and first-paper layers, but for the scan, of every backend against their
// float64 references.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/backend/op_test.h"
#include "tests/backend/random_values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/activation/activation.h"
#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"
#include "xlstm/kernels/headwise/headwise.h"

namespace xlstm::testing {
namespace {

class LayerOps : public OpTest {};

INSTANTIATE_TEST_SUITE_P(Backends, LayerOps, ::testing::ValuesIn(all_backends()), backend_name);

constexpr Activation kAll[] = {Activation::kSilu,  Activation::kGelu,    Activation::kRelu,
                               Activation::kRelu2, Activation::kSigmoid, Activation::kSelu};

TEST_P(LayerOps, ActivationsAgreeWithTheReference) {
  auto x = uniform(5 * 61, 12, 1);
  const Tensor in = activations({5, 61}, x);
  std::vector<float> truth(x.size());
  for (const Activation f : kAll) {
    kernels::activate_reference(f, x.data(), truth.data(), x.size());
    const auto got = values_of(b, b.activate(in, f));
    ASSERT_EQ(got.size(), truth.size());
    for (std::size_t at = 0; at < truth.size(); ++at) {
      // Some 8 roundings of the result in float32; GELU's of its argument; in bfloat16 up to four
      // of the result and of what it is made of.
      const double size = f == Activation::kGelu ? std::abs(x[at]) : std::abs(truth[at]);
      const double bound = 16 * 0x1p-23 * size + (GetParam().is_float32() ? 0 : 4 * eps() * size);
      ASSERT_NEAR(got[at], truth[at], bound + 1e-30) << static_cast<int>(f) << " of " << x[at];
    }
  }
  EXPECT_EQ(values_of(b, in), x);  // held, so not written to
}

TEST_P(LayerOps, GatesAreTheFunctionTimesTheOtherHalf) {
  for (const std::int64_t F : {1, 7, 64, 129}) {
    auto x = uniform(3 * 2 * F, 4, 2);
    const Tensor in = activations({3, 2 * F}, x);
    std::vector<float> truth(length(3 * F));
    for (const Activation f : kAll) {
      kernels::gated_reference(f, x.data(), truth.data(), 3, length(F));
      const Tensor y = b.gated(in, f);
      EXPECT_EQ(y.shape(), (TensorShape{3, F}));
      const auto got = values_of(b, y);
      for (std::size_t at = 0; at < truth.size(); ++at) {
        // |g u| <= 16 and |g|^2 |u| <= 64 where the function is wrong by its argument's share.
        const double size =
            std::max(std::abs(static_cast<double>(truth[at])), f == Activation::kGelu ? 16.0 : 0.0);
        const double bound = 16 * 0x1p-23 * size + (GetParam().is_float32() ? 0 : 6 * eps() * size);
        ASSERT_NEAR(got[at], truth[at], bound + 1e-30) << static_cast<int>(f) << " at " << at;
      }
    }
  }
}

TEST_P(LayerOps, ColumnsAreJoinedUnchanged) {
  std::vector<float> x(12), y(3), z(6);
  for (std::size_t i = 0; i < 12; ++i) x[i] = static_cast<float>(i);
  for (std::size_t i = 0; i < 3; ++i) y[i] = static_cast<float>(100 + i);
  for (std::size_t i = 0; i < 6; ++i) z[i] = static_cast<float>(200 + i);
  const std::vector<Tensor> parts = {activations({3, 4}, x), activations({3, 1}, y),
                                     activations({3, 2}, z)};
  const Tensor joined = b.join_columns(parts);
  EXPECT_EQ(joined.shape(), (TensorShape{3, 7}));
  EXPECT_EQ(values_of(b, joined),
            (std::vector<float>{0,   1,   2,   3, 100, 200, 201, 4,   5,   6,  7,
                                101, 202, 203, 8, 9,   10,  11,  102, 204, 205}));
  EXPECT_THROW(b.join_columns(std::vector<Tensor>{parts[0], b.to_activation(b.filled({2, 4}, 0))}),
               Error);
}

struct HeadShape {
  std::int64_t G, O, I, H;
};
constexpr HeadShape kHeads[] = {{16, 4, 4, 16}, {14, 4, 4, 7},  {6, 5, 3, 2},
                                {8, 16, 16, 4}, {8, 33, 40, 4}, {4, 128, 128, 4}};

TEST_P(LayerOps, HeadwiseProductsAgreeWithTheReference) {
  for (const HeadShape& s : kHeads) {
    for (const DType type : {DType::kF32, DType::kBF16}) {
      for (const std::int64_t T : {0, 1, 5, 40}) {
        auto x = uniform(T * s.H * s.I, 1, 3), w = uniform(s.G * s.O * s.I, 1, 4);
        auto bias = uniform(s.G * s.O, 1, 5);
        Tensor W = b.allocate({s.G, s.O, s.I}, type, "W");
        floats_to(w.data(), w.size(), type, b.writable(W).data());
        for (float& value : w) {
          if (type == DType::kBF16) value = float_from_bf16(bf16_from_float(value));
        }
        const Tensor in = activations({T, s.H * s.I}, x), added = activations({s.G * s.O}, bias);
        const bool has_bias = T != 5;
        const Headwise weights = b.prepare(Headwise{W, has_bias ? added : Tensor()});
        std::vector<float> truth(length(T * s.G * s.O));
        kernels::headwise_reference({length(s.G), length(s.O), length(s.I), length(s.H), w.data(),
                                     kernels::WeightType::kF32, has_bias ? bias.data() : nullptr},
                                    x.data(), truth.data(), length(T));
        const Tensor y = b.headwise_linear(in, weights);
        EXPECT_EQ(y.shape(), (TensorShape{T, s.G * s.O}));
        const auto got = values_of(b, y);
        // A sum of I products below 1 and a bias below 1. A backend may round x, and the result, to
        // the weights' type: at most 2^-8 of each product, and of the result.
        const double sizes = static_cast<double>(s.I + 1);
        const double half = type == DType::kF32 && GetParam().is_float32() ? 0 : 2 * 0x1p-8 * sizes;
        for (std::size_t at = 0; at < truth.size(); ++at) {
          ASSERT_NEAR(got[at], truth[at], 0x1p-23 * (sizes + 2) * sizes + half)
              << s.G << " groups of " << s.O << " x " << s.I << ", " << T << " tokens, at " << at;
        }
      }
    }
  }
}

TEST_P(LayerOps, HeadwiseShapesThatDoNotFitAreRefused) {
  const Headwise weights = b.prepare(Headwise{b.filled({6, 4, 4}, 1), {}});
  const auto x = [this](std::int64_t width) { return b.to_activation(b.filled({2, width}, 1)); };
  EXPECT_EQ(b.headwise_linear(x(12), weights).shape(), (TensorShape{2, 24}));  // 3 heads, twice
  for (const std::int64_t width : {13, 16, 48}) {  // half a head; no multiple of 4, or of 12 heads
    EXPECT_THROW(b.headwise_linear(x(width), weights), Error) << width;
  }
}

// --- the convolution ---------------------------------------------------------------------------

class Conv : public LayerOps {
 protected:
  static constexpr std::int64_t C = 12, K = 4;

  CausalConv weights() { return b.prepare(CausalConv{b.floats({C, K}, W_), b.floats({C}, bias_)}); }
  std::unique_ptr<StateBatch> states(std::int64_t B) {
    auto batch = b.state_batch();
    for (std::int64_t row = 0; row < B; ++row) {
      batch->add({{b.floats({K - 1, C}, window_of(row))}});
    }
    return batch;
  }
  // Numbers that bfloat16 has, as inputs that go through a window of an activation's type do.
  static std::vector<float> window_of(std::int64_t row) {
    auto out = uniform((K - 1) * C, 2, static_cast<unsigned>(50 + row));
    for (float& x : out) x = float_from_bf16(bf16_from_float(x));
    return out;
  }

  struct Result {
    std::vector<float> y, windows;
  };
  Result reference(const std::vector<float>& x, std::int64_t B, std::int64_t S) const {
    std::vector<float> taps(W_.size());
    for (std::size_t at = 0; at < taps.size(); ++at) {
      taps[at % length(K) * length(C) + at / length(K)] = W_[at];
    }
    Result out{std::vector<float>(x.size()), {}};
    for (std::int64_t row = 0; row < B; ++row) {
      std::vector<float> window = window_of(row);
      const kernels::ConvRow one{window.data(), length(row * S), length(S)};
      kernels::causal_conv1d_reference({1, length(C), length(K)},
                                       {x.data(), taps.data(), bias_.data(), &one, out.y.data()});
      out.windows.insert(out.windows.end(), window.begin(), window.end());
    }
    return out;
  }

  std::vector<float> W_ = uniform(C * K, 1, 6), bias_ = uniform(C, 1, 7);
};

INSTANTIATE_TEST_SUITE_P(Backends, Conv, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(Conv, AnySegmentsAgreeWithTheReference) {
  constexpr std::int64_t B = 2;
  const CausalConv w = weights();
  for (const std::int64_t S : {0, 1, 2, 3, 4, 63, 64, 65}) {
    auto x = uniform(B * S * C, 2, 8);
    const Tensor in = activations({B * S, C}, x);
    const Result truth = reference(x, B, S);
    for (const std::int64_t segment : {std::int64_t{1}, std::int64_t{2}, std::int64_t{7}, S + 1}) {
      const auto batch = states(B);
      std::vector<Tensor> y;
      for (std::int64_t begin = 0; begin < S || y.empty(); begin += segment) {
        const Tensor part = b.tokens(in, B, begin, std::min(begin + segment, S));
        y.push_back(b.causal_conv1d(part, w, {*batch, 0}));
      }
      const auto got = values_of(b, b.join_tokens(y, B));
      ASSERT_EQ(got.size(), truth.y.size());
      for (std::size_t at = 0; at < got.size(); ++at) {
        // K products below 2 and a bias below 1; in bfloat16 weights and result may be rounded.
        const double bound = 0x1p-23 * (K + 2) * (2 * K + 1) +
                             (GetParam().is_float32() ? 0 : 3 * eps() * (2 * K + 1));
        ASSERT_NEAR(got[at], truth.y[at], bound) << S << " by " << segment << " at " << at;
      }
      EXPECT_EQ(values_of(b, batch->take(0)), truth.windows) << S << " by " << segment;
    }
  }
}

TEST_P(Conv, AForkIsNotWrittenToAndShapesAreChecked) {
  const CausalConv w = weights();
  const State held = states(1)->remove(0);
  auto x = uniform(3 * C, 2, 9);
  const Tensor in = activations({3, C}, x);
  const auto read = [&] {
    const auto fork = b.state_batch();
    fork->add(held);
    return values_of(b, b.causal_conv1d(in, w, {*fork, 0}));
  };
  const auto first = read();
  EXPECT_EQ(values_of(b, held.tensors[0]), window_of(0));
  EXPECT_EQ(read(), first);
  const auto two = states(2);
  EXPECT_THROW(b.causal_conv1d(in, w, {*two, 0}), Error);  // 3 tokens of 2 rows
  EXPECT_THROW(b.causal_conv1d(b.to_activation(b.filled({2, C + 1}, 0)), w, {*two, 0}), Error);
}

}  // namespace
}  // namespace xlstm::testing
