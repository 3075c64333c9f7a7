// A model's files, opened and checked: the one way in for all that reads a checkpoint.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct Checkpoint {
  std::filesystem::path path;             // as it was opened: a folder, or a file; empty: in memory
  std::filesystem::path folder;           // with tokenizer and other texts: `path`, or the file's
  std::unique_ptr<TensorSource> tensors;  // never null; headers are read, weights are not
  std::string config;                     // JSON
  std::filesystem::path config_file;      // that says it, empty: in memory
  Plan plan;
  // Those that are there, tokenizer.json first; empty: the model has no tokenizer.
  std::vector<std::filesystem::path> tokenizer_files;

  // A model's folder, or a file of weights (open_weights()). Throws Error as open_weights() and
  // discover() do.
  static Checkpoint open(const std::filesystem::path& path,
                         std::span<const Family* const> among = families());

  // A model that lies in no folder, as people would call it.
  static Checkpoint in_memory(std::string name, std::string config,
                              std::unique_ptr<TensorSource> tensors,
                              std::span<const Family* const> among = families());
};

}  // namespace xlstm
