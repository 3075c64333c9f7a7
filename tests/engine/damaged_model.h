// A copy of the embedded model to damage.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/generate/classics.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::test {

class DamagedModel {
 public:
  DamagedModel() {
    std::filesystem::copy(classics_folder(), path(), std::filesystem::copy_options::recursive);
  }

  std::filesystem::path path() const { return folder_.path() / "model"; }

  // Overwrites one element of a tensor in whichever file has it.
  void damage(const std::string& tensor, std::uint64_t element, std::uint16_t value) const {
    for (const char* name :
         {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
      const std::filesystem::path shard = path() / name;
      const std::string bytes = whole_file(shard);
      const SafetensorsHeader header =
          parse_safetensors(std::as_bytes(std::span(bytes)), bytes.size(), shard);
      for (const auto& entry : header.entries) {
        if (entry.info.name != tensor) continue;
        std::fstream file(shard, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(entry.offset + 2 * element));
        file.write(reinterpret_cast<const char*>(&value), 2);
        ASSERT_TRUE(file.good());
        return;
      }
    }
    FAIL() << "no " << tensor;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace xlstm::test
