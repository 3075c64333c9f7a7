// The likeliest token of each row: the id of the largest logit, the lowest of equals; -1 where
// there is none, because a logit is NaN or +inf, or all are -inf. Ids that may not be chosen count
// for nothing. A threadgroup has a row.
//
// Template: V; MASKED: whether `may` is read; THREADS, whole SIMD groups.
// Inputs: logits [B, V] float32; may [V] bool. Outputs: ids [B] int32. Grid: B threadgroups.

namespace xlstm {

constant constexpr int kNoId = 0x7fffffff;

// Of the lanes' candidates the one with the largest logit, the lowest id of equals, for all lanes.
inline void best_of_lanes(thread float& logit, thread int& id, thread int& unclear) {
  const float most = metal::simd_max(logit);
  id = metal::simd_min(logit == most ? id : kNoId);
  logit = most;
  unclear = metal::simd_max(unclear);
}

}  // namespace xlstm

kernel void likeliest() {
  threadgroup float logit_of[32];
  threadgroup int id_of[32];
  threadgroup int unclear_of[32];
  const int thread_at = int(thread_index_in_threadgroup);
  const int lane = int(thread_index_in_simdgroup), simdgroup = int(simdgroup_index_in_threadgroup);
  const int row = int(threadgroup_position_in_grid.x);

  float logit = -INFINITY;
  int id = xlstm::kNoId, unclear = 0;
  for (int j = thread_at; j < V; j += THREADS) {
    if constexpr (MASKED) {
      if (!may[j]) continue;
    }
    const float z = logits[size_t(row) * V + j];
    if (isnan(z)) unclear = 1;
    if (z > logit) {
      logit = z;
      id = j;
    }
  }
  xlstm::best_of_lanes(logit, id, unclear);
  if (lane == 0) {
    logit_of[simdgroup] = logit;
    id_of[simdgroup] = id;
    unclear_of[simdgroup] = unclear;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const bool has_part = lane < THREADS / 32;
  logit = has_part ? logit_of[lane] : -INFINITY;
  id = has_part ? id_of[lane] : xlstm::kNoId;
  unclear = has_part ? unclear_of[lane] : 0;
  xlstm::best_of_lanes(logit, id, unclear);
  if (thread_at == 0) ids[row] = unclear == 0 && isfinite(logit) ? id : -1;
}
