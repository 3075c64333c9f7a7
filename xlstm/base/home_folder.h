// Whose folders these are.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace xlstm {

// $HOME where it is set and not empty, else what the password database says of this user; empty
// where that says nothing.
std::filesystem::path home_folder();

// What the password database says; empty where it does not know `user`.
std::filesystem::path home_folder_of(uid_t user);

// Where a user's programs keep what can be made again: $XDG_CACHE_HOME where it is absolute, else
// .cache in home_folder(); empty where there is neither.
std::filesystem::path user_cache_folder();

}  // namespace xlstm
