#include "xlstm/base/mapped_file.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path) : file_(path) {
    SafetensorsHeader header = parse_safetensors(file_.bytes(), path);
    metadata_ = std::move(header.metadata);
    for (auto& entry : header.entries) {
      tensors_.push_back(std::move(entry.info));
      offsets_.push_back(entry.offset);
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> bytes(std::size_t index) const override {
    return file_.bytes().subspan(offsets_[index], tensors_[index].bytes);
  }
  void release(std::size_t index) const override { file_.release(bytes(index)); }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

 private:
  MappedFile file_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::uint64_t> offsets_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace

std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file) {
  return std::make_unique<SafetensorsFile>(file);
}

}  // namespace xlstm
