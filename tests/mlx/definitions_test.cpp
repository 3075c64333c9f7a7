// The chunkwise form against the float64 recurrence, with chunks of every size; and the tails of
// log-sigmoid.
#include "xlstm/mlx/definitions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mlx/transforms.h"
#include "tests/kernels/mlstm_cases.h"
#include "xlstm/kernels/gates/gates.h"

namespace xlstm::testing {
namespace {

namespace mx = ::mlx::core;
using mlx::DeviceArray;

DeviceArray array_of(const std::vector<float>& values, std::initializer_list<std::size_t> shape) {
  mx::Shape lengths;
  for (const std::size_t length : shape) lengths.push_back(static_cast<int>(length));
  return {mx::array(values.begin(), lengths, mx::float32), mx::Device::cpu};
}

std::vector<float> values_of(const DeviceArray& a) {
  mx::array row_major = mx::contiguous(a.array, false, a.device);
  row_major.eval();
  return {row_major.data<float>(), row_major.data<float>() + row_major.size()};
}

TEST(Definitions, ChunksOfEverySizeAgreeWithTheReference) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData d = make_data(c);
    const MlstmResult truth = reference(c, d);
    const MlstmResult bound = bounds(c, d, truth);
    const mlx::MlstmInput in = {array_of(d.q, {c.B, c.S, c.NH, c.DHQK}),
                                array_of(d.k, {c.B, c.S, c.NH, c.DHQK}),
                                array_of(d.v, {c.B, c.S, c.NH, c.DHV}),
                                array_of(d.i, {c.B, c.S, c.NH}), array_of(d.f, {c.B, c.S, c.NH})};
    const mlx::MlstmArrays state = {array_of(d.C, {c.B, c.NH, c.DHQK, c.DHV}),
                                    array_of(d.n, {c.B, c.NH, c.DHQK}), array_of(d.m, {c.B, c.NH})};
    for (const int chunk : {1, 16, 64, 1000}) {
      if (chunk == 1 && c.S > 150) continue;  // the same code, only slower
      const mlx::MlstmOutput out = mlx::mlstm_chunk(in, state, 1e-6F, chunk);
      EXPECT_EQ(compare({values_of(out.h), values_of(out.state.C), values_of(out.state.n),
                         values_of(out.state.m)},
                        truth, bound),
                "")
          << c.name << ", chunk " << chunk;
    }
  }
}

TEST(Definitions, LogSigmoidKeepsItsTails) {
  const std::vector<float> z = {-200, -100, -88, -15, -1, -1e-3F, 0, 1e-3F, 1, 8, 12, 15, 30, 80};
  const auto got = values_of(mlx::log_sigmoid(array_of(z, {z.size()})));
  for (std::size_t at = 0; at < z.size(); ++at) {
    const double truth = kernels::log_sigmoid_reference(z[at]);
    // exp within 6 roundings and one of its argument |z|, log1p and the difference one each:
    // relative, even where log(sigmoid(z)) would have lost everything
    ASSERT_NEAR(got[at], truth, (8 + std::abs(z[at])) * 0x1p-23 * std::abs(truth)) << z[at];
  }
}

}  // namespace
}  // namespace xlstm::testing
