// What the tests of convert() share: models to convert, and what became of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/copied_tensors.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/json.h"
#include "xlstm/convert/convert.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {

namespace fs = std::filesystem;

inline const fs::path kClassics = fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
inline const fs::path kGolden = fs::path(XLSTM_TEST_DATA) / "golden";

inline ConvertOptions quantising(int bits = 4, int group = 64,
                                 QuantizationMode mode = QuantizationMode::kAffine) {
  ConvertOptions options;
  options.recipe = QuantizationRecipe{};
  options.recipe->format = {mode, bits, group};
  return options;
}

inline ConvertOptions typed(DType dtype) {
  ConvertOptions options;
  options.dtype = dtype;
  return options;
}

inline std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// A tensor of a checkpoint as float32, whatever it is stored as.
inline std::vector<float> values_of(const TensorSource& source, const Plan& plan,
                                    const std::string& name) {
  const std::size_t index = source.find(name);
  const TensorInfo& info = source.tensors().at(index);
  const auto bytes = source.read_all(index);
  if (info.dtype != DType::kU32) {
    std::vector<float> out(bytes.size() / size_of(info.dtype));
    floats_from(bytes.data(), info.dtype, out.size(), out.data());
    return out;
  }
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const auto part = std::find(parameter.sources.begin(), parameter.sources.end(), index);
      if (part == parameter.sources.end()) continue;
      const auto at = static_cast<std::size_t>(part - parameter.sources.begin());
      const Quantization& format = parameter.packed->format;
      const auto type = parameter.packed->scale_type == DType::kF32   ? kernels::WeightType::kF32
                        : parameter.packed->scale_type == DType::kF16 ? kernels::WeightType::kF16
                                                                      : kernels::WeightType::kBF16;
      const auto biases = parameter.packed->biases;
      // Tensors in a file need not be aligned.
      std::vector<std::uint32_t> words(bytes.size() / 4);
      std::memcpy(words.data(), bytes.data(), bytes.size());
      const auto scales = source.read_all(parameter.packed->scales[at]);
      const auto bias = biases.empty() ? std::vector<std::byte>() : source.read_all(biases[at]);
      const kernels::QuantizedMatrix W{format, words.data(), scales.data(),
                                       biases.empty() ? nullptr : bias.data(), type};
      const auto N = static_cast<std::size_t>(info.shape[0]);
      const auto K = static_cast<std::size_t>(parameter.shape[1]);
      std::vector<float> out(N * K);
      for (std::size_t n = 0; n < N; ++n) kernels::dequantize_row(W, n, K, out.data() + n * K);
      return out;
    }
  }
  ADD_FAILURE() << "no parameter for " << name;
  return {};
}

struct Opened {
  explicit Opened(const fs::path& folder) : Opened(Checkpoint::open(folder)) {}
  std::vector<float> values(const std::string& name) const {
    return values_of(*source, plan, name);
  }
  std::unique_ptr<TensorSource> source;
  Plan plan;

 private:
  explicit Opened(Checkpoint checkpoint)
      : source(std::move(checkpoint.tensors)), plan(std::move(checkpoint.plan)) {}
};

inline double relative_error(const std::vector<float>& wanted, const std::vector<float>& got) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    size += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / size);
}

// One tensor of the classics, in another type and with one number changed.
struct Changed {
  std::string name;
  DType dtype = DType::kBF16;
  std::size_t element = 0;
  float value = 0;
};

class Convert : public ::testing::Test {
 protected:
  // The classics with a tensor changed.
  fs::path changed(const Changed& change) const {
    const fs::path to = scratch_.path() / "changed";
    const auto source = open_weights(kClassics);
    std::vector<std::byte> bytes;
    CopiedTensors copied(*source);
    for (TensorToWrite& tensor : copied.tensors) {
      if (tensor.name != change.name) continue;
      std::vector<float> values(tensor.bytes.size() / size_of(tensor.dtype));
      floats_from(tensor.bytes.data(), tensor.dtype, values.size(), values.data());
      values.at(change.element) = change.value;
      bytes.resize(values.size() * size_of(change.dtype));
      floats_to(values.data(), values.size(), change.dtype, bytes.data());
      tensor = {tensor.name, change.dtype, tensor.shape, bytes};
    }
    fs::create_directories(to);
    fs::copy(kClassics / "config.json", to / "config.json", fs::copy_options::skip_existing);
    write_safetensors(to / "model.safetensors", copied.tensors, {});
    return to;
  }

  // The classics without a head of their own.
  fs::path tied() const {
    const fs::path to = scratch_.path() / "tied";
    fs::create_directory(to);
    const auto source = open_weights(kClassics);
    CopiedTensors copied(*source);
    std::erase_if(copied.tensors,
                  [](const TensorToWrite& tensor) { return tensor.name == "lm_head.weight"; });
    write_safetensors(to / "model.safetensors", copied.tensors, {});
    Json config = parse_json(text_of(kClassics / "config.json"), "config.json");
    config["tie_word_embeddings"] = true;
    std::ofstream(to / "config.json") << config;
    return to;
  }

  const TemporaryFolder scratch_;
  const fs::path out_ = scratch_.path() / "out";
};

}  // namespace xlstm::testing
