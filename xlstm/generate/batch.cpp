#include "xlstm/generate/batch.h"

#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/generate/batch_impl.h"
#include "xlstm/group/group.h"

namespace xlstm {
namespace {

[[noreturn]] void fail_row(std::string_view wanted, Batch::Row row) {
  fail_wanted(ErrorKind::kUsage, "batch", wanted, str("row ", row));
}

}  // namespace

void check_finite(const Model& model, float sum, std::uint64_t position) {
  if (std::isfinite(sum)) return;
  fail_wanted(ErrorKind::kModel, model.plan().name,
              str("finite logits after ", position, " tokens"),
              str("a sum of ", sum, ": weights are not finite or too large for their type"));
}

Batch::Impl::Impl(const Model& the_model, BatchOptions the_options)
    : model(the_model),
      backend(the_model.backend()),
      V(the_model.plan().V),
      options(the_options),
      states(the_model.backend().state_batch()) {}

// Steps that are queued must not run on while the process ends.
Batch::Impl::~Impl() {
  const auto turn = backend.exclusive();
  backend.synchronize();
  states.reset();
  reading.clear();
}

// A sequence's memory belongs to the backend of its engine, and its engine's lock guards it.
void Batch::Impl::check_model(Sequence& sequence) const {
  if (&sequence.impl().backend == &backend) return;
  fail_wanted(ErrorKind::kUsage, "batch", "a sequence of this engine", "another engine's");
}

Batch::Row Batch::Impl::add(Source source) {
  const std::lock_guard lock(mutex);
  waiting.emplace_back(next_row, std::move(source));
  ++unfinished;
  return next_row++;
}

// Those that wait become rows under way, as many as there is room for.
void Batch::Impl::admit() {
  while (options.max_rows == 0 || reading.size() + decoding.size() < options.max_rows) {
    std::unique_lock lock(mutex);
    if (waiting.empty()) return;
    auto [row, source] = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    begin(row, std::move(source));
  }
}

void Batch::Impl::check_ranks() const {
  const Group* const group = backend.group();
  if (group != nullptr && group->has_left(group->rank())) {
    fail(ErrorKind::kCancelled, "batch", str(group->name(), " has failed, and all end"));
  }
}

void Batch::Impl::begin(Row row, Source source) {
  std::unique_ptr<BatchEntry> entry;
  try {
    check_ranks();
    Sequence sequence =
        source.index() == 0 ? std::move(std::get<0>(source)) : std::get<1>(source)();
    check_model(sequence);
    entry = std::make_unique<BatchEntry>(BatchEntry{row, std::move(sequence)});
  } catch (...) {
    finished.push_back({row, std::nullopt, current_error()});
    tell_other_ranks(backend.group(), finished.back().error);
    const std::lock_guard lock(mutex);
    --unfinished;
    return;
  }
  Sequence::Impl& impl = entry->impl();
  guarded(*entry, [&] {
    if (impl.done || impl.unread().empty()) return;
    entry->reading = backend.state_batch();
    entry->reading->add(std::exchange(impl.state, {}));
    entry->reading->make_writable(0);
  });
  if (impl.done) return finish(std::move(entry));
  if (entry->reading) {
    reading.push_back(std::move(entry));
  } else {
    join(std::move(entry));
  }
}

void Batch::Impl::end_cancelled() {
  std::set<Row> rows;
  {
    const std::lock_guard lock(mutex);
    rows.swap(cancelled);
  }
  for (const Row row : rows) {
    if (std::unique_ptr<BatchEntry> entry = take(row)) {
      guarded(*entry, [&] { entry->impl().end(StopReason::kCancelled); });
      finish(std::move(entry));
    } else if (std::optional<Source> source = take_waiting(row)) {
      if (source->index() == 1) {
        finished.push_back({row, std::nullopt, nullptr});
        continue;
      }
      BatchEntry waited = {row, std::move(std::get<0>(*source))};
      guarded(waited, [&] { waited.impl().end(StopReason::kCancelled); });
      const std::exception_ptr error = waited.sequence.error();
      finished.push_back({row, std::move(waited.sequence), error});
    }
  }
}

std::optional<Batch::Impl::Source> Batch::Impl::take_waiting(Row row) {
  const std::lock_guard lock(mutex);
  const auto at = std::find_if(waiting.begin(), waiting.end(),
                               [&](const auto& each) { return each.first == row; });
  if (at == waiting.end()) return std::nullopt;
  Source source = std::move(at->second);
  waiting.erase(at);
  --unfinished;
  return source;
}

std::size_t Batch::Impl::find_row(const Entries& entries, Row row) {
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [&](const auto& entry) { return entry->row == row; });
  return static_cast<std::size_t>(at - entries.begin());
}

std::unique_ptr<BatchEntry> Batch::Impl::take_reading(std::size_t at) {
  std::unique_ptr<BatchEntry> entry = std::move(reading[at]);
  reading.erase(reading.begin() + static_cast<std::ptrdiff_t>(at));
  const std::unique_ptr<StateBatch> own = std::move(entry->reading);
  if (entry->impl().error) return entry;
  guarded(*entry, [&] {
    State state = own->remove(0);
    if (entry->logits) state.next_logits = backend.reshape(entry->logits, {V});
    entry->impl().state = std::move(state);
  });
  return entry;
}

std::unique_ptr<BatchEntry> Batch::Impl::take_decoding(std::size_t at) {
  State state = states->remove(at);  // where that throws the row stays
  std::unique_ptr<BatchEntry> entry = std::move(decoding[at]);
  decoding.erase(decoding.begin() + static_cast<std::ptrdiff_t>(at));
  if (entry->impl().error) return entry;
  guarded(*entry, [&] {
    state.next_logits = backend.reshape(logits_of(*entry), {V});
    entry->impl().state = std::move(state);
  });
  return entry;
}

std::unique_ptr<BatchEntry> Batch::Impl::take(Row row) {
  const std::size_t read_at = find_row(reading, row);
  if (read_at < reading.size()) return take_reading(read_at);
  if (find_row(decoding, row) == decoding.size()) return nullptr;
  settle();
  const std::size_t at = find_row(decoding, row);
  return at < decoding.size() ? take_decoding(at) : nullptr;
}

// What a row needs is in its state: what it has read, and the logits of its next token.
void Batch::Impl::join(std::unique_ptr<BatchEntry> entry) {
  settle();
  guarded(*entry, [&] {
    State& state = entry->impl().state;
    entry->logits = backend.reshape(state.next_logits, {1, V});
    decoding.reserve(decoding.size() + 1);
    states->add(std::exchange(state, {}));
  });
  if (entry->impl().error) return finish(std::move(entry));
  decoding.push_back(std::move(entry));
}

void Batch::Impl::finish(std::unique_ptr<BatchEntry> entry) {
  const std::exception_ptr error = entry->sequence.error();
  finished.push_back({entry->row, std::move(entry->sequence), error});
  const std::lock_guard lock(mutex);
  --unfinished;
}

void Batch::Impl::finish_done() {
  for (std::size_t at = 0; at < decoding.size();) {
    if (decoding[at]->sequence.is_done() && !decoding[at]->unread) {
      finish(take_decoding(at));
    } else {
      ++at;
    }
  }
}

void Batch::Impl::fail_all() {
  for (std::unique_ptr<BatchEntry>& entry : decoding) {
    if (!entry->sequence.is_done()) entry->impl().fail(current_error());
    finish(std::move(entry));
  }
  decoding.clear();
  queued.reset();
  step_logits = {};
  states = backend.state_batch();
}

Batch::Batch(const Model& model, BatchOptions options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

Batch::Row Batch::add(Sequence sequence) {
  impl_->check_model(sequence);
  return impl_->add(std::move(sequence));
}
Batch::Row Batch::add(std::function<Sequence()> make) {
  return impl_->add(std::move(make));
}

void Batch::cancel(Row row) {
  const std::lock_guard lock(impl_->mutex);
  impl_->cancelled.insert(row);
}

bool Batch::step() {
  const auto turn = impl_->backend.exclusive();
  translate_bad_alloc([&] {
    impl_->end_cancelled();
    impl_->admit();
    impl_->read_prompts();
    impl_->decode();
  });
  return rows() > 0;
}

std::int64_t Batch::prefill(Row row, std::int64_t most) {
  const auto turn = impl_->backend.exclusive();
  impl_->admit();
  const std::size_t at = Impl::find_row(impl_->reading, row);
  return at < impl_->reading.size() ? impl_->prefill(at, most) : 0;
}

Batch::Row Batch::fork(Row row, std::optional<std::uint64_t> seed, OnToken on_token) {
  Impl& impl = *impl_;
  const auto turn = impl.backend.exclusive();
  impl.admit();
  std::unique_ptr<BatchEntry> entry = impl.take(row);
  if (!entry) fail_row("a row that is under way", row);
  std::exception_ptr error = entry->sequence.error();
  std::optional<Sequence> fork;
  try {
    if (!error) fork = entry->sequence.fork(seed, std::move(on_token));
  } catch (...) {
    error = current_error();
  }
  impl.begin(row, std::move(entry->sequence));  // goes on, or ends with its own error
  if (error) std::rethrow_exception(error);
  return add(std::move(*fork));
}

Sequence Batch::remove(Row row) {
  Impl& impl = *impl_;
  const auto turn = impl.backend.exclusive();
  if (std::unique_ptr<BatchEntry> entry = impl.take(row)) {
    const std::lock_guard lock(impl.mutex);
    --impl.unfinished;
    return std::move(entry->sequence);
  }
  std::optional<Impl::Source> source = impl.take_waiting(row);
  if (!source) fail_row("a row that is not done", row);
  return source->index() == 0 ? std::move(std::get<0>(*source)) : std::get<1>(*source)();
}

std::vector<Batch::Finished> Batch::take_finished() {
  return std::exchange(impl_->finished, {});
}

void Batch::run(const std::function<void(Finished)>& on_finished) {
  bool more = true;
  while (more) {
    more = step();
    for (Finished& each : take_finished()) on_finished(std::move(each));
  }
}

std::size_t Batch::rows() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->unfinished;
}

std::uint64_t Batch::tokens() const {
  return impl_->accepted;
}

}  // namespace xlstm
