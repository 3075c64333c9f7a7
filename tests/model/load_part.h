// A model opened whole, or as the part of a rank; on one thread of the CPU.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/group/group.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/division.h"

namespace xlstm::testing {

inline Model load_part(const std::filesystem::path& folder, const std::shared_ptr<Group>& group,
                       LoadOptions options) {
  Checkpoint whole = Checkpoint::open(folder);
  Division part =
      divide(whole.plan, *whole.tensors, {group->rank(), group->size()}, options.quantization);
  options.part_of = std::make_shared<const WholeModel>(
      WholeModel{std::move(whole.plan), std::move(whole.tensors)});
  const auto tensors = cut_source(options.part_of->tensors, std::move(part.tensors));
  return Model::load(part.plan, *tensors, cpu::make_backend(1, group), options);
}

inline Model load_whole(const std::filesystem::path& folder, const LoadOptions& options) {
  const Checkpoint whole = Checkpoint::open(folder);
  return Model::load(whole.plan, *whole.tensors, cpu::make_backend(1), options);
}

}  // namespace xlstm::testing
