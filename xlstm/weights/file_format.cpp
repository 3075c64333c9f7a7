#include "xlstm/weights/file_format.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/weights/npz.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/torch_file.h"
#include "xlstm/weights/zip_archive.h"

namespace xlstm {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kGguf =
    "a GGUF file: no xLSTM exists in GGUF; take the checkpoint that it was made from";
constexpr std::string_view kOnnx =
    "an ONNX graph, whose weights are constants of a program; take the checkpoint that it was made "
    "from (of TiRex model.ckpt)";
constexpr std::string_view kPickle =
    "a bare pickle, as torch wrote before version 1.6 and others do; load it in Python and save it "
    "again with today's torch.save or as safetensors";
constexpr std::string_view kTar =
    "a tar archive, as torch wrote before version 0.1.10 and NeMo does; unpack it, or load it in "
    "Python and save it again with today's torch.save or as safetensors";
constexpr std::string_view kTensorFlow =
    "a file of TensorFlow or Keras, in which no xLSTM is published";
constexpr std::string_view kJax =
    "a tree of JAX arrays (Flax or Orbax); export it with NX-AI's tools to safetensors";
constexpr std::string_view kNpy = "one array without a name; wanted .npz, which has many";
constexpr std::string_view kGzip = "a gzip file; unpack it first";

struct RefusedStart {
  std::size_t at;
  std::string_view bytes;
  std::string_view reason;
};
constexpr std::array<RefusedStart, 10> kRefusedStarts = {{{0, "GGUF"sv, kGguf},
                                                          {0, "\x93NUMPY"sv, kNpy},
                                                          {0, "\x89HDF\r\n\x1A\n"sv, kTensorFlow},
                                                          {4, "TFL3"sv, kTensorFlow},
                                                          {257, "ustar"sv, kTar},
                                                          {0, "\x1F\x8B"sv, kGzip},
                                                          {0, "\x80\x02"sv, kPickle},
                                                          {0, "\x80\x03"sv, kPickle},
                                                          {0, "\x80\x04"sv, kPickle},
                                                          {0, "\x80\x05"sv, kPickle}}};

struct RefusedName {
  std::string_view ending;  // or all of the name
  std::string_view reason;
};
constexpr std::array<RefusedName, 12> kRefusedNames = {{{".gguf", kGguf},
                                                        {".onnx", kOnnx},
                                                        {".msgpack", kJax},
                                                        {"_METADATA", kJax},
                                                        {"_CHECKPOINT_METADATA", kJax},
                                                        {".orbax-checkpoint", kJax},
                                                        {".pb", kTensorFlow},
                                                        {".h5", kTensorFlow},
                                                        {".keras", kTensorFlow},
                                                        {".tflite", kTensorFlow},
                                                        {".pkl", kPickle},
                                                        {".pickle", kPickle}}};

[[noreturn]] void refuse(const std::filesystem::path& file, std::string_view reason) {
  fail_wanted(ErrorKind::kModel, file.string(), "safetensors, NPZ or a torch file (ZIP)", reason);
}

std::string start_of(const std::filesystem::path& path) {
  constexpr std::uint64_t kStart = 512;  // bytes
  const InputFile file(path);
  std::string start(static_cast<std::size_t>(std::min(kStart, file.size())), '\0');
  file.read(0, std::as_writable_bytes(std::span(start)));
  return start;
}

bool is_zip(std::string_view start) {
  return start.starts_with("PK\x03\x04") || start.starts_with("PK\x05\x06");
}

// Its length may begin with the bytes of any other format.
bool is_safetensors(std::string_view start) {
  return start.size() > 8 && start[8] == '{' && start[7] == '\0' && start[6] == '\0';
}

std::unique_ptr<TensorSource> open_zip(const std::filesystem::path& file) {
  auto archive = std::make_unique<ZipArchive>(file);
  if (find_torch_pickle(*archive) != ZipArchive::npos) return open_torch(std::move(archive));
  return open_npz(std::move(archive));
}

}  // namespace

std::unique_ptr<TensorSource> open_weights_file(const std::filesystem::path& file) {
  const std::string start = start_of(file);
  if (is_zip(start)) return open_zip(file);
  if (is_safetensors(start)) return open_safetensors(file);
  for (const RefusedStart& known : kRefusedStarts) {
    if (std::string_view(start).substr(std::min(known.at, start.size())).starts_with(known.bytes)) {
      refuse(file, known.reason);
    }
  }
  const std::string_view by_name = refused_by_name(file.filename().string());
  if (!by_name.empty()) refuse(file, by_name);
  return open_safetensors(file);  // says what is wrong with it
}

std::string_view refused_by_name(std::string_view file_name) {
  const auto known = std::ranges::find_if(
      kRefusedNames, [&](const RefusedName& each) { return file_name.ends_with(each.ending); });
  return known == kRefusedNames.end() ? std::string_view() : known->reason;
}

}  // namespace xlstm
