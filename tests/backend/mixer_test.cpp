// The mixer that a backend has as one op against its definition in finer ops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/backend/backends.h"
#include "tests/backend/random_values.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

class Mixer : public ::testing::TestWithParam<BackendCase> {
 protected:
  Mixer() : backend_(GetParam().make()), b(*backend_) {}

  std::unique_ptr<StateBatch> states(const MlstmMixerSpec& s, std::int64_t B) {
    std::unique_ptr<StateBatch> batch = b.state_batch();
    for (std::int64_t row = 0; row < B; ++row) {
      const auto seed = static_cast<unsigned>(30 + row);
      batch->add({{b.floats({s.NH, s.DHQK, s.DHV}, uniform(s.NH * s.DHQK * s.DHV, 1, seed)),
                   b.floats({s.NH, s.DHQK}, uniform(s.NH * s.DHQK, 1, seed)),
                   b.floats({s.NH}, uniform(s.NH, 1, seed))}});
    }
    return batch;
  }

  std::shared_ptr<Backend> backend_;
  Backend& b;
};

INSTANTIATE_TEST_SUITE_P(Backends, Mixer, ::testing::ValuesIn(float32_backends()), backend_name);

double largest_difference(const std::vector<float>& a, const std::vector<float>& c) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - c[i]));
  }
  return a.size() == c.size() ? largest : INFINITY;
}

TEST_P(Mixer, IsItsDefinition) {
  const MlstmMixerSpec specs[] = {{2, 4, 8, 1e-6F, 1e-6F, 15.0F},
                                  {3, 5, 7, 1e-6F, 1e-5F, std::nullopt},
                                  {4, 16, 32, 1e-6F, 1e-6F, 15.0F}};
  for (const MlstmMixerSpec& s : specs) {
    const std::int64_t QK = s.NH * s.DHQK, V = s.NH * s.DHV;
    const Norm norm =
        b.prepare(Norm{b.floats({V}, uniform(V, 1, 1)), b.floats({V}, uniform(V, 1, 2))});
    for (const std::int64_t B : {1, 3}) {
      for (const std::int64_t S : {1, 2, 17, 64, 65, 130}) {
        const std::int64_t T = B * S;
        const Tensor qkvo = b.floats({T, 2 * QK + 2 * V}, uniform(T * (2 * QK + 2 * V), 1, 3));
        const Tensor gates = b.floats({T, 2 * s.NH}, uniform(T * 2 * s.NH, 5, 4));
        const auto one = states(s, B), other = states(s, B);
        const auto got = values_of(b, b.mlstm_mixer(qkvo, gates, norm, s, {*one, 0}));
        const auto wanted = values_of(b, b.Backend::mlstm_mixer(qkvo, gates, norm, s, {*other, 0}));
        // The head norm divides by a deviation that may be small beside its values: sums of DHV and
        // DHQK terms, and of S tokens, arrive there enlarged. (A wrong formula is off by far more.)
        const double roundings = static_cast<double>(s.DHQK + s.DHV + 12 * S);
        EXPECT_LE(largest_difference(got, wanted), 64 * 0x1p-23 * roundings) << B << " " << S;
        for (const std::size_t part : {0, 1, 2}) {
          EXPECT_LE(
              largest_difference(values_of(b, one->take(part)), values_of(b, other->take(part))),
              64 * 0x1p-23 * roundings)
              << B << " " << S << " part " << part;
        }
      }
    }
  }
}

TEST_P(Mixer, InputsOfOtherShapesAreRefused) {
  const MlstmMixerSpec s = {2, 4, 8, 1e-6F, 1e-6F, 15.0F};
  const Norm norm = b.prepare(Norm{b.filled({16}, 1), {}});
  const auto batch = states(s, 1);
  const Tensor qkvo = b.filled({3, 48}, 1), gates = b.filled({3, 4}, 1);
  EXPECT_NO_THROW(b.mlstm_mixer(qkvo, gates, norm, s, {*batch, 0}));
  EXPECT_THROW(b.mlstm_mixer(b.filled({3, 49}, 1), gates, norm, s, {*batch, 0}), Error);
  EXPECT_THROW(b.mlstm_mixer(qkvo, b.filled({3, 5}, 1), norm, s, {*batch, 0}), Error);
  EXPECT_THROW(b.mlstm_mixer(qkvo, b.filled({2, 4}, 1), norm, s, {*batch, 0}), Error);
}

}  // namespace
}  // namespace xlstm::testing
