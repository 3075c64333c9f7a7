#include "xlstm/forecast/tirex2/follower.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "xlstm/forecast/tirex2/tirex2_model.h"
#include "xlstm/forecast/tirex2/trend.h"

namespace xlstm::tirex2 {
namespace {

constexpr std::int64_t kMostPatches = 256;  // that are read at once

std::vector<FollowedRow> at_their_start(const Network& network, std::span<const Row> rows,
                                        std::uint64_t tokens_before) {
  std::vector<FollowedRow> out;
  State start = network.loaded().initial_state();
  start.position = tokens_before;
  for (const Row& row : rows) {
    out.push_back({row, 0, start, {}});
    out.back().row.values.clear();
  }
  return out;
}

}  // namespace

Follower::Follower(const Network& network, const SeriesSpec& spec, std::span<const Row> rows,
                   std::uint64_t tokens_before)
    : Follower(network, spec, at_their_start(network, rows, tokens_before)) {}

Follower::Follower(const Network& network, const SeriesSpec& spec, std::vector<FollowedRow> rows)
    : network_(&network), spec_(&spec), rows_(std::move(rows)) {
  batch_.R = std::ssize(rows_);
  batch_.mixed = batch_.R > 1 ? batch_.R : 0;
  batch_.targets =
      std::ranges::count_if(rows_, [](const FollowedRow& each) { return each.row.is_target; });
  for (std::int64_t at = 0; at < batch_.mixed; ++at) {
    batch_.groups.group.push_back(0);
    batch_.groups.is_target.push_back(at >= batch_.R - batch_.targets ? 1 : 0);
  }
}

const FollowedRow& Follower::in_order(std::size_t at) const {
  return rows_[(at + targets()) % rows_.size()];
}
FollowedRow& Follower::in_order(std::size_t at) {
  return rows_[(at + targets()) % rows_.size()];
}

void Follower::append(std::span<const Values> rows) {
  Follower next = *this;
  std::vector<Values> prepared(rows.begin(), rows.end());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    FollowedRow& followed = next.rows_[r];
    for (float& value : prepared[r]) {
      const float x = value;
      if (!std::isnan(x)) followed.row.last = x;
      if (followed.row.is_difference) value = difference(x, followed.previous);
      followed.previous = x;
    }
  }
  next.read(prepared);
  *this = std::move(next);
}

void Follower::append_prepared(std::span<const Values> rows) {
  Follower next = *this;
  next.read(rows);
  *this = std::move(next);
}

void Follower::read(std::span<const Values> rows) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Values& waiting = rows_[r].row.values;
    waiting.insert(waiting.end(), rows[r].begin(), rows[r].end());
  }
  while (std::ssize(rows_.front().row.values) >= spec_->P) {
    read_patches(std::min(kMostPatches, std::ssize(rows_.front().row.values) / spec_->P));
  }
}

void Follower::read_patches(std::int64_t count) {
  Backend& b = network_->backend();
  std::vector<float> tokens;
  const std::unique_ptr<StateBatch> states = b.state_batch();
  for (std::size_t at = 0; at < rows_.size(); ++at) {
    FollowedRow& followed = in_order(at);
    const auto whole = static_cast<std::ptrdiff_t>(count * spec_->P);
    Values left(followed.row.values.begin() + whole, followed.row.values.end());
    followed.row.values.resize(static_cast<std::size_t>(whole));
    append_tokens(followed.row, *spec_, count, tokens);
    followed.row.values = std::move(left);
    states->add(followed.state);
  }
  batch_.S = count;
  const Tensor y = network_->forward(b.floats({batch_.R * count, 2 * spec_->P}, tokens), batch_,
                                     count - 1, count, *states);
  const std::span<const float> values = b.read_floats(y);  // [targets, Q * P]
  states->evaluate();
  const std::size_t size = values.size() / targets();
  for (std::size_t at = 0; at < rows_.size(); ++at) in_order(at).state = states->remove(0);
  for (std::size_t target = 0; target < targets(); ++target) {
    const auto own = values.subspan(target * size, size);
    rows_[target].output.assign(own.begin(), own.end());
  }
}

std::vector<Quantiles> Follower::forecast(std::int64_t H) const {
  Backend& b = network_->backend();
  const std::int64_t begun = std::ssize(rows_.front().row.values);
  const std::int64_t S = patches_of(begun + H, spec_->P) - 1;  // behind the last whole patch
  std::vector<std::vector<float>> outputs;
  for (std::size_t target = 0; target < targets(); ++target) {
    outputs.push_back(rows_[target].output);
  }
  if (S > 0) {
    std::vector<float> tokens;
    const std::unique_ptr<StateBatch> states = b.state_batch();
    for (std::size_t at = 0; at < rows_.size(); ++at) {
      Row row = in_order(at).row;
      row.values.resize(static_cast<std::size_t>(S * spec_->P),
                        std::numeric_limits<float>::quiet_NaN());
      append_tokens(row, *spec_, S, tokens);
      states->add(in_order(at).state);
    }
    RowBatch batch = batch_;
    batch.S = S;
    const Tensor y =
        network_->forward(b.floats({batch.R * S, 2 * spec_->P}, tokens), batch, 0, S, *states);
    const std::span<const float> values = b.read_floats(y);
    const std::size_t size = values.size() / targets();
    for (std::size_t target = 0; target < targets(); ++target) {
      const auto own = values.subspan(target * size, size);
      outputs[target].insert(outputs[target].end(), own.begin(), own.end());
    }
  }
  std::vector<Quantiles> out;
  for (std::size_t target = 0; target < targets(); ++target) {
    out.push_back(answer_of(outputs[target], *spec_, rows_[target].row, begun, H));
  }
  return out;
}

}  // namespace xlstm::tirex2
