// A TiRex-2 stream as tensors of its file.
//
// Before it is followed: "targets" [V, n] and, where there are some, "past" [W, n], the values that
// were read, the newest context of them. After: "rows" [R, 7] (the fields below), "patch" [R, n],
// the incomplete patch, "output" [V, Q * P], and for each row r its states, "row.r.NAME".
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "xlstm/forecast/stream_file.h"
#include "xlstm/forecast/tirex2/follower.h"

namespace xlstm::tirex2 {

void put_window(const Series& window, StreamContents& contents);
void put_rows(std::span<const FollowedRow> rows, const LoadedPlan& model, StreamContents& contents);

// None: the file is of a stream that is followed. Throw Error(kFormat) for what does not fit the
// model; `file` names it.
std::optional<Series> take_window(const StreamContents& contents, const SeriesSpec& spec,
                                  const std::filesystem::path& file);
std::vector<FollowedRow> take_rows(const StreamContents& contents, const SeriesSpec& spec,
                                   const LoadedPlan& model, const std::filesystem::path& file);

}  // namespace xlstm::tirex2
