#include "xlstm/model/weights_loader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "xlstm/base/dtype.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/hash.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"

namespace xlstm {
namespace {

void check_finite(const float* values, std::size_t count, DType type, const std::string& name) {
  const std::size_t bad = first_not_finite(values, count, type);
  if (bad == count) return;
  fail_wanted(ErrorKind::kModel, name, str("finite numbers that ", name_of(type), " can hold"),
              str(values[bad]));
}

// Elements of a tensor to float32 or bfloat16 at `to`; returns the bytes written. What a narrower
// type cannot hold is refused: it would become an infinity.
std::size_t convert(std::span<const std::byte> from, const TensorInfo& info, DType type,
                    std::byte* to) {
  const std::size_t count = from.size() / size_of(info.dtype);
  constexpr std::size_t kAtOnce = std::size_t{1} << 14;  // elements: near the core
  std::array<float, kAtOnce> values;
  for (std::size_t at = 0; at < count; at += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, count - at);
    floats_from(from.data() + at * size_of(info.dtype), info.dtype, size, values.data());
    if (type == DType::kBF16 || info.dtype == DType::kF64) {
      check_finite(values.data(), size, type, info.name);
    }
    floats_to(values.data(), size, type, to + at * size_of(type));
  }
  return count * size_of(type);
}

DType memory_dtype(const Parameter& parameter, DType dtype) {
  return parameter.keep_float32 ? DType::kF32 : dtype;
}

// A tensor that is yet to be filled.
struct Unfilled {
  Tensor tensor;
  std::byte* at;  // where the next bytes go
};

// What a load shares between its parameters.
struct Loading {
  const TensorSource& source;
  Backend& backend;
  std::unique_ptr<WeightMemory> memory;
  Hash hash;
  std::vector<std::byte> piece;  // of a tensor, as it lies in the file
};

constexpr std::uint64_t kPiece = std::uint64_t{1} << 18;  // bytes: near the core
static_assert(kPiece % Hash::kBlock == 0);

// Reads a tensor in pieces of `most` bytes, a multiple of Hash::kBlock: each to place(offset,
// size), then it is used while it is in the caches.
template <typename Place, typename Use>
void read_hashed(const TensorSource& source, std::size_t index, Hash& hash, std::uint64_t most,
                 const Place& place, const Use& use) {
  const TensorInfo& tensor = source.tensors()[index];
  hash.add(name_of(tensor.dtype));
  Hash::Run run(hash);
  for (std::uint64_t at = 0; at < tensor.bytes; at += most) {
    const std::span<std::byte> piece = place(at, std::min(most, tensor.bytes - at));
    source.read(index, at, piece);
    run.add(piece);
    use(piece);
  }
  run.end();
}

// All of a parameter but its bytes; `quantized` is what it becomes in memory.
void add_description(Hash& hash, const Parameter& parameter,
                     const std::optional<Quantization>& quantized, kernels::Rounding rounding) {
  hash.add(parameter.name);
  for (const std::int64_t axis : parameter.shape) hash.add(static_cast<std::uint64_t>(axis));
  if (parameter.packed) {
    hash.add(to_string(parameter.packed->format));
  } else if (quantized) {
    hash.add(to_string(*quantized));
    hash.add(static_cast<std::uint64_t>(rounding));
  }
}

std::uint64_t finished(Hash hash, const Plan& plan) {
  for (const std::uint64_t number : plan.identity) hash.add(number);
  return hash.value();
}

// Reads a parameter's tensors once, adding what it reads to the fingerprint.
class ParameterLoader {
 public:
  ParameterLoader(const Parameter& parameter, Loading& loading)
      : parameter_(parameter), loading_(loading) {}

  WeightTensor load(DType dtype, const std::optional<Quantization>& quantized,
                    kernels::Rounding rounding) const {
    if (parameter_.packed) return load_packed(*parameter_.packed);
    if (quantized) return quantize(*quantized, rounding);
    Unfilled out = unfilled(parameter_.shape, memory_dtype(parameter_, dtype));
    for (const std::size_t index : parameter_.sources) {
      const TensorInfo& info = tensor(index);
      if (out.tensor.dtype() == info.dtype) {
        out.at = copy(index, out.at);
        continue;
      }
      in_pieces(index, kPiece, [&](std::span<const std::byte> piece) {
        out.at += convert(piece, info, out.tensor.dtype(), out.at);
      });
    }
    return out.tensor;
  }

 private:
  QuantizedTensor quantize(const Quantization& format, kernels::Rounding rounding) const {
    const bool affine = format.mode == QuantizationMode::kAffine;
    const std::int64_t N = parameter_.shape[0], K = parameter_.shape[1];
    const auto columns = static_cast<std::size_t>(K);
    const DType type = scale_type_for(format, tensor(parameter_.sources.front()).dtype);
    const Shape groups = {N, K / format.group_size};
    Unfilled words = unfilled({N, quantized_words(format, K)}, DType::kU32);
    Unfilled scales = unfilled(groups, type);
    Unfilled biases = unfilled(affine ? groups : Shape{0}, type);
    kernels::QuantizedRows out{reinterpret_cast<std::uint32_t*>(words.at), scales.at,
                               affine ? biases.at : nullptr, kernels::weight_type(type)};
    for (const std::size_t index : parameter_.sources) {
      const TensorInfo& info = tensor(index);
      const std::size_t row_bytes = columns * size_of(info.dtype);  // whole groups, so whole blocks
      std::size_t row = 0;
      in_pieces(index, std::max<std::uint64_t>(1, kMostPiece / row_bytes) * row_bytes,
                [&](std::span<const std::byte> piece) {
                  const std::size_t rows = piece.size() / row_bytes;
                  kernels::quantize_matrix(loading_.backend.threads(), piece, info.dtype, rows,
                                           columns, format, rounding, nullptr, out, info.name, row);
                  out = kernels::rows_from(out, rows, columns, format);
                  row += rows;
                });
    }
    return {words.tensor, scales.tensor, affine ? biases.tensor : Tensor(), format};
  }

  const TensorInfo& tensor(std::size_t index) const { return loading_.source.tensors()[index]; }

  template <typename Use>
  void in_pieces(std::size_t index, std::uint64_t most, const Use& use) const {
    std::vector<std::byte>& memory = loading_.piece;
    const auto place = [&memory](std::uint64_t, std::uint64_t size) {
      if (memory.size() < size) memory.resize(static_cast<std::size_t>(size));
      return std::span(memory).first(static_cast<std::size_t>(size));
    };
    read_hashed(loading_.source, index, loading_.hash, most, place, use);
  }

  // As it is; returns where the next bytes go.
  std::byte* copy(std::size_t index, std::byte* to) const {
    const auto place = [to](std::uint64_t at, std::uint64_t size) {
      return std::span(to + at, static_cast<std::size_t>(size));
    };
    read_hashed(loading_.source, index, loading_.hash, kPiece, place,
                [](std::span<const std::byte>) {});
    return to + tensor(index).bytes;
  }

  QuantizedTensor load_packed(const PackedParameter& packed) const {
    const std::int64_t N = parameter_.shape[0], K = parameter_.shape[1];
    const Shape groups = {N, K / packed.format.group_size};
    const DType scale = packed.scale_type;
    const Tensor words =
        joined(parameter_.sources, {N, quantized_words(packed.format, K)}, DType::kU32);
    const Tensor scales = joined(packed.scales, groups, scale);
    return {words, scales, packed.biases.empty() ? Tensor() : joined(packed.biases, groups, scale),
            packed.format};
  }

  Tensor joined(const std::vector<std::size_t>& tensors, const Shape& shape, DType dtype) const {
    Unfilled out = unfilled(shape, dtype);
    for (const std::size_t index : tensors) out.at = copy(index, out.at);
    return out.tensor;
  }

  Unfilled unfilled(const Shape& lengths, DType dtype) const {
    Tensor tensor = loading_.memory->take(TensorShape(lengths), dtype, parameter_.name);
    std::byte* const at = loading_.backend.writable(tensor).data();
    return {std::move(tensor), at};
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

kernels::Rounding rounding_of(const std::optional<QuantizationRecipe>& recipe) {
  return recipe && !recipe->search ? kernels::Rounding::kMinMax : kernels::Rounding::kSearch;
}

}  // namespace

std::uint64_t memory_bytes(const Plan& plan, const Layer& layer, const Parameter& parameter,
                           const MemoryFormat& format) {
  if (parameter.packed)
    return packed_bytes(parameter.shape, parameter.packed->format, parameter.packed->scale_type);
  if (const auto quantized = target_of(plan, layer, parameter, format)) {
    return packed_bytes(parameter.shape, *quantized, scale_type_for(*quantized, DType::kBF16));
  }
  const auto elements = static_cast<std::uint64_t>(element_count(parameter.shape).value_or(0));
  return elements * size_of(memory_dtype(parameter, format.dtype));
}

LoadedWeights load_weights(const Plan& plan, const TensorSource& source, Backend& backend,
                           const MemoryFormat& format,
                           const std::function<void(double)>& on_progress) {
  // Scales of float32 make it more; the last tensors lie elsewhere then.
  std::uint64_t expected = 0, tensors = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      expected += memory_bytes(plan, layer, parameter, format);
      tensors += 3;  // words, scales and biases
    }
  }
  LoadedWeights out;
  Loading loading = {source, backend, backend.weight_memory(expected, tensors), {}, {}};
  std::uint64_t done = 0;
  const std::uint64_t all = plan.bytes();
  const kernels::Rounding rounding = rounding_of(format.recipe);
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const std::optional<Quantization> quantized = target_of(plan, layer, parameter, format);
      add_description(loading.hash, parameter, quantized, rounding);
      WeightTensor weight =
          ParameterLoader(parameter, loading).load(format.dtype, quantized, rounding);
      loading.memory->all_written();
      out.bytes += bytes_of(weight);
      out.weights.emplace(parameter.name, std::move(weight));
      for (const std::size_t index : tensors_of(parameter)) done += source.tensors()[index].bytes;
      if (on_progress && all > 0) on_progress(static_cast<double>(done) / static_cast<double>(all));
    }
  }
  out.fingerprint = finished(loading.hash, plan);
  return out;
}

std::uint64_t fingerprint_of(const Plan& plan, const TensorSource& source,
                             const std::optional<QuantizationRecipe>& recipe) {
  Hash hash;
  std::vector<std::byte> memory(kPiece);
  const auto place = [&memory](std::uint64_t, std::uint64_t size) {
    return std::span(memory).first(static_cast<std::size_t>(size));
  };
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      add_description(hash, parameter, target_of(plan, layer, parameter, {.recipe = recipe}),
                      rounding_of(recipe));
      for (const std::size_t index : tensors_of(parameter)) {
        read_hashed(source, index, hash, kPiece, place, [](std::span<const std::byte>) {});
      }
    }
  }
  return finished(hash, plan);
}

}  // namespace xlstm
