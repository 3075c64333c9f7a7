// What a quantised copy was made of, and what it consists of. A record that copy_record() makes
// again means the same weights: the same format, of files of the same contents (of a snapshot of
// the hub's cache, whose blobs are named by them) or of the same size and time of change in the
// same folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "xlstm/base/json.h"
#include "xlstm/base/quantization.h"

namespace xlstm {

// Of `files`, names in the folder `model`, as they are now; nullopt where one cannot be looked at.
std::optional<Json> copy_record(const std::filesystem::path& model,
                                const std::set<std::string>& files, const Quantization& format);

// The record's model: its folder; of a snapshot the repository's, whichever revision it was.
std::filesystem::path model_in(const Json& record);
Quantization format_in(const Json& record);
// Whether the record's model is there, as it was.
bool is_current(const Json& record);

// Whether the copy in `folder` was made of what `record`, one of copy_record(), says.
bool is_copy_of(const std::filesystem::path& folder, const Json& record);

// The record of the copy in `folder`, which lies beside it. Nullopt where there is none that
// write_copy_record() wrote.
std::optional<Json> read_copy_record(const std::filesystem::path& folder);
// Of a copy that is complete, with the hashes of its weights. Throws Error(kFile).
void write_copy_record(const std::filesystem::path& folder, const Json& record);
void remove_copy_record(const std::filesystem::path& folder);  // Error(kFile)

// The files of the copy that are not as write_copy_record() saw them. The callback gets the bytes
// of each piece read; it may throw to stop.
std::vector<std::filesystem::path> damaged_files(
    const std::filesystem::path& folder, const std::function<void(std::uint64_t)>& on_bytes);

}  // namespace xlstm
