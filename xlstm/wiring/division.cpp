#include "xlstm/wiring/division.h"

#include <algorithm>
#include <any>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/wiring/family.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

constexpr std::string_view kWhere = "devices";

std::int64_t group_size(const std::optional<Quantization>& format) {
  return format ? format->group_size : 1;
}

// Gathers the parts of tensors that the parameters of a rank are made of.
class Divider {
 public:
  Divider(const Plan& whole, const TensorSource& source, const RankOf& rank,
          const std::optional<QuantizationRecipe>& recipe, DivideLayer divide_layer)
      : whole_(whole), source_(source), rank_(rank), recipe_(recipe), divide_layer_(divide_layer) {}

  Division take() {
    out_.plan = whole_;
    for (std::size_t at = 0; at < whole_.layers.size(); ++at) {
      layer_ = &whole_.layers[at];
      divide(out_.plan.layers[at]);
    }
    // A rank is not the whole, nor another rank.
    out_.plan.identity.push_back(static_cast<std::uint64_t>(rank_.rank));
    out_.plan.identity.push_back(static_cast<std::uint64_t>(rank_.size));
    sort();
    return std::move(out_);
  }

 private:
  void divide(Layer& layer) {
    if (is_tied_head(layer)) untie(layer);
    std::vector<Cut> cuts(layer.parameters.size());
    if (is_head(layer)) {
      cuts.front() = {Cut::Of::kRows, {vocabulary_rows(layer)}};
    } else if (!is_embedding(layer) && std::any_cast<RmsNormSpec>(&layer.spec) == nullptr) {
      cuts = divide_layer_(layer, whole_.D, rank_,
                           [this](const Parameter& each) { return group_size(format_of(each)); });
    }
    const std::vector<Parameter> parameters = std::exchange(layer.parameters, {});
    layer.bytes = layer.parameter_count = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (cuts[i].of != Cut::Of::kNothing) add(layer, parameters[i], cuts[i]);
    }
  }

  // Each rank then holds its rows of the embedding once more.
  void untie(Layer& head) const {
    Parameter weight = whole_.layers.front().parameters.front();
    weight.name = head.name + ".weight";
    head.parameters = {std::move(weight)};
    head.dtype = whole_.layers.front().dtype;
    auto spec = head.spec_as<VocabularyHeadSpec>();
    spec.tied = false;
    head.spec = spec;
  }

  Share vocabulary_rows(const Layer& head) const {
    if (whole_.V < rank_.size) {
      fail_wanted(ErrorKind::kUsage, kWhere, str("at most ", whole_.V, " rows of ", head.name),
                  str(rank_.size));
    }
    return share_of(whole_.V, rank_.rank, rank_.size);
  }

  // In the file, or in memory.
  std::optional<Quantization> format_of(const Parameter& parameter) const {
    if (parameter.packed) return parameter.packed->format;
    return recipe_ ? format_for(*recipe_, whole_, *layer_, parameter) : std::nullopt;
  }

  void add(Layer& layer, const Parameter& parameter, const Cut& cut) {
    Parameter part = parameter;
    const std::int64_t N = parameter.shape.front();
    const std::int64_t K = parameter.shape.size() > 1 ? parameter.shape.back() : 1;
    const std::vector<Share> rows =
        cut.of == Cut::Of::kRows ? cut.ranges : std::vector<Share>{{0, N}};
    const Share columns = cut.of == Cut::Of::kColumns ? cut.ranges.front() : Share{0, K};
    const std::optional<Quantization> format = format_of(parameter);
    check_groups(parameter, columns, group_size(format));
    part.shape.front() =
        std::accumulate(rows.begin(), rows.end(), std::int64_t{0},
                        [](std::int64_t sum, const Share& each) { return sum + each.size(); });
    if (part.shape.size() > 1) {
      part.shape.back() = columns.size();
      part.whole_width = K;
    }
    part.sources = cut_all(layer, parameter.sources, rows, columns, K);
    if (part.packed) {
      part.packed->scales = cut_all(layer, part.packed->scales, rows, columns, K);
      part.packed->biases = cut_all(layer, part.packed->biases, rows, columns, K);
    }
    layer.parameter_count += static_cast<std::uint64_t>(element_count(part.shape).value_or(0));
    layer.parameters.push_back(std::move(part));
  }

  void check_groups(const Parameter& parameter, const Share& columns, std::int64_t group) const {
    if (columns.begin % group == 0 && columns.end % group == 0) return;
    fail_wanted(ErrorKind::kUsage, kWhere,
                str("parts of ", parameter.name, " of whole groups of ", group,
                    " columns: fewer devices, or smaller groups"),
                str(rank_.size, " devices, and columns ", columns.begin, " to ", columns.end));
  }

  // The parts of tensors that follow each other along axis 0: rows are counted through all of them.
  std::vector<std::size_t> cut_all(Layer& layer, const std::vector<std::size_t>& sources,
                                   const std::vector<Share>& rows, const Share& columns,
                                   std::int64_t K) {
    std::vector<std::size_t> places;
    std::int64_t first = 0;
    for (const std::size_t index : sources) {
      const TensorInfo& tensor = source_.tensors()[index];
      const std::int64_t length = tensor.shape.front();
      for (const Share& range : rows) {
        const Share part = {std::max(range.begin, first) - first,
                            std::min(range.end, first + length) - first};
        if (part.size() <= 0) continue;
        places.push_back(cut_one(layer, index, part, columns, K));
      }
      first += length;
    }
    return places;
  }

  // Words and scales have fewer columns than the matrix that they stand for.
  std::size_t cut_one(Layer& layer, std::size_t index, const Share& rows, const Share& columns,
                      std::int64_t K) {
    const TensorInfo& tensor = source_.tensors()[index];
    const std::int64_t width = width_of(tensor);
    const TensorCut cut = {index, rows, {columns.begin * width / K, columns.end * width / K}};
    layer.bytes +=
        static_cast<std::uint64_t>(cut.rows.size() * cut.columns.size()) * size_of(tensor.dtype);
    out_.tensors.push_back(cut);
    return out_.tensors.size() - 1;
  }

  // By name and place, as a source's tensors are.
  void sort() {
    std::vector<std::size_t> order(out_.tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key = [&](std::size_t i) {
      const TensorCut& cut = out_.tensors[i];
      return std::tuple(cut.index, cut.rows.begin, cut.rows.end, cut.columns.begin);
    };
    std::ranges::stable_sort(order, {}, key);
    std::vector<TensorCut> sorted;
    std::vector<std::size_t> place(order.size());
    for (const std::size_t i : order) {
      place[i] = sorted.size();
      sorted.push_back(out_.tensors[i]);
    }
    out_.tensors = std::move(sorted);
    const auto follow = [&](std::vector<std::size_t>& indices) {
      for (std::size_t& index : indices) index = place[index];
    };
    for (Layer& layer : out_.plan.layers) {
      for (Parameter& parameter : layer.parameters) {
        follow(parameter.sources);
        if (!parameter.packed) continue;
        follow(parameter.packed->scales);
        follow(parameter.packed->biases);
      }
    }
  }

  const Plan& whole_;
  const TensorSource& source_;
  RankOf rank_;
  const std::optional<QuantizationRecipe>& recipe_;
  DivideLayer divide_layer_;
  const Layer* layer_ = nullptr;  // of the whole, the one that is being divided
  Division out_;
};

}  // namespace

Division divide(const Plan& whole, const TensorSource& tensors, const RankOf& rank,
                const std::optional<QuantizationRecipe>& recipe) {
  std::string divided;
  DivideLayer divide_layer = nullptr;
  for (const Family* family : families()) {
    if (family->divide == nullptr) continue;
    divided += str(divided.empty() ? "" : " or ", family->name);
    if (family->name == whole.family) divide_layer = family->divide;
  }
  if (divide_layer == nullptr) {
    fail_wanted(ErrorKind::kUsage, kWhere,
                str("1 for ", whole.name, ": models of the family ", divided, " can be divided"),
                str(rank.size, " for one of the family ", whole.family));
  }
  return Divider(whole, tensors, rank, recipe, divide_layer).take();
}

}  // namespace xlstm
