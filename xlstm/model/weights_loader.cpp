#include "xlstm/model/weights_loader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "xlstm/base/dtype.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/hash.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"
#include "xlstm/model/weight_memory.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

void check_finite(const float* values, std::size_t count, DType type, const std::string& name) {
  const std::size_t bad = first_not_finite(values, count, type);
  if (bad == count) return;
  fail_wanted(ErrorKind::kModel, name, str("finite numbers that ", name_of(type), " can hold"),
              str(values[bad]));
}

DType type_of(mx::Dtype dtype) {
  return dtype == mx::bfloat16 ? DType::kBF16 : DType::kF32;
}

// Elements of a tensor to float32 or bfloat16 at `to`; returns the bytes written. What a narrower
// type cannot hold is refused: it would become an infinity.
std::size_t convert(std::span<const std::byte> from, const TensorInfo& info, mx::Dtype target,
                    char* to) {
  const DType type = type_of(target);
  const std::size_t count = from.size() / size_of(info.dtype);
  constexpr std::size_t kAtOnce = std::size_t{1} << 14;  // elements: near the core
  std::array<float, kAtOnce> values;
  for (std::size_t at = 0; at < count; at += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, count - at);
    floats_from(from.data() + at * size_of(info.dtype), info.dtype, size, values.data());
    if (type == DType::kBF16 || info.dtype == DType::kF64) {
      check_finite(values.data(), size, type, info.name);
    }
    floats_to(values.data(), size, type, reinterpret_cast<std::byte*>(to) + at * size_of(type));
  }
  return count * size_of(type);
}

mx::Shape mlx_shape(const Shape& lengths, const std::string& where) {
  mx::Shape shape;
  for (const std::int64_t length : lengths) {
    if (length > INT32_MAX) {
      fail_wanted(ErrorKind::kModel, where, "axes below 2^31", to_string(lengths));
    }
    shape.push_back(static_cast<int>(length));
  }
  return shape;
}

mx::Dtype memory_dtype(const Parameter& parameter, mx::Dtype dtype) {
  return parameter.keep_float32 ? mx::float32 : dtype;
}

mx::Dtype scale_dtype(DType type) {
  switch (type) {
    case DType::kF32:
      return mx::float32;
    case DType::kF16:
      return mx::float16;
    case DType::kU8:
      return mx::uint8;
    default:
      return mx::bfloat16;
  }
}

// An array that is yet to be filled.
struct Unfilled {
  explicit Unfilled(mx::array a) : array(std::move(a)), at(array.data<char>()) {}

  mx::array array;
  char* at;  // where the next bytes go
};

// What a load shares between its parameters.
struct Loading {
  const TensorSource& source;
  WeightMemory memory;
  Hash hash;
  std::vector<std::byte> piece;  // of a tensor, as it lies in the file
};

constexpr std::uint64_t kPiece = std::uint64_t{1} << 18;  // bytes: near the core
static_assert(kPiece % Hash::kBlock == 0);

// Reads a parameter's tensors once, adding what it reads to the fingerprint.
class ParameterLoader {
 public:
  ParameterLoader(const Parameter& parameter, Loading& loading)
      : parameter_(parameter), loading_(loading) {}

  ops::WeightArray load(mx::Dtype dtype, const std::optional<Quantization>& quantized,
                        kernels::Rounding rounding) const {
    if (parameter_.packed) return load_packed(*parameter_.packed);
    if (quantized) return quantize(*quantized, rounding);
    Unfilled out = unfilled(parameter_.shape, memory_dtype(parameter_, dtype));
    for (const std::size_t index : parameter_.sources) {
      const TensorInfo& info = tensor(index);
      if (type_of(out.array.dtype()) == info.dtype) {
        out.at = copy(index, out.at);
        continue;
      }
      in_pieces(index, kPiece, [&](std::span<const std::byte> piece) {
        out.at += convert(piece, info, out.array.dtype(), out.at);
      });
    }
    return out.array;
  }

 private:
  ops::QuantizedArray quantize(const Quantization& format, kernels::Rounding rounding) const {
    loading_.hash.add(to_string(format));
    loading_.hash.add(static_cast<std::uint64_t>(rounding));
    const bool affine = format.mode == QuantizationMode::kAffine;
    const std::int64_t N = parameter_.shape[0], K = parameter_.shape[1];
    const auto columns = static_cast<std::size_t>(K);
    const DType type = scale_type_for(format, tensor(parameter_.sources.front()).dtype);
    const Shape groups = {N, K / format.group_size};
    Unfilled words = unfilled({N, quantized_words(format, K)}, mx::uint32);
    Unfilled scales = unfilled(groups, scale_dtype(type));
    Unfilled biases = unfilled(affine ? groups : Shape{0}, scale_dtype(type));
    kernels::QuantizedRows out{reinterpret_cast<std::uint32_t*>(words.at), scales.at,
                               affine ? biases.at : nullptr, kernels::weight_type(type)};
    for (const std::size_t index : parameter_.sources) {
      const TensorInfo& info = tensor(index);
      const std::size_t row_bytes = columns * size_of(info.dtype);  // whole groups, so whole blocks
      std::size_t row = 0;
      in_pieces(index, std::max<std::uint64_t>(1, kMostPiece / row_bytes) * row_bytes,
                [&](std::span<const std::byte> piece) {
                  const std::size_t rows = piece.size() / row_bytes;
                  kernels::quantize_matrix(piece, info.dtype, rows, columns, format, rounding,
                                           nullptr, out, info.name, row);
                  out = kernels::rows_from(out, rows, columns, format);
                  row += rows;
                });
    }
    if (!affine) return {words.array, scales.array, std::nullopt, format};
    return {words.array, scales.array, biases.array, format};
  }

  const TensorInfo& tensor(std::size_t index) const { return loading_.source.tensors()[index]; }

  // Reads a tensor in pieces of `most` bytes, a multiple of Hash::kBlock: each to place(offset,
  // size), then it is used while it is in the caches.
  template <typename Place, typename Use>
  void read(std::size_t index, std::uint64_t most, const Place& place, const Use& use) const {
    const std::uint64_t all = tensor(index).bytes;
    loading_.hash.add(name_of(tensor(index).dtype));
    Hash::Run run(loading_.hash);
    for (std::uint64_t at = 0; at < all; at += most) {
      const std::span<std::byte> piece = place(at, std::min(most, all - at));
      loading_.source.read(index, at, piece);
      run.add(piece);
      use(piece);
    }
    run.end();
  }

  template <typename Use>
  void in_pieces(std::size_t index, std::uint64_t most, const Use& use) const {
    std::vector<std::byte>& memory = loading_.piece;
    const auto place = [&memory](std::uint64_t, std::uint64_t size) {
      if (memory.size() < size) memory.resize(static_cast<std::size_t>(size));
      return std::span(memory).first(static_cast<std::size_t>(size));
    };
    read(index, most, place, use);
  }

  // As it is; returns where the next bytes go.
  char* copy(std::size_t index, char* to) const {
    const auto place = [to](std::uint64_t at, std::uint64_t size) {
      return std::as_writable_bytes(std::span(to + at, static_cast<std::size_t>(size)));
    };
    read(index, kPiece, place, [](std::span<const std::byte>) {});
    return to + tensor(index).bytes;
  }

  ops::QuantizedArray load_packed(const PackedParameter& packed) const {
    loading_.hash.add(to_string(packed.format));
    const std::int64_t N = parameter_.shape[0], K = parameter_.shape[1];
    const Shape groups = {N, K / packed.format.group_size};
    const mx::Dtype scale = scale_dtype(packed.scale_type);
    const mx::array words =
        joined(parameter_.sources, {N, quantized_words(packed.format, K)}, mx::uint32);
    const mx::array scales = joined(packed.scales, groups, scale);
    if (packed.biases.empty()) return {words, scales, std::nullopt, packed.format};
    return {words, scales, joined(packed.biases, groups, scale), packed.format};
  }

  mx::array joined(const std::vector<std::size_t>& tensors, const Shape& shape,
                   mx::Dtype dtype) const {
    Unfilled out = unfilled(shape, dtype);
    for (const std::size_t index : tensors) out.at = copy(index, out.at);
    return out.array;
  }

  Unfilled unfilled(const Shape& lengths, mx::Dtype dtype) const {
    return Unfilled(
        loading_.memory.take(mlx_shape(lengths, parameter_.name), dtype, parameter_.name));
  }

  const Parameter& parameter_;
  Loading& loading_;
};

std::vector<std::size_t> tensors_of(const Parameter& parameter) {
  std::vector<std::size_t> out = parameter.sources;
  if (parameter.packed) {
    out.insert(out.end(), parameter.packed->scales.begin(), parameter.packed->scales.end());
    out.insert(out.end(), parameter.packed->biases.begin(), parameter.packed->biases.end());
  }
  return out;
}

std::uint64_t packed_bytes(const Shape& shape, const Quantization& format, DType scale_type) {
  const auto N = static_cast<std::uint64_t>(shape[0]), K = static_cast<std::uint64_t>(shape[1]);
  const auto bits = static_cast<std::uint64_t>(format.bits);
  const std::uint64_t groups = K / static_cast<std::uint64_t>(format.group_size);
  const std::uint64_t scales = format.mode == QuantizationMode::kAffine ? 2 : 1;
  return N * (K * bits / 8 + groups * scales * size_of(scale_type));
}

std::optional<Quantization> target_of(const Plan& plan, const Layer& layer,
                                      const Parameter& parameter, const MemoryFormat& format) {
  return format.recipe ? format_for(*format.recipe, plan, layer, parameter) : std::nullopt;
}

}  // namespace

std::uint64_t memory_bytes(const Plan& plan, const Layer& layer, const Parameter& parameter,
                           const MemoryFormat& format) {
  const mx::Dtype dtype = format.dtype;
  if (parameter.packed)
    return packed_bytes(parameter.shape, parameter.packed->format, parameter.packed->scale_type);
  if (const auto quantized = target_of(plan, layer, parameter, format)) {
    return packed_bytes(parameter.shape, *quantized, scale_type_for(*quantized, DType::kBF16));
  }
  const auto elements = static_cast<std::uint64_t>(element_count(parameter.shape).value_or(0));
  return elements * mx::size_of(memory_dtype(parameter, dtype));
}

std::uint64_t memory_bytes(const ops::WeightArray& weight) {
  if (const auto* dense = std::get_if<mx::array>(&weight)) return dense->nbytes();
  const auto& quantized = std::get<ops::QuantizedArray>(weight);
  return quantized.words.nbytes() + quantized.scales.nbytes() +
         (quantized.biases ? quantized.biases->nbytes() : 0);
}

namespace {

// Scales of float32 make it more; the last arrays lie elsewhere then.
std::uint64_t room_for(const Plan& plan, const MemoryFormat& format) {
  std::uint64_t bytes = 0, arrays = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      bytes += memory_bytes(plan, layer, parameter, format);
      arrays += 3;  // words, scales and biases
    }
  }
  return WeightMemory::room_for(bytes, arrays);
}

}  // namespace

LoadedWeights load_weights(const Plan& plan, const TensorSource& source, const MemoryFormat& format,
                           const std::function<void(double)>& on_progress) {
  LoadedWeights out;
  Loading loading = {source, WeightMemory(room_for(plan, format)), {}, {}};
  Hash& hash = loading.hash;
  std::uint64_t done = 0;
  const std::uint64_t all = plan.bytes();
  const auto rounding = format.recipe && !format.recipe->search ? kernels::Rounding::kMinMax
                                                                : kernels::Rounding::kSearch;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      hash.add(parameter.name);
      for (const std::int64_t length : parameter.shape)
        hash.add(static_cast<std::uint64_t>(length));
      ops::WeightArray array =
          ParameterLoader(parameter, loading)
              .load(format.dtype, target_of(plan, layer, parameter, format), rounding);
      out.bytes += memory_bytes(array);
      out.arrays.emplace(parameter.name, std::move(array));
      for (const std::size_t index : tensors_of(parameter)) done += source.tensors()[index].bytes;
      if (on_progress && all > 0) on_progress(static_cast<double>(done) / static_cast<double>(all));
    }
  }
  for (const std::uint64_t number : plan.identity) hash.add(number);
  out.fingerprint = hash.value();
  return out;
}

}  // namespace xlstm
