#include "xlstm/convert/tensor_maker.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"

namespace xlstm {
namespace {

using Write = std::function<void(std::span<const std::byte>)>;

// The columns' importance, if there is one for this slot.
const float* find_importance(const Conversion& conversion, std::size_t K,
                             const ConvertOptions& options) {
  if (options.importance == nullptr) return nullptr;
  const auto found = options.importance->find(conversion.slot);
  if (found == options.importance->end()) return nullptr;
  if (found->second.size() == K) return found->second.data();
  fail_wanted(ErrorKind::kInternal, conversion.slot, str("importance of ", K, " columns"),
              str(found->second.size()));
}

void make_quantised(const Conversion& conversion, const TensorSource& source,
                    const ConvertOptions& options, const Write& write) {
  const TensorInfo& info = source.tensors()[conversion.source];
  const auto N = static_cast<std::size_t>(info.shape[0]);
  const auto K = static_cast<std::size_t>(info.shape[1]);
  const auto& written = conversion.written;
  std::vector<std::uint32_t> words(written[0].bytes() / 4);
  std::vector<std::byte> scales(written[1].bytes());
  std::vector<std::byte> biases(written.size() > 2 ? written[2].bytes() : 0);
  const auto rounding =
      options.recipe->search ? kernels::Rounding::kSearch : kernels::Rounding::kMinMax;
  kernels::quantize_matrix(source.bytes(conversion.source), info.dtype, N, K, *conversion.format,
                           rounding, find_importance(conversion, K, options),
                           {words.data(), scales.data(), biases.empty() ? nullptr : biases.data(),
                            kernels::weight_type(written[1].dtype)},
                           info.name);
  write(std::as_bytes(std::span(words)));
  write(scales);
  if (written.size() > 2) write(biases);
}

// A number that the type cannot hold would become an infinity, silently.
void check_range(const float* values, std::size_t count, DType type, const std::string& name) {
  constexpr float kMostF16 = 65504.0F;
  for (std::size_t i = 0; i < count; ++i) {
    const bool fits = type != DType::kF16 || std::abs(values[i]) <= kMostF16;
    if (fits && std::isfinite(values[i])) continue;
    fail_wanted(ErrorKind::kModel, name, str("finite numbers that ", name_of(type), " can hold"),
                str(values[i]));
  }
}

void make_converted(const TensorInfo& info, DType type, std::span<const std::byte> bytes,
                    const Write& write) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 18;  // elements
  const std::size_t count = bytes.size() / size_of(info.dtype);
  std::vector<float> values(std::min(count, kAtOnce));
  std::vector<std::byte> converted(values.size() * size_of(type));
  for (std::size_t at = 0; at < count; at += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, count - at);
    floats_from(bytes.data() + at * size_of(info.dtype), info.dtype, size, values.data());
    check_range(values.data(), size, type, info.name);
    floats_to(values.data(), size, type, converted.data());
    write(std::span(converted).first(size * size_of(type)));
  }
}

}  // namespace

void make_tensors(const Conversion& conversion, const TensorSource& source,
                  const ConvertOptions& options, const Write& write) {
  if (conversion.format) return make_quantised(conversion, source, options, write);
  const TensorInfo& info = source.tensors()[conversion.source];
  const auto bytes = source.bytes(conversion.source);
  const DType type = conversion.written.front().dtype;
  if (type == info.dtype) return write(bytes);
  make_converted(info, type, bytes, write);
}

}  // namespace xlstm
