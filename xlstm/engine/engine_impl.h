// What an engine and its sessions share.
#pragma once

#include <new>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

// Runs `call`; no std::bad_alloc leaves the engine.
template <typename Call>
auto with_memory_told(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    fail_wanted(ErrorKind::kMemory, "memory", "enough for this call", "none left");
  }
}

// What an engine or a session is made of; Error(kUsage) where it was moved from.
template <typename Pointer>
auto& there(const Pointer& impl, std::string_view what) {
  if (impl != nullptr) return *impl;
  fail_wanted(ErrorKind::kUsage, what, "one that has a model", "one that was moved from");
}

struct Engine::Impl {
  EngineOptions options;
  Model model;
  Tokenizer tokenizer;
  std::optional<TokenId> bos_id;
  std::vector<TokenId> end_ids;
  double load_seconds = 0;

  // Waits for MLX's thread, which lets go of an evaluation's arrays only after eval() has returned:
  // it must be done with that before the process ends and takes MLX's allocator away.
  ~Impl();

  // The state at the start of a sequence; computed, so that any thread may use it.
  ModelState start() const;

  // Reads the prompt into `state` and answers. The last token is read lazily.
  Completion complete(ModelState& state, const Request& request,
                      const OnCompletionText& on_text) const;
};

struct Session::Impl {
  std::shared_ptr<const Engine::Impl> engine;
  ModelState state;  // of one sequence
};

}  // namespace xlstm
