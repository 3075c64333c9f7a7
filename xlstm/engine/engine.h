// xLSTM on one screen: open a model, complete a prompt, keep and fork the state.
//
//   auto engine = xlstm::Engine::open("classics-8m");
//   engine.complete({.prompt = "It was a dark and"}, [](std::string_view text) {
//     std::cout << text << std::flush;
//     return true;
//   });
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

class Tokenizer;
struct Plan;

struct EngineOptions {
  std::string dtype = "auto";             // "auto", "float32", "bfloat16": of the weights in memory
  std::string device = "auto";            // "auto", "cpu", "gpu"
  std::size_t threads = 0;                // CPU kernels; 0: all cores
  std::uint64_t soft_memory_limit = 0;    // bytes; above it caches are dropped. 0: none
  std::uint64_t hard_memory_limit = 0;    // bytes; a load that would pass it is refused. 0: the machine's
  std::function<void(double)> on_load_progress = {};  // 0 to 1
};

struct Request {
  std::string prompt = {};
  std::int64_t max_tokens = 50;
  float temperature = 1.0F;               // 0: greedy
  int top_k = 0;                          // 0: off
  float top_p = 1.0F;                     // (0, 1]
  float min_p = 0.0F;                     // [0, 1]
  float repetition_penalty = 1.0F;        // > 0
  float presence_penalty = 0.0F;
  float frequency_penalty = 0.0F;
  std::map<std::int32_t, float> logit_bias = {};  // token id -> added to its logit
  std::optional<std::uint64_t> seed = {}; // same seed, same text on the same build
  std::vector<std::string> stop = {};     // texts that end the answer
  bool add_bos = true;                    // put BOS first, at the start of a sequence
  bool stop_at_end_token = true;
};

struct Statistics;  // generate/generator.h

struct Completion {
  std::string text;
  std::vector<std::int32_t> tokens;       // chosen, an end token included
  std::string stop_reason;                // "max_tokens", "end_token", "stop_string", "cancelled"
  std::uint64_t seed = 0;
  std::shared_ptr<const Statistics> statistics;
};

// Gets each piece of text as soon as it is certain; return false to stop.
using OnCompletionText = std::function<bool(std::string_view text)>;

struct MemoryUse {
  std::uint64_t active = 0, peak = 0, cache = 0;   // MLX's, bytes
  std::uint64_t resident = 0, peak_resident = 0;   // the process's
  std::uint64_t limit = 0;                         // the hard limit in force
};

// A conversation: a state that is carried over calls and never recomputed. Copying it is a fork.
class Session {
 public:
  Session(const Session& other);             // a fork: constant cost
  Session& operator=(const Session& other);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  Completion complete(const Request& request, const OnCompletionText& on_text = {});
  void read(std::string_view text);          // into the state, without answering
  std::uint64_t position() const;            // tokens read so far
  std::uint64_t bytes() const;               // size of the state, the same at every position
  void reset();
  void save(const std::filesystem::path& file) const;  // whole or not at all
  void load(const std::filesystem::path& file);        // keeps the old state if it throws

 private:
  friend class Engine;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A loaded model and its tokenizer. Cheap to copy. Calls from several threads must be serialised.
// Everything throws xlstm::Error (base/error.h).
class Engine {
 public:
  // `name` is a model folder, or the name of an embedded model ("classics-8m"; "" is the default).
  static Engine open(const std::string& name = "", const EngineOptions& options = {});

  Completion complete(const Request& request, const OnCompletionText& on_text = {}) const;
  Session session() const;

  const Plan& plan() const;                  // wiring/plan.h
  const Tokenizer& tokenizer() const;        // text/tokenizer.h
  MemoryUse memory() const;

  // What opening `name` would take, before anything is loaded: weights + state x batch + workspace.
  static std::uint64_t estimate_bytes(const std::string& name, const EngineOptions& options = {},
                                      int batch = 1);
  // The folder that `name` stands for. Throws Error(kFile) listing where was looked.
  static std::filesystem::path resolve(const std::string& name);

 private:
  struct Impl;
  explicit Engine(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
  friend class Session;
  friend const class Model& model_of(const Engine& engine);
};

}  // namespace xlstm
