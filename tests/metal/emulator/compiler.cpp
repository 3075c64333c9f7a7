#include "tests/metal/emulator/compiler.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "tests/metal/emulator/command.h"
#include "tests/metal/emulator/translate.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"

namespace xlstm::metal_emulator {
namespace {

const std::string kSource = METAL_EMULATOR_SOURCE;  // this folder's parent
const std::filesystem::path kCache = METAL_EMULATOR_CACHE;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> run_flags(bool checked) {
  std::vector<std::string> flags{METAL_EMULATOR_CXX,
                                 "-std=c++17",
                                 "-fsigned-char",
                                 "-fPIC",
                                 "-g1",
                                 "-fno-exceptions",
                                 "-fno-rtti",
                                 "-ffp-contract=off",
                                 "-fno-math-errno",
                                 "-ftrivial-auto-var-init=pattern",
                                 "-Wno-attributes",
                                 "-Werror=return-type",
                                 "-Werror=uninitialized",
                                 "-Wframe-larger-than=49152",  // fits the stack of a fiber
                                 "-I" + kSource + "/shim"};
  const auto add = [&flags](std::initializer_list<const char*> more) {
    flags.insert(flags.end(), more.begin(), more.end());
  };
  if (checked) {
    add({"-O1", "-DMSL_CHECKED", "-fsanitize=thread",
         "-fsanitize=bounds,shift,signed-integer-overflow,integer-divide-by-zero"});
  } else {
    add({"-O2"});
  }
  // Unsuffixed literals are floats in Metal.
#if defined(__clang__)
  add({"-Werror=frame-larger-than", "-Wno-unknown-attributes", "-Xclang",
       "-cl-single-precision-constant"});
  if (checked) add({"-mllvm", "-tsan-instrument-read-before-write=1"});
#else
  // A loop that fills memory stays a loop, whose stores are told.
  add({"-Werror=frame-larger-than=49152", "-fsingle-precision-constant",
       "-fno-tree-loop-distribute-patterns"});
#endif
  return flags;
}

// A name for what `command` makes of `source`: both, and every header that the source may include.
std::string key_of(const std::vector<std::string>& command, const std::string& source,
                   const std::string& headers) {
  Hash hash;
  for (const std::string& word : command) hash.add(word);
  hash.add(source);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(headers))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) hash.add(content_of(file));
  std::ostringstream out;
  out << std::hex << hash.value();
  return out.str();
}

// Steps that other processes may take as well: each result appears whole.
void compile(const std::vector<std::string>& flags, const std::string& label,
             const std::string& source, const std::filesystem::path& library) {
  std::filesystem::path text = library, made = library;
  text.replace_extension(".cpp");
  made += str(".", static_cast<long>(::getpid()));
  AtomicFile file(text);
  file.write(source);
  file.commit();
  std::vector<std::string> command = flags;
  std::filesystem::path object = made;
  object += ".o";
  command.insert(command.end(), {"-c", text.string(), "-o", object.string()});
  CommandResult result = run_command(command);
  if (result.status == 0) {
    result = run_command({METAL_EMULATOR_CXX, "-shared", "-nostartfiles", object.string(), "-o",
                          made.string(), "-lm"});
  }
  std::error_code ignored;
  std::filesystem::remove(object, ignored);
  if (result.status != 0) {
    constexpr std::size_t kShown = 1500;
    fail(ErrorKind::kInternal, label, str("does not compile:\n", result.output.substr(0, kShown)));
  }
  std::filesystem::rename(made, library);
}

template <typename F>
F* symbol(void* library, const char* name) {
  return reinterpret_cast<F*>(::dlsym(library, name));
}

}  // namespace

CompiledKernel::CompiledKernel(const Composed& kernel, bool checked)
    : label_(label_of(kernel)), text_(kernel.text) {
  const std::vector<std::string> flags = run_flags(checked);
  const std::string source = translated(kernel);
  std::filesystem::create_directories(kCache);
  library_ = kCache / (key_of(flags, source, kSource + "/shim") + ".so");
  if (!std::filesystem::exists(library_)) compile(flags, label_, source, library_);
  handle_ = ::dlopen(library_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr)
    fail(ErrorKind::kInternal, label_, str("cannot be loaded: ", ::dlerror()));
  begin_ = symbol<void(const msl::Runtime*)>(handle_, "msl_begin");
  call_ = symbol<void(void* const*, const msl::Thread*)>(handle_, "msl_call");
  Dl_info information;
  if (begin_ == nullptr || call_ == nullptr ||
      ::dladdr(reinterpret_cast<void*>(call_), &information) == 0) {
    fail(ErrorKind::kInternal, label_, "the library that was compiled lacks what calls the kernel");
  }
  base_ = static_cast<const char*>(information.dli_fbase);
}

CompiledKernel::~CompiledKernel() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

// The innermost line that is not the shim's, of all that were inlined into each other at this
// instruction.
std::string CompiledKernel::locate(std::uint32_t offset) const {
  std::ostringstream address;
  address << "0x" << std::hex << offset - 1;  // of the instruction before a return address
  const CommandResult result =
      run_command({METAL_EMULATOR_ADDR2LINE, "-i", "-e", library_.string(), address.str()});
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(kSource) != std::string::npos) continue;
    const std::size_t colon = line.rfind(':');
    int number = 0;
    if (colon == std::string::npos) continue;
    std::from_chars(line.data() + colon + 1, line.data() + line.size(), number);
    if (number > 0)
      return quote(std::filesystem::path(line.substr(0, colon)).filename().string(), number);
  }
  return str("address ", address.str(), " of ", library_.string());
}

std::string CompiledKernel::quote(const std::string& file, int line) const {
  std::istringstream lines(text_);
  std::string text;
  for (int i = 0; i < line; ++i) std::getline(lines, text);
  const std::size_t first = text.find_first_not_of(" \t");
  const bool ours = std::filesystem::path(file).filename() == label_ && first != std::string::npos;
  return str(ours ? label_ : file, ":", line, ours ? str(" `", text.substr(first), "`") : "");
}

}  // namespace xlstm::metal_emulator
