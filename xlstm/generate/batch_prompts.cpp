// How a batch reads its prompts: cut where they would be cut alone, several short ones together.
#include <algorithm>
#include <array>

#include "xlstm/generate/batch_impl.h"

namespace xlstm {

// Tokens up to where a row that is read alone would be cut next.
std::int64_t Batch::Impl::to_segment_end(const Sequence::Impl& sequence) const {
  const std::int64_t segment = backend.segment_tokens();
  const auto read = static_cast<std::int64_t>(sequence.read);
  const auto unread = static_cast<std::int64_t>(sequence.unread().size());
  return std::min(segment - read % segment, unread);
}

void Batch::Impl::read_prompts() {
  std::int64_t left = options.prompt_tokens > 0 ? options.prompt_tokens : backend.segment_tokens();
  while (left > 0 && !reading.empty()) {
    const std::vector<std::size_t> group = next_group(left);
    if (group.size() == 1) {
      left -= std::max<std::int64_t>(prefill(0, to_segment_end(reading[0]->impl())), 1);
    } else {
      left -= read_group(group);
    }
  }
}

// Which kernel multiplies so many rows.
std::size_t Batch::Impl::kernel_of(std::int64_t rows) const {
  const std::span<const std::int64_t> limits = model.row_limits();
  return static_cast<std::size_t>(std::lower_bound(limits.begin(), limits.end(), rows) -
                                  limits.begin());
}

// The first row that is reading, and others whose next pieces may be read in one call with its own:
// the kernel that each piece meets alone serves them all together, so that nothing changes for any
// of them.
std::vector<std::size_t> Batch::Impl::next_group(std::int64_t most) const {
  std::vector<std::size_t> group = {0};
  if (!model.takes_unequal_lengths()) return group;
  std::int64_t tokens = to_segment_end(reading[0]->impl());
  const std::size_t kernel = kernel_of(tokens);
  most = std::min(most, backend.segment_tokens());
  for (std::size_t at = 1; at < reading.size() && tokens < most; ++at) {
    const std::int64_t piece = to_segment_end(reading[at]->impl());
    const std::int64_t together = tokens + piece;
    if (together > most || kernel_of(piece) != kernel || kernel_of(together) != kernel) continue;
    group.push_back(at);
    tokens = together;
  }
  return group;
}

// Returns the tokens read. What goes wrong ends all rows of the group.
std::int64_t Batch::Impl::read_group(const std::vector<std::size_t>& group) {
  std::vector<BatchEntry*> entries;
  std::vector<std::span<const TokenId>> pieces;
  std::int64_t tokens = 0;
  for (const std::size_t at : group) {
    BatchEntry& entry = *reading[at];
    const std::int64_t piece = to_segment_end(entry.impl());
    entries.push_back(&entry);
    pieces.push_back(entry.impl().unread().first(static_cast<std::size_t>(piece)));
    tokens += piece;
  }
  try {
    read_together(entries, pieces);
  } catch (...) {
    for (BatchEntry* const entry : entries) {
      if (!entry->impl().done) entry->impl().fail(std::current_exception());
    }
  }
  for (std::size_t i = group.size(); i-- > 0;) {
    if (!entries[i]->impl().done && !entries[i]->impl().unread().empty()) continue;
    leave_reading(group[i]);
  }
  return tokens;
}

void Batch::Impl::read_together(const std::vector<BatchEntry*>& entries,
                                const std::vector<std::span<const TokenId>>& pieces) {
  check_ranks();
  const Stopwatch watch;
  const std::unique_ptr<StateBatch> together = backend.state_batch();
  for (BatchEntry* const entry : entries) together->add(entry->reading->remove(0));
  const Tensor logits = model.forward_unequal(pieces, *together);
  const Tensor of_rows = backend.row_sums(logits);
  const std::span<const float> sums = backend.read_floats(of_rows);
  const double share = watch.seconds() / static_cast<double>(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BatchEntry& entry = *entries[i];
    const auto row = static_cast<std::int64_t>(i);
    guarded(entry, [&] {
      const std::uint64_t position = together->positions().front();
      entry.reading->add(together->remove(0));
      entry.logits = backend.tokens(logits, 1, row, row + 1);
      check_finite(model, sums[i], position);
      entry.impl().have_read(pieces[i].size(), share);
    });
  }
}

// A row whose prompt is read, or which is done, goes on to where it belongs.
void Batch::Impl::leave_reading(std::size_t at) {
  std::unique_ptr<BatchEntry> ready = take_reading(at);
  if (ready->sequence.is_done()) {
    finish(std::move(ready));
  } else {
    join(std::move(ready));
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
    check_ranks();
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

  leave_reading(at);
  return count;
}

}  // namespace xlstm
