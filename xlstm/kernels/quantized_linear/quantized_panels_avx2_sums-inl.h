// Ways whose products go straight into sums of 32 bits. A function with intrinsics names their
// instructions itself, so the way is written once for each: files that include this say which, by
//   XLSTM_SUMS_WAY     the name of the struct
//   XLSTM_SUMS_TARGET  what it needs besides AVX2, for compilers, behind a comma
//   XLSTM_SUMS_WORDS   whether numbers are of 16 bits, two to a unit, and not bytes, four to one
//   XLSTM_SUMS_DOT     (sum, w, x): the sum and the products of eight units
namespace xlstm::kernels {
namespace {

struct XLSTM_SUMS_WAY : Avx2Way<XLSTM_SUMS_WORDS> {
  template <int MR>
  static __attribute__((target("avx2,fma,f16c" XLSTM_SUMS_TARGET))) void add_step(
      const Tile& tile, const std::byte* w, const StepGroups& s) {
    constexpr std::size_t kUnitElements = 4 / kElementBytes;
    constexpr std::size_t kRun8 = 8, kRuns = kStep / kUnitElements / kRun8;
    const std::byte* x = tile.units;
    float* const total = tile.total;
    GroupFactors f(tile, s);
    Lines ahead = s.ahead;
    const std::size_t lines = ceil_div(ahead.count, kRuns), runs = s.units * kElementBytes / kRun8;
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
            sum[m][0] = XLSTM_SUMS_DOT(sum[m][0], w0, row);
            sum[m][1] = XLSTM_SUMS_DOT(sum[m][1], w1, row);
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

#undef XLSTM_SUMS_WAY
#undef XLSTM_SUMS_TARGET
#undef XLSTM_SUMS_WORDS
#undef XLSTM_SUMS_DOT
