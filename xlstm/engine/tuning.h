// What was measured to be fastest on a device (`xlstm bench --tune`): kept in a file of it, which
// is read when a backend is opened.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/backend/backend.h"

namespace xlstm {

// A choice, as it was measured.
struct TunedChoice {
  std::string name;
  int before = 0, chosen = 0;
  std::vector<std::pair<int, double>> measured;  // value, seconds of the work that it was given
};

// Whether another value than that in use must be faster by more than this share to be chosen.
inline constexpr double kLeastGain = 0.02;

// Measures each choice of the backend, one after the other, and leaves the fastest in use.
// `seconds` measures the work that a choice shows in, with what is in use; `on_choice` gets each
// choice when it is made. Where either throws, all choices are as they were.
std::vector<TunedChoice> tune(Backend& backend,
                              const std::function<double(const TuningChoice&)>& seconds,
                              const std::function<void(const TunedChoice&)>& on_choice = {});

// $XDG_CACHE_HOME/xlstm/tuning/DEVICE.json, else ~/.cache/xlstm/tuning/...; empty where there is no
// home, or nothing to choose.
std::filesystem::path tuning_file(const Backend& backend);

// Writes what is in use, whole or not at all; makes the folders. Throws Error(kFile).
void save_tuning(const Backend& backend, const std::filesystem::path& file);

// What a file says is in use from here on. A file that is not there says nothing. One that is
// damaged, of another version, or of a device, an MLX or an xlstm that are others, changes nothing:
// `on_notice` (or nobody) is told why, in a sentence.
void load_tuning(Backend& backend, const std::filesystem::path& file,
                 const std::function<void(std::string_view)>& on_notice);

}  // namespace xlstm
