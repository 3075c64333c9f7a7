// Codes of all widths with vpdpbusd in AVX2's vectors: products of bytes, added in fours. It exists
// in two encodings, of which each needs a processor of its own kind: files that include this say
// which, by
//   XLSTM_VNNI_WAY     the name of the struct
//   XLSTM_VNNI_TARGET  its name for compilers, behind a comma
//   XLSTM_VNNI_DOT     its intrinsic
namespace xlstm::kernels {
namespace {

struct XLSTM_VNNI_WAY : Avx2Way<false> {
  template <int MR>
  static __attribute__((target("avx2,fma,f16c" XLSTM_VNNI_TARGET))) void add_step(
      const Tile& tile, const std::byte* w, const StepGroups& s) {
    constexpr std::size_t kRun8 = 8, kRuns = kStep / 4 / kRun8;
    const std::byte* x = tile.units;
    float* const total = tile.total;
    GroupFactors f(tile, s);
    Lines ahead = s.ahead;
    const std::size_t lines = ceil_div(ahead.count, kRuns), runs = s.units / kRun8;
    for (std::size_t left = s.count; left > 0; --left, f.next()) {
      Sums sum[MR][2];
#pragma GCC unroll 8
      for (int m = 0; m < MR; ++m) sum[m][0] = sum[m][1] = Sums{};
      for (std::size_t run = 0; run < runs; ++run) {
        prefetch_some(ahead, lines);
#pragma GCC unroll 1
        for (std::size_t u = 0; u < kRun8; ++u, x += MR * 4, w += kUnitBytes) {
          const __m256i w0 = load_half(w), w1 = load_half(w + 32);
#pragma GCC unroll 8
          for (int m = 0; m < MR; ++m) {
            const __m256i row = unit_of_row(x, m);
            sum[m][0] = (Sums)XLSTM_VNNI_DOT((__m256i)sum[m][0], w0, row);
            sum[m][1] = (Sums)XLSTM_VNNI_DOT((__m256i)sum[m][1], w1, row);
          }
        }
      }
#pragma GCC unroll 8
      for (int m = 0; m < MR; ++m) {
        add_scaled(sum[m], m, f, total);
      }
    }
  }
};

}  // namespace
}  // namespace xlstm::kernels

#undef XLSTM_VNNI_WAY
#undef XLSTM_VNNI_TARGET
#undef XLSTM_VNNI_DOT
