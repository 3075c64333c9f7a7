// How many nodes of MLX's graph a block costs at decode: each costs the host of a GPU a microsecond
// or more, so their number is the limit of a small model's speed.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/mlx_backend.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {
namespace {

namespace mx = ::mlx::core;
using mlx::DeviceArray;
using mlx::MlstmArrays;

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

// What a device with a kernel for each of these has.
class AllFused : public mlx::FusedOps {
 public:
  std::optional<mx::array> rms_norm(mlx::A x, mlx::A weight, float) override {
    return kernel({x.array.shape()}, {x.array.dtype()}, {x.array, weight.array})[0];
  }
  std::optional<mx::array> swiglu(mlx::A y) override {
    return kernel({{y.axis(0), y.axis(1) / 2}}, {y.array.dtype()}, {y.array})[0];
  }
  std::optional<mlx::MixerOutput> mlstm_mixer(mlx::A qkvo, mlx::A gates, mlx::A weight,
                                              const std::optional<mx::array>&,
                                              const MlstmMixerSpec& s,
                                              const MlstmArrays& state) override {
    const auto out = kernel(
        {{qkvo.axis(0), static_cast<int>(s.NH * s.DHV)},
         state.C.array.shape(),
         state.n.array.shape(),
         state.m.array.shape()},
        {qkvo.array.dtype(), mx::float32, mx::float32, mx::float32},
        {qkvo.array, gates.array, weight.array, state.C.array, state.n.array, state.m.array});
    const mx::Device& device = qkvo.device;
    return mlx::MixerOutput{out[0], {{out[1], device}, {out[2], device}, {out[3], device}}};
  }
};

// Nodes of one step, the states' own included, by block: those of a model with all blocks less
// those of a model with all but one would need two models, so the ends are counted and taken off.
double nodes_a_block(DType activations, std::shared_ptr<mlx::FusedOps> fused) {
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
    const std::vector<std::int32_t> id = {5};
    const Tensor logits = model.forward(b.ids({1, 1}, id), *states);
    std::vector<Tensor> all = {logits};
    for (std::size_t i = 0; i < 3 * blocks; ++i) all.push_back(states->take(i));
    return b.graph_nodes(all);
  };
  return static_cast<double>(nodes(3) - nodes(1)) / 2;
}

TEST(NodeCount, ABlockOfFusedOpsIsAtMostTwelve) {
  for (const DType activations : {DType::kF32, DType::kBF16}) {
    const double fused = nodes_a_block(activations, std::make_shared<AllFused>());
    const double definitions = nodes_a_block(activations, nullptr);
    std::printf("%s: %.0f nodes a block, %.0f by definitions\n",
                activations == DType::kF32 ? "float32" : "bfloat16", fused, definitions);
    EXPECT_LE(fused, 12);
    EXPECT_GT(fused, 8);  // the products alone are five, the norms two, the sums two
    EXPECT_GT(definitions, fused);
  }
}

}  // namespace
}  // namespace xlstm::testing
