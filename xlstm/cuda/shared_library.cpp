#include "xlstm/cuda/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace xlstm::cuda {
namespace fs = std::filesystem;
namespace {

// Folders that match a path of which some parts are "*".
std::vector<fs::path> matching(const fs::path& pattern) {
  std::vector<fs::path> found = {""};
  for (const fs::path& part : pattern) {
    std::vector<fs::path> next;
    for (const fs::path& folder : found) {
      std::error_code error;
      if (part != "*") {
        if (fs::exists(folder / part, error)) next.push_back(folder / part);
        continue;
      }
      for (const auto& entry : fs::directory_iterator(folder, error)) next.push_back(entry.path());
    }
    found = std::move(next);
  }
  return found;
}

std::vector<fs::path> library_folders() {
  std::vector<std::string> patterns = {"/usr/local/cuda/lib64", "/opt/cuda/lib64"};
  std::vector<std::string> environments = {fs::current_path() / ".venv"};
  if (const char* chosen = std::getenv("VIRTUAL_ENV"))
    environments.insert(environments.begin(), chosen);
  for (const std::string& root : environments) {
    for (const char* packages : {"/lib/*/site-packages/nvidia/*/lib"}) {
      patterns.push_back(root + packages);
    }
  }
  std::vector<fs::path> folders;
  for (const std::string& pattern : patterns) {
    for (fs::path& folder : matching(pattern)) folders.push_back(std::move(folder));
  }
  return folders;
}

}  // namespace

void* SharedLibrary::find(const char* name) const {
  return dlsym(handle_, name);
}

std::unique_ptr<SharedLibrary> open_library(std::span<const std::string> names) {
  for (const std::string& name : names) {
    if (void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      return std::make_unique<SharedLibrary>(handle);
    }
  }
  return nullptr;
}

std::unique_ptr<SharedLibrary> open_nvidia_library(std::span<const std::string> names) {
  if (auto library = open_library(names)) return library;
  for (const fs::path& folder : library_folders()) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(folder / name);
    if (auto library = open_library(paths)) return library;
  }
  return nullptr;
}

}  // namespace xlstm::cuda
