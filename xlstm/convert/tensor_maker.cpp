#include "xlstm/convert/tensor_maker.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/quantize/gptq.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"

namespace xlstm {
namespace {

using Write = std::function<void(std::span<const std::byte>)>;

void make_quantised(const Conversion& conversion, const TensorSource& source,
                    const ConvertOptions& options, GptqFactors& factors, const Write& write) {
  const TensorInfo& info = source.tensors()[conversion.source];
  const auto N = static_cast<std::size_t>(info.shape[0]);
  const auto K = static_cast<std::size_t>(info.shape[1]);
  const auto& written = conversion.written;
  std::vector<std::uint32_t> words(written[0].bytes() / 4);
  std::vector<std::byte> scales(written[1].bytes());
  std::vector<std::byte> biases(written.size() > 2 ? written[2].bytes() : 0);
  const auto rounding =
      options.recipe->search ? kernels::Rounding::kSearch : kernels::Rounding::kMinMax;
  const kernels::QuantizedRows rows = {words.data(), scales.data(),
                                       biases.empty() ? nullptr : biases.data(),
                                       kernels::weight_type(written[1].dtype)};
  const std::vector<std::byte> bytes = source.read_all(conversion.source);
  if (const kernels::LdlFactor* factor = factors.factor(conversion.parameter, K)) {
    kernels::gptq_matrix(factors.pool(), bytes, info.dtype, N, *factor, *conversion.format,
                         rounding, rows, info.name);
  } else {
    kernels::quantize_matrix(factors.pool(), bytes, info.dtype, N, K, *conversion.format, rounding,
                             nullptr, rows, info.name);
  }
  factors.record_result(conversion, N, K, rows);
  write(std::as_bytes(std::span(words)));
  write(scales);
  if (written.size() > 2) write(biases);
}

// Refuses numbers that would become infinite or NaN in the file that is written.
void check_finite(const float* values, std::size_t count, std::size_t first, DType type,
                  const std::string& name) {
  const std::size_t bad = first_not_finite(values, count, type);
  if (bad == count) return;
  fail_wanted(ErrorKind::kModel, name, str("finite numbers that ", name_of(type), " can hold"),
              str(values[bad], " at element ", first + bad));
}

// Scales of mxfp4.
void check_exponents(std::span<const std::byte> bytes, const std::string& name) {
  constexpr std::byte kNoNumber{255};
  if (std::ranges::count(bytes, kNoNumber) == 0) return;
  fail_wanted(ErrorKind::kModel, name, "scales of mxfp4, 0 to 254", "255, which is no number");
}

constexpr std::uint64_t kElementsPerPiece = std::uint64_t{1} << 18;  // elements

// Of a float type, as it is or converted; or of a quantised matrix, as it is.
void make_plain(const TensorSource& source, std::size_t index, DType type, const Write& write) {
  const TensorInfo& info = source.tensors()[index];
  const std::size_t item = size_of(info.dtype);
  const std::uint64_t count = info.bytes / item;
  const auto most = static_cast<std::size_t>(std::min(count, kElementsPerPiece));
  std::vector<std::byte> bytes(most * item),
      converted(type == info.dtype ? 0 : most * size_of(type));
  std::vector<float> values(is_float(type) ? most : 0);
  for (std::uint64_t at = 0; at < count; at += kElementsPerPiece) {
    const auto size = static_cast<std::size_t>(std::min(kElementsPerPiece, count - at));
    const auto part = std::span(bytes).first(size * item);
    source.read(index, at * item, part);
    if (type == DType::kU8) check_exponents(part, info.name);
    if (is_float(type)) {
      floats_from(part.data(), info.dtype, size, values.data());
      check_finite(values.data(), size, static_cast<std::size_t>(at), type, info.name);
    }
    if (type == info.dtype) {
      write(part);
      continue;
    }
    floats_to(values.data(), size, type, converted.data());
    write(std::span(converted).first(size * size_of(type)));
  }
}

}  // namespace

void make_tensors(const Conversion& conversion, const TensorSource& source,
                  const ConvertOptions& options, GptqFactors& factors, const Write& write) {
  if (conversion.format) {
    return make_quantised(conversion, source, options, factors, write);
  }
  make_plain(source, conversion.source, conversion.written.front().dtype, write);
}

std::uint64_t working_bytes(const Conversion& conversion, const TensorSource& source,
                            const ConvertOptions& options) {
  const TensorInfo& info = source.tensors()[conversion.source];
  if (!conversion.format) {
    const std::uint64_t to = size_of(conversion.written.front().dtype);
    return kElementsPerPiece * (size_of(info.dtype) + sizeof(float) + to);
  }
  // The tensor before and after; rows as floats on each thread, as they are and as they change; and
  // with an InputCovariance all of them as the file will hold them.
  const auto N = static_cast<std::uint64_t>(info.shape[0]);
  const auto K = static_cast<std::uint64_t>(info.shape[1]);
  const std::uint64_t rows = std::max(kElementsPerPiece, kernels::kGptqRows * K);
  const std::uint64_t recorded = options.covariance != nullptr ? N * K : 0;
  const std::size_t threads = options.threads > 0 ? options.threads : default_thread_count();
  return info.bytes + conversion.bytes() + sizeof(float) * (2 * threads * rows + recorded);
}

}  // namespace xlstm
