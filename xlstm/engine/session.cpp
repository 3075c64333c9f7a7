#include <utility>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/model/state_file.h"

namespace xlstm {

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(const Session& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Session& Session::operator=(const Session& other) {
  if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Completion Session::complete(const Request& request, const OnCompletionText& on_text) {
  return with_memory_told([&] {
    ModelState next = impl_->state;
    Completion completion = impl_->engine->complete(next, request, on_text);
    // The last token is read now: MLX evaluates what is still a plan only in the thread that made
    // it, and nothing may run on when the process ends.
    next.eval();
    impl_->state = std::move(next);
    return completion;
  });
}

void Session::read(std::string_view text, bool add_bos, bool parse_special) {
  if (text.empty() && (position() > 0 || !add_bos || !impl_->engine->bos_id)) return;
  complete({.prompt = std::string(text),
            .max_tokens = 0,
            .add_bos = add_bos,
            .parse_special = parse_special});
}

std::uint64_t Session::position() const {
  return impl_->state.positions.front();
}
std::uint64_t Session::bytes() const {
  return impl_->state.bytes();
}
void Session::reset() {
  impl_->state = impl_->engine->start();
}

void Session::save(const std::filesystem::path& file) const {
  with_memory_told([&] { save_state(file, impl_->state, impl_->engine->model); });
}

void Session::check_can_save(const std::filesystem::path& file) {
  const AtomicFile discarded(file);
}

void Session::load(const std::filesystem::path& file) {
  with_memory_told([&] {
    ModelState state = load_state(file, impl_->engine->model);
    if (state.batch() != 1) {
      fail_wanted(ErrorKind::kFormat, file.string(), "the state of one sequence",
                  str(state.batch(), " sequences"));
    }
    state.eval();
    impl_->state = std::move(state);
  });
}

}  // namespace xlstm
