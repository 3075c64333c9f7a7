#include "xlstm/wiring/families/xlstm_original/sizes.h"

#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/families/xlstm_original/tensor_rows.h"

namespace xlstm::xlstm_original {
namespace {

class Comparison {
 public:
  Comparison(const OriginalConfig& config, const DimLengths& dims, const SortedTensors& tensors,
             Diagnostics& diagnostics)
      : config_(config), dims_(dims), tensors_(tensors), diagnostics_(diagnostics) {}

  void compare() {
    const std::uint64_t L = tensors_.blocks.empty() ? 0 : tensors_.blocks.rbegin()->first + 1;
    claim("vocab_size", config_.vocab_size, kV);
    claim("embedding_dim", config_.embedding_dim, kD);
    compare_claims({{"num_blocks", config_.num_blocks}}, "L", L, diagnostics_);
    if (!config_.mlstm && !config_.slstm) {
      diagnostics_.add(
          [] { return std::string("the config has neither an mlstm_block nor an slstm_block"); });
      return;
    }
    if (L == tensors_.blocks.size()) compare_kinds(L);
    if (config_.mlstm) compare_mlstm(*config_.mlstm);
    if (config_.slstm) compare_slstm(*config_.slstm);
  }

 private:
  void claim(std::string_view key, std::optional<std::int64_t> value, Dim dim) {
    compare_claims({{key, value}}, tensor_table().dims[dim], static_cast<std::uint64_t>(dims_[dim]),
                   diagnostics_);
  }

  // Which blocks slstm_at makes sLSTM blocks.
  std::vector<bool> places(std::uint64_t L) {
    std::vector<bool> out(L, config_.all_slstm);
    const auto count = static_cast<std::int64_t>(L);
    for (const std::int64_t at : config_.slstm_at) {
      if (at >= count || at < -count) {
        diagnostics_.add([&] { return str("slstm_at has ", at, ", there are ", L, " blocks"); });
      } else {
        out[static_cast<std::size_t>(at < 0 ? at + count : at)] = true;
      }
    }
    return out;
  }

  void compare_kinds(std::uint64_t L) {
    const std::vector<bool> wanted = places(L);
    std::string map;
    for (const auto& [number, block] : tensors_.blocks) {
      const bool slstm = wanted[number];
      map += str(map.empty() ? "" : ",", slstm ? 1 : 0);
      if (!block.is_known || is_slstm(block) == slstm) continue;
      diagnostics_.add([&, at = number] {
        return str("block ", at, " is an ", slstm ? "sLSTM" : "mLSTM",
                   " block by the config, the tensors are those of an ", slstm ? "mLSTM" : "sLSTM",
                   " block");
      });
    }
    if (!config_.block_map || *config_.block_map == map) return;
    diagnostics_.add([&] {
      return str("_block_map is ", quoted(*config_.block_map), ", slstm_at makes it ", quoted(map));
    });
  }

  // The width that the config gives, and what it says that it has derived, against the tensors'.
  void compare_width(const ProjectionWidth& width, Dim dim) {
    if (dims_[dim] == 0 || dims_[kD] == 0) return;
    const std::string_view name = tensor_table().dims[dim];
    if (const double wanted = width.of(dims_[kD]); wanted != static_cast<double>(dims_[dim])) {
      diagnostics_.add([&] {
        return str(width.path, "proj_factor is ", *width.factor, ", which makes ", name, " = ",
                   wanted, " (a multiple of ", width.multiple_of, "), the tensors say ", name,
                   " = ", dims_[dim]);
      });
    }
    for (const auto& [key, value] : width.derived) claim(str(width.path, key), value, dim);
  }

  void compare_mlstm(const MlstmConfig& mlstm) {
    constexpr std::string_view kPath = "mlstm_block.mlstm.";
    claim(str(kPath, "num_heads"), mlstm.num_heads, kNH);
    claim(str(kPath, "qkv_proj_blocksize"), mlstm.qkv_proj_blocksize, kBS);
    claim(str(kPath, "conv1d_kernel_size"), mlstm.conv1d_kernel_size, kK);
    compare_width(mlstm.inner, kE);
    check_product(kP, kBS, kE);
    if (dims_[kNH] == 0 || dims_[kE] % dims_[kNH] == 0) return;
    diagnostics_.add(
        [&] { return str("NH = ", dims_[kNH], " heads do not divide E = ", dims_[kE]); });
  }

  void compare_slstm(const SlstmConfig& slstm) {
    constexpr std::string_view kPath = "slstm_block.slstm.";
    claim(str(kPath, "num_heads"), slstm.num_heads, kSNH);
    if (slstm.conv1d_kernel_size > 0) {
      claim(str(kPath, "conv1d_kernel_size"), slstm.conv1d_kernel_size, kSK);
    }
    if (slstm.feedforward) compare_width(slstm.feedforward->inner, kF);
    check_product(kSNH, kSDH, kD);
    const std::int64_t DH = dims_[kSDH], R1 = dims_[kR1], R2 = dims_[kR2];
    if (DH == 0 || R1 == 0 || R2 == 0 || (R1 == DH && R2 == 4 * DH) || (R1 == 4 * DH && R2 == DH)) {
      return;
    }
    diagnostics_.add([&] {
      return str("_recurrent_kernel_: wanted [SNH, SDH, 4*SDH] or [SNH, 4*SDH, SDH] with SDH = ",
                 DH, ", got [", dims_[kSNH], ", ", R1, ", ", R2, "]");
    });
  }

  void check_product(Dim a, Dim b, Dim product) {
    if (dims_[a] == 0 || dims_[b] == 0 || dims_[product] == 0) return;
    if (dims_[a] <= dims_[product] && dims_[a] * dims_[b] == dims_[product]) return;
    const auto& names = tensor_table().dims;
    diagnostics_.add([&] {
      return str(names[a], " = ", dims_[a], " times ", names[b], " = ", dims_[b], " is not ",
                 names[product], " = ", dims_[product]);
    });
  }

  const OriginalConfig& config_;
  const DimLengths& dims_;
  const SortedTensors& tensors_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool is_slstm(const BlockTensors& block) {
  return block.rows == &tensor_table().other_block->rows;
}

void compare_sizes(const OriginalConfig& config, const DimLengths& dims,
                   const SortedTensors& tensors, Diagnostics& diagnostics) {
  Comparison(config, dims, tensors, diagnostics).compare();
}

}  // namespace xlstm::xlstm_original
