#include "xlstm/convert/model_files.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <system_error>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& file, std::string_view text) {
  AtomicFile out(file);
  out.write(text);
  out.commit();
}

Json format_json(const Quantization& format) {
  return {{"group_size", format.group_size},
          {"bits", format.bits},
          {"mode", std::string(name_of(format.mode))}};
}

Json quantization_json(const std::vector<Conversion>& conversions, const Quantization& common) {
  Json out = format_json(common);
  for (const Conversion& each : conversions) {
    if (!each.format || *each.format == common) continue;
    out[path_of(each.written.front().name)] = format_json(*each.format);
  }
  return out;
}

std::string torch_name(DType dtype) {
  if (dtype == DType::kBF16) return "bfloat16";
  return dtype == DType::kF16 ? "float16" : "float32";
}

bool is_text(const fs::path& file) {
  constexpr std::array<std::string_view, 7> kEndings = {".json", ".txt",   ".model", ".jinja",
                                                        ".md",   ".vocab", ".bpe"};
  const std::string name = file.filename().string(), ending = file.extension().string();
  if (name == "config.json" || name.ends_with(".index.json")) return false;
  const bool licence = name.starts_with("LICENSE") || name.starts_with("NOTICE");
  return licence || std::ranges::count(kEndings, ending) > 0;
}

void copy_text(const fs::path& from, const fs::path& to) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  const InputFile file(from);
  AtomicFile out(to);
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(kPiece, file.size())));
  for (std::uint64_t at = 0; at < file.size(); at += piece.size()) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file.size() - at)));
    file.read(at, part);
    out.write(part);
  }
  out.commit();
}

}  // namespace

std::string config_for(const Checkpoint& from, const std::vector<Conversion>& conversions,
                       const ConvertOptions& options) {
  Json config = parse_json(from.config, from.config_file.string());
  if (options.recipe) {
    config.erase("quantization_config");
    config["quantization"] = quantization_json(conversions, options.recipe->format);
  }
  if (options.dtype) {
    for (const char* key : {"dtype", "torch_dtype"}) {
      if (config.contains(key)) config[key] = torch_name(*options.dtype);
    }
  }
  return config.dump(2) + "\n";
}

void write_config(const Checkpoint& from, const fs::path& to,
                  const std::vector<Conversion>& conversions, const ConvertOptions& options) {
  write_text(to / "config.json", config_for(from, conversions, options));
}

void copy_texts(const Checkpoint& from, const fs::path& to) {
  std::error_code error;
  if (!fs::is_directory(from.path, error)) {
    for (const fs::path& file : from.tokenizer_files) copy_text(file, to / file.filename());
    return;
  }
  fs::directory_iterator entries(from.folder, error);
  if (error) fail(ErrorKind::kFile, from.folder.string(), str("cannot list it: ", error.message()));
  for (const fs::directory_entry& entry : entries) {
    if (!is_text(entry.path()) || !entry.is_regular_file(error)) continue;
    copy_text(entry.path(), to / entry.path().filename());
  }
}

void write_index(const fs::path& to, const std::vector<std::vector<Conversion>>& shards) {
  Json map = Json::object();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const Conversion& each : shards[i]) {
      bytes += each.bytes();
      for (const TensorHeader& tensor : each.written) {
        map[tensor.name] = shard_name(i, shards.size());
      }
    }
  }
  const Json index = {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  write_text(to / "model.safetensors.index.json", index.dump(2) + "\n");
}

std::string shard_name(std::size_t index, std::size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

}  // namespace xlstm
