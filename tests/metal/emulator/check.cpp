// The second opinion on a kernel's text.
#include "tests/metal/emulator/address_words.h"
#include "tests/metal/emulator/command.h"
#include "tests/metal/emulator/compiler.h"
#include "tests/metal/emulator/translate.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"

namespace xlstm::metal_emulator {

std::string check_missing() {
  const std::string clang = METAL_EMULATOR_CLANG;
  return clang.empty() ? "clang was not found when the project was configured" : "";
}

void check_with_clang(const Composed& kernel) {
  const std::string source = translated_for_check(kernel);
  if (const std::size_t at = pointer_without_space(source); at != std::string::npos) {
    const std::size_t begin = source.rfind('\n', at) + 1;
    fail_wanted(ErrorKind::kInternal, label_of(kernel),
                "a pointer or reference to device, constant, threadgroup or thread",
                source.substr(begin, source.find('\n', at) - begin));
  }
  Hash hash;
  hash.add(source);
  const std::filesystem::path cache = METAL_EMULATOR_CACHE;
  std::filesystem::create_directories(cache);
  const std::filesystem::path text = cache / str("check-", hash.value(), ".cl");
  AtomicFile file(text);
  file.write(source);
  file.commit();
  const CommandResult result = run_command(
      {METAL_EMULATOR_CLANG, "-cc1", "-triple", "spir64", "-x", "cl", "-cl-std=clc++2021",
       "-cl-ext=-all,+cl_khr_fp16", "-fsyntax-only", "-Wall", "-Wno-unknown-attributes",
       "-Wno-unused-function", "-Wno-unused-variable", "-Werror=array-bounds", "-ferror-limit", "5",
       "-I", METAL_EMULATOR_SOURCE "/check_shim", text.string()});
  if (result.status == 0) return;
  constexpr std::size_t kShown = 1500;
  fail(ErrorKind::kInternal, label_of(kernel),
       str("is not what Metal would take:\n", result.output.substr(0, kShown)));
}

}  // namespace xlstm::metal_emulator
