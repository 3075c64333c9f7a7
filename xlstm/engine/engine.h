// xLSTM on one screen: open a model, complete a prompt, keep and fork the state.
//
//   auto engine = xlstm::Engine::open("classics-8m");
//   engine.complete({.prompt = "It was a dark and"}, [](std::string_view text) {
//     std::cout << text << std::flush;
//     return true;
//   });
//
//   auto session = engine.session();
//   session.read("Once upon a time");
//   auto fork = session;                                  // constant cost, whatever was read
//   session.complete({.prompt = " a king", .seed = 1});
//   fork.complete({.prompt = " a queen", .seed = 1});
//
// Everything throws xlstm::Error (base/error.h), and what callbacks throw passes through, but for
// std::bad_alloc, which becomes an Error.
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

#include "xlstm/base/quantization.h"
#include "xlstm/generate/completion.h"
#include "xlstm/hub/hub.h"

namespace xlstm {

class Batch;
class Constraint;
class Group;
class Model;
class Sequence;
class Tokenizer;
struct BatchOptions;
struct Plan;
struct State;

// All of it is the engine's own: several work side by side.
struct EngineOptions {
  std::string dtype = "auto";  // of the weights in memory: "float32", "bfloat16"; "auto" is float32
                               // on the CPU and bfloat16 on a GPU
  // Quantises the weights while they are loaded, in the recipe that is best for this format; what
  // the model's files hold quantised stays as it is.
  std::optional<Quantization> quantization = {};
  // The folder that keeps what was quantised so, as files of the project's own, to be loaded the
  // next time (quantized_copies.h). Empty: nothing is kept. A state saved by a model that was
  // quantised in memory is not one of its copy's.
  std::filesystem::path quantized_copies = {};
  std::string device = "auto";          // "cpu", "gpu"; "auto" is a GPU where MLX has one
  std::size_t threads = 0;              // of CPU kernels; 0: XLSTM_THREADS, else all cores
  std::uint64_t soft_memory_limit = 0;  // bytes; above it caches are dropped. 0: none
  std::uint64_t hard_memory_limit =
      0;  // bytes; a load that would pass it is refused. 0: the machine's
  std::function<void(double)> on_load_progress = {};     // 0 to 1
  std::function<void(std::string_view)> on_notice = {};  // what a person may want to know meanwhile
  HubOptions hub = {};  // how a name that is a repository's is fetched
  // The ranks that compute the model together, this one's handle (group/group.h); null: it is
  // computed here alone. Each rank is a process, or a thread, that opens the same model with the
  // same options and makes the same calls in the same order, from one thread; each gets the same
  // answers. A GPU for each, or parts of one CPU. What callbacks answer is rank 0's, and so are
  // seeds that nobody gave. A family that is not divided, and sizes that do not divide, are
  // Error(kUsage). A state's file is the whole's, whatever the number of ranks.
  std::shared_ptr<Group> group = {};
};

struct Request {
  std::string prompt = {};
  // The prompt as token ids, in [0, V), instead of a text; no BOS is put first.
  std::optional<std::vector<std::int32_t>> prompt_ids = {};
  std::int64_t max_tokens = 50;     // 0 only reads the prompt
  float temperature = 1.0F;         // 0: greedy
  int top_k = 0;                    // 0: off
  float top_p = 1.0F;               // (0, 1]
  float min_p = 0.0F;               // [0, 1]
  float repetition_penalty = 1.0F;  // > 0; penalties count this call's prompt and answer, but not
                                    // the BOS that add_bos puts first
  float presence_penalty = 0.0F;
  float frequency_penalty = 0.0F;
  std::map<std::int32_t, float> logit_bias = {};  // token id -> added to its logit; -inf: never
  std::optional<std::uint64_t> seed = {};         // same seed, same text on the same build
  // Texts that end the answer; not shown. The text of a special token is met by the token too.
  std::vector<std::string> stop = {};
  bool add_bos = true;                        // put BOS first, at the start of a sequence
  bool stop_at_end_token = true;              // at the model's own: Engine::end_ids()
  std::vector<std::int32_t> end_tokens = {};  // ids that end the answer too, in any case
  // Read special tokens' text in the prompt (<|endoftext|>, <|im_end|>, ...) as those tokens. Off,
  // it is text like any other: what a user writes cannot end a turn. The command line's own
  // --parse-special is on by default.
  bool parse_special = false;
  // Asks for log-probabilities: of each token chosen, and of this many of the likeliest, 0 to V.
  std::optional<int> top_log_probabilities = {};
  LogitsProcessor process_logits = {};  // completion.h
  // Restricts what the answer may be (grammar/constraint.h); the request's answer takes a clone.
  std::shared_ptr<const Constraint> constraint = {};
  OnToken on_token = {};  // gets every token as soon as it is chosen; completion.h
  // Whether a session reads the last token, too; off, whoever goes on from there reads it.
  bool read_last = true;
  // Asked, and told 0 to 1, while the prompt is tokenised, between its segments, and the first
  // after each token too.
  std::function<bool()> cancelled = {};
  std::function<void(double)> on_prompt_progress = {};
};

// Gets each piece of text as soon as it is certain; return false to stop.
using OnCompletionText = std::function<bool(std::string_view text)>;

struct MemoryUse {
  std::uint64_t active = 0, peak = 0, cache = 0;  // the backend's, bytes (MLX's: of all its users)
  std::uint64_t resident = 0, peak_resident = 0;  // the process's
  std::uint64_t limit = 0;                        // the hard limit in force
};

// Bytes; open() refuses a model that does not fit.
struct MemoryNeed {
  std::uint64_t needed = 0;
  std::uint64_t left = 0;  // of the smaller of the hard limit and the machine's memory
  std::string of;          // which of the two: "the limit of 1 GiB", "the machine's 23.5 GiB"
  bool fits() const { return needed <= left; }
};

// A conversation: a state that is carried over calls and never recomputed. Copying it is a fork.
// A call that throws leaves the state as it was. One that was moved from can be copied and assigned
// to; all else is Error(kUsage). One thread at a time uses a session; those of an engine may be
// used by several.
class Session {
 public:
  Session(const Session& other);  // a fork: constant cost
  Session& operator=(const Session& other);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // Reads the prompt and answers; the state has then read both, an end token included. With an
  // empty prompt the answer goes on from what was read before; at the start of a sequence that
  // needs a BOS, else Error(kUsage). A call cancelled while it reads keeps what it has read.
  Completion complete(const Request& request, const OnCompletionText& on_text = {});
  // Into the state, without answering; `parse_special` as in Request.
  void read(std::string_view text, bool add_bos = true, bool parse_special = false);
  // Reads ids, in [0, V); returns the log-probability of each (natural logarithm, before sampling
  // parameters), given all before it; the first one's too where something was read before, else
  // from the second on.
  std::vector<float> score(const std::vector<std::int32_t>& ids);
  // Reads ids on trial: the logits [ids.size(), V], row-major, after each, for drafts and beams.
  // accept(n) then moves the session on by the first n of them without reading them again; until
  // then, and where anything else moves it, it stays where it was. Error(kUsage) for no ids, ids
  // outside [0, V), n out of range, nothing on trial.
  std::vector<float> read_on_trial(const std::vector<std::int32_t>& ids);
  void accept(std::size_t n);
  // The logits [V] of the token that comes next. Error(kUsage) where nothing was read.
  std::vector<float> next_logits() const;
  // An answer that goes on from here, to be run in a Batch beside others; the session stays where
  // it is. Errors as complete().
  Sequence sequence(const Request& request) const;
  // Goes on from where a sequence of this engine that is done has ended (or one that was taken out
  // of its batch). Error(kUsage) for others.
  void go_on_from(const Sequence& sequence);
  // The state itself (backend/state.h), and another of this engine's model in its place, computed:
  // for those who read on by Model::forward(). Copied and dropped under Backend::exclusive().
  const State& state() const;
  void go_on_from(State state);
  std::uint64_t position() const;  // tokens read so far
  std::uint64_t bytes() const;     // size of the state, the same at every position
  void reset();
  // Whole or not at all; Error(kUsage) where nothing was read and `file` is a state that has. Of a
  // model that is divided among ranks, all save or load together, rank 0 writes, and where it fails
  // on one, all throw the same.
  void save(const std::filesystem::path& file) const;
  void load(const std::filesystem::path& file);  // keeps the old state if it throws
  // Throws what save() would throw now because of the path: to be asked before long work. Leaves
  // nothing behind.
  static void check_can_save(const std::filesystem::path& file);

 private:
  friend class Engine;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // null only in a moved-from session
};

// A model of random weights, for benchmarks; `size` is one of model/synthetic.h. Throws Error:
// kUsage (size, options), kMemory (when it cannot fit), kModel (a forecaster's size).
Model open_synthetic(const std::string& size, const EngineOptions& options = {});

// A loaded model and its tokenizer. Cheap to copy. May be called from any thread, as its sessions
// may: they take turns, a step or a piece of a prompt at a time (a lock inside). Answers that shall
// be computed together go into one Batch.
class Engine {
 public:
  // `name` is a model folder, the name of an embedded model ("classics-8m"; "" is the default), or
  // of a repository ("org/name"; resolve()). Throws Error: kUsage (options), kFile, kFormat, kModel
  // (the folder), kMemory (before any weight is read, when it cannot fit), what resolve() throws.
  static Engine open(const std::string& name = "", const EngineOptions& options = {});

  Completion complete(const Request& request, const OnCompletionText& on_text = {}) const;
  Session session() const;  // at the start of a sequence
  // An answer to be run in a batch (generate/batch.h). Errors as complete(). Session::sequence() is
  // the same with a state to go on from.
  Sequence sequence(const Request& request) const;
  Batch batch() const;  // of no rows
  Batch batch(const BatchOptions& options) const;
  // The log-probabilities of ids[1], ids[2], ... each given all before it; put BOS first.
  std::vector<float> score(const std::vector<std::int32_t>& ids) const;

  const Plan& plan() const;            // wiring/plan.h
  bool has_tokenizer() const;          // without one it computes logits, and no text
  const Tokenizer& tokenizer() const;  // text/tokenizer.h; throws Error(kModel) where there is none
  // The chat template of the tokenizer's files, a Jinja text; "" where there is none.
  const std::string& chat_template() const;
  const Model& model() const;  // model/model.h
  // What begins a sequence, and all that end an answer, from the tokenizer's files and the model's
  // (special_tokens.h).
  std::optional<std::int32_t> bos_id() const;
  std::vector<std::int32_t> end_ids() const;
  double load_seconds() const;
  MemoryUse memory() const;

  // What opening `name` would take, before anything is loaded: weights + state x batch + workspace;
  // and what it may have.
  static MemoryNeed memory_need(const std::string& name, const EngineOptions& options = {},
                                int batch = 1);
  // The same for any number of sequences; the model's files are looked at once. Of several ranks
  // all make it, and drop it, together; each may then ask what it wants.
  static std::function<MemoryNeed(int batch)> memory_needs(const std::string& name,
                                                           const EngineOptions& options = {});
  // The folder that `name` stands for: `name` itself where it is a path (it has a '/'), or, where
  // there is no such folder, the repository of that name, "org/name" or "org/name@revision", which
  // is fetched (hub/hub.h; "hf://org/name" never is a folder here); else an embedded model, looked
  // for in $XLSTM_MODELS (folders divided by ':') and in ../share/xlstm/models of the program and
  // of this library; else a folder of that name here. Throws Error(kFile) saying where was looked,
  // and what fetch() throws.
  static std::filesystem::path resolve(const std::string& name, const HubOptions& hub = {});

 private:
  friend class Session;
  struct Impl;
  explicit Engine(std::shared_ptr<const Impl> impl);
  static Engine open_unguarded(const std::string& name, const EngineOptions& options);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace xlstm
