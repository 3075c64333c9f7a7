// How many nodes of MLX's graph a block costs at decode: each costs the host of a GPU a microsecond
// or more, so their number is the limit of a small model's speed.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "mlx/ops.h"
#include "mlx/primitives.h"
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
  std::optional<mx::array> layer_norm(mlx::A x, mlx::A weight, float) override {
    return kernel({x.array.shape()}, {x.array.dtype()}, {x.array, weight.array})[0];
  }
};

struct Nodes {
  double a_block = 0;
  double beside = 0;  // what a token costs beside its blocks: embedding, head, choice of the next
};

// Of one greedy step, the states' own nodes included: blocks are what three of them cost more than
// one.
Nodes nodes_of_a_step(DType activations, const std::shared_ptr<mlx::FusedOps>& fused) {
  const Checkpoint checkpoint =
      Checkpoint::open(std::filesystem::path(XLSTM_SOURCE_DIR) / "models/classics-8m");
  LoadOptions options;
  options.dtype = activations;
  const auto load = [&](std::size_t blocks) {
    Plan plan = checkpoint.plan;
    std::erase_if(plan.layers, [&](const Layer& layer) {
      return layer.name.starts_with("blocks.") && std::stoul(layer.name.substr(7)) >= blocks;
    });
    return Model::load(
        plan, *checkpoint.tensors,
        mlx::make_backend(
            {.device = mlx::DeviceKind::kCpu, .activation_dtype = activations, .fused = fused}),
        options);
  };
  const auto nodes = [&](std::size_t blocks) {
    const Model model = load(blocks);
    Backend& b = model.backend();
    const std::unique_ptr<StateBatch> states = model.initial_states();
    states->evaluate();
    const std::vector<std::int32_t> id = {5}, never = {7};
    const Tensor logits = model.forward(b.ids({1, 1}, id), *states);
    const auto sampler = b.sampler({.temperature = 0}, 1, model.plan().V, never);
    std::vector<Tensor> all = {b.sample(*sampler, logits), b.row_sums(logits)};
    for (std::size_t i = 0; i < 3 * blocks; ++i) all.push_back(states->take(i));
    return static_cast<double>(b.graph_nodes(all));
  };
  const double one = nodes(1), three = nodes(3), a_block = (three - one) / 2;
  return {a_block, one - a_block};
}

TEST(NodeCount, AStepOnMetalIsAtMostTwelveABlockAndTenMore) {
  for (const DType activations : {DType::kF32, DType::kBF16}) {
    const Nodes metal = nodes_of_a_step(activations, std::make_shared<OnMetal>());
    const Nodes definitions = nodes_of_a_step(activations, nullptr);
    std::printf("%s: %.0f nodes a block and %.0f more, by definitions %.0f and %.0f\n",
                activations == DType::kF32 ? "float32" : "bfloat16", metal.a_block, metal.beside,
                definitions.a_block, definitions.beside);
    EXPECT_LE(metal.a_block, 12);
    EXPECT_GT(metal.a_block, 7);  // the products alone are five, the norms two
    EXPECT_LE(metal.beside, 10);
    EXPECT_GT(definitions.a_block, metal.a_block);
  }
}

}  // namespace
}  // namespace xlstm::testing
