// A step: one token for every row that decodes.
#include <algorithm>
#include <array>

#include "xlstm/base/error.h"
#include "xlstm/generate/batch_impl.h"

namespace xlstm {
namespace {

std::size_t length_of(const Tensor& logits) {
  return static_cast<std::size_t>(logits.shape()[0]);
}

void check_chosen(TokenId id, const Sequence::Impl& sequence, std::uint64_t position) {
  if (id != kNoToken) return;
  fail_wanted(ErrorKind::kUsage, "sampling",
              str("a token that may follow after ", position, " tokens"),
              sequence.constraint ? str("none ", sequence.constraint->where())
                                  : "none that biases and the logits processor leave");
}

}  // namespace

void Batch::Impl::decode() {
  if (decoding.empty()) return;
  try {
    if (can_queue()) {
      decode_queued();
    } else {
      decode_now();
    }
  } catch (...) {  // what fails in one row alone does not come here
    fail_all();
  }
}

// Whether the logits of all rows are those of the last step, in its order, and nobody on the host
// needs to see them.
bool Batch::Impl::can_queue() const {
  if (!backend.is_lazy() || !step_logits) return false;
  if (length_of(step_logits) != decoding.size()) return false;
  for (std::size_t at = 0; at < decoding.size(); ++at) {
    BatchEntry& entry = *decoding[at];
    if (entry.logits || entry.step_row != at) return false;
    if (entry.impl().has_hooks() || entry.impl().drawn) return false;
  }
  return true;
}

// The step that reads a token is queued before the token is looked at, and so is the choice of the
// next one, so that the device never waits for the host.
void Batch::Impl::decode_queued() {
  if (!queued) queued = choose();
  forward(backend.reshape(queued->ids, {static_cast<std::int64_t>(decoding.size()), 1}));
  const bool more = std::any_of(decoding.begin(), decoding.end(),
                                [](const auto& entry) { return entry->impl().tokens_left() > 1; });
  const BatchChoice choice = std::exchange(*queued, more ? choose() : BatchChoice());
  if (!more) queued.reset();
  take_tokens(choice);
  bool any_done = false;
  for (const std::unique_ptr<BatchEntry>& entry : decoding) {
    Sequence::Impl& impl = entry->impl();
    if (!impl.done) guarded(*entry, [&] { accept(*entry); });
    any_done = any_done || impl.done;
  }
  if (!any_done) return;
  settle();
  finish_done();
}

void Batch::Impl::decode_now() {
  draw();
  for (const std::unique_ptr<BatchEntry>& entry : decoding) {
    Sequence::Impl& impl = entry->impl();
    if (impl.done) continue;
    guarded(*entry, [&] {
      accept(*entry);
      if (!impl.done || impl.options.read_last) entry->unread = impl.result.tokens.back();
    });
  }
  make_writable();
  finish_done();  // but for those that read their last token
  if (decoding.empty()) return;
  std::vector<TokenId> ids;
  for (const std::unique_ptr<BatchEntry>& entry : decoding) {
    ids.push_back(*std::exchange(entry->unread, {}));
  }
  forward(backend.ids({static_cast<std::int64_t>(ids.size()), 1}, ids));
  finish_done();
}

// Memory that the next step needs for states is taken here, where a row that gets none fails alone.
void Batch::Impl::make_writable() {
  for (std::size_t at = 0; at < decoding.size(); ++at) {
    BatchEntry& entry = *decoding[at];
    if (!entry.unread) continue;
    guarded(entry, [&] { states->make_writable(at); });
    if (entry.impl().error) entry.unread.reset();
  }
}

// ids [B, 1]
void Batch::Impl::forward(const Tensor& ids) {
  check_ranks();
  step_logits = model.forward(ids, *states);
  for (std::size_t at = 0; at < decoding.size(); ++at) {
    decoding[at]->logits = {};
    decoding[at]->step_row = at;
  }
}

Tensor Batch::Impl::logits_of(const BatchEntry& entry) {
  if (entry.logits) return entry.logits;
  const auto row = static_cast<std::int64_t>(entry.step_row);
  return backend.tokens(step_logits, 1, row, row + 1);
}

// The next tokens of all rows, by the logits of the last step.
BatchChoice Batch::Impl::choose() {
  std::vector<Sampler*> samplers;
  for (const std::unique_ptr<BatchEntry>& entry : decoding) {
    samplers.push_back(entry->impl().sampler.get());
  }
  BatchChoice choice = {backend.sample(samplers, step_logits), backend.row_sums(step_logits),
                        states->positions()};
  backend.evaluate_async(std::array{choice.ids, choice.sums});
  return choice;
}

// Waits for the tokens of all rows.
void Batch::Impl::take_tokens(const BatchChoice& choice) {
  const std::span<const std::int32_t> ids = backend.read_ids(choice.ids);
  const std::span<const float> sums = backend.read_floats(choice.sums);
  for (std::size_t at = 0; at < decoding.size(); ++at) {
    if (!decoding[at]->impl().done) take_token(at, ids[at], sums[at], choice.positions[at]);
  }
}

// The row's next token, or its error.
void Batch::Impl::take_token(std::size_t at, TokenId id, float sum, std::uint64_t position) {
  guarded(*decoding[at], [&] {
    check_finite(model, sum, position);
    check_chosen(id, decoding[at]->impl(), position);
    decoding[at]->impl().drawn = id;
  });
}

void Batch::Impl::accept(BatchEntry& entry) {
  ++accepted;
  entry.impl().accept(*std::exchange(entry.impl().drawn, {}), std::exchange(entry.top, {}));
}

void Batch::Impl::settle() {
  if (!queued) return;
  try {
    take_tokens(*std::exchange(queued, {}));
  } catch (...) {
    fail_all();
  }
}

// Every row that has no next token yet gets one.
void Batch::Impl::draw() {
  std::vector<std::optional<std::size_t>> together(step_logits ? length_of(step_logits) : 0);
  for (std::size_t at = 0; at < decoding.size(); ++at) {
    BatchEntry& entry = *decoding[at];
    Sequence::Impl& impl = entry.impl();
    if (impl.drawn) continue;
    guarded(entry, [&] { impl.constrain(); });
    if (impl.done) continue;
    if (entry.logits || impl.options.process_logits) {
      guarded(entry, [&] { draw_alone(entry, at); });
    } else {
      together[entry.step_row] = at;
    }
  }
  draw_together(together);
  for (const std::unique_ptr<BatchEntry>& entry : decoding) {
    guarded(*entry, [&] { look_up_probabilities(*entry); });
  }
}

// Of each row of the last step's logits: where it is among those that decode, if it takes part.
void Batch::Impl::draw_together(const std::vector<std::optional<std::size_t>>& rows) {
  if (std::none_of(rows.begin(), rows.end(), [](const auto& at) { return at.has_value(); })) return;
  std::vector<Sampler*> samplers;
  std::vector<AllowedIds> allowed;
  for (const auto& at : rows) {
    samplers.push_back(at ? decoding[*at]->impl().sampler.get() : nullptr);
    allowed.push_back(at ? decoding[*at]->impl().allowed() : AllowedIds());
  }
  const Tensor sums = backend.row_sums(step_logits);
  const Tensor ids = backend.sample(samplers, step_logits, allowed);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row]) continue;
    take_token(*rows[row], backend.read_ids(ids)[row], backend.read_floats(sums)[row],
               states->positions()[*rows[row]]);
  }
}

// By what the row's processor makes of its logits.
void Batch::Impl::draw_alone(BatchEntry& entry, std::size_t at) {
  Sequence::Impl& impl = entry.impl();
  const Tensor logits = logits_of(entry);
  const float sum = backend.read_floats(backend.row_sums(logits)).front();
  check_finite(model, sum, states->positions()[at]);
  const auto processed = impl.processed(logits);
  const Tensor ids = backend.sample(
      *impl.sampler, processed ? backend.floats({1, V}, *processed) : logits, impl.allowed());
  take_token(at, backend.read_ids(ids).front(), sum, states->positions()[at]);
}

void Batch::Impl::look_up_probabilities(BatchEntry& entry) {
  const Sequence::Impl& impl = entry.impl();
  const auto n = impl.options.top_log_probabilities;
  if (!n || !impl.drawn || impl.done) return;
  const TokenId id = *impl.drawn;
  entry.top =
      backend.top_tokens(logits_of(entry), std::span(&id, 1), static_cast<std::size_t>(*n)).front();
}

}  // namespace xlstm
