// How fast text is encoded and decoded, in MB of text a second of one core's time:
//   bench_tokenizer [TOKENIZER [FILE...]]
// Without FILE the books of the tests; always also runs of one letter in pieces of rising length,
// which should all go at about the same speed.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace {

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// The quickest of several runs.
template <typename Work>
double seconds_of(const Work& work) {
  constexpr int kRuns = 7;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRuns; ++i) {
    const double start = cpu_seconds();
    work();
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

void measure(const xlstm::Tokenizer& tokenizer, const std::string& name, const std::string& text) {
  std::vector<xlstm::TokenId> ids;
  std::string decoded;
  const double encoding = seconds_of([&] { ids = tokenizer.encode(text); });
  const double decoding = seconds_of([&] { decoded = tokenizer.decode(ids, false); });
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  std::printf("%-24s %9zu bytes %9zu ids  encode %6.1f MB/s  decode %6.1f MB/s\n", name.c_str(),
              text.size(), ids.size(), megabytes / encoding, megabytes / decoding);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string runs_of(char letter, std::size_t length, std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::string(length, letter) + "\n";
  return text;
}

void run(const std::vector<std::string>& arguments) {
  const xlstm::Tokenizer tokenizer =
      xlstm::Tokenizer::open(arguments.empty() ? XLSTM_DEFAULT_MODEL : arguments[0]);
  std::vector<std::filesystem::path> files(arguments.begin() + (arguments.empty() ? 0 : 1),
                                           arguments.end());
  if (files.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(XLSTM_BOOKS)) {
      files.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& file : files) {
    measure(tokenizer, file.filename().string(), read(file));
  }
  constexpr std::size_t kSize = 1 << 20;
  for (const std::size_t length : {20U, 64U, 1000U, 30000U, 1048575U}) {
    measure(tokenizer, "e x " + std::to_string(length), runs_of('e', length, kSize));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
