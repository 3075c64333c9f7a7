// What a backend leaves to be measured, as the fastest choice differs from device to device.
// Results differ between values by rounding alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xlstm {

// Where a choice shows.
enum class TunedWork : std::uint8_t { kDecode, kPrefill };

struct TuningChoice {
  std::string name;         // "step_threads"
  std::vector<int> values;  // that may be chosen, rising
  int value = 0;            // that is in use, one of them
  TunedWork work = TunedWork::kDecode;
};

}  // namespace xlstm
