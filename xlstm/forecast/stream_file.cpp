#include "xlstm/forecast/stream_file.h"

#include <charconv>
#include <cstring>
#include <span>

#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

constexpr std::string_view kFormat = "xlstm-forecast-stream-1";

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

// A bit that flipped on a disk must not pass for a value, or for a length of an axis.
std::string hash_of(const StreamContents& contents) {
  Hash hash;
  for (const auto& [name, numbers] : contents.tensors) {
    hash.add(name);
    for (const std::int64_t length : numbers.shape) hash.add(static_cast<std::uint64_t>(length));
    hash.add(bytes_of(numbers.values));
  }
  hash.add(contents.position);
  return std::to_string(hash.value());
}

const std::string& metadata_of(const TensorSource& source, const std::string& key,
                               const std::string& file) {
  const auto found = source.metadata().find(key);
  if (found != source.metadata().end()) return found->second;
  fail_wanted(ErrorKind::kFormat, file, str("a stream's file with metadata ", quoted(key)), "none");
}

void check_model(const TensorSource& source, const LoadedPlan& model, const std::string& file) {
  const std::string& fingerprint = metadata_of(source, "model", file);
  if (fingerprint == model.fingerprint()) return;
  fail_wanted(ErrorKind::kModel, file,
              str("a stream of this model (", model.plan.name, ", ", model.fingerprint(), ")"),
              str("one of ", quoted(metadata_of(source, "model_name", file)), " (",
                  quoted(fingerprint), ")"));
}

std::uint64_t parse_position(const std::string& text, const std::string& file) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  fail_wanted(ErrorKind::kFormat, file, "a position as a number", quoted(text));
}

StreamContents::Numbers read_numbers(const TensorSource& source, std::size_t index,
                                     const std::string& file) {
  const TensorInfo& info = source.tensors()[index];
  if (info.dtype != DType::kF32) {
    fail_wanted(ErrorKind::kFormat, file, str(info.name, " of F32"), name_of(info.dtype));
  }
  const std::vector<std::byte> bytes = source.read_all(index);
  StreamContents::Numbers out{info.shape, std::vector<float>(bytes.size() / sizeof(float))};
  if (!bytes.empty()) std::memcpy(out.values.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

void save_stream(const std::filesystem::path& file, const StreamContents& contents,
                 const LoadedPlan& model) {
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, numbers] : contents.tensors) {
    tensors.push_back({name, DType::kF32, numbers.shape, bytes_of(numbers.values)});
  }
  write_safetensors(file, tensors,
                    {{"format", std::string(kFormat)},
                     {"hash", hash_of(contents)},
                     {"model", model.fingerprint()},
                     {"model_name", utf8_repaired(model.plan.name)},
                     {"position", str(contents.position)}});
}

StreamContents load_stream(const std::filesystem::path& file, const LoadedPlan& model) {
  const std::unique_ptr<TensorSource> source = open_safetensors(file);
  const std::string where = file.string();
  const std::string& format = metadata_of(*source, "format", where);
  if (format != kFormat) fail_wanted(ErrorKind::kFormat, where, quoted(kFormat), quoted(format));
  check_model(*source, model, where);
  StreamContents out;
  out.position = parse_position(metadata_of(*source, "position", where), where);
  for (std::size_t i = 0; i < source->tensors().size(); ++i) {
    out.tensors.emplace(source->tensors()[i].name, read_numbers(*source, i, where));
  }
  if (metadata_of(*source, "hash", where) != hash_of(out)) {
    fail_wanted(ErrorKind::kFormat, where, "the bytes that were saved",
                "others: the file is damaged");
  }
  return out;
}

}  // namespace xlstm
