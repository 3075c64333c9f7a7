#include "xlstm/model/xlstm_large/calibration_pass.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/fixture.h"
#include "tests/support/expect_error.h"
#include "xlstm/model/weights_loader.h"

namespace xlstm::testing {
namespace {

using xlstm_large::CalibrationPass;

struct Opened {
  explicit Opened(const std::filesystem::path& folder)
      : checkpoint(Checkpoint::open(folder)), backend(cpu::make_backend(2)) {}
  const Plan& plan() const { return checkpoint.plan; }
  Tensor weight(const std::string& name) const {
    return std::get<Tensor>(
        load_weights(plan(), *checkpoint.tensors, *backend, {DType::kF32, {}}, {})
            .weights.at(name));
  }
  std::vector<float> values(const std::string& name) const {
    return values_of(*backend, weight(name));
  }

  Checkpoint checkpoint;
  std::shared_ptr<Backend> backend;
};

using Texts = std::vector<std::vector<std::int32_t>>;

Texts two_texts(std::int64_t V) {
  return {random_ids(700, V, 1), random_ids(90, V, 2)};  // one longer than a segment
}

// Mean of x x^T in double, of x = y / sqrt(mean(y^2) + eps) * weight for the rows y of `embedding`.
std::vector<double> moments_of_normed(const Opened& model, const Texts& texts,
                                      const std::string& norm) {
  const auto embedding = model.values("embedding.weight");
  const auto weight = model.values(norm);
  const auto D = static_cast<std::size_t>(model.plan().D);
  std::vector<double> sum(D * D), x(D);
  double count = 0;
  for (const auto& ids : texts) {
    for (const std::int32_t id : ids) {
      const float* y = embedding.data() + static_cast<std::size_t>(id) * D;
      double squares = 0;
      for (std::size_t d = 0; d < D; ++d) squares += static_cast<double>(y[d]) * y[d];
      const double size = std::sqrt(squares / static_cast<double>(D) + 1e-6F);
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
void expect_near(Backend& b, const Tensor& got, const std::vector<double>& wanted, std::size_t T) {
  const auto values = values_of(b, got);
  const auto K = static_cast<std::size_t>(got.shape()[0]);
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double size = std::sqrt(wanted[i / K * K + i / K] * wanted[i % K * K + i % K]);
    ASSERT_NEAR(values[i], wanted[i], 1.2e-7 * static_cast<double>(T + 8) * size) << i;
  }
}

TEST(CalibrationPass, FirstAreTheNormedEmbeddings) {
  for (const auto& folder : {classics_folder(), data_folder() / "golden/large-odd-heads"}) {
    const Opened model(folder);
    const Texts texts = two_texts(model.plan().V);
    CalibrationPass pass(model.plan(), *model.checkpoint.tensors, model.backend, texts);
    EXPECT_FALSE(pass.covariance("embedding.weight"));
    EXPECT_FALSE(pass.covariance("blocks.0.mlstm.gates.weight"));
    expect_near(*model.backend, pass.covariance("blocks.0.mlstm.qkvo.weight").value(),
                moments_of_normed(model, texts, "blocks.0.mlstm.norm.weight"), 790);
  }
}

// What the head multiplies with has been through every block: its covariance H and the logits Z of
// the model itself have W H W^T = mean of z z^T.
TEST(CalibrationPass, LastOnesMakeTheModelsLogits) {
  const Opened opened(classics_folder());
  const Texts texts = two_texts(opened.plan().V);
  CalibrationPass pass(opened.plan(), *opened.checkpoint.tensors, opened.backend, texts);
  const Tensor covariance = pass.covariance("lm_head.weight").value();
  const auto D = static_cast<std::size_t>(covariance.shape()[0]);
  const auto H = values_of(*opened.backend, covariance), W = opened.values("lm_head.weight");
  constexpr std::size_t kRows = 64;  // of the head, and of both matrices that are compared
  std::vector<float> wanted(kRows * kRows), got(kRows * kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    std::vector<double> left(D);
    for (std::size_t a = 0; a < D; ++a) {
      for (std::size_t k = 0; k < D; ++k)
        left[a] += static_cast<double>(W[i * D + k]) * H[k * D + a];
    }
    for (std::size_t j = 0; j < kRows; ++j) {
      double sum = 0;
      for (std::size_t a = 0; a < D; ++a) sum += left[a] * W[j * D + a];
      wanted[i * kRows + j] = static_cast<float>(sum);
    }
  }

  const Model model = open_model(classics_folder());
  const auto V = static_cast<std::size_t>(opened.plan().V);
  std::vector<double> sums(kRows * kRows);
  constexpr double kCap = 30;
  for (const auto& ids : texts) {
    const auto logits = run_from_start(model, ids).logits;
    for (std::size_t s = 0; s < ids.size(); ++s) {
      double z[kRows];
      for (std::size_t i = 0; i < kRows; ++i) z[i] = kCap * std::atanh(logits[s * V + i] / kCap);
      for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += z[at / kRows] * z[at % kRows];
    }
  }
  for (std::size_t at = 0; at < got.size(); ++at) got[at] = static_cast<float>(sums[at] / 790);
  // Both ways round as two evaluations of the model do; the product of two logits twice that. The
  // cap's slope of at least 1 - (20 / 30)^2 > 1/2 where logits lie doubles it again.
  EXPECT_LT(relative_difference(got, wanted), 4 * rounding_bound(opened.plan(), 700));
}

TEST(CalibrationPass, ReplacedMatricesCount) {
  const Opened model(classics_folder());
  const Texts texts = two_texts(model.plan().V);
  CalibrationPass pass(model.plan(), *model.checkpoint.tensors, model.backend, texts);
  // Blocks that add nothing leave the embeddings as they are.
  for (const char* slot : {"blocks.0.mlstm.out.weight", "blocks.0.ffn.down.weight"}) {
    ASSERT_TRUE(pass.covariance(slot));
    pass.replace(slot, model.backend->filled(model.weight(slot).shape(), 0));
  }
  expect_near(*model.backend, pass.covariance("blocks.1.mlstm.qkvo.weight").value(),
              moments_of_normed(model, texts, "blocks.1.mlstm.norm.weight"), 790);
}

TEST(CalibrationPass, ReadForwardOnly) {
  const Opened model(data_folder() / "golden/large-odd-heads");
  CalibrationPass pass(model.plan(), *model.checkpoint.tensors, model.backend, {{1, 2, 3}});
  ASSERT_TRUE(pass.covariance("blocks.0.ffn.up.weight"));
  EXPECT_NE(message_of(ErrorKind::kInternal, [&] { pass.covariance("blocks.0.mlstm.out.weight"); })
                .find("in the order of data"),
            std::string::npos);
}

TEST(CalibrationPass, StopWhenAsked) {
  const Opened model(classics_folder());
  int steps = 0;
  CalibrationPass pass(model.plan(), *model.checkpoint.tensors, model.backend,
                       two_texts(model.plan().V), [&steps] {
                         if (++steps == 5) throw std::runtime_error("enough");
                       });
  EXPECT_THROW(pass.covariance("lm_head.weight"), std::runtime_error);
  EXPECT_EQ(steps, 5);
}

}  // namespace
}  // namespace xlstm::testing
