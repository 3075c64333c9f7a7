#include "tests/apps/command_line.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "xlstm/text/tokenizer.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace fs = std::filesystem;

namespace {

std::vector<TokenId> ids_of(const TensorSource& source, const std::string& name) {
  const std::size_t index = source.find(name);
  if (index == TensorSource::npos) throw std::runtime_error("no " + name);
  const auto bytes = source.read_all(index);
  std::vector<std::int64_t> wide(bytes.size() / sizeof(std::int64_t));
  std::memcpy(wide.data(), bytes.data(), bytes.size());
  return {wide.begin(), wide.end()};
}

}  // namespace

std::vector<std::string> CommandLine::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), XLSTM_PROGRAM);
  return arguments;
}

Result CommandLine::xlstm(std::vector<std::string> arguments, RunOptions options) const {
  options.environment.emplace("XDG_STATE_HOME", folder_.string());
  options.environment.emplace("XLSTM_CACHE", (folder_ / "cache").string());
  return run(command(std::move(arguments)), options);
}

std::map<std::string, std::string> CommandLine::terminal_environment(
    const std::string& locale) const {
  return {{"XDG_STATE_HOME", folder_.string()},
          {"EDITRC", file("editrc").string()},
          {"INPUTRC", file("inputrc").string()},
          {"TERM", "xterm"},
          {"LC_ALL", locale}};
}

fs::path CommandLine::write(const std::string& name, const std::string& content) const {
  std::ofstream(folder_ / name, std::ios::binary) << content;
  return folder_ / name;
}

fs::path CommandLine::model_without(const std::vector<std::string>& without) const {
  const fs::path copy = folder_ / "model";
  fs::create_directory(copy);
  for (const auto& entry : fs::directory_iterator(embedded_model())) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::count(without, name) == 0) fs::create_symlink(entry.path(), copy / name);
  }
  return copy;
}

fs::path embedded_model() {
  return fs::path(XLSTM_SOURCE_DIR) / "models" / "classics-8m";
}

Golden golden(int number) {
  const auto source =
      open_safetensors(fs::path(XLSTM_TEST_DATA) / "golden" / "classics-8m.safetensors");
  const Tokenizer tokenizer = Tokenizer::open(embedded_model());
  const std::string name = "p" + std::to_string(number);
  const auto prompt = ids_of(*source, name + ".ids");
  auto all = ids_of(*source, name + ".greedy");
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(prompt.size()));
  return {tokenizer.decode(prompt), tokenizer.decode(all), all};
}

::testing::AssertionResult is_one_line_error(const Result& result, int code,
                                             const std::string& containing) {
  const bool one_line = std::ranges::count(result.err, '\n') == 1 && result.err.ends_with('\n');
  if (result.code == code && one_line && result.err.starts_with("xlstm: [") && result.out.empty() &&
      result.err.find(containing) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "wanted exit code " << code << ", nothing on standard output and one line with \""
         << containing << "\", got exit code " << result.code << "\nstandard error: " << result.err
         << "\nstandard output: " << result.out;
}

}  // namespace xlstm::testing
