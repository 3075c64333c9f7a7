// Turns a composed kernel into code of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/metal/emulator/composed.h"
#include "tests/metal/shim/runtime.h"

namespace xlstm::metal_emulator {

class CompiledKernel {
 public:
  // Compiled by the compiler that built the project; what was compiled before, from the same text
  // by the same command, is taken from the build folder. Throws Error(kInternal) with the
  // compiler's own words.
  CompiledKernel(const Composed& kernel, bool checked);
  ~CompiledKernel();
  CompiledKernel(const CompiledKernel&) = delete;
  CompiledKernel& operator=(const CompiledKernel&) = delete;

  void begin(const msl::Runtime& runtime) const { begin_(&runtime); }
  void call(void* const* buffers, const msl::Thread& thread) const { call_(buffers, &thread); }

  const std::string& label() const { return label_; }
  std::uint32_t offset_of(const void* pc) const {
    return static_cast<std::uint32_t>(static_cast<const char*>(pc) - base_);
  }
  // "file:line `text of the line`" of an instruction, and of a line.
  std::string locate(std::uint32_t offset) const;
  std::string quote(const std::string& file, int line) const;

 private:
  std::string label_, text_;
  std::filesystem::path library_;
  void* handle_ = nullptr;
  const char* base_ = nullptr;
  void (*begin_)(const msl::Runtime*) = nullptr;
  void (*call_)(void* const*, const msl::Thread*) = nullptr;
};

// Why nothing can be checked here (no clang), or "".
std::string check_missing();
// The second opinion, clang's: it reads the kernel as C++ for OpenCL without a generic address
// space, which has Metal's restrictions and real address spaces, and as what is run, where bfloat
// is a type of its own; unlike g++ it also reads the branches of templates that are not taken.
// Throws Error(kInternal) with clang's words.
void check_with_clang(const Composed& kernel);

}  // namespace xlstm::metal_emulator
