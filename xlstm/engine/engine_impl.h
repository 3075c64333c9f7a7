// What an engine and its sessions share.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/sequence.h"
#include "xlstm/model/model.h"
#include "xlstm/model/trial.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

// The implementation of an engine or a session. Throws Error(kUsage) where it was moved from.
template <typename Pointer>
auto& require_impl(const Pointer& impl, std::string_view what) {
  if (impl != nullptr) return *impl;
  fail_wanted(ErrorKind::kUsage, what, "one that has a model", "one that was moved from");
}

struct Engine::Impl {
  EngineOptions options;
  Model model;                         // which holds the backend
  std::optional<Tokenizer> tokenizer;  // none: the model's folder has none
  std::optional<TokenId> bos_id;
  std::vector<TokenId> end_ids;
  std::string chat_template;
  double load_seconds = 0;

  const Tokenizer& text_tokenizer() const;  // throws Error(kModel) where there is none

  // The state at the start of a sequence; computed, so that any thread may use it.
  State start() const;

  // What the request asks for, from `state` on. `keeps_state`: whether anybody reads on from there,
  // so that the last token must be read, too. None where request.cancelled said so.
  std::optional<Sequence> sequence(const State& state, const Request& request,
                                   const OnCompletionText& on_text, bool keeps_state) const;
  // Reads the prompt into `state` and answers.
  Completion complete(State& state, const Request& request, const OnCompletionText& on_text,
                      bool keeps_state) const;
};

// Tokens that a session has read on trial.
struct SessionTrial {
  std::unique_ptr<StateBatch> states;
  std::optional<Trial> trial;
};

struct Session::Impl {
  std::shared_ptr<const Engine::Impl> engine;
  State state;
  std::unique_ptr<SessionTrial> trial = {};  // from `state` on; not a part of copies

  Impl(std::shared_ptr<const Engine::Impl> the_engine, State the_state)
      : engine(std::move(the_engine)), state(std::move(the_state)) {}
  Impl(const Impl& other) : engine(other.engine), state(other.state) {}

  void move_to(State next) {
    state = std::move(next);
    trial.reset();
  }

  Backend& backend() const { return engine->model.backend(); }
};

}  // namespace xlstm
