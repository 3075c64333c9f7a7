// The second opinion on a kernel's text.
#include "tests/metal/emulator/address_words.h"
#include "tests/metal/emulator/command.h"
#include "tests/metal/emulator/compiler.h"
#include "tests/metal/emulator/translate.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"

namespace xlstm::metal_emulator {
namespace {

void expect_pointers_with_spaces(const Composed& kernel, const std::string& source) {
  const std::size_t at = pointer_without_space(source);
  if (at == std::string::npos) return;
  const std::size_t begin = source.rfind('\n', at) + 1;
  fail_wanted(ErrorKind::kInternal, label_of(kernel),
              "a pointer or reference to device, constant, threadgroup or thread",
              source.substr(begin, source.find('\n', at) - begin));
}

// Throws Error(kInternal) with the words of `command`, which reads the source and makes nothing.
void read_by_clang(const Composed& kernel, const std::string& source, std::string_view extension,
                   std::vector<std::string> command) {
  Hash hash;
  hash.add(source);
  const std::filesystem::path cache = METAL_EMULATOR_CACHE;
  std::filesystem::create_directories(cache);
  const std::filesystem::path text = cache / str("check-", hash.value(), extension);
  AtomicFile file(text);
  file.write(source);
  file.commit();
  command.insert(command.end(), {"-fsyntax-only", text.string()});
  const CommandResult result = run_command(command);
  if (result.status == 0) return;
  constexpr std::size_t kShown = 1500;
  fail(ErrorKind::kInternal, label_of(kernel),
       str("is not what Metal would take:\n", result.output.substr(0, kShown)));
}

}  // namespace

std::string check_missing() {
  const std::string clang = METAL_EMULATOR_CLANG;
  return clang.empty() ? "clang was not found when the project was configured" : "";
}

void check_with_clang(const Composed& kernel) {
  const std::string restricted = translated_for_check(kernel);
  expect_pointers_with_spaces(kernel, restricted);
  read_by_clang(kernel, restricted, ".cl",
                {METAL_EMULATOR_CLANG, "-cc1", "-triple", "spir64", "-x", "cl", "-cl-std=clc++2021",
                 "-cl-ext=-all,+cl_khr_fp16", "-Wall", "-Wno-unknown-attributes",
                 "-Wno-unused-function", "-Wno-unused-variable", "-Werror=array-bounds",
                 "-ferror-limit", "5", "-I", METAL_EMULATOR_SOURCE "/check_shim"});
  read_by_clang(kernel, translated(kernel), ".cpp",
                {METAL_EMULATOR_CLANG, "-std=c++17", "-Wno-unknown-attributes", "-ferror-limit=5",
                 "-Xclang", "-cl-single-precision-constant", "-I", METAL_EMULATOR_SOURCE "/shim"});
}

}  // namespace xlstm::metal_emulator
