#include <utility>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/model/state_file.h"

namespace xlstm {
namespace {

constexpr std::string_view kSession = "session";

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(const Session& other)
    : impl_(translate_bad_alloc([&] {
        return other.impl_ == nullptr ? nullptr : std::make_unique<Impl>(*other.impl_);
      })) {}
Session& Session::operator=(const Session& other) {
  if (this != &other) *this = Session(other);
  return *this;
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Completion Session::complete(const Request& request, const OnCompletionText& on_text) {
  return translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    State next = impl.state;
    Completion completion = impl.engine->complete(next, request, on_text, true);
    // What is still under way is waited for: another thread may go on from here, and MLX evaluates
    // a graph only in the thread that made it.
    evaluate(impl.engine->model.backend(), next);
    impl.state = std::move(next);
    return completion;
  });
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

std::uint64_t Session::position() const {
  return require_impl(impl_, kSession).state.position;
}
std::uint64_t Session::bytes() const {
  return require_impl(impl_, kSession).state.bytes();
}
void Session::reset() {
  Impl& impl = require_impl(impl_, kSession);
  translate_bad_alloc([&] { impl.state = impl.engine->start(); });
}

void Session::save(const std::filesystem::path& file) const {
  const Impl& impl = require_impl(impl_, kSession);
  translate_bad_alloc([&] { save_state(file, impl.state, impl.engine->model); });
}

void Session::check_can_save(const std::filesystem::path& file) {
  translate_bad_alloc([&] { const AtomicFile discarded(file); });
}

void Session::load(const std::filesystem::path& file) {
  translate_bad_alloc([&] {
    Impl& impl = require_impl(impl_, kSession);
    impl.state = load_state(file, impl.engine->model);
  });
}

}  // namespace xlstm
