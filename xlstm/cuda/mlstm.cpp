#include "xlstm/cuda/mlstm.h"

#include <algorithm>
#include <cstring>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

constexpr std::int64_t kMostCounters = 1 << 16;
constexpr int kThreads = 256;  // of mlstm.cu

template <typename T>
const void* at_column(const T* rows, std::int64_t column, DType dtype) {
  return reinterpret_cast<const char*>(rows) + column * static_cast<std::int64_t>(size_of(dtype));
}

}  // namespace

int* Mlstm::counters(std::int64_t count) {
  if (count > kMostCounters) {
    fail_wanted(ErrorKind::kInternal, "mlstm_cell",
                str("at most ", kMostCounters / 2, " heads at once"), str(count / 2));
  }
  if (!counters_) {
    counters_ = work_.allocate_for_long({kMostCounters}, DType::kI32, "mlstm_cell");
    const std::span<std::byte> to = work_.writable(counters_);
    std::memset(to.data(), 0, to.size());
  }
  return work_.pointer<int>(counters_);
}

MlstmArgs Mlstm::arguments(std::string_view op, const MlstmMixerSpec& s, std::int64_t T,
                           LayerState state) {
  auto& batch = static_cast<CudaStates&>(state.batch);
  const auto B = static_cast<std::int64_t>(batch.rows());
  if (B == 0 || T % B != 0) {
    fail_wanted(ErrorKind::kInternal, op, str("tokens of ", B, " sequences"), str(T));
  }
  MlstmArgs a{};
  a.B = narrow(B);
  a.S = narrow(T / B);
  a.NH = narrow(s.NH), a.DHQK = narrow(s.DHQK), a.DHV = narrow(s.DHV);
  a.cell_eps = s.cell_eps;
  a.norm_eps = s.norm_eps;
  a.arrived = counters(2 * B * s.NH);
  if (T == 0) return a;
  a.C = reinterpret_cast<float* const*>(batch.addresses(state.first, {s.NH, s.DHQK, s.DHV}, op));
  a.n = reinterpret_cast<float* const*>(batch.addresses(state.first + 1, {s.NH, s.DHQK}, op));
  a.m = reinterpret_cast<float* const*>(batch.addresses(state.first + 2, {s.NH}, op));
  return a;
}

Tensor Mlstm::cell(const MlstmCellInput& in, const MlstmMixerSpec& s, LayerState state) {
  check_mlstm_cell(in, s);
  const std::int64_t T = in.q.shape()[0], QK = s.NH * s.DHQK, V = s.NH * s.DHV;
  MlstmArgs a = arguments("mlstm_cell", s, T, state);
  // Kernels take one stride for q, k and v: here they lie apart, so that they are joined.
  const Tensor h = work_.allocate({T, V}, DType::kF32, "mlstm_cell");
  if (h.elements() == 0) return h;
  const std::int64_t width = 2 * QK + V;
  const Tensor qkv = work_.allocate({T, width}, in.q.dtype(), "mlstm_cell");
  std::int64_t column = 0;
  for (const Tensor* part : {&in.q, &in.k, &in.v}) {
    const auto bytes = [&](std::int64_t elements) {
      return static_cast<std::size_t>(elements) * size_of(in.q.dtype());
    };
    Copy2D copy;
    copy.from = work_.at(*part);
    copy.from_pitch = copy.bytes_in_row = bytes(part->shape()[1]);
    copy.to = data_of(qkv).at + bytes(column);
    copy.to_pitch = bytes(width);
    copy.rows = static_cast<std::size_t>(T);
    work_.device().driver().check(
        work_.device().driver().cuMemcpy2DAsync_v2(&copy, work_.device().stream()),
        "a copy of q, k and v");
    column += part->shape()[1];
  }
  const void* const first = work_.pointer(qkv);
  a.q = first;
  a.k = at_column(first, QK, qkv.dtype());
  a.v = at_column(first, 2 * QK, qkv.dtype());
  a.i = work_.pointer<const float>(in.i);
  a.f = work_.pointer<const float>(in.f);
  a.qkv_stride = narrow(width);
  a.gate_stride = narrow(s.NH);
  a.h = work_.to_write<float>(h);
  run(a, qkv.dtype(), state);
  return h;
}

MlstmArgs Mlstm::mixer_arguments(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& s,
                                 LayerState state) {
  check_mlstm_mixer(qkvo, gates, s);
  const std::int64_t T = qkvo.shape()[0], QK = s.NH * s.DHQK, V = s.NH * s.DHV;
  MlstmArgs a = arguments("mlstm_mixer", s, T, state);
  const void* const first = work_.pointer(qkvo);
  a.q = first;
  a.k = at_column(first, QK, qkvo.dtype());
  a.v = at_column(first, 2 * QK, qkvo.dtype());
  a.i = work_.pointer<const float>(gates);
  a.f = a.i + s.NH;
  a.qkv_stride = a.out_gate_stride = narrow(2 * QK + 2 * V);
  a.gate_stride = narrow(2 * s.NH);
  a.gate_cap = s.gate_soft_cap.value_or(0.0F);
  return a;
}

Tensor Mlstm::open_mixer(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& s,
                         LayerState state) {
  const Tensor h = work_.allocate({qkvo.shape()[0], s.NH * s.DHV}, DType::kF32, "mlstm_mixer");
  MlstmArgs a = mixer_arguments(qkvo, gates, s, state);
  a.h = work_.to_write<float>(h);
  a.open = 1;
  run(a, qkvo.dtype(), state);
  return h;
}

Tensor Mlstm::mixer(const Tensor& qkvo, const Tensor& gates, const Norm& norm,
                    const MlstmMixerSpec& s, LayerState state) {
  const std::int64_t T = qkvo.shape()[0], QK = s.NH * s.DHQK, V = s.NH * s.DHV;
  MlstmArgs a = mixer_arguments(qkvo, gates, s, state);
  const Tensor y = work_.allocate({T, V}, qkvo.dtype(), "mlstm_mixer");
  if (y.elements() == 0) return y;
  a.out_gate = at_column(a.q, 2 * QK + V, qkvo.dtype());
  a.norm_weight = work_.pointer<const float>(norm.weight);
  a.norm_bias = work_.pointer<const float>(norm.bias);
  if (chunks_.serve(a, qkvo.dtype())) {
    a.y = work_.to_write(y);
    chunks_.run(a);
    return y;
  }
  const Tensor h = work_.allocate({T, V}, DType::kF32, "mlstm_mixer");
  a.h = work_.to_write<float>(h);
  if (a.S > 1) {
    run(a, qkvo.dtype(), state);
    return head_norm(h, norm, s.NH, s.norm_eps, qkvo, 2 * QK + V, qkvo.dtype());
  }
  a.y = work_.to_write(y);
  run(a, qkvo.dtype(), state);
  return y;
}

void Mlstm::run(const MlstmArgs& a, DType dtype, LayerState state) {
  const auto NH = static_cast<unsigned>(a.NH), B = static_cast<unsigned>(a.B);
  const auto DHQK = static_cast<std::size_t>(a.DHQK);
  if (chunks_.serve(a, dtype)) {
    chunks_.run(a);
    return;
  }
  if (a.S > 1 && a.DHQK <= 256 && a.DHQK % 32 == 0 && a.DHV % 4 == 0) {
    // GroupMemory: q, k, v and partial sums of 16 tokens, and what the gates say of these.
    constexpr std::size_t kFloats = 16 * (2 * 256 + 32 + 8 * 32) + 8 * 16 + 3 * 16;
    work_.programs().launch("mlstm", str("mlstm_sequence_registers_", type_name(dtype)),
                            {.x = blocks_for(a.DHV, 32),
                             .y = NH,
                             .z = B,
                             .threads = kThreads,
                             .shared = kFloats * sizeof(float)},
                            a);
    return;
  }
  if (a.S > 1) {
    work_.programs().launch("mlstm", str("mlstm_sequence_", type_name(dtype)),
                            {.x = blocks_for(a.DHV, kThreads),
                             .y = NH,
                             .z = B,
                             .threads = kThreads,
                             .shared = 3 * DHQK * sizeof(float)},
                            a);
    return;
  }
  // The kernel reads the state before it waits: no kernel that it does not wait for may write it.
  auto& batch = static_cast<CudaStates&>(state.batch);
  const std::uint64_t chain = work_.programs().chain();
  const bool dependent = !batch.was_written_in(state.first, chain);
  step(a, dtype, dependent);
  batch.set_written_in(state.first, work_.programs().chain());
}

namespace {

// What a block of mlstm_heads.cu has: its ring, and q and k of a head.
std::size_t heads_shared_bytes(const MlstmArgs& a) {
  constexpr std::size_t kRing = 6 * (std::size_t{32} << 10);
  return kRing + 2 * static_cast<std::size_t>(a.DHQK) * sizeof(float);
}

}  // namespace

// What mlstm_heads.cu needs, and heads that are as long as what a block does once for each, and so
// many that nine tenths of the blocks' time has one: with fewer, strips of heads are dealt better.
bool Mlstm::takes_heads(const MlstmArgs& a) const {
  constexpr int kMostColumns = 512, kMostRows = 256, kFewestNumbers = 1 << 14;
  const std::int64_t heads = std::int64_t{a.B} * a.NH;
  const std::int64_t blocks = work_.device().multiprocessors();
  return work_.device().capability() >= 90 && a.S == 1 && a.open == 0 && a.DHV % 4 == 0 &&
         a.DHV <= kMostColumns && a.DHQK <= kMostRows && a.DHQK * a.DHV >= kFewestNumbers &&
         10 * heads >= 9 * blocks * blocks_for(heads, blocks) &&
         heads_shared_bytes(a) <= static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
}

void Mlstm::step_heads(const MlstmArgs& a, DType dtype, bool dependent) {
  const std::int64_t heads = std::int64_t{a.B} * a.NH;
  work_.programs().launch(
      "mlstm_heads", str("mlstm_heads_", type_name(dtype)),
      {.x = static_cast<unsigned>(std::min<std::int64_t>(heads, work_.device().multiprocessors())),
       .threads = kThreads + 32,
       .shared = heads_shared_bytes(a),
       .dependent = dependent},
      a);
}

void Mlstm::step(const MlstmArgs& a, DType dtype, bool dependent) {
  constexpr std::size_t kTile = kThreads * 8 * 16;  // bytes of one of the ring
  const std::size_t memory = 3 * static_cast<std::size_t>(a.DHQK) * sizeof(float);
  if (takes_heads(a)) {
    step_heads(a, dtype, dependent);
    return;
  }
  if (a.DHV % 4 != 0) {
    work_.programs().launch("mlstm", str("mlstm_step_scalar_", type_name(dtype)),
                            {.x = blocks_for(a.DHV, kThreads),
                             .y = static_cast<unsigned>(a.NH),
                             .z = static_cast<unsigned>(a.B),
                             .threads = kThreads,
                             .shared = memory,
                             .dependent = dependent},
                            a);
    return;
  }
  // Strips as wide as leave one for (nearly) every block: wide ones read longer pieces of rows, and
  // make what a head has once less often. Many rows have two blocks on a multiprocessor, of which
  // one moves states while the other begins or ends a strip.
  const auto multiprocessors = static_cast<unsigned>(work_.device().multiprocessors());
  const auto strips = [&](int across) { return blocks_for(a.DHV, 4 * across) * a.NH * a.B; };
  const auto fill = [&](int across, unsigned blocks) { return 10 * strips(across) >= 9 * blocks; };
  int across = 128, ring = 3;
  unsigned blocks = 2 * multiprocessors;
  if (a.DHV <= 256 || !fill(across, blocks)) across = 64;
  if (!fill(across, blocks)) {
    blocks = multiprocessors;
    while (across > 8 && !fill(across, blocks)) across /= 2;
    // Where a block has one tile, the next kernel's blocks have room beside it.
    ring = across == 8 && a.DHQK <= 256 && strips(across) <= blocks ? 1 : 4;
  }
  // Some cards' blocks may have less than 100 KiB.
  const auto room = static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
  if (static_cast<std::size_t>(ring) * kTile + memory > room) {
    across = std::min(across, 64);
    ring = 2;
  }
  work_.programs().launch("mlstm", str("mlstm_step_", type_name(dtype), "_", across, "_", ring),
                          {.x = std::min<unsigned>(strips(across), blocks),
                           .threads = kThreads,
                           .shared = static_cast<std::size_t>(ring) * kTile + memory,
                           .dependent = dependent},
                          a);
}

Tensor Mlstm::head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps,
                        const Tensor& out_gate, std::int64_t column, DType dtype) {
  const std::int64_t T = h.shape()[0], V = h.shape()[1];
  const Tensor y = work_.allocate({T, V}, dtype, "head_norm");
  const void* gate = nullptr;
  int stride = 0;
  if (out_gate) {
    gate = at_column(work_.pointer<const void>(out_gate), column, dtype);
    stride = narrow(out_gate.shape()[1]);
  }
  work_.programs().launch("norms", str("head_norm_", type_name(dtype)),
                          {.x = static_cast<unsigned>(T * NH), .threads = 128}, work_.pointer(h),
                          work_.pointer(norm.weight), work_.pointer(norm.bias), gate, stride,
                          work_.to_write(y), narrow(NH), narrow(V / NH), eps);
  return y;
}

}  // namespace xlstm::cuda
