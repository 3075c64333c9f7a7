// A state file's bytes, from the safetensors header to the tensors: nothing but xlstm::Error may
// leave.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_backend.h"
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

// Of a model with one mLSTM cell: NH 1, DHQK 2, DHV 1.
Plan tiny_plan() {
  Plan plan;
  plan.V = 3;
  Layer& layer = plan.layers.emplace_back();
  layer.state = {{"blocks.0.C", {1, 2, 1}}, {"blocks.0.n", {1, 2}}, {"blocks.0.m", {1}}};
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Plan plan = tiny_plan();
  static const auto backend = cpu::make_backend(1);
  try {
    const BytesSource source(std::as_bytes(std::span(data, size)));
    read_state(source, {plan, "0123456789abcdef", {}}, *backend, "fuzz.state");
  } catch (const Error&) {
  }
  return 0;
}
