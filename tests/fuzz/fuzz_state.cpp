// A state file's bytes, from the safetensors header to the arrays: nothing but xlstm::Error may
// leave.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "xlstm/base/error.h"
#include "xlstm/model/large_dims.h"
#include "xlstm/model/state_file.h"
#include "xlstm/weights/safetensors.h"

namespace {
using namespace xlstm;

// A file that exists in memory only.
class BytesSource : public TensorSource {
 public:
  explicit BytesSource(std::span<const std::byte> bytes)
      : bytes_(bytes), header_(parse_safetensors(bytes, bytes.size(), "fuzz.state")) {
    for (const auto& entry : header_.entries) tensors_.push_back(entry.info);
  }
  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    const auto from = bytes_.subspan(header_.entries[index].offset + offset, to.size());
    std::copy(from.begin(), from.end(), to.begin());
  }
  const std::map<std::string, std::string>& metadata() const override { return header_.metadata; }

 private:
  std::span<const std::byte> bytes_;
  SafetensorsHeader header_;
  std::vector<TensorInfo> tensors_;
};

LargeDims tiny_dims() {
  LargeDims dims;
  dims.V = 3;
  dims.L = 1;
  dims.NH = 1;
  dims.DHQK = 2;
  dims.DHV = 1;
  return dims;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const BytesSource source(std::as_bytes(std::span(data, size)));
    read_state(source, {tiny_dims(), "0123456789abcdef"}, "fuzz.state");
  } catch (const Error&) {
  }
  return 0;
}
