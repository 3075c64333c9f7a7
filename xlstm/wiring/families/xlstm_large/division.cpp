#include "xlstm/wiring/families/xlstm_large/division.h"

#include <any>
#include <numeric>
#include <string>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::xlstm_large {
namespace {

// "qkvo.weight" of "blocks.0.mlstm.qkvo.weight"
std::string_view name_in(const Layer& layer, const Parameter& parameter) {
  return std::string_view(parameter.name).substr(layer.name.size() + 1);
}

const Parameter& find(const Layer& layer, std::string_view name) {
  for (const Parameter& each : layer.parameters) {
    if (name_in(layer, each) == name) return each;
  }
  fail_wanted(ErrorKind::kInternal, layer.name, str("a parameter ", name), "none");
}

// The share of each of several stretches of rows, of these lengths, one after the other.
Cut rows_of(std::initializer_list<std::int64_t> lengths, std::int64_t whole, const Share& share) {
  Cut cut = {Cut::Of::kRows};
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    const std::int64_t each = length / whole;  // rows of a head, or of a column of the FFN
    cut.ranges.push_back({begin + share.begin * each, begin + share.end * each});
    begin += length;
  }
  return cut;
}

Cut first_rank_only(const RankOf& rank) {
  return {rank.rank == 0 ? Cut::Of::kAll : Cut::Of::kNothing};
}

// Activations of a share: of the stream [D] all, of the rest a part; and the sum over ranks.
std::int64_t floats_of(std::int64_t whole, std::int64_t of_stream, std::int64_t D,
                       std::int64_t part, std::int64_t of) {
  return of_stream + D + ((whole - of_stream) * part + of - 1) / of;
}

// "1, 2 or 4"
std::string fitting(std::int64_t NH, const auto& fits) {
  std::string text, last;
  for (std::int64_t size = 1; size <= NH; ++size) {
    if (NH % size != 0 || !fits(size)) continue;
    if (!last.empty()) text += text.empty() ? last : ", " + last;
    last = std::to_string(size);
  }
  return text.empty() ? last : str(text, " or ", last);
}

std::vector<Cut> divide_mlstm(Layer& layer, std::int64_t D, const RankOf& rank,
                              const GroupOf& group_of) {
  auto spec = layer.spec_as<MlstmSpec>();
  const std::int64_t NH = spec.NH, QK = NH * spec.DHQK, V = NH * spec.DHV, R = rank.size;
  const std::int64_t group = group_of(find(layer, "out.weight"));
  const auto fits = [&](std::int64_t size) { return V / size % group == 0; };
  if (NH % R != 0 || !fits(R)) {
    fail_wanted(ErrorKind::kUsage, "devices",
                str("a number that divides the model's ", NH, " heads",
                    group > 1 ? str(" into whole groups of ", group, " columns") : "", ": ",
                    fitting(NH, fits)),
                str(R));
  }
  const Share heads = {NH / R * rank.rank, NH / R * (rank.rank + 1)};
  std::vector<Cut> cuts;
  for (const Parameter& each : layer.parameters) {
    const std::string_view name = name_in(layer, each);
    if (name.starts_with("qkvo.")) {
      cuts.push_back(rows_of({QK, QK, V, V}, NH, heads));
    } else if (name.starts_with("gates.")) {
      cuts.push_back(rows_of({NH, NH}, NH, heads));
    } else if (name.starts_with("head_norm.")) {
      cuts.push_back(rows_of({V}, NH, heads));
    } else if (name == "out.weight") {
      cuts.push_back({Cut::Of::kColumns, {{heads.begin * spec.DHV, heads.end * spec.DHV}}});
    } else if (name == "out.bias") {
      cuts.push_back(first_rank_only(rank));
    } else {
      cuts.push_back({});  // the norm
    }
  }
  spec.NH = heads.size();
  layer.spec = spec;
  for (StateTensor& tensor : layer.state) {
    tensor.whole_rows = tensor.shape.front();
    tensor.first_row = heads.begin;
    tensor.shape.front() = heads.size();
  }
  layer.eager_floats = floats_of(layer.eager_floats, 2 * D, D, 1, R);
  layer.lazy_floats = floats_of(layer.lazy_floats, 4 * D, D, 1, R);
  return cuts;
}

std::vector<Cut> divide_ffn(Layer& layer, std::int64_t D, const RankOf& rank,
                            const GroupOf& group_of) {
  auto spec = layer.spec_as<GatedFfnSpec>();
  const std::int64_t F = spec.F, group = group_of(find(layer, "down.weight"));
  if (F / group < rank.size) {
    fail_wanted(ErrorKind::kUsage, "devices",
                str("at most ", F / group, ", which the FFN's ", F, " columns",
                    group > 1 ? str(" in groups of ", group) : "", " can be divided among"),
                str(rank.size));
  }
  const Share share = share_of(F, rank.rank, rank.size, group);
  std::vector<Cut> cuts;
  for (const Parameter& each : layer.parameters) {
    const std::string_view name = name_in(layer, each);
    if (name.starts_with("up.")) {
      cuts.push_back(rows_of({F, F}, F, share));
    } else if (name == "down.weight") {
      cuts.push_back({Cut::Of::kColumns, {share}});
    } else if (name == "down.bias") {
      cuts.push_back(first_rank_only(rank));
    } else {
      cuts.push_back({});  // the norm
    }
  }
  spec.F = share.size();
  layer.spec = spec;
  layer.eager_floats = floats_of(layer.eager_floats, 2 * D, D, share.size(), F);
  layer.lazy_floats = floats_of(layer.lazy_floats, 4 * D, D, share.size(), F);
  return cuts;
}

}  // namespace

std::vector<Cut> divide_layer(Layer& layer, std::int64_t D, const RankOf& rank,
                              const GroupOf& group_of) {
  if (std::any_cast<MlstmSpec>(&layer.spec) != nullptr) {
    return divide_mlstm(layer, D, rank, group_of);
  }
  return divide_ffn(layer, D, rank, group_of);
}

}  // namespace xlstm::xlstm_large
