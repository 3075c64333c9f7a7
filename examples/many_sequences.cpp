// Many prompts at once: one thread adds them and cancels one, the main thread steps the batch and
// prints answers as they are finished. This is how a server would use it.
//
//   many_sequences [model]
#include <atomic>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"

namespace {

const std::vector<std::string> kPrompts = {"The captain looked at the sea, and",
                                           "It was a dark night and", "She said that",
                                           "In the garden there was", "He opened the door"};

struct Prompts {
  std::mutex mutex;
  std::map<xlstm::Batch::Row, std::string> of_row;
  std::atomic<std::size_t> added = 0;
};

// The sequence is made by the thread that steps, when there is room for it.
xlstm::Batch::Row add(xlstm::Batch& batch, const xlstm::Engine& engine, Prompts& prompts,
                      const xlstm::Request& request) {
  const std::lock_guard lock(prompts.mutex);  // a row is not looked up before it is here
  const auto row = batch.add([&engine, request] { return engine.sequence(request); });
  prompts.of_row[row] = request.prompt;
  ++prompts.added;
  prompts.added.notify_one();
  return row;
}

// What a thread of its own does: adds an answer without end and many others, cancels the first.
void add_all(xlstm::Batch& batch, const xlstm::Engine& engine, Prompts& prompts) {
  std::atomic<bool> begun = false;
  const auto begin = [&begun](const xlstm::TokenEvent&) {
    begun = true;
    begun.notify_one();
    return true;
  };
  const auto endless = add(batch, engine, prompts,
                           {.prompt = "There was once a king, and",
                            .max_tokens = 1'000'000,
                            .temperature = 0,
                            .stop_at_end_token = false,
                            .on_token = begin});
  for (const std::string& prompt : kPrompts) {
    add(batch, engine, prompts, {.prompt = prompt, .max_tokens = 16, .temperature = 0});
  }
  begun.wait(false);
  batch.cancel(endless);
}

// A row that failed is told as one that answered: the others go on.
std::string text_of(const xlstm::Batch::Finished& finished) try {
  if (finished.error) std::rethrow_exception(finished.error);
  const xlstm::Completion& answer = finished.sequence->result();
  return answer.text + " (" + std::string(xlstm::name_of(answer.stop_reason)) + ")";
} catch (const std::exception& error) {
  return error.what();
}

}  // namespace

int main(int argc, char** argv) try {
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m");
  auto batch = engine.batch({.max_rows = 4});  // at once; the others wait
  Prompts prompts;
  std::thread adding([&] { add_all(batch, engine, prompts); });

  std::size_t told = 0;
  while (told < kPrompts.size() + 1) {
    const std::size_t added = prompts.added;
    const bool busy = batch.step();
    for (const xlstm::Batch::Finished& finished : batch.take_finished()) {
      const std::lock_guard lock(prompts.mutex);
      std::cout << prompts.of_row.at(finished.row) << "|" << text_of(finished) << "\n";
      ++told;
    }
    if (!busy && told < kPrompts.size() + 1) prompts.added.wait(added);  // for the next prompt
  }
  adding.join();
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
