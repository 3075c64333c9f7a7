#include <algorithm>
#include <cstring>

#include "xlstm/base/input_file.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

// The header's length and the header, as far as a valid one would go.
std::vector<std::byte> read_start(const InputFile& file) {
  constexpr std::uint64_t kLengthBytes = 8;
  std::vector<std::byte> start(
      static_cast<std::size_t>(std::min<std::uint64_t>(kLengthBytes, file.size())));
  file.read(0, start);
  if (start.size() < kLengthBytes) return start;
  std::uint64_t length = 0;
  std::memcpy(&length, start.data(), kLengthBytes);
  length = std::min({length, kMostSafetensorsHeaderBytes, file.size() - kLengthBytes});
  start.resize(static_cast<std::size_t>(kLengthBytes + length));
  file.read(kLengthBytes, std::span(start).subspan(kLengthBytes));
  return start;
}

class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path) : file_(path) {
    SafetensorsHeader header = parse_safetensors(read_start(file_), file_.size(), path);
    metadata_ = std::move(header.metadata);
    for (auto& entry : header.entries) {
      tensors_.push_back(std::move(entry.info));
      offsets_.push_back(entry.offset);
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    file_.read(offsets_[index] + offset, to);
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

 private:
  InputFile file_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::uint64_t> offsets_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file) {
  return std::make_unique<SafetensorsFile>(file);
}

}  // namespace xlstm
