#include <utility>

#include "xlstm/backend/sampling.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/generate/score.h"
#include "xlstm/generate/sequence_impl.h"
#include "xlstm/model/state_file.h"

namespace xlstm {
namespace {

constexpr std::string_view kSession = "session";

void check_read(const std::vector<std::int32_t>& ids, std::int64_t V) {
  if (ids.empty()) fail_wanted(ErrorKind::kUsage, kSession, "at least one token", "none");
  check_ids(kSession, ids, V);
}

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(const Session& other)
    : impl_(translate_bad_alloc([&]() -> std::unique_ptr<Impl> {
        if (other.impl_ == nullptr) return nullptr;
        const auto turn = other.impl_->backend().exclusive();
        return std::make_unique<Impl>(*other.impl_);
      })) {}
Session& Session::operator=(const Session& other) {
  if (this != &other) *this = Session(other);
  return *this;
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&& other) noexcept {
  Session taken(std::move(other));
  std::swap(impl_, taken.impl_);
  return *this;
}
// A state's memory goes back to the backend.
Session::~Session() {
  if (impl_ == nullptr) return;
  const std::shared_ptr<const Engine::Impl> engine = impl_->engine;  // outlives the lock
  const auto turn = impl_->backend().exclusive();
  impl_.reset();
}

Completion Session::complete(const Request& request, const OnCompletionText& on_text) {
  return translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    State next = impl.state;
    Completion completion = impl.engine->complete(next, request, on_text, true);
    // What is still under way is waited for: another thread may go on from here, and MLX evaluates
    // a graph only in the thread that made it.
    const auto turn = impl.backend().exclusive();
    evaluate(impl.backend(), next);
    impl.move_to(std::move(next));
    return completion;
  });
}

Sequence Session::sequence(const Request& request) const {
  return translate_bad_alloc([&] {
    const Impl& impl = require_impl(impl_, kSession);
    Request whole = request;  // the batch asks what may cancel it
    whole.cancelled = {};
    std::optional<Sequence> sequence = impl.engine->sequence(impl.state, whole, {}, true);
    sequence->impl().options.cancelled = request.cancelled;
    return std::move(*sequence);
  });
}

void Session::go_on_from(const Sequence& sequence) {
  translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    if (&sequence.impl().backend != &impl.backend()) {
      fail_wanted(ErrorKind::kUsage, kSession, "a sequence of this engine", "another engine's");
    }
    if (sequence.error() || sequence.state().tensors.empty()) {
      fail_wanted(ErrorKind::kUsage, kSession, "a sequence that is done",
                  sequence.error() ? "one that failed" : "one that a batch has");
    }
    const auto turn = impl.backend().exclusive();
    State next = sequence.state();
    evaluate(impl.backend(), next);
    impl.move_to(std::move(next));
  });
}

const State& Session::state() const {
  return require_impl(impl_, kSession).state;
}
void Session::go_on_from(State state) {
  require_impl(impl_, kSession).move_to(std::move(state));
}

void Session::read(std::string_view text, bool add_bos, bool parse_special) {
  translate_bad_alloc([&] {
    if (text.empty() && (position() > 0 || !add_bos || !impl_->engine->bos_id)) return;
    complete({.prompt = std::string(text),
              .max_tokens = 0,
              .add_bos = add_bos,
              .parse_special = parse_special});
  });
}

std::vector<float> Session::score(const std::vector<std::int32_t>& ids) {
  return translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    const auto turn = impl.backend().exclusive();
    State next = impl.state;
    std::vector<float> log_probabilities = xlstm::score(impl.engine->model, next, ids);
    evaluate(impl.backend(), next);
    impl.move_to(std::move(next));
    return log_probabilities;
  });
}

std::vector<float> Session::read_on_trial(const std::vector<std::int32_t>& ids) {
  return translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    const Model& model = impl.engine->model;
    check_read(ids, model.plan().V);
    const auto turn = impl.backend().exclusive();
    impl.trial.reset();
    auto trial = std::make_unique<SessionTrial>();
    trial->states = model.states_of(impl.state);
    trial->trial.emplace(model, *trial->states, ids);
    const std::span<const float> logits = impl.backend().read_floats(trial->trial->logits());
    std::vector<float> out(logits.begin(), logits.end());
    trial->states->evaluate();
    impl.trial = std::move(trial);
    return out;
  });
}

void Session::accept(std::size_t n) {
  translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    if (!impl.trial) fail_wanted(ErrorKind::kUsage, kSession, "tokens on trial", "none");
    const std::int64_t S = impl.trial->trial->S();
    if (static_cast<std::int64_t>(n) > S) {
      fail_wanted(ErrorKind::kUsage, kSession, str("0 to ", S, " tokens"), str(n));
    }
    const auto turn = impl.backend().exclusive();
    const std::unique_ptr<SessionTrial> trial = std::move(impl.trial);
    if (n == 0) return;
    const auto kept = static_cast<std::int64_t>(n);
    const Tensor logits = impl.backend().tokens(trial->trial->logits(), 1, kept - 1, kept);
    trial->trial->accept(std::span(&kept, 1));
    State next = trial->states->remove(0);
    next.next_logits = impl.backend().reshape(logits, {impl.engine->model.plan().V});
    evaluate(impl.backend(), next);
    impl.move_to(std::move(next));
  });
}

std::vector<float> Session::next_logits() const {
  return translate_bad_alloc([&] {
    const Impl& impl = require_impl(impl_, kSession);
    if (!impl.state.next_logits) {
      fail_wanted(ErrorKind::kUsage, kSession, "one that has read something", "one at its start");
    }
    const auto turn = impl.backend().exclusive();
    const std::span<const float> logits = impl.backend().read_floats(impl.state.next_logits);
    return std::vector<float>(logits.begin(), logits.end());
  });
}

std::uint64_t Session::position() const {
  return require_impl(impl_, kSession).state.position;
}
std::uint64_t Session::bytes() const {
  return require_impl(impl_, kSession).state.bytes();
}
void Session::reset() {
  Impl& impl = require_impl(impl_, kSession);
  translate_bad_alloc([&] {
    const auto turn = impl.backend().exclusive();
    impl.move_to(impl.engine->start());
  });
}

void Session::save(const std::filesystem::path& file) const {
  const Impl& impl = require_impl(impl_, kSession);
  translate_bad_alloc([&] {
    const auto turn = impl.backend().exclusive();
    save_state(file, impl.state, impl.engine->model);
  });
}

void Session::check_can_save(const std::filesystem::path& file) {
  translate_bad_alloc([&] { const AtomicFile discarded(file); });
}

void Session::load(const std::filesystem::path& file) {
  translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    const auto turn = impl.backend().exclusive();
    impl.move_to(load_state(file, impl.engine->model));
  });
}

}  // namespace xlstm
