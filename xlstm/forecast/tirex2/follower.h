// Rows of one series that are read patch by patch: the network's states after what was read, at
// the scales that the rows have.
//
// Source: the same formulas as for whole series, whose cells are causal. From zero states it gives
// what one pass gives without padding, as long as that has the same scales and ends of patches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/forecast/tirex2/bands.h"
#include "xlstm/forecast/tirex2/rows.h"
#include "xlstm/model/tirex2/network.h"

namespace xlstm::tirex2 {

struct FollowedRow {
  Row row;             // whose values are those of the incomplete patch, fewer than P
  float previous = 0;  // of a row that is read by differences: the value before
  State state;
  std::vector<float> output;  // [Q * P], of a target: what follows the last whole patch
};

class Follower {
 public:
  // `rows`: targets, then past covariates; of each the scale, and of a target whether it is read by
  // differences. Nothing has been read; `tokens_before` count in the states' positions all the
  // same. `network` and `spec` must outlive this.
  Follower(const Network& network, const SeriesSpec& spec, std::span<const Row> rows,
           std::uint64_t tokens_before = 0);
  // Rows as they were.
  Follower(const Network& network, const SeriesSpec& spec, std::vector<FollowedRow> rows);

  // New values of each row, all of one length. What throws leaves all as it was.
  void append(std::span<const Values> rows);
  // The same of values that are differences already where the row is read by them.
  void append_prepared(std::span<const Values> rows);

  // Of each target H steps behind the last value. Within an incomplete patch they are those that
  // followed the last whole one; what follows it has seen its values. Some patch was read.
  std::vector<Quantiles> forecast(std::int64_t H) const;

  std::span<const FollowedRow> rows() const { return rows_; }
  std::span<FollowedRow> rows() { return rows_; }

 private:
  std::size_t targets() const { return static_cast<std::size_t>(batch_.targets); }
  // In the network's order: covariates first.
  const FollowedRow& in_order(std::size_t at) const;
  FollowedRow& in_order(std::size_t at);
  void read(std::span<const Values> rows);  // leaves anything where it throws
  void read_patches(std::int64_t count);

  const Network* network_;
  const SeriesSpec* spec_;
  std::vector<FollowedRow> rows_;
  RowBatch batch_;
};

}  // namespace xlstm::tirex2
