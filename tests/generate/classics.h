// The embedded model and its golden file, loaded once for each backend of a test program.
#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/backend/backends.h"
#include "xlstm/base/input_file.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::test {

struct Classics {
  Model model;
  Tokenizer tokenizer;
};

inline std::filesystem::path classics_folder() {
  return std::filesystem::path(XLSTM_SOURCE_DIR) / "models" / "classics-8m";
}

// In float32, on a backend of its own.
inline Classics open_classics(const testing::BackendCase& backend) {
  const Checkpoint checkpoint = Checkpoint::open(classics_folder());
  return {Model::load(checkpoint.plan, *checkpoint.tensors, backend.make()),
          Tokenizer::open(classics_folder())};
}

inline const Classics& classics(
    const testing::BackendCase& backend = testing::all_backends().front()) {
  // Never destroyed: MLX's own statics may be gone by then.
  static auto& opened = *new std::map<std::string, Classics>;
  const auto found = opened.find(backend.name);
  if (found != opened.end()) return found->second;
  return opened.emplace(backend.name, open_classics(backend)).first->second;
}

// A list of ids (int64) of the golden file: "p0.ids" is a prompt, "p0.greedy" the prompt and what
// the reference continued it with.
inline std::vector<TokenId> golden_ids(const std::string& name) {
  static const auto source =
      open_safetensors(std::filesystem::path(XLSTM_TEST_DATA) / "golden/classics-8m.safetensors");
  const auto bytes = source->read_all(source->find(name));
  std::vector<std::int64_t> wide(bytes.size() / sizeof(std::int64_t));
  std::memcpy(wide.data(), bytes.data(), bytes.size());
  return {wide.begin(), wide.end()};
}

// What the reference added to the prompt.
inline std::vector<TokenId> golden_continuation(const std::string& prompt) {
  const auto ids = golden_ids(prompt + ".ids"), all = golden_ids(prompt + ".greedy");
  return {all.begin() + static_cast<std::ptrdiff_t>(ids.size()), all.end()};
}

inline std::string book(const std::string& name) {
  return whole_file(std::filesystem::path(XLSTM_TEST_DATA) / "books" / name);
}

}  // namespace xlstm::test
