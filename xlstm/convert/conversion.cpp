#include "xlstm/convert/conversion.h"

#include <algorithm>
#include <utility>

namespace xlstm {
namespace {

class Planner {
 public:
  Planner(const Plan& plan, const TensorSource& source, const ConvertOptions& options)
      : plan_(plan), source_(source), options_(options) {}

  std::vector<Conversion> take() {
    for (const Layer& layer : plan_.layers) {
      for (const Parameter& parameter : layer.parameters) add(layer, parameter);
    }
    if (options_.covariance == nullptr) std::ranges::sort(out_, {}, &Conversion::source);
    return std::move(out_);
  }

 private:
  const TensorInfo& info(std::size_t tensor) const { return source_.tensors()[tensor]; }

  void add(const Layer& layer, const Parameter& parameter) {
    const auto format =
        options_.recipe ? format_for(*options_.recipe, plan_, layer, parameter) : std::nullopt;
    for (const std::size_t tensor : parameter.sources) {
      if (format) {
        add_quantised(tensor, parameter, *format);
      } else {
        add_plain(tensor, parameter, !parameter.keep_float32 && !parameter.packed);
      }
    }
    if (!parameter.packed) return;
    for (const std::size_t tensor : parameter.packed->scales) add_plain(tensor, parameter, false);
    for (const std::size_t tensor : parameter.packed->biases) add_plain(tensor, parameter, false);
  }

  void add_plain(std::size_t tensor, const Parameter& parameter, bool convert) {
    const TensorInfo& from = info(tensor);
    const DType type = convert ? options_.dtype.value_or(from.dtype) : from.dtype;
    out_.push_back({tensor, parameter.name, std::nullopt, {{from.name, type, from.shape}}});
  }

  void add_quantised(std::size_t tensor, const Parameter& parameter, const Quantization& format) {
    const TensorInfo& from = info(tensor);
    const std::string path = path_of(from.name);
    const std::int64_t N = from.shape[0], K = from.shape[1];
    const Shape groups = {N, K / format.group_size};
    const bool affine = format.mode == QuantizationMode::kAffine;
    // Tensors whose rows are joined when they are loaded need scales of one type.
    const DType first = info(parameter.sources.front()).dtype;
    const DType scales = affine && options_.dtype ? *options_.dtype : scale_type_for(format, first);
    Conversion out{tensor, parameter.name, format, {}};
    out.written.push_back({from.name, DType::kU32, {N, quantized_words(format, K)}});
    out.written.push_back({path + ".scales", scales, groups});
    if (affine) out.written.push_back({path + ".biases", scales, groups});
    out_.push_back(std::move(out));
  }

  const Plan& plan_;
  const TensorSource& source_;
  const ConvertOptions& options_;
  std::vector<Conversion> out_;
};

}  // namespace

std::string path_of(const std::string& weight) {
  return weight.substr(0, weight.rfind('.'));
}

std::uint64_t Conversion::bytes() const {
  std::uint64_t sum = 0;
  for (const TensorHeader& tensor : written) sum += tensor.bytes();
  return sum;
}

std::vector<Conversion> plan_conversions(const Plan& plan, const TensorSource& source,
                                         const ConvertOptions& options) {
  return Planner(plan, source, options).take();
}

std::vector<std::vector<Conversion>> split_into_shards(std::vector<Conversion> all,
                                                       std::uint64_t shard_bytes) {
  std::vector<std::vector<Conversion>> shards(1);
  std::uint64_t filled = 0;
  for (Conversion& each : all) {
    const std::uint64_t bytes = each.bytes();
    if (filled > 0 && filled + bytes > shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    filled += bytes;
    shards.back().push_back(std::move(each));
  }
  return shards;
}

}  // namespace xlstm
