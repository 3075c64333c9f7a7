// Libraries that are found when the program runs.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace xlstm::cuda {

class SharedLibrary {
 public:
  explicit SharedLibrary(void* handle) : handle_(handle) {}
  // The address of a function; null where the library has none of this name.
  void* find(const char* name) const;

 private:
  void* handle_;  // never closed: such libraries start threads of their own
};

// The first of `names` that can be loaded; none where there is none of them.
std::unique_ptr<SharedLibrary> open_library(std::span<const std::string> names);

// Where NVIDIA's libraries lie beside each other on this machine, besides where the system looks:
// toolkits, and the folders of pip's packages under the environment VIRTUAL_ENV or a .venv here.
// `library` is a file's name: each is looked for by its path.
std::unique_ptr<SharedLibrary> open_nvidia_library(std::span<const std::string> names);

}  // namespace xlstm::cuda
