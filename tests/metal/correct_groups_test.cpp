// Correct kernels whose threads work together: through SIMD groups, barriers and matrices.
#include "tests/metal/expect_output.h"

namespace xlstm::metal_emulator {
namespace {

// A row a threadgroup of 4 SIMD groups; partial sums meet in threadgroup memory.
constexpr const char* kRowSums = R"(
  uint row = threadgroup_position_in_grid.y, t = thread_index_in_threadgroup;
  threadgroup float parts[4];
  float sum = 0.0f;
  for (uint i = t; i < N; i += 128) sum += x[row * N + i];
  sum = simd_sum(sum);
  if (thread_index_in_simdgroup == 0) parts[simdgroup_index_in_threadgroup] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 0) y[row] = parts[0] + parts[1] + parts[2] + parts[3];
)";

TEST(CorrectGroups, RowSumsThroughThreadgroupMemory) {
  constexpr int kRows = 5, kColumns = 300;
  TestKernel kernel = float_kernel(kRowSums, kRows, 128, 128);
  kernel.grid = {128, kRows, 1};
  kernel.template_args = {{"N", kColumns}};
  const mx::array x = random_array({kRows, kColumns}, 2);
  const std::vector<double> values = values_of(x);
  std::vector<double> wanted(kRows);
  for (int i = 0; i < kRows * kColumns; ++i) wanted[i / kColumns] += values[i];
  expect_output(wanted, kernel, {x}, kColumns * 0x1p-24 * kColumns);
}

// Every thread gives its value to the one that mirrors it, several times over, in threadgroup
// memory and in an output; the second barrier of the loop keeps a write from what others still
// read.
constexpr const char* kMirror = R"(
  uint t = thread_index_in_threadgroup, last = threads_per_threadgroup.x - 1;
  threadgroup half shared[96];
  float value = x[t];
  for (int round = 0; round < 3; ++round) {
    shared[t] = half(value);
    y[t] = value;
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    value = float(shared[last - t]) + y[last - t];
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  }
  y[t] = value;
)";

TEST(CorrectGroups, ExchangeInThreadgroupAndDeviceMemory) {
  const TestKernel kernel = float_kernel(kMirror, 96, 96, 96);
  const mx::array x = mx::arange(0.0, 96.0);
  std::vector<double> wanted(96);
  for (int t = 0; t < 96; ++t) wanted[t] = 8 * (95 - t);
  expect_output(wanted, kernel, {x}, 0);
}

// C = A B of M x K and K x N in tiles of 32 x 32 by 4 SIMD groups, any remainder: edges are zero in
// threadgroup memory, and results go through it to the rows and columns that exist.
constexpr const char* kMatmul = R"(
  threadgroup T a_tile[32][8];
  threadgroup T b_tile[8][32];
  threadgroup float c_tile[32][32];
  uint t = thread_index_in_threadgroup, part = simdgroup_index_in_threadgroup;
  uint row0 = threadgroup_position_in_grid.y * 32, column0 = threadgroup_position_in_grid.x * 32;
  simdgroup_matrix<float, 8, 8> sums[4];
  for (int i = 0; i < 4; ++i) sums[i] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (uint k0 = 0; k0 < K; k0 += 8) {
    for (uint i = t; i < 256; i += 128) {
      uint row = row0 + i / 8, k = k0 + i % 8;
      a_tile[i / 8][i % 8] = row < M && k < K ? a[row * K + k] : T(0);
      uint bk = k0 + i / 32, column = column0 + i % 32;
      b_tile[i / 32][i % 32] = bk < K && column < N ? b[bk * N + column] : T(0);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_matrix<T, 8, 8> left, right;
    simdgroup_load(left, &a_tile[part * 8][0], 8);
    for (int i = 0; i < 4; ++i) {
      simdgroup_load(right, &b_tile[0][i * 8], 32);
      simdgroup_multiply_accumulate(sums[i], left, right, sums[i]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  for (int i = 0; i < 4; ++i) simdgroup_store(sums[i], &c_tile[part * 8][i * 8], 32);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = t; i < 1024; i += 128) {
    uint row = row0 + i / 32, column = column0 + i % 32;
    if (row < M && column < N) y[row * N + column] = c_tile[i / 32][i % 32];
  }
)";

TEST(CorrectGroups, TiledMatmulWithSimdgroupMatrices) {
  constexpr int kM = 45, kK = 37, kN = 70;
  TestKernel kernel = float_kernel(kMatmul, kM * kN, 0, 0);
  kernel.inputs = {"a", "b"};
  kernel.grid = {128 * 3, 2, 1};
  kernel.group = {128, 1, 1};
  for (const mx::Dtype type : {mx::float32, mx::float16, mx::bfloat16}) {
    kernel.template_args = {{"T", type}, {"M", kM}, {"K", kK}, {"N", kN}};
    const mx::array a = random_array({kM, kK}, 4, type), b = random_array({kK, kN}, 5, type);
    const std::vector<double> left = values_of(a), right = values_of(b);
    std::vector<double> wanted(kM * kN);
    for (int i = 0; i < kM * kN; ++i) {
      for (int k = 0; k < kK; ++k) wanted[i] += left[i / kN * kK + k] * right[k * kN + i % kN];
    }
    // Products of halves and bfloats are exact in float; sums have kK roundings of values up to kK.
    expect_output(wanted, kernel, {a, b}, kK * 0x1p-24 * kK);
  }
}

// All SIMD functions, against what they say of the lanes 0, 1, ... 31, and 8 lanes of a second SIMD
// group.
constexpr const char* kSimdFunctions = R"(
  uint t = thread_position_in_grid.x, lane = thread_index_in_simdgroup;
  int v = int(lane) + 1;
  y[0 * 40 + t] = simd_sum(v);
  y[1 * 40 + t] = simd_max(v);
  y[2 * 40 + t] = simd_min(v);
  y[3 * 40 + t] = simd_prefix_inclusive_sum(v);
  y[4 * 40 + t] = simd_prefix_exclusive_sum(v);
  y[5 * 40 + t] = simd_shuffle_xor(v, 3);
  y[6 * 40 + t] = simd_shuffle(v, 7 - lane % 8);
  y[7 * 40 + t] = simd_broadcast(v, 5);
  y[8 * 40 + t] = simd_any(v == 8) ? 1 : 0;
  y[9 * 40 + t] = simd_all(v <= 8) ? 1 : 0;
)";

TEST(CorrectGroups, SimdFunctionsOfWholeAndPartGroups) {
  const TestKernel kernel = float_kernel(kSimdFunctions, 400, 40, 40);
  std::vector<double> wanted(400);
  for (int t = 0; t < 40; ++t) {
    const int lane = t % 32, lanes = t < 32 ? 32 : 8;
    const std::vector<int> values{lanes * (lanes + 1) / 2,
                                  lanes,
                                  1,
                                  (lane + 1) * (lane + 2) / 2,
                                  lane * (lane + 1) / 2,
                                  (lane ^ 3) + 1,
                                  8 - lane % 8,
                                  6,
                                  1,
                                  lanes <= 8};
    for (std::size_t i = 0; i < values.size(); ++i)
      wanted[i * 40 + static_cast<std::size_t>(t)] = values[i];
  }
  expect_output(wanted, kernel, {mx::zeros({1})}, 0);
}

}  // namespace
}  // namespace xlstm::metal_emulator
