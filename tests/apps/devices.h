// One command run by several processes of the CPU.
#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>
#include <vector>

namespace xlstm::testing {

// On the CPU, a thread each.
inline std::vector<std::string> among(int devices, std::vector<std::string> arguments) {
  for (const std::string& word :
       {std::string("--devices"), std::to_string(devices), std::string("--device"),
        std::string("cpu"), std::string("--threads"), std::string("1")}) {
    arguments.push_back(word);
  }
  return arguments;
}

// Children of a process, in the order in which they were started; none where the system does not
// list them.
inline std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream in("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> out;
  for (pid_t child = 0; in >> child;) out.push_back(child);
  return out;
}

}  // namespace xlstm::testing
