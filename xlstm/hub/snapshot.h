// Whether a snapshot in the cache has what a model needs, asked without the network.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "xlstm/hub/hub.h"
#include "xlstm/hub/repository_folder.h"

namespace xlstm {

enum class SnapshotState {
  kNone,    // it is not there, or something is missing for certain
  kUsable,  // a model can be opened; whether the repository has more nobody remembers
  kWhole    // all that the repository has of what is needed
};

// The files that an index of weights names; none where it is no such index.
std::set<std::string> shards_of(const std::filesystem::path& index);

SnapshotState snapshot_state(const RepositoryFolder& folder, const std::string& commit,
                             HubContent content);

}  // namespace xlstm
