#include "xlstm/model/matrix_inputs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/fixture.h"
#include "tests/support/expect_error.h"
#include "xlstm/model/weights_loader.h"

namespace xlstm::testing {
namespace {

namespace mx = mlx::core;

struct Opened {
  explicit Opened(const std::filesystem::path& folder)
      : source(open_weights(folder)), plan(discover(folder, *source)) {}
  mx::array weight(const std::string& name) const {
    return std::get<mx::array>(load_weights(plan, *source, {mx::float32, {}}, {}).arrays.at(name));
  }
  std::unique_ptr<TensorSource> source;
  Plan plan;
};

using Texts = std::vector<std::vector<std::int32_t>>;

Texts two_texts(std::int64_t V) {
  return {random_ids(700, V, 1), random_ids(90, V, 2)};  // one longer than a segment
}

// Mean of x x^T in double, of x = y / sqrt(mean(y^2) + eps) * weight for the rows y of `embedding`.
std::vector<double> moments_of_normed(const Opened& model, const Texts& texts,
                                      const std::string& norm) {
  const auto embedding = values_of(model.weight("embedding.weight"));
  const auto weight = values_of(model.weight(norm));
  const auto D = static_cast<std::size_t>(model.plan.dims.D);
  std::vector<double> sum(D * D), x(D);
  double count = 0;
  for (const auto& ids : texts) {
    for (const std::int32_t id : ids) {
      const float* y = embedding.data() + static_cast<std::size_t>(id) * D;
      double squares = 0;
      for (std::size_t d = 0; d < D; ++d) squares += static_cast<double>(y[d]) * y[d];
      const double size = std::sqrt(squares / static_cast<double>(D) + model.plan.dims.norm_eps);
      for (std::size_t d = 0; d < D; ++d) x[d] = y[d] / size * weight[d];
      for (std::size_t i = 0; i < D * D; ++i) sum[i] += x[i / D] * x[i % D];
      ++count;
    }
  }
  for (double& each : sum) each /= count;
  return sum;
}

// The sum of T products of floats is off by at most T epsilons of their sizes' sum, which for
// moments i, j is at most the root of the i-th times the j-th on the diagonal; an input by a few
// epsilons more.
void expect_near(const mx::array& got, const std::vector<double>& wanted, std::size_t T) {
  const auto values = values_of(got);
  const auto K = static_cast<std::size_t>(got.shape(0));
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double size = std::sqrt(wanted[i / K * K + i / K] * wanted[i % K * K + i % K]);
    ASSERT_NEAR(values[i], wanted[i], 1.2e-7 * static_cast<double>(T + 8) * size) << i;
  }
}

TEST(MatrixInputs, FirstAreTheNormedEmbeddings) {
  for (const auto& folder : {classics_folder(), data_folder() / "golden/large-odd-heads"}) {
    const Opened model(folder);
    const Texts texts = two_texts(model.plan.dims.V);
    MatrixInputs inputs(model.plan, *model.source, texts);
    EXPECT_FALSE(inputs.moments("embedding.weight"));
    EXPECT_FALSE(inputs.moments("blocks.0.mlstm.gates.weight"));
    expect_near(inputs.moments("blocks.0.mlstm.qkvo.weight").value(),
                moments_of_normed(model, texts, "blocks.0.mlstm.norm.weight"), 790);
  }
}

// What the head multiplies with has been through every block: its moments H and the logits Z of
// the model itself have W H W^T = mean of z z^T.
TEST(MatrixInputs, LastOnesMakeTheModelsLogits) {
  const Opened opened(classics_folder());
  const Texts texts = two_texts(opened.plan.dims.V);
  MatrixInputs inputs(opened.plan, *opened.source, texts);
  const mx::array H = inputs.moments("lm_head.weight").value();
  const mx::array W = mx::slice(opened.weight("lm_head.weight"), {0, 0}, {64, H.shape(0)});
  const mx::array wanted = mx::matmul(mx::matmul(W, H), mx::transpose(W));

  const Model model = open_model(classics_folder());
  mx::array sum = mx::zeros({64, 64});
  for (const auto& ids : texts) {
    const auto all = model.forward(tokens_of(ids), model.initial_state(), Positions::kAll);
    const int S = static_cast<int>(ids.size());
    const float cap = *opened.plan.dims.output_logit_soft_cap;
    const mx::array capped = mx::slice(mx::reshape(all.logits, {S, -1}), {0, 0}, {S, 64});
    const mx::array z = mx::arctanh(capped / cap) * cap;
    sum = sum + mx::matmul(mx::transpose(z), z);
  }
  // Both ways round as two evaluations of the model do; the product of two logits twice that. The
  // cap's slope of at least 1 - (20 / 30)^2 > 1/2 where logits lie doubles it again.
  const double bound = 4 * rounding_bound(opened.plan.dims, 700);
  EXPECT_LT(relative_difference(values_of(sum / 790.0F), values_of(wanted)), bound);
}

TEST(MatrixInputs, ReplacedMatricesCount) {
  const Opened model(classics_folder());
  const Texts texts = two_texts(model.plan.dims.V);
  MatrixInputs inputs(model.plan, *model.source, texts);
  // Blocks that add nothing leave the embeddings as they are.
  for (const char* slot : {"blocks.0.mlstm.out.weight", "blocks.0.ffn.down.weight"}) {
    ASSERT_TRUE(inputs.moments(slot));
    inputs.replace(slot, mx::zeros_like(model.weight(slot)));
  }
  expect_near(inputs.moments("blocks.1.mlstm.qkvo.weight").value(),
              moments_of_normed(model, texts, "blocks.1.mlstm.norm.weight"), 790);
}

TEST(MatrixInputs, ReadForwardOnly) {
  const Opened model(data_folder() / "golden/large-odd-heads");
  MatrixInputs inputs(model.plan, *model.source, {{1, 2, 3}});
  ASSERT_TRUE(inputs.moments("blocks.0.ffn.up.weight"));
  EXPECT_NE(message_of(ErrorKind::kInternal, [&] { inputs.moments("blocks.0.mlstm.out.weight"); })
                .find("in the order of data"),
            std::string::npos);
}

TEST(MatrixInputs, StopWhenAsked) {
  const Opened model(classics_folder());
  int steps = 0;
  MatrixInputs inputs(model.plan, *model.source, two_texts(model.plan.dims.V), [&steps] {
    if (++steps == 5) throw std::runtime_error("enough");
  });
  EXPECT_THROW(inputs.moments("lm_head.weight"), std::runtime_error);
  EXPECT_EQ(steps, 5);
}

}  // namespace
}  // namespace xlstm::testing
