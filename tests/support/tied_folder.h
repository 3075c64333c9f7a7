// A model whose embedding is its head, too: a golden one without the head that its file has.
#pragma once

#include <filesystem>

#include "tests/support/copied_tensors.h"

namespace xlstm {

// Writes it to an existing folder.
inline void write_tied(const std::filesystem::path& to) {
  const std::filesystem::path from =
      std::filesystem::path(XLSTM_TEST_DATA) / "golden" / "large-tied-caps";
  const auto source = open_weights(from / "model.safetensors");
  CopiedTensors copied(*source);
  std::erase_if(copied.tensors, [](const auto& each) { return each.name == "lm_head.weight"; });
  write_safetensors(to / "model.safetensors", copied.tensors, {});
  std::filesystem::copy_file(from / "config.json", to / "config.json");
}

}  // namespace xlstm
