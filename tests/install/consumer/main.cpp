// What an application does with the installed library: open a model, complete a prompt.
#include <cstdlib>
#include <iostream>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

int main(int argc, char** argv) try {
  if (argc != 3) return EXIT_FAILURE;
  const auto folder = xlstm::Engine::resolve("classics-8m");
  if (!std::filesystem::equivalent(folder, argv[2])) {
    std::cerr << "wanted the model " << argv[2] << ", got " << folder << "\n";
    return EXIT_FAILURE;
  }
  const auto engine = xlstm::Engine::open("classics-8m");
  engine.complete({.prompt = argv[1], .max_tokens = 24, .temperature = 0},
                  [](std::string_view text) {
                    std::cout << text << std::flush;
                    return true;
                  });
  std::cout << "\n";
  return EXIT_SUCCESS;
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return EXIT_FAILURE;
}
