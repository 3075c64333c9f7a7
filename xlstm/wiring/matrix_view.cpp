#include "xlstm/wiring/matrix_view.h"

#include <limits>
#include <set>
#include <string_view>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;
constexpr std::string_view kWeight = ".weight";

bool is_packed(const TensorInfo& tensor) {
  return tensor.dtype == DType::kU32 && tensor.name.ends_with(kWeight);
}

std::string path_of(const TensorInfo& weight) {
  return weight.name.substr(0, weight.name.size() - kWeight.size());
}

// Checks the parts of one matrix against each other and its format.
class PartsChecker {
 public:
  PartsChecker(const TensorSource& source, const PackedTensors& parts, Diagnostics& diagnostics)
      : source_(source), parts_(parts), diagnostics_(diagnostics) {}

  bool check() {
    check_types();
    check_shapes();
    return valid_;
  }
  Shape shape() const { return {rows_, columns_}; }

 private:
  const TensorInfo& info(std::size_t tensor) const { return source_.tensors()[tensor]; }
  const TensorInfo& words() const { return info(parts_.words); }

  void wrong(const TensorInfo& tensor, const std::string& wanted, const std::string& got) {
    valid_ = false;
    diagnostics_.add([&] { return str(quoted(tensor.name), ": wanted ", wanted, ", got ", got); });
  }

  void check_types() {
    const TensorInfo& scales = info(parts_.scales);
    if (parts_.format.mode == QuantizationMode::kMxfp4) {
      if (scales.dtype != DType::kU8)
        wrong(scales, "U8 for mxfp4", std::string(name_of(scales.dtype)));
      return;
    }
    const bool scale =
        scales.dtype == DType::kF16 || scales.dtype == DType::kBF16 || scales.dtype == DType::kF32;
    if (!scale) return wrong(scales, "BF16, F16 or F32", std::string(name_of(scales.dtype)));
    const TensorInfo& biases = info(parts_.biases);
    if (biases.dtype != scales.dtype) {
      wrong(biases, str(name_of(scales.dtype), " as the scales are"),
            std::string(name_of(biases.dtype)));
    }
  }

  // [N, W] words hold [N, W * 32 / bits] elements, which a scale for each group must cover.
  void check_shapes() {
    const Shape& packed = words().shape;
    const std::int64_t bits = parts_.format.bits, group = parts_.format.group_size;
    const bool matrix = packed.size() == 2 && packed[0] >= 1 && packed[1] >= 1 &&
                        packed[1] <= std::numeric_limits<std::int32_t>::max();
    if (!matrix) return wrong(words(), "packed rows [N, words]", to_string(packed));
    const std::int64_t elements = packed[1] * 32 / bits;
    if (packed[1] * 32 % bits != 0 || elements % group != 0) {
      return wrong(words(), str("rows of whole groups (", to_string(parts_.format), ")"),
                   to_string(packed));
    }
    const Shape wanted = {packed[0], elements / group};
    rows_ = packed[0];
    columns_ = elements;
    check_groups(info(parts_.scales), wanted);
    if (parts_.biases != kNone) check_groups(info(parts_.biases), wanted);
  }

  void check_groups(const TensorInfo& tensor, const Shape& wanted) {
    if (tensor.shape == wanted) return;
    wrong(tensor,
          str("shape ", to_string(wanted), ", as ", quoted(words().name), " is ",
              to_string(words().shape), " (", to_string(parts_.format), ")"),
          to_string(tensor.shape));
  }

  const TensorSource& source_;
  const PackedTensors& parts_;
  Diagnostics& diagnostics_;
  std::int64_t rows_ = 0, columns_ = 0;
  bool valid_ = true;
};

// The format that the config gives the layer; nullopt with a fault if that is none of ours.
std::optional<Quantization> format_of(const TensorInfo& weight, const QuantizationConfig& config,
                                      Diagnostics& diagnostics) {
  const DeclaredFormat* written = config.find(path_of(weight));
  if (written == nullptr) {
    diagnostics.add([&] {
      return str(quoted(weight.name),
                 " is quantised (U32), and config.json has no \"quantization\" for it");
    });
    return std::nullopt;
  }
  const std::optional<Quantization> format = written->supported();
  if (!format) {
    diagnostics.add([&] {
      return str(quoted(weight.name),
                 ": wanted quantization of mode affine with 2, 3, 4, 5, 6 or 8 bits and groups of "
                 "32, 64 or 128, or mxfp4, got ",
                 written->text());
    });
  }
  return format;
}

// The part `name`, which must be there or must not; false with a fault otherwise.
bool find_part(const TensorSource& source, const TensorInfo& weight, const char* suffix,
               bool wanted, std::size_t& part, Diagnostics& diagnostics) {
  const std::string name = path_of(weight) + suffix;
  part = source.find(name);
  if ((part != kNone) == wanted) return true;
  diagnostics.add([&] {
    return wanted ? str("missing tensor ", quoted(name), ", which ", quoted(weight.name), " needs")
                  : str("unexpected tensor ", quoted(name), ": mxfp4 has none");
  });
  return false;
}

}  // namespace

MatrixView::MatrixView(const TensorSource& source, const QuantizationConfig& config,
                       Diagnostics& diagnostics)
    : source_(source) {
  const auto& all = source.tensors();
  std::set<std::size_t> parts;
  for (const TensorInfo& tensor : all) {
    if (!is_packed(tensor)) continue;
    for (const char* suffix : {".scales", ".biases"})
      parts.insert(source.find(path_of(tensor) + suffix));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is_packed(all[i])) {
      add_packed(i, config, diagnostics);
    } else if (parts.count(i) == 0) {
      add_plain(i);
    }
  }
}

void MatrixView::add_plain(std::size_t index) {
  tensors_.push_back(source_.tensors()[index]);
  origins_.push_back(index);
  packed_.emplace_back();
  has_faults_.push_back(false);
}

void MatrixView::add_packed(std::size_t words, const QuantizationConfig& config,
                            Diagnostics& diagnostics) {
  add_plain(words);
  has_faults_.back() = true;
  TensorInfo& view = tensors_.back();
  const TensorInfo& weight = source_.tensors()[words];
  view.dtype = DType::kF32;
  view.shape = {};

  const std::optional<Quantization> format = format_of(weight, config, diagnostics);
  if (!format) return;
  PackedTensors parts;
  parts.format = *format;
  parts.words = words;
  const bool affine = format->mode == QuantizationMode::kAffine;
  const bool scales = find_part(source_, weight, ".scales", true, parts.scales, diagnostics);
  const bool biases = find_part(source_, weight, ".biases", affine, parts.biases, diagnostics);
  if (!scales || !biases) return;
  PartsChecker checker(source_, parts, diagnostics);
  if (!checker.check()) return;

  const TensorInfo& scale = source_.tensors()[parts.scales];
  parts.scale_type = scale.dtype;
  view.dtype = affine ? scale.dtype : DType::kF32;
  view.shape = checker.shape();
  view.bytes += scale.bytes;
  if (parts.biases != kNone) view.bytes += source_.tensors()[parts.biases].bytes;
  packed_.back() = parts;
  has_faults_.back() = false;
}

const std::map<std::string, std::string>& MatrixView::metadata() const {
  return source_.metadata();
}
void MatrixView::read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const {
  source_.read(origins_[index], offset, to);
}

}  // namespace xlstm
