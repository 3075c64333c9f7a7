// Codes of weights, unpacked to vectors, and their dot products with codes of x. Included once for
// each SIMD target.
//
// Codes become fields: unsigned bytes where the processor multiplies bytes (XLSTM_DOT_BYTES), else
// 16-bit numbers. A unit of kUnit codes gives kParts vectors of fields, so that the 32-bit lane l
// of every dot product belongs to the group that the unit's code l * kUnit / kLanes is in.
//   2, 4, 8 bits: field i of part p is code i * kParts + p, which a shift and a mask give.
//   3, 5, 6 bits: part p is the p-th run of codes, which are looked up byte by byte and shifted.
#if defined(XLSTM_QUANTIZED_CODES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_QUANTIZED_CODES_INL
#undef XLSTM_QUANTIZED_CODES_INL
#else
#define XLSTM_QUANTIZED_CODES_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr std::size_t kVectorBytes = HWY_LANES(std::uint8_t);
using IntTag = hn::Rebind<std::int32_t, VectorTag>;
using IntVector = hn::Vec<IntTag>;
using ByteTag = hn::Repartition<std::uint8_t, VectorTag>;
using WordTag = hn::Repartition<std::uint16_t, VectorTag>;
#ifdef XLSTM_DOT_BYTES
using FieldTag = ByteTag;
#else
using FieldTag = WordTag;
#endif
using Fields = hn::Vec<FieldTag>;
constexpr int kFieldBits = sizeof(hn::TFromD<FieldTag>) * 8;
constexpr std::size_t kFields = kVectorBytes * 8 / kFieldBits;

HWY_INLINE Fields mxfp4_fields(Fields nibbles) {
  const ByteTag bytes;
  const auto table = hn::LoadDup128(bytes, kMxfp4Codes);
#ifdef XLSTM_DOT_BYTES
  return hn::TableLookupBytes(table, nibbles);
#else
  const WordTag words;  // indices from 128 on give 0: upper bytes
  const auto indices = hn::Or(nibbles, hn::Set(words, std::uint16_t{0x8000}));
  return hn::BitCast(words, hn::TableLookupBytesOr0(table, hn::BitCast(bytes, indices)));
#endif
}

// A vector from `p`, in a register: compilers like to load it again for each use, and every load
// that crosses a cache line counts twice.
HWY_INLINE hn::Vec<ByteTag> load_once(const std::uint8_t* p) {
  auto v = hn::LoadU(ByteTag(), p);
#if defined(XLSTM_DOT_BYTES) && HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#elif defined(XLSTM_DOT_BYTES)
  asm("" : "+w"(v.raw));
#endif
  return v;
}

// Codes of 2, 4 or 8 bits; kTable: to be looked up in mxfp4's table.
template <int Bits, bool kTable = false>
struct ShiftedCodes {
  static constexpr bool kMxfp4 = kTable;
#ifdef XLSTM_DOT_SIGNED_BYTES
  static constexpr bool kLess128 = Bits == 8;  // fields are codes - 128
#endif
  static constexpr int kParts = kFieldBits / Bits;
  static constexpr std::size_t kUnit = kParts * kFields, kUnitBytes = kVectorBytes;

  static HWY_INLINE void unpack(const std::uint8_t* p, Fields (&parts)[kParts]) {
    const FieldTag d;
    const WordTag words;  // bytes cannot be shifted alone
    const auto bits = hn::BitCast(words, load_once(p));
    const auto mask = hn::Set(d, static_cast<hn::TFromD<FieldTag>>((1 << Bits) - 1));
    unrolled<kParts>([&](auto at) HWY_ATTR {
      constexpr int part = decltype(at)::value;
      parts[part] = hn::BitCast(d, hn::ShiftRight<part * Bits>(bits));
      if constexpr (Bits != kFieldBits) parts[part] = hn::And(parts[part], mask);
      if constexpr (kTable) parts[part] = mxfp4_fields(parts[part]);
    });
#ifdef XLSTM_DOT_SIGNED_BYTES
    if constexpr (kLess128) parts[0] = hn::Xor(parts[0], hn::Set(d, std::uint8_t{0x80}));
#endif
  }
};

#ifdef XLSTM_DOT_BYTES
// Codes of 3, 5 or 6 bits.
template <int Bits>
struct StreamedCodes {
  static constexpr bool kMxfp4 = false;
#ifdef XLSTM_DOT_SIGNED_BYTES
  static constexpr bool kLess128 = false;
#endif
  static constexpr int kParts = 1;
  static constexpr std::size_t kUnit = kFields, kUnitBytes = kFields * Bits / 8;

  static HWY_INLINE void unpack(const std::uint8_t* p, Fields (&parts)[kParts]) {
    const auto mask = hn::Set(FieldTag(), std::uint8_t{(1 << Bits) - 1});
    parts[0] = hn::And(CodeStream<Bits>::spread(p), mask);
  }
};

// Products of unsigned and signed bytes, added in fours: of parts with the signed bytes of x, of
// which the upper ones of all parts come first.
template <class Codes>
HWY_INLINE IntVector dot(const Fields (&parts)[Codes::kParts], const std::int8_t* x) {
  constexpr int kParts = Codes::kParts;
  const hn::Repartition<std::int8_t, VectorTag> bytes;
  IntVector sum = hn::Zero(IntTag());
  unrolled<2 * kParts>([&](auto step) HWY_ATTR {
    constexpr int part = decltype(step)::value % kParts;
    if constexpr (decltype(step)::value == kParts) sum = hn::ShiftLeft<8>(sum);
    sum = dot_bytes(sum, parts[part], hn::Load(bytes, x + step * kVectorBytes));
  });
#ifdef XLSTM_DOT_SIGNED_BYTES
  if constexpr (Codes::kLess128) {  // 128 times the sum of x, which compilers make once for a tile
    const auto ones = hn::Set(FieldTag(), std::uint8_t{1});
    const IntVector upper = dot_bytes(hn::Zero(IntTag()), ones, hn::Load(bytes, x));
    const IntVector all =
        dot_bytes(hn::ShiftLeft<8>(upper), ones, hn::Load(bytes, x + kVectorBytes));
    sum = hn::Add(sum, hn::ShiftLeft<7>(all));
  }
#endif
  return sum;
}

#else

// Runs of 16 * `Blocks` codes / 2: 8 codes of each block lie in Bits bytes.
HWY_INLINE hn::Vec<hn::FixedTag<std::uint8_t, 16>> load_runs(hn::FixedTag<std::uint8_t, 16> d,
                                                             const std::uint8_t* p, int /*bits*/) {
  return hn::LoadU(d, p);
}
#if HWY_MAX_BYTES >= 32
HWY_INLINE hn::Vec<hn::FixedTag<std::uint8_t, 32>> load_runs(hn::FixedTag<std::uint8_t, 32> d,
                                                             const std::uint8_t* p, int bits) {
  const hn::FixedTag<std::uint8_t, 16> half;
  return hn::Combine(d, hn::LoadU(half, p + bits), hn::LoadU(half, p));
}
#endif
#if HWY_MAX_BYTES >= 64
HWY_INLINE hn::Vec<hn::FixedTag<std::uint8_t, 64>> load_runs(hn::FixedTag<std::uint8_t, 64> d,
                                                             const std::uint8_t* p, int bits) {
  const hn::FixedTag<std::uint8_t, 32> half;
  return hn::Combine(d, load_runs(half, p + 2 * bits, bits), load_runs(half, p, bits));
}
#endif

// Codes of 3, 5 or 6 bits: 8 of them, a block's, lie in `Bits` bytes. The two bytes that hold a
// code are brought to its field, and a product and a shift drop what is above and below it.
template <int Bits>
struct StreamedCodes {
  static constexpr bool kMxfp4 = false;
  static constexpr std::size_t kRunBytes = kFields * Bits / 8;
  static constexpr int kParts = static_cast<int>(std::max<std::size_t>(1, 32 / kFields));
  static constexpr std::size_t kUnit = kParts * kFields, kUnitBytes = kParts * kRunBytes;

  struct Tables {
    constexpr Tables() : source(), factor() {
      for (int i = 0; i < 8; ++i) {
        const int at = i * Bits;
        source[2 * i] = static_cast<std::uint8_t>(at / 8);
        source[2 * i + 1] = static_cast<std::uint8_t>(at / 8 + 1);
        factor[i] = static_cast<std::uint16_t>(1U << (16 - Bits - at % 8));
      }
    }
    alignas(16) std::uint8_t source[16];
    alignas(16) std::uint16_t factor[8];
  };
  static constexpr Tables kTables = Tables();

  static HWY_INLINE void unpack(const std::uint8_t* p, Fields (&parts)[kParts]) {
    const ByteTag bytes;
    const WordTag words;
    const auto source = hn::LoadDup128(bytes, kTables.source);
    const auto factor = hn::LoadDup128(words, kTables.factor);
    unrolled<kParts>([&](auto part) HWY_ATTR {
      const auto run = load_runs(bytes, p + part * kRunBytes, Bits);
      const auto pairs = hn::BitCast(words, hn::TableLookupBytes(run, source));
      parts[part] = hn::ShiftRight<16 - Bits>(hn::Mul(pairs, factor));
    });
  }
};

// Products of 16-bit numbers, added in pairs: of parts with the codes of x.
template <class Codes>
HWY_INLINE IntVector dot(const Fields (&parts)[Codes::kParts], const std::int8_t* x) {
  const IntTag d;
  const hn::Repartition<std::int16_t, VectorTag> words;
  IntVector sum = hn::Zero(d), other = hn::Zero(d);
  unrolled<Codes::kParts>([&](auto part) HWY_ATTR {
    const auto codes =
        hn::Load(words, reinterpret_cast<const std::int16_t*>(x + part * kVectorBytes));
    sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(words, parts[part]), codes, sum, other);
  });
  return hn::RearrangeToOddPlusEven(sum, other);
}
#endif

// Calls with_codes(type) with the type above that unpacks this format.
template <class F>
HWY_INLINE void with_codes(const Quantization& format, const F& with) {
  if (format.mode == QuantizationMode::kMxfp4) return with(ShiftedCodes<4, true>());
  switch (format.bits) {
    case 2:
      return with(ShiftedCodes<2>());
    case 3:
      return with(StreamedCodes<3>());
    case 4:
      return with(ShiftedCodes<4>());
    case 5:
      return with(StreamedCodes<5>());
    case 6:
      return with(StreamedCodes<6>());
    default:
      return with(ShiftedCodes<8>());
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
