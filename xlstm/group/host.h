// Which host this is.
#pragma once

#include <cstddef>
#include <string>

namespace xlstm {

inline constexpr std::size_t kMostHostName = 128;

// Other hosts have another, and so have containers of this one that go by another name: what
// processes see of GPUs, cores and memory is alike where this is.
std::string host_identity();

}  // namespace xlstm
