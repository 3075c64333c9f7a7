#include "xlstm/cuda/mlstm_chunk.h"

#include <algorithm>
#include <cstdint>

#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// Of mlstm_chunk.cuh and the kernels that include it.
constexpr std::int64_t kTile = 64, kRing = 32, kStages = 4, kStateColumns = 64;
constexpr std::int64_t kStateStages = 5;
constexpr int kFewest = 17;           // tokens; fewer go one after the other
constexpr std::int64_t kMost = 4096;  // tokens of all sequences, whose states are kept at once
constexpr std::size_t kBFloat16 = 2;  // bytes

std::int64_t pieces(std::int64_t count, std::int64_t each) {
  return (count + each - 1) / each;
}

std::size_t bytes_of(std::int64_t numbers) {
  return kBFloat16 * static_cast<std::size_t>(numbers);
}

std::size_t output_bytes(const MlstmArgs& a) {
  const std::size_t products =
      bytes_of(2 * kTile * a.DHQK + kTile * kTile + kStages * kRing * a.DHV);
  const auto h = static_cast<std::size_t>(kTile * (a.DHV + 8)) * sizeof(float);  // after these
  return std::max(products, bytes_of(kTile * a.DHQK) + h);
}

std::int64_t state_rows(const MlstmArgs& a) {
  return a.DHQK % 128 == 0 ? 128 : 64;
}

// Of a part of at most `tokens` of a sequence: factors, and exponents of tokens and chunks.
std::size_t state_bytes(const MlstmArgs& a, std::int64_t tokens) {
  const std::size_t exponents = static_cast<std::size_t>(tokens + 2 * tokens / kTile);
  return bytes_of(kStateStages * kTile * (state_rows(a) + kStateColumns)) +
         exponents * sizeof(float);
}

bool begins_at_unit(const void* at, int stride) {
  return reinterpret_cast<std::uintptr_t>(at) % 16 == 0 && stride % 8 == 0;
}

}  // namespace

bool MlstmChunks::serve(const MlstmArgs& a, DType dtype) const {
  const bool keys = a.DHQK % kTile == 0 && a.DHQK <= 256;
  const bool values = a.DHV == 64 || a.DHV == 128 || a.DHV == 256 || a.DHV == 512;
  const bool units = begins_at_unit(a.q, a.qkv_stride) && begins_at_unit(a.k, a.qkv_stride) &&
                     begins_at_unit(a.v, a.qkv_stride) &&
                     begins_at_unit(a.out_gate, a.out_gate_stride);
  return dtype == DType::kBF16 && a.S >= kFewest && keys && values && units &&
         std::max(output_bytes(a), state_bytes(a, kMost)) <=
             static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
}

void MlstmChunks::run(const MlstmArgs& a) {
  const std::int64_t S = a.S;
  MlstmChunkArgs c{};
  c.cell = a;
  c.chunk = narrow(std::min(chunk_, pieces(S, kTile) * kTile));
  const std::int64_t most = std::max<std::int64_t>(kMost / a.B / c.chunk, 1) * c.chunk;
  for (std::int64_t first = 0; first < S; first += most) {
    c.first = narrow(first);
    c.count = narrow(std::min(most, S - first));
    run_part(c);
  }
}

void MlstmChunks::run_part(MlstmChunkArgs c) {
  const MlstmArgs& a = c.cell;
  const std::int64_t heads = std::int64_t{a.B} * a.NH, tokens = heads * c.count;
  c.chunks = narrow(pieces(c.count, c.chunk));
  const std::int64_t chunks = heads * c.chunks;
  // n first: it is read four numbers at a time.
  const Tensor numbers = work_.allocate({chunks * (a.DHQK + 3) + 4 * tokens}, DType::kF32, "mlstm");
  const Tensor states = work_.allocate({chunks * a.DHQK * a.DHV}, DType::kBF16, "mlstm");
  float* at = work_.to_write<float>(numbers);
  const auto take = [&at](std::int64_t count) {
    float* const here = at;
    at += count;
    return here;
  };
  c.n = take(chunks * a.DHQK);
  c.sums = reinterpret_cast<MlstmChunkSums*>(take(2 * chunks));
  c.decay = take(tokens), c.column = take(tokens), c.largest = take(tokens);
  c.later = take(tokens), c.m = take(chunks);
  c.C = work_.to_write(states);

  const auto NH = static_cast<unsigned>(a.NH), B = static_cast<unsigned>(a.B);
  const auto launch = [&](const char* file, const std::string& kernel, const Grid& grid) {
    work_.programs().launch(file, str("mlstm_chunk_", kernel), grid, c);
  };
  launch("mlstm_states", "gates",
         {.x = static_cast<unsigned>(c.chunks),
          .y = NH,
          .z = B,
          .threads = static_cast<unsigned>(c.chunk)});
  const std::int64_t rows = state_rows(a);
  launch("mlstm_states", str("states_", rows),
         {.x = static_cast<unsigned>(a.DHQK / rows * (a.DHV / kStateColumns)),
          .y = NH,
          .z = B,
          .shared = state_bytes(a, std::int64_t{c.chunks} * c.chunk)});
  launch("mlstm_outputs", str("outputs_", a.DHV),
         {.x = blocks_for(c.count, kTile), .y = NH, .z = B, .shared = output_bytes(a)});
}

}  // namespace xlstm::cuda
