#include "xlstm/forecast/operations.h"

#include <gtest/gtest.h>

#include "xlstm/model/synthetic.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {
namespace {

Plan plan_of(const char* size) {
  Synthetic synthetic = make_synthetic(size);
  return Checkpoint::in_memory(size, synthetic.config_json, std::move(synthetic.source)).plan;
}

// Both: D 512, patches of 32 values with their mask, inner width 2048, 12 blocks, FFN 1408.
constexpr double kEmbedding = 2048 * 64 + 512 * 2048 + 512 * 64;
constexpr double kFfn = 3.0 * 1408 * 512;
// Four gates of four heads of 128, the recurrent matrices.
constexpr double kSlstm = 4 * 4 * 128 * 128 + 4 * 128 * 512;

TEST(ForecastOperations, CountsTirexProducts) {
  const Plan plan = plan_of("tirex-35m");
  const double elements = kEmbedding + 12 * (kSlstm + kFfn);
  const double of_token = product_operations(plan, {});
  EXPECT_NEAR(of_token, 2 * elements, 0.002 * elements);  // biases that are stored as matrices
  EXPECT_EQ(product_operations(plan, {.rows = 3, .tokens = 64}), 3 * 64 * of_token);
  EXPECT_EQ(share_of_weights_read(plan, {}), 1);
}

// TiRex-2 reads its mixing of rows for samples of several rows only, and one matrix of each block
// only for what is known ahead.
TEST(ForecastOperations, CountsWhatTirex2ReadsForItsRows) {
  const Plan plan = plan_of("tirex2-82m");
  // q and k of half the width, v, output gate and the way out; two gates of four heads.
  const double mlstm = 4.0 * 512 * 512 + 2 * 4 * 512;
  const double single = kEmbedding + 6 * (kSlstm + mlstm) + 12 * kFfn;
  const double mixing = 12 * (4.0 * 512 * 512 + 2.0 * 2048 * 512);
  const double combination = 12 * 512.0 * 1024;
  const double of_single = product_operations(plan, {});
  EXPECT_NEAR(of_single, 2 * single, 0.002 * single);
  EXPECT_EQ(product_operations(plan, {.mixed = 1}) - of_single, 2 * mixing);
  EXPECT_EQ(product_operations(plan, {.known = 1}) - of_single, 2 * combination);

  const auto all = static_cast<double>(plan.parameter_count());
  // Beside these matrices there are the norms of the mixing, 2 of 512 in each block.
  EXPECT_NEAR(share_of_weights_read(plan, {}), 1 - (mixing + 12 * 1024 + combination) / all, 1e-12);
  EXPECT_EQ(share_of_weights_read(plan, {.mixed = 1, .known = 1}), 1);
}

}  // namespace
}  // namespace xlstm::testing
