#include "xlstm/apps/forecast_state.h"

#include <map>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/json.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::apps {
namespace {

constexpr const char* kRows = "rows";
constexpr const char* kHash = "rows_hash";

std::string text_of(const RowMemory& rows) {
  Json json = {{"names", rows.names}, {"values", rows.values}, {"times", rows.times}};
  if (rows.separator) json["separator"] = std::string(1, *rows.separator);
  return json.dump();
}

std::string hash_of(const std::string& text) {
  Hash hash;
  hash.add(text);
  return std::to_string(hash.value());
}

RowMemory memory_of(const std::string& text, const std::string& file) {
  const Json json = parse_json(text, file);
  RowMemory out;
  try {
    json.at("names").get_to(out.names);
    json.at("values").get_to(out.values);
    json.at("times").get_to(out.times);
    if (json.contains("separator")) out.separator = json["separator"].get<std::string>().at(0);
  } catch (const std::exception&) {
    fail_wanted(ErrorKind::kFormat, file, "names, values and times of rows", quoted(text));
  }
  return out;
}

}  // namespace

FollowState load_follow_state(const Forecaster& forecaster, const std::string& file) {
  FollowState out{forecaster.load_stream(file), {}};
  const std::map<std::string, std::string> metadata = open_safetensors(file)->metadata();
  const auto rows = metadata.find(kRows), hash = metadata.find(kHash);
  if (rows == metadata.end()) return out;
  if (hash == metadata.end() || hash->second != hash_of(rows->second)) {
    fail_wanted(ErrorKind::kFormat, file, "the bytes that were saved",
                "others: the file is damaged");
  }
  out.rows = memory_of(rows->second, file);
  return out;
}

void save_follow_state(const std::string& file, const ForecastStream& stream,
                       const RowMemory& rows) {
  // A stream writes its own file; that one is read back, and goes when `beside` does.
  const AtomicFile beside(file);
  stream.save(beside.temporary());
  const auto saved = open_safetensors(beside.temporary());
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorToWrite> tensors;
  for (std::size_t i = 0; i < saved->tensors().size(); ++i) bytes.push_back(saved->read_all(i));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const TensorInfo& info = saved->tensors()[i];
    tensors.push_back({info.name, info.dtype, info.shape, bytes[i]});
  }
  std::map<std::string, std::string> metadata = saved->metadata();
  metadata[kRows] = text_of(rows);
  metadata[kHash] = hash_of(metadata[kRows]);
  write_safetensors(file, tensors, metadata);
}

}  // namespace xlstm::apps
