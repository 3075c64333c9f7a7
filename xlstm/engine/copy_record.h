// What a quantised copy was made of: the model's folder, the size and the time of change of each
// file that the weights depend on, and the format. Two that are equal mean the same weights.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "xlstm/base/json.h"
#include "xlstm/base/quantization.h"

namespace xlstm {

// Of `files`, names in the folder `model`, as they are now; nullopt where one cannot be looked at.
std::optional<Json> copy_record(const std::filesystem::path& model,
                                const std::set<std::string>& files, const Quantization& format);

// The file beside the copy `folder` that holds its record.
std::filesystem::path copy_record_file(const std::filesystem::path& folder);

// Nullopt where there is none, or one that copy_record() does not make.
std::optional<Json> read_copy_record(const std::filesystem::path& folder);
// Throws Error(kFile).
void write_copy_record(const std::filesystem::path& folder, const Json& record);

std::filesystem::path model_in(const Json& record);
Quantization format_in(const Json& record);
std::set<std::string> files_in(const Json& record);

}  // namespace xlstm
