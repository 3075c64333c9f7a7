#include "tests/kernels/quantized_cases.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "xlstm/base/dtype.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {

using kernels::WeightType;

template <class T>
std::vector<T> copy_of(std::span<const std::byte> bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::vector<float> floats_of(std::span<const std::byte> bytes, DType dtype) {
  if (dtype == DType::kF32) return copy_of<float>(bytes);
  std::vector<float> out;
  for (const std::uint16_t half : copy_of<std::uint16_t>(bytes)) {
    out.push_back(dtype == DType::kBF16 ? float_from_bf16(half) : float_from_f16(half));
  }
  return out;
}

void append(std::vector<std::byte>& to, WeightType type, float value) {
  std::byte bytes[4];
  std::memcpy(bytes, &value, 4);
  if (type != WeightType::kF32) {
    const std::uint16_t half =
        type == WeightType::kBF16 ? bf16_from_float(value) : f16_from_float(value);
    std::memcpy(bytes, &half, 2);
  }
  to.insert(to.end(), bytes, bytes + kernels::weight_bytes(type));
}

QuantizedCase with_random_words(const Quantization& format, WeightType type, std::size_t N,
                                std::size_t K, std::mt19937_64& random) {
  QuantizedCase out;
  out.format = format;
  out.scale_type = type;
  out.N = N;
  out.K = K;
  out.name = to_string(format);
  out.words.resize(N *
                   static_cast<std::size_t>(quantized_words(format, static_cast<std::int64_t>(K))));
  for (std::uint32_t& word : out.words) word = static_cast<std::uint32_t>(random());
  return out;
}

std::size_t groups_of(const QuantizedCase& c) {
  return c.N * (c.K / static_cast<std::size_t>(c.format.group_size));
}

QuantizedCase read_case(const TensorSource& file, const std::string& name) {
  QuantizedCase out;
  out.name = name;
  const bool affine = name.starts_with("affine");
  out.format.mode = affine ? QuantizationMode::kAffine : QuantizationMode::kMxfp4;
  const auto bits_at = name.find('-') + 1, group_at = name.find('-', bits_at) + 1;
  out.format.bits = std::stoi(name.substr(bits_at));
  out.format.group_size = std::stoi(name.substr(group_at));
  if (name.ends_with("-bf16")) out.scale_type = WeightType::kBF16;
  if (name.ends_with("-f16")) out.scale_type = WeightType::kF16;
  const auto bytes = [&](const char* part) { return file.read_all(file.find(name + part)); };
  const TensorInfo& values = file.tensors()[file.find(name + ".values")];
  out.N = static_cast<std::size_t>(values.shape[0]);
  out.K = static_cast<std::size_t>(values.shape[1]);
  out.values = floats_of(bytes(".values"), values.dtype);
  out.words = copy_of<std::uint32_t>(bytes(".words"));
  out.scales = copy_of<std::byte>(bytes(".scales"));
  if (affine) out.biases = copy_of<std::byte>(bytes(".biases"));
  return out;
}

}  // namespace

std::vector<Quantization> all_formats() {
  std::vector<Quantization> out;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) out.push_back({QuantizationMode::kAffine, bits, group});
  }
  out.push_back({QuantizationMode::kMxfp4, 4, 32});
  return out;
}

std::vector<double> QuantizedCase::magnitudes(std::size_t n) const {
  QuantizedCase positive = *this;
  const std::size_t size = kernels::weight_bytes(scale_type);
  if (format.mode == QuantizationMode::kAffine) {  // little-endian: the sign is in the last byte
    for (std::size_t at = size - 1; at < scales.size(); at += size) {
      positive.scales[at] &= std::byte{0x7F};
      positive.biases[at] &= std::byte{0x7F};
    }
  }
  std::vector<float> row(K);
  kernels::dequantize_row(positive.matrix(), n, K, row.data());
  std::vector<double> out;
  for (std::size_t k = 0; k < K; ++k) {
    double zero = 0;
    if (format.mode == QuantizationMode::kMxfp4)
      zero = 12 * std::ldexp(1.0, static_cast<int>(scales[(n * K + k) / 32]) - 127);
    out.push_back(std::abs(static_cast<double>(row[k])) + zero);
  }
  return out;
}

std::vector<QuantizedCase> mlx_cases() {
  const auto file = open_safetensors(XLSTM_TEST_DATA "/quantized/cases.safetensors");
  std::vector<QuantizedCase> cases;
  const std::string ending = ".values";
  for (const TensorInfo& tensor : file->tensors()) {
    if (!tensor.name.ends_with(ending)) continue;
    cases.push_back(read_case(*file, tensor.name.substr(0, tensor.name.size() - ending.size())));
  }
  if (cases.empty()) throw std::runtime_error("no cases in cases.safetensors");
  return cases;
}

QuantizedCase random_case(const Quantization& format, WeightType scale_type, std::size_t N,
                          std::size_t K, float range, std::mt19937_64& random) {
  QuantizedCase out = with_random_words(format, scale_type, N, K, random);
  std::uniform_real_distribution<float> draw(-range, range);
  for (std::size_t at = 0; at < groups_of(out); ++at) {
    if (format.mode == QuantizationMode::kMxfp4) {
      out.scales.push_back(static_cast<std::byte>(115 + random() % 10));
      continue;
    }
    const float scale = draw(random);
    append(out.scales, scale_type, scale);
    append(out.biases, scale_type,
           -scale * static_cast<float>(1 << (format.bits - 1)) + 0.3F * draw(random));
  }
  return out;
}

QuantizedCase whole_case(const Quantization& format, WeightType scale_type, std::size_t N,
                         std::size_t K, std::mt19937_64& random) {
  QuantizedCase out = with_random_words(format, scale_type, N, K, random);
  for (std::size_t at = 0; at < groups_of(out); ++at) {
    if (format.mode == QuantizationMode::kMxfp4) {
      out.scales.push_back(static_cast<std::byte>(127 + random() % 2));
      continue;
    }
    append(out.scales, scale_type, static_cast<float>(1 + random() % 2));
    append(out.biases, scale_type, static_cast<float>(random() % 201) - 100.0F);
  }
  return out;
}

}  // namespace xlstm::testing
