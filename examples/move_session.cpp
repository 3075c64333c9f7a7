// A conversation as a file: what one engine has read another goes on with, on another backend, in
// another process or on another machine, and a fork of it takes another turn.
//
//   move_session [model]
#include <filesystem>
#include <iostream>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace {

// Reads on the CPU and leaves the state in a file.
void read_and_save(const std::string& model, const std::filesystem::path& file) {
  const auto engine = xlstm::Engine::open(model, {.device = "cpu"});
  auto session = engine.session();
  session.read("Once upon a time there was");
  session.save(file);  // whole or not at all
  std::cout << "saved " << session.position() << " tokens in " << session.bytes() << " bytes\n";
}

// Goes on from the file, on a GPU where there is one.
void load_and_go_on(const std::string& model, const std::filesystem::path& file) {
  const auto engine = xlstm::Engine::open(model, {.device = "auto"});
  auto king = engine.session();
  king.load(file);  // refused if it is another model's
  std::cout << "loaded " << king.position() << " tokens\n";

  auto queen = king;  // costs the same, however much was read
  const auto answer = [](xlstm::Session& session, const std::string& prompt) {
    const xlstm::Request request = {.prompt = prompt, .max_tokens = 20, .temperature = 0};
    std::cout << prompt << session.complete(request).text << "\n";
  };
  answer(king, " a king");
  answer(queen, " a queen");
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string model = argc > 1 ? argv[1] : "classics-8m";
  const std::filesystem::path file = "once.state";
  read_and_save(model, file);
  load_and_go_on(model, file);
  std::filesystem::remove(file);
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
