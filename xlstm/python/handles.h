// The C++ objects behind the module's classes.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"
#include "xlstm/grammar/token_trie.h"
#include "xlstm/python/guards.h"

namespace xlstm::python {

// A loaded model. Calls of an engine are safe from any thread, without the GIL.
class EngineHandle {
 public:
  explicit EngineHandle(Engine engine) : engine_(std::make_unique<Engine>(std::move(engine))) {}
  EngineHandle(EngineHandle&&) noexcept = default;
  ~EngineHandle() {
    const nb::gil_scoped_release released;  // perhaps the last who holds the weights
    engine_.reset();
  }

  const Engine& engine() const { return *engine_; }
  // What constraints need to know of the vocabulary, made when it is first asked for.
  std::shared_ptr<const TokenTries> tries() const {
    const std::lock_guard lock(tries_->mutex);
    if (!tries_->made) tries_->made = TokenTries::of(engine_->tokenizer(), engine_->plan().V);
    return tries_->made;
  }

 private:
  struct Tries {
    std::mutex mutex;
    std::shared_ptr<const TokenTries> made;
  };
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Tries> tries_ = std::make_unique<Tries>();
};

// A recurrent state: what one sequence has read.
class StateHandle {
 public:
  StateHandle(Engine engine, Session session)
      : engine_(std::move(engine)), session_("state", std::move(session)) {}

  const Engine& engine() const { return engine_; }
  Guarded<Session>& session() { return session_; }
  Session copy() {
    return session_.use([](Session& session) { return Session(session); });
  }

 private:
  Engine engine_;
  Guarded<Session> session_;
};

}  // namespace xlstm::python
