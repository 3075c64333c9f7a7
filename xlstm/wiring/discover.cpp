#include "xlstm/wiring/discover.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/wiring/assemble.h"
#include "xlstm/wiring/binding.h"
#include "xlstm/wiring/config.h"
#include "xlstm/wiring/family.h"
#include "xlstm/wiring/faults.h"
#include "xlstm/wiring/matrix_view.h"
#include "xlstm/wiring/presence.h"
#include "xlstm/wiring/tensor_names.h"
#include "xlstm/wiring/widths.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

LargeDims dims_of(const LargeConfig& config, const Widths& widths, const Presence& presence,
                  std::size_t blocks) {
  LargeDims dims;
  dims.V = widths.V;
  dims.D = widths.D;
  dims.L = static_cast<std::int64_t>(blocks);
  dims.NH = widths.NH;
  dims.DHQK = widths.DQK / widths.NH;
  dims.DHV = widths.DV / widths.NH;
  dims.F = widths.F;
  dims.use_bias = presence.use_bias;
  dims.has_out_norm = presence.has_out_norm;
  dims.out_norm_bias = presence.out_norm_bias;
  dims.tied_head = presence.tied_head;
  dims.norm_float32 = config.norm_reduction_force_float32;
  dims.norm_eps = config.norm_eps;
  dims.cell_eps = config.eps;
  dims.gate_soft_cap = config.gate_soft_cap;
  dims.output_logit_soft_cap = config.output_logit_soft_cap;
  dims.chunk_size = config.chunk_size;
  return dims;
}

void refuse_family(const TensorSource& source, Faults& faults) {
  const std::string_view family = recognise_other_family(source);
  if (!family.empty()) {
    faults.add([&] { return str("its tensors are those of ", family, ", which is not run yet"); });
    return;
  }
  faults.add([] { return std::string("no tensor has a name of xLSTM-large (...mlstm_layer...)"); });
  for (const TensorInfo& tensor : source.tensors()) {
    faults.add([&] { return str("unexpected tensor ", quoted(tensor.name)); });
  }
}

// A width that no sound tensor shows, though none is missing or misshapen: fused rows which do not
// split into q, k, v and o.
void check_known(const Widths& w, Faults& faults) {
  const auto check = [&](std::int64_t width, std::string_view what) {
    if (width == 0) faults.add([&] { return str("no tensor shows a sound width ", what); });
  };
  check(w.V, "V");
  check(w.D, "D");
  check(w.NH, "NH");
  check(w.DQK, "DQK");
  check(w.DV, "DV");
  check(w.F, "F");
}

std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(folder, error);
  return (error ? folder : whole).filename().string();
}

void add_tokens(Plan& plan, const TokenIds& tokens) {
  if (!plan.bos_id) plan.bos_id = tokens.bos;
  if (!plan.pad_id) plan.pad_id = tokens.pad;
  for (const std::int64_t id : tokens.eos) {
    if (std::ranges::count(plan.eos_ids, id) == 0) plan.eos_ids.push_back(id);
  }
}

Plan discover_in(std::string_view config_json, const TensorSource& source,
                 std::string_view config_where, std::string_view where) {
  Faults faults;
  const LargeConfig config = read_large_config(config_json, config_where, faults);
  const MatrixView matrices(source, config.quantization, faults);
  const SortedTensors tensors = sort_tensors(matrices);
  if (!tensors.has_mlstm) {
    refuse_family(matrices, faults);
    faults.throw_if_any(where);
  }
  const Widths widths = find_widths(tensors, matrices);
  const Presence presence = find_presence(config, tensors, matrices, faults);
  compare_sizes(config, widths, tensors, faults);
  check_tensors(tensors, matrices, widths, presence, faults);
  if (faults.count() == 0) check_known(widths, faults);
  faults.throw_if_any(where);

  Plan plan;
  plan.family = "xlstm-large";
  plan.dialect = dialect_of(tensors, matrices);
  plan.name = where;
  plan.dims = dims_of(config, widths, presence, tensors.blocks.size());
  plan.nodes = assemble_nodes(tensors, matrices, widths, presence);
  add_tokens(plan, config.tokens);
  return plan;
}

}  // namespace

Plan discover(std::string_view config_json, const TensorSource& source, std::string_view where) {
  return discover_in(config_json, source, where, where);
}

Plan discover(const fs::path& folder, const TensorSource& source) {
  const fs::path config = folder / "config.json";
  std::error_code ignored;
  if (!fs::exists(config, ignored)) {
    if (fs::exists(folder / "config.yaml", ignored)) {
      fail(ErrorKind::kFile, folder.string(),
           "wanted a file config.json, got config.yaml, which is not read yet: write its keys and "
           "values as JSON into config.json");
    }
    fail_wanted(ErrorKind::kFile, folder.string(), "a file config.json", "none");
  }
  Plan plan = discover_in(whole_file(config), source, config.string(), folder.string());
  const fs::path generation = folder / "generation_config.json";
  if (fs::exists(generation, ignored)) {
    add_tokens(plan, read_generation_config(whole_file(generation), generation.string()));
  }
  plan.name = folder_name(folder);
  return plan;
}

}  // namespace xlstm
