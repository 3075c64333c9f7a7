// How many nodes of MLX's graph a block costs at decode: each costs the host of a GPU a microsecond
// or more, so their number is the limit of a small model's speed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "tests/model/quantised_folder.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/mlx/metal/fused_ops.h"
#include "xlstm/mlx/mlx_backend.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {
namespace {

namespace mx = ::mlx::core;

// One node that computes what a kernel would; nothing evaluates it here.
class Kernel : public mx::Primitive {
 public:
  Kernel() : mx::Primitive(mx::default_stream(mx::Device::cpu)) {}
  void eval_cpu(const std::vector<mx::array>&, std::vector<mx::array>&) override { FAIL(); }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override { FAIL(); }
  const char* name() const override { return "kernel"; }
};

std::vector<mx::array> kernel(std::vector<mx::Shape> shapes, std::vector<mx::Dtype> dtypes,
                              std::vector<mx::array> inputs) {
  return mx::array::make_arrays(std::move(shapes), dtypes, std::make_shared<Kernel>(),
                                std::move(inputs));
}

std::vector<mx::array> launched(const mlx::metal::KernelCall& call) {
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  std::vector<mx::array> inputs;
  for (const auto& output : call.outputs) {
    shapes.push_back(output.shape);
    dtypes.push_back(output.dtype);
  }
  for (const auto& input : call.inputs) inputs.push_back(input.array);
  return kernel(std::move(shapes), std::move(dtypes), std::move(inputs));
}

// What a Mac has; MLX's norms are one node there, on its CPU device more.
class OnMetal : public mlx::metal::MetalFusedOps {
 public:
  OnMetal() : MetalFusedOps(launched) {}
  std::optional<mx::array> rms_norm(mlx::A x, mlx::A weight, float) override {
    return kernel({x.array.shape()}, {x.array.dtype()}, {x.array, weight.array})[0];
  }
};

struct Nodes {
  double a_block = 0;
  double beside = 0;  // what a token costs beside its blocks: embedding, head, choice of the next
};

struct StepNodes {
  double logits = 0;  // and all states
  double choice = 0;  // of the next token
};

StepNodes nodes_of_a_step(const Plan& plan, const TensorSource& tensors, DType activations,
                          const std::shared_ptr<mlx::FusedOps>& fused) {
  LoadOptions options;
  options.dtype = activations;
  const Model model = Model::load(
      plan, tensors,
      mlx::make_backend(
          {.device = mlx::DeviceKind::kCpu, .activation_dtype = activations, .fused = fused}),
      options);
  Backend& b = model.backend();
  const std::unique_ptr<StateBatch> states = model.initial_states();
  states->evaluate();
  const std::vector<std::int32_t> id = {5}, never = {7};
  const Tensor logits = model.forward(b.ids({1, 1}, id), *states);
  std::vector<Tensor> all = {logits};
  std::size_t count = 0;
  for (const Layer& layer : plan.layers) count += layer.state.size();
  for (std::size_t i = 0; i < count; ++i) all.push_back(states->take(i));
  const auto before = static_cast<double>(b.graph_nodes(all));
  const auto sampler = b.sampler({.temperature = 0}, 1, model.plan().V, never);
  all.push_back(b.sample(*sampler, logits));
  all.push_back(b.row_sums(logits));
  return {before, static_cast<double>(b.graph_nodes(all)) - before};
}

// Of one greedy step of classics-8m, its matrices quantised where there is a format: blocks are
// what three of them cost more than one.
Nodes nodes_of_classics(DType activations, const std::shared_ptr<mlx::FusedOps>& fused,
                        const std::optional<Quantization>& format = {}) {
  const TemporaryFolder scratch;
  std::filesystem::path folder = std::filesystem::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
  if (format) {
    write_quantised(folder, scratch.path(), {{"", *format}}, false);
    folder = scratch.path();
  }
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const auto nodes = [&](std::size_t blocks) {
    Plan plan = checkpoint.plan;
    std::erase_if(plan.layers, [&](const Layer& layer) {
      return layer.name.starts_with("blocks.") && std::stoul(layer.name.substr(7)) >= blocks;
    });
    return nodes_of_a_step(plan, *checkpoint.tensors, activations, fused);
  };
  const StepNodes one = nodes(1), three = nodes(3);
  const double a_block = (three.logits - one.logits) / 2;
  return {a_block, one.logits + one.choice - a_block};
}

TEST(NodeCount, AStepOnMetalIsAtMostTwelveABlockAndTenMore) {
  for (const DType activations : {DType::kF32, DType::kBF16}) {
    const Nodes metal = nodes_of_classics(activations, std::make_shared<OnMetal>());
    const Nodes definitions = nodes_of_classics(activations, nullptr);
    std::printf("%s: %.0f nodes a block and %.0f more, by definitions %.0f and %.0f\n",
                activations == DType::kF32 ? "float32" : "bfloat16", metal.a_block, metal.beside,
                definitions.a_block, definitions.beside);
    EXPECT_LE(metal.a_block, 12);
    EXPECT_GT(metal.a_block, 7);  // the products alone are five, the norms two
    EXPECT_LE(metal.beside, 10);
    EXPECT_GT(definitions.a_block, metal.a_block);
  }
}

TEST(NodeCount, SoIsAStepOfQuantisedMatrices) {
  for (const Quantization& format : {Quantization{QuantizationMode::kAffine, 4, 64},
                                     Quantization{QuantizationMode::kAffine, 8, 64},
                                     Quantization{QuantizationMode::kMxfp4, 4, 32}}) {
    const Nodes metal = nodes_of_classics(DType::kBF16, std::make_shared<OnMetal>(), format);
    std::printf("%s: %.0f nodes a block and %.0f more\n", to_string(format).c_str(), metal.a_block,
                metal.beside);
    EXPECT_LE(metal.a_block, 12);
    EXPECT_LE(metal.beside, 10);
  }
}

// Blocks of the first paper have more ops, and views of what products made for several.
TEST(NodeCount, FirstPaperBlocksAreAtMostTwentyEightEach) {
  for (const char* name : {"original-mlstm", "original-slstm", "original-mixed"}) {
    const Checkpoint checkpoint =
        Checkpoint::open(std::filesystem::path(XLSTM_TEST_DATA) / "golden" / name);
    const auto blocks = static_cast<double>(std::ranges::count_if(
        checkpoint.plan.layers, [](const Layer& layer) { return !layer.state.empty(); }));
    for (const DType activations : {DType::kF32, DType::kBF16}) {
      const auto nodes = [&](const std::shared_ptr<mlx::FusedOps>& fused) {
        return nodes_of_a_step(checkpoint.plan, *checkpoint.tensors, activations, fused).logits;
      };
      const double metal = nodes(std::make_shared<OnMetal>()), definitions = nodes(nullptr);
      std::printf("%s: %.0f nodes of %.0f blocks, by definitions %.0f\n", name, metal, blocks,
                  definitions);
      EXPECT_LE(metal, 28 * blocks + 10);
      EXPECT_GT(definitions, 2 * metal);
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
