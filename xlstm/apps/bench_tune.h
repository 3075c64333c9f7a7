// xlstm bench --tune: measures what a device's kernels leave to choose, and keeps it.
#pragma once

#include "xlstm/engine/bench.h"

namespace xlstm::apps {

// Prints each choice as it is made, or all as JSON, and where they are kept. Says so where there is
// nothing to choose. Returns the exit code.
int run_tune(const Model& model, const BenchOptions& options, bool json);

}  // namespace xlstm::apps
