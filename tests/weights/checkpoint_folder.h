// A folder in which a test puts shards and an index together.
#pragma once

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/weights/raw_safetensors.h"

namespace xlstm {

class CheckpointFolder : public TemporaryFolder {
 public:
  // A safetensors file of one-byte tensors; the bytes count up from 0.
  void shard(const std::string& name, const std::vector<std::string>& tensors) const {
    std::string header;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      header += str(i == 0 ? "{" : ",", raw_entry(tensors[i], i, i + 1));
    }
    file(name, raw_file(str(header, "}"), tensors.size()));
  }

  // An index with this weight_map, given as the inside of its object.
  void index(const std::string& weight_map) const {
    file("model.safetensors.index.json",
         str(R"({"metadata":{"total_size":1},"weight_map":{)", weight_map, "}}"));
  }
};

}  // namespace xlstm
