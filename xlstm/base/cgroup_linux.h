// The limits of the control group that this process lives in (Linux; a container is one).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm::cgroup {

// A group's folder and which version's file names hold in it.
struct Group {
  std::string folder;
  int version = 2;
};

// This process's group for a controller ("memory", "cpu") and all groups around it, inner first:
// each of their limits holds. Empty where there are none to be seen. `list` tells the process's
// groups, one a line; their folders are under `mount`.
std::vector<Group> groups(std::string_view controller,
                          const std::string& list = "/proc/self/cgroup",
                          const std::string& mount = "/sys/fs/cgroup");

// First line of group.folder/name; nullopt if it cannot be read.
std::optional<std::string> line(const Group& group, std::string_view name);

// The line as a number; nullopt if it is none (an absent limit reads "max").
std::optional<std::uint64_t> number(const Group& group, std::string_view name);

// The number after `key` in a file of "key number" lines, 0 if it is not there.
std::uint64_t field(const Group& group, std::string_view name, std::string_view key);

}  // namespace xlstm::cgroup
