#include "xlstm/wiring/discover.h"

#include <algorithm>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/family.h"
#include "xlstm/wiring/unsupported_families.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using Families = std::span<const Family* const>;

[[noreturn]] void refuse_family(const TensorSource& source, Families among,
                                std::string_view where) {
  Diagnostics diagnostics;
  if (const auto known = recognise_unsupported_family(source)) {
    diagnostics.add([&] {
      return str("its tensors are those of ", known->name, ", which is not run: ", known->reason);
    });
    diagnostics.throw_if_any(where);
  }
  diagnostics.add([&] {
    std::string known;
    for (const Family* each : among) known += str(known.empty() ? "" : " or ", each->recognised_by);
    return str("no tensor has a name of ", known);
  });
  for (const TensorInfo& tensor : source.tensors()) {
    diagnostics.add([&] { return str("unexpected tensor ", quoted(tensor.name)); });
  }
  diagnostics.throw_if_any(where);
  fail(ErrorKind::kInternal, where, "refused without a reason");
}

constexpr std::string_view kRepository = "models--";  // how such folders' names begin

bool is_repository(const fs::path& folder) {
  return folder.filename().string().starts_with(kRepository);
}

void add_tokens(Plan& plan, const TokenIds& tokens) {
  if (!plan.bos_id) plan.bos_id = tokens.bos;
  if (!plan.pad_id) plan.pad_id = tokens.pad;
  for (const std::int64_t id : tokens.eos) {
    if (std::ranges::count(plan.eos_ids, id) == 0) plan.eos_ids.push_back(id);
  }
}

Plan discover_in(const ConfigFile& config, const TensorSource& source, std::string_view where,
                 Families among) {
  const TokenIds tokens = read_token_ids(config);
  const auto family = std::ranges::find_if(
      among, [&](const Family* each) { return each->recognise(config, source); });
  if (family == among.end()) refuse_family(source, among, where);
  Plan plan = (*family)->plan(config, source, where);
  plan.family = (*family)->name;
  plan.name = where;
  add_tokens(plan, tokens);
  return plan;
}

}  // namespace

Plan discover(std::string_view config_json, const TensorSource& source, std::string_view where,
              Families among) {
  return discover_in(parse_config(config_json, where), source, where, among);
}

Plan discover(const fs::path& path, const ModelConfig& config, const TensorSource& source,
              Families among) {
  Plan plan =
      discover_in(parse_config(config.json, config.file.string()), source, path.string(), among);
  const fs::path generation = folder_of_model(path) / "generation_config.json";
  std::error_code ignored;
  if (fs::exists(generation, ignored)) {
    const ConfigFile file = parse_config(whole_file(generation), generation.string());
    add_tokens(plan, read_token_ids(file));
  }
  plan.name = model_name(path);
  return plan;
}

Plan discover(const fs::path& path, const TensorSource& source, Families among) {
  return discover(path, read_config(path, source), source, among);
}

fs::path repository_of(const fs::path& folder) {
  const fs::path snapshots = folder.parent_path(), repository = snapshots.parent_path();
  return snapshots.filename() == "snapshots" && is_repository(repository) ? repository : fs::path();
}

std::string model_name(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(path, error);
  if (error) whole = path;
  if (fs::is_regular_file(whole, error)) {
    const std::string stem = whole.stem().string();
    if (stem != "model" && stem != "pytorch_model") return stem;
    whole = whole.parent_path();
  }
  if (const fs::path repository = repository_of(whole); !repository.empty()) whole = repository;
  std::string name = whole.filename().string();
  if (!is_repository(whole)) return name;
  constexpr std::string_view kBetween = "--";
  name.erase(0, kRepository.size());
  const std::size_t between = name.find(kBetween);
  if (between != std::string::npos) name.replace(between, kBetween.size(), "/");
  return name;
}

}  // namespace xlstm
