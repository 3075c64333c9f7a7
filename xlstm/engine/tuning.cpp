#include "xlstm/engine/tuning.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <system_error>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/home_folder.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {
namespace fs = std::filesystem;

constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kMostBytes = 1 << 16;

// Of what the values were measured with: another may have other kernels.
std::string measured_by(const Backend& backend) {
  return str("xlstm ", XLSTM_VERSION, " on ", backend.tuned_device());
}

class Restore {
 public:
  explicit Restore(Backend& backend) : backend_(backend), before_(backend.tuning_choices()) {}
  ~Restore() {
    if (kept_) return;
    for (const TuningChoice& choice : before_) backend_.choose(choice.name, choice.value);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  void keep() { kept_ = true; }

 private:
  Backend& backend_;
  std::vector<TuningChoice> before_;
  bool kept_ = false;
};

// The fastest, where it is faster than what is in use by enough.
int fastest(const TuningChoice& choice, const std::vector<std::pair<int, double>>& measured) {
  double in_use = 0;
  std::pair<int, double> best = measured.front();
  for (const auto& each : measured) {
    if (each.first == choice.value) in_use = each.second;
    if (each.second < best.second) best = each;
  }
  return best.second < in_use * (1 - kLeastGain) ? best.first : choice.value;
}

using Values = std::map<std::string, int>;

// The file's values, of choices that the backend has; throws Error where it may not be used.
Values values_of(const Backend& backend, const fs::path& file) {
  const Json json = parse_json(whole_file(file, kMostBytes), file.string());
  const std::int64_t version = get_int(json, "version", file.string()).value_or(0);
  if (version != kVersion) {
    fail_wanted(ErrorKind::kFormat, file.string(), str("version ", kVersion), str(version));
  }
  const std::string by = get_string(json, "measured_by", file.string()).value_or("nobody");
  if (by != measured_by(backend)) {
    fail_wanted(ErrorKind::kFormat, file.string(), measured_by(backend), by);
  }
  Values values;
  for (const TuningChoice& choice : backend.tuning_choices()) {
    const auto found = json.find("choices");
    if (found == json.end()) break;
    const auto value = get_int(*found, choice.name, file.string());
    if (!value) continue;
    if (std::ranges::find(choice.values, *value) == choice.values.end()) {
      fail_wanted(ErrorKind::kFormat, file.string(), str("a value that ", choice.name, " has"),
                  str(*value));
    }
    values[choice.name] = static_cast<int>(*value);
  }
  return values;
}

}  // namespace

std::vector<TunedChoice> tune(Backend& backend,
                              const std::function<double(const TuningChoice&)>& seconds,
                              const std::function<void(const TunedChoice&)>& on_choice) {
  Restore restore(backend);
  std::vector<TunedChoice> tuned;
  for (const TuningChoice& choice : backend.tuning_choices()) {
    TunedChoice& result = tuned.emplace_back(TunedChoice{choice.name, choice.value, 0, {}});
    for (const int value : choice.values) {
      backend.choose(choice.name, value);
      result.measured.emplace_back(value, seconds(choice));
    }
    result.chosen = fastest(choice, result.measured);
    backend.choose(choice.name, result.chosen);
    if (on_choice) on_choice(result);
  }
  restore.keep();
  return tuned;
}

fs::path tuning_file(const Backend& backend) {
  const fs::path caches = user_cache_folder();
  std::string name = backend.tuned_device();
  if (caches.empty() || name.empty()) return {};
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '.' && c != '-') c = '_';
  }
  return caches / "xlstm" / "tuning" / (name + ".json");
}

void save_tuning(const Backend& backend, const fs::path& file) {
  Json choices = Json::object();
  for (const TuningChoice& choice : backend.tuning_choices()) choices[choice.name] = choice.value;
  const Json json = {
      {"version", kVersion}, {"measured_by", measured_by(backend)}, {"choices", choices}};
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) {
    fail(ErrorKind::kFile, file.string(), str("cannot make its folder: ", error.message()));
  }
  AtomicFile out(file);
  out.write(std::string_view(json.dump(2) + "\n"));
  out.commit();
}

void load_tuning(Backend& backend, const fs::path& file,
                 const std::function<void(std::string_view)>& on_notice) {
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return;
  try {
    for (const auto& [name, value] : values_of(backend, file)) backend.choose(name, value);
  } catch (const Error& problem) {
    if (problem.kind() == ErrorKind::kMemory || !on_notice) return;
    on_notice(str("not used, measure again by xlstm bench --tune: ", problem.what()));
  }
}

}  // namespace xlstm
