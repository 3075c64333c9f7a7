#include "xlstm/cuda/compiler.h"

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/home_folder.h"
#include "xlstm/cuda/shared_library.h"

namespace xlstm::cuda {
namespace fs = std::filesystem;
namespace {

using Program = struct ProgramOfNvrtc*;

// https://docs.nvidia.com/cuda/nvrtc/
struct Nvrtc {
  int (*nvrtcVersion)(int* major, int* minor);
  const char* (*nvrtcGetErrorString)(int result);
  int (*nvrtcCreateProgram)(Program* program, const char* text, const char* name, int headers,
                            const char* const* header_texts, const char* const* header_names);
  int (*nvrtcCompileProgram)(Program program, int count, const char* const* options);
  int (*nvrtcGetProgramLogSize)(Program program, std::size_t* size);
  int (*nvrtcGetProgramLog)(Program program, char* log);
  int (*nvrtcGetCUBINSize)(Program program, std::size_t* size);
  int (*nvrtcGetCUBIN)(Program program, char* binary);
  int (*nvrtcDestroyProgram)(Program* program);
};

Nvrtc load_nvrtc() {
  const std::array<std::string, 3> names = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  const std::unique_ptr<SharedLibrary> library = open_nvidia_library(names);
  if (library == nullptr) {
    fail_wanted(
        ErrorKind::kUsage, "cuda",
        "libnvrtc.so, which compiles kernels that this build has as text alone: install it "
        "(pip install nvidia-cuda-nvrtc, or the CUDA toolkit), or build with nvcc on the PATH",
        "none");
  }
  Nvrtc n{};
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(library->find(name));
    if (function == nullptr) {
      fail_wanted(ErrorKind::kUsage, "cuda", str("NVRTC 12 or newer, with ", name), "an older one");
    }
  };
  find("nvrtcVersion", n.nvrtcVersion);
  find("nvrtcGetErrorString", n.nvrtcGetErrorString);
  find("nvrtcCreateProgram", n.nvrtcCreateProgram);
  find("nvrtcCompileProgram", n.nvrtcCompileProgram);
  find("nvrtcGetProgramLogSize", n.nvrtcGetProgramLogSize);
  find("nvrtcGetProgramLog", n.nvrtcGetProgramLog);
  find("nvrtcGetCUBINSize", n.nvrtcGetCUBINSize);
  find("nvrtcGetCUBIN", n.nvrtcGetCUBIN);
  find("nvrtcDestroyProgram", n.nvrtcDestroyProgram);
  return n;
}

std::string architecture(int capability) {
  return str("sm_", capability, capability == 90 ? "a" : "");
}

std::vector<char> compile(const KernelText& kernel, int capability) {
  const Nvrtc n = load_nvrtc();
  std::vector<std::string> texts, names;
  for (const KernelText& header : kernel_headers()) {
    texts.emplace_back(header.text);
    names.emplace_back(header.name);
  }
  std::vector<const char*> text_pointers, name_pointers;
  for (const std::string& text : texts) text_pointers.push_back(text.c_str());
  for (const std::string& name : names) name_pointers.push_back(name.c_str());
  const std::string text(kernel.text), file = str(kernel.name, ".cu");
  const auto check = [&](int result, std::string_view messages) {
    if (result == 0) return;
    fail_wanted(ErrorKind::kInternal, file, "kernels that NVRTC compiles",
                str(n.nvrtcGetErrorString(result), "\n", messages));
  };
  Program program = nullptr;
  check(n.nvrtcCreateProgram(&program, text.c_str(), file.c_str(), static_cast<int>(texts.size()),
                             text_pointers.data(), name_pointers.data()),
        "");
  const auto destroy = [&n](Program* p) { n.nvrtcDestroyProgram(p); };
  const std::unique_ptr<Program, decltype(destroy)> owner(&program, destroy);
  const std::string target = str("--gpu-architecture=", architecture(capability));
  const std::array<const char*, 2> options = {target.c_str(), "--std=c++17"};
  const int result =
      n.nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
  std::size_t size = 0;
  n.nvrtcGetProgramLogSize(program, &size);
  std::string log(size, '\0');
  if (size > 0) n.nvrtcGetProgramLog(program, log.data());
  check(result, log);
  check(n.nvrtcGetCUBINSize(program, &size), "");
  std::vector<char> binary(size);
  check(n.nvrtcGetCUBIN(program, binary.data()), "");
  return binary;
}

// Where the machine code of a kernel is kept; none where there is no such folder.
std::optional<fs::path> cached_file(const KernelText& kernel, int capability) {
  Hash hash;
  for (const KernelText& header : kernel_headers()) hash.add(header.text);
  hash.add(kernel.text);
  const fs::path folder = user_cache_folder();
  if (!folder.is_absolute()) return std::nullopt;
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash.value()));
  return folder / "xlstm" / "cuda" /
         str(kernel.name, "-", architecture(capability), "-", text.data(), ".cubin");
}

std::vector<char> content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A cache that cannot be written is no reason to stop.
void keep(const fs::path& path, const std::vector<char>& binary) {
  try {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    AtomicFile file(path);
    file.write(std::string_view(binary.data(), binary.size()));
    file.commit();
  } catch (const std::exception&) {
  }
}

}  // namespace

std::vector<char> compiled(const KernelText& kernel, int capability, bool fresh) {
  const std::optional<fs::path> file = cached_file(kernel, capability);
  if (file && !fresh) {
    std::vector<char> binary = content(*file);
    if (!binary.empty()) return binary;
  }
  std::vector<char> binary = compile(kernel, capability);
  if (file) keep(*file, binary);
  return binary;
}

}  // namespace xlstm::cuda
