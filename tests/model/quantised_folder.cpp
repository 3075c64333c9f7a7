#include "tests/model/quantised_folder.h"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
namespace mx = ::mlx::core;
using Arrays = std::map<std::string, mx::array>;

std::string mode_of(const Quantization& q) {
  return std::string(name_of(q.mode));
}

bool is_matrix(const TensorInfo& tensor) {
  const bool gate = tensor.name.find("igate_preact") != std::string::npos ||
                    tensor.name.find("fgate_preact") != std::string::npos;
  return tensor.shape.size() == 2 && !gate;
}

void add_matrix(const std::string& path, const mx::array& weight, const Quantization& q,
                bool dequantised, Arrays& out) {
  const auto parts = mx::quantize(weight, q.group_size, q.bits, mode_of(q));
  const bool affine = q.mode == QuantizationMode::kAffine;
  if (dequantised) {
    // In float32, so that scale * code + bias is not rounded to the scales' type.
    const auto wide = [](const mx::array& a) { return mx::astype(a, mx::float32); };
    out.insert_or_assign(
        path + ".weight",
        affine ? mx::dequantize(parts[0], wide(parts[1]), wide(parts[2]), q.group_size, q.bits)
               : mx::dequantize(parts[0], parts[1], std::nullopt, q.group_size, q.bits, mode_of(q),
                                std::nullopt, mx::float32));
    return;
  }
  out.insert_or_assign(path + ".weight", parts[0]);
  out.insert_or_assign(path + ".scales", parts[1]);
  if (affine) out.insert_or_assign(path + ".biases", parts[2]);
}

nlohmann::json format_json(const Quantization& q) {
  return {{"group_size", q.group_size}, {"bits", q.bits}, {"mode", mode_of(q)}};
}

DType file_dtype(mx::Dtype dtype) {
  if (dtype == mx::uint32) return DType::kU32;
  if (dtype == mx::uint8) return DType::kU8;
  if (dtype == mx::bfloat16) return DType::kBF16;
  return DType::kF32;
}

void write_arrays(const fs::path& file, Arrays& arrays) {
  std::vector<TensorToWrite> tensors;
  for (auto& [name, value] : arrays) {
    value = mx::contiguous(value);
    mx::eval(value);
    tensors.push_back({name,
                       file_dtype(value.dtype()),
                       Shape(value.shape().begin(), value.shape().end()),
                       {reinterpret_cast<const std::byte*>(value.data<char>()), value.nbytes()}});
  }
  write_safetensors(file, tensors, {});
}

}  // namespace

mx::array array_of(const TensorSource& source, std::size_t index) {
  const TensorInfo& info = source.tensors()[index];
  const auto bytes = source.read_all(index);
  auto data = mx::allocator::malloc(bytes.size());
  std::memcpy(data.buffer().raw_ptr(), bytes.data(), bytes.size());
  return mx::array(std::move(data), mx::Shape(info.shape.begin(), info.shape.end()),
                   info.dtype == DType::kBF16 ? mx::bfloat16 : mx::float32);
}

void write_quantised(const fs::path& from, const fs::path& to,
                     const std::map<std::string, Quantization>& formats, bool dequantised) {
  const auto source = open_weights(from);
  Arrays arrays;
  for (std::size_t i = 0; i < source->tensors().size(); ++i) {
    const TensorInfo& info = source->tensors()[i];
    if (!is_matrix(info)) {
      arrays.insert_or_assign(info.name, array_of(*source, i));
      continue;
    }
    const std::string path = info.name.substr(0, info.name.size() - std::strlen(".weight"));
    const auto own = formats.find(path);
    const Quantization& q = own == formats.end() ? formats.at("") : own->second;
    add_matrix(path, array_of(*source, i), q, dequantised, arrays);
  }
  fs::create_directories(to);
  write_arrays(to / "model.safetensors", arrays);

  std::ifstream in(from / "config.json");
  auto config = nlohmann::json::parse(in);
  if (!dequantised) {
    config["quantization"] = format_json(formats.at(""));
    for (const auto& [path, q] : formats) {
      if (!path.empty()) config["quantization"][path] = format_json(q);
    }
  }
  std::ofstream(to / "config.json") << config;
}

}  // namespace xlstm::testing
