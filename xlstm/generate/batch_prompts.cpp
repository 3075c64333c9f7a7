// How a batch reads its prompts: each row by itself, cut where it would be cut alone.
#include <algorithm>
#include <array>

#include "xlstm/generate/batch_impl.h"

namespace xlstm {
namespace {

// Tokens up to where a row that is read alone would be cut next.
std::int64_t to_segment_end(const Sequence::Impl& sequence) {
  const auto read = static_cast<std::int64_t>(sequence.read);
  const auto unread = static_cast<std::int64_t>(sequence.unread().size());
  return std::min(kSegmentTokens - read % kSegmentTokens, unread);
}

}  // namespace

void Batch::Impl::read_prompts() {
  std::int64_t left = options.prompt_tokens;
  while (left > 0 && !reading.empty()) {
    left -= std::max<std::int64_t>(prefill(0, to_segment_end(reading[0]->impl())), 1);
  }
}

std::int64_t Batch::Impl::prefill(std::size_t at, std::int64_t most) {
  BatchEntry& entry = *reading[at];
  Sequence::Impl& impl = entry.impl();
  const auto unread = static_cast<std::int64_t>(impl.unread().size());
  const bool all = most >= unread;
  const std::int64_t count = all ? unread : most / kSegmentMultiple * kSegmentMultiple;
  if (count <= 0) return 0;

  guarded(entry, [&] {
    const Stopwatch watch;
    entry.logits =
        model.prefill(impl.unread().first(static_cast<std::size_t>(count)), *entry.reading);
    if (all) {
      const Tensor sum = backend.row_sums(entry.logits);
      backend.evaluate(std::array{entry.logits, sum});
      check_finite(model, backend.read_floats(sum).front(), entry.reading->positions().front());
    }
    entry.reading->evaluate();
    impl.have_read(static_cast<std::size_t>(count), watch.seconds());
  });
  if (!all && !impl.done) return count;

  std::unique_ptr<BatchEntry> ready = take_reading(at);
  if (impl.done) {
    finish(std::move(ready));
  } else {
    join(std::move(ready));
  }
  return count;
}

}  // namespace xlstm
