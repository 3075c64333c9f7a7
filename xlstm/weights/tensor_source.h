// A checkpoint's tensors, named, typed and bounds-checked, whatever its file format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/base/shape.h"

namespace xlstm {

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::uint64_t bytes = 0;     // = product(shape) * size_of(dtype), checked by the reader
  std::filesystem::path file;  // which file holds it
};

// A checkpoint open for reading. Everything in tensors() has been checked against the files'
// lengths: read() of a listed tensor fails only where a file changed since, or its disk does.
// Thread-safe for reading.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  // Sorted by name, names unique.
  virtual const std::vector<TensorInfo>& tensors() const = 0;

  // Copies some of the elements of tensors()[index], little-endian and row-major, to `to`: those
  // from byte `offset` of the tensor on. Both are of whole elements and within the tensor. Throws
  // Error(kFile) naming the file.
  virtual void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const = 0;

  std::vector<std::byte> read_all(std::size_t index) const;

  // Reads all that tensors are made of once and compares it with the checksums of their files;
  // nothing for formats without any. Throws Error: kFormat for bytes that changed, kFile.
  virtual void check_contents() const {}

  // The files' own string metadata (safetensors' __metadata__), merged.
  virtual const std::map<std::string, std::string>& metadata() const = 0;

  // The model's config that the weights' own file carries, as JSON text: of a Lightning checkpoint
  // its hyper-parameters, of an NPZ archive its config.json; "" for none.
  virtual std::string config() const { return ""; }

  // Index of a tensor, or npos.
  std::size_t find(std::string_view name) const;
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
};

// Opens a checkpoint: a file of safetensors, an NPZ archive or a torch file (ZIP), whatever its
// name, or a folder that holds, in this order, `model.safetensors`; Hugging Face's shards, named by
// `model.safetensors.index.json`; NX-AI's shards `model_0.safetensors`, ...; torch's shards, named
// by `pytorch_model.bin.index.json`; a single file model.npz, pytorch_model.bin, model.pt, .pth,
// .ckpt or .th; a single file of another name that ends so. Throws Error: kFile when something
// cannot be read, or when several files compete; kFormat when bytes are wrong; kModel for formats
// that are known and not read (GGUF, ONNX, ...), with the reason.
std::unique_ptr<TensorSource> open_weights(const std::filesystem::path& file_or_folder);

}  // namespace xlstm
