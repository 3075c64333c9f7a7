#include "xlstm/base/ceil_div.h"
#include "xlstm/mlx/metal/calls.h"

namespace xlstm::mlx::metal {
namespace {

int as_int(std::int64_t size) {
  return static_cast<int>(size);
}

// What all three kernels are compiled for.
KernelCall call_of(const char* kernel, const MlstmOperands& in) {
  const MlstmSizes s = in.sizes();
  KernelCall call;
  call.kernel = kernel;
  call.inputs = {{"qkvo", in.qkvo}, {"gates", in.gates}};
  call.template_args = {{"T", in.qkvo.dtype()},
                        {"NH", s.NH},
                        {"DHQK", s.DHQK},
                        {"DHV", s.DHV},
                        {"CAP", float_bits(in.spec.gate_soft_cap.value_or(0.0F))},
                        {"GATED", in.norm.has_value()}};
  return call;
}

// What the two that make outputs need beyond it.
void add_output(KernelCall& call, const MlstmOperands& in) {
  // A kernel that does not read them gets some other array in their place.
  const mx::array& weight = in.norm ? in.norm->weight : in.gates;
  const bool has_bias = in.norm && in.norm->bias;
  call.inputs.push_back({"weight", weight});
  call.inputs.push_back({"bias", has_bias ? *in.norm->bias : weight});
  call.template_args.emplace_back("BIAS", has_bias);
  call.template_args.emplace_back("CELL_EPS", float_bits(in.spec.cell_eps));
  call.template_args.emplace_back("NORM_EPS", float_bits(in.spec.norm_eps));
  call.outputs.push_back({"y",
                          {in.qkvo.shape(0), as_int(in.spec.NH * in.spec.DHV)},
                          in.norm ? in.qkvo.dtype() : mx::float32});
}

void add_state(KernelCall& call, const MlstmArrays& state) {
  call.inputs.push_back({"C", state.C.array});
  call.inputs.push_back({"n", state.n.array});
  call.inputs.push_back({"m", state.m.array});
  call.outputs.push_back({"C_next", state.C.array.shape(), mx::float32});
  call.outputs.push_back({"n_next", state.n.array.shape(), mx::float32});
  call.outputs.push_back({"m_next", state.m.array.shape(), mx::float32});
}

}  // namespace

MlstmSizes MlstmOperands::sizes() const {
  return {as_int(spec.NH), as_int(spec.DHQK), as_int(spec.DHV)};
}

KernelCall mlstm_step_call(const MlstmOperands& in, const MlstmStepTile& tile) {
  KernelCall call = call_of("mlstm_step", in);
  add_output(call, in);
  add_state(call, in.state);
  call.template_args.emplace_back("COLUMNS", tile.columns);
  call.template_args.emplace_back("ROW_GROUPS", tile.row_groups);
  call.template_args.emplace_back("THREADS", tile.threads);
  call.launch({in.B() * in.sizes().NH, 1, 1}, tile.threads);
  return call;
}

KernelCall mlstm_states_call(const MlstmOperands& in, const MlstmChunkTile& tile) {
  const MlstmSizes s = in.sizes();
  const int B = in.B(), NC = ceil_div(in.S(), tile.chunk);
  KernelCall call = call_of("mlstm_chunk_states", in);
  call.outputs = {{"C_before", {B, s.NH, NC, s.DHQK, s.DHV}, mx::float32},
                  {"n_before", {B, s.NH, NC, s.DHQK}, mx::float32},
                  {"m_before", {B, s.NH, NC}, mx::float32}};
  add_state(call, in.state);
  call.inputs.push_back({"sizes", mx::array({in.S(), NC})});
  call.template_args.emplace_back("CHUNK", tile.chunk);
  call.template_args.emplace_back("ROWS", tile.rows);
  call.template_args.emplace_back("COLUMNS", tile.columns);
  call.launch({ceil_div(s.DHV, tile.columns), ceil_div(s.DHQK, tile.rows), B * s.NH},
              MlstmChunkTile::kStatesThreads);
  return call;
}

KernelCall mlstm_outputs_call(const MlstmOperands& in, std::span<const mx::array> before,
                              const MlstmChunkTile& tile) {
  KernelCall call = call_of("mlstm_chunk_outputs", in);
  add_output(call, in);
  call.inputs.push_back({"C_before", before[0]});
  call.inputs.push_back({"n_before", before[1]});
  call.inputs.push_back({"m_before", before[2]});
  call.inputs.push_back({"sizes", mx::array({in.S(), before[2].shape(2)})});
  call.template_args.emplace_back("CHUNK", tile.chunk);
  call.template_args.emplace_back("SIMDGROUPS", tile.simdgroups);
  call.template_args.emplace_back("BLOCKS", tile.blocks);
  call.template_args.emplace_back("STAGE", tile.stage);
  call.launch({ceil_div(in.S(), MlstmChunkTile::kOutputTokens), in.B() * in.sizes().NH, 1},
              32 * tile.simdgroups);
  return call;
}

}  // namespace xlstm::mlx::metal
