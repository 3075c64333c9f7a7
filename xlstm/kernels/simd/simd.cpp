#include "xlstm/kernels/simd/simd.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/simd/simd_processor.h"

namespace xlstm::kernels {
namespace {

std::int64_t targets_here() {
  const std::int64_t supported = hwy::SupportedTargets();
  // Asked, Highway 1.0.3 forgets which targets a host has disabled, unless told again.
  hwy::GetChosenTarget().Update(supported);
  return supported & HWY_TARGETS;
}

class Simd {
 public:
  Simd() : targets_(targets_here()), processor_(simd_processor(targets_)), cap_(environment()) {
    limit(cap_);
  }

  bool has(SimdFeature feature) const { return (features_.load() & feature) != 0; }
  const hwy::ChosenTarget& target() const { return target_; }
  const SimdClass* cap() const { return cap_; }

  void limit(const SimdClass* top) {
    unsigned features = 0;
    for (const SimdClass& each : up_to(top)) features |= each.features;
    features_ = processor_.features & features;
    target_.Update(top == nullptr ? targets_ : targets_ & ~top->excluded_targets);
    top_ = top;
  }

  const SimdClass* named(std::string_view name) const {
    const auto& all = processor_.classes;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const SimdClass& each) { return each.name == name; });
    return found == all.end() ? nullptr : &*found;
  }

  std::vector<std::string_view> usable() const {
    std::vector<std::string_view> names;
    for (const SimdClass& each : up_to(top_)) {
      const bool target = each.target == 0 || (targets_ & each.target) != 0;
      // Kernels for this machine alone have no lower class.
      const bool built = targets_ == 0 || (targets_ & ~each.excluded_targets) != 0;
      const bool features = each.features == 0 || (processor_.features & each.features) != 0;
      if (target && built && features) names.emplace_back(each.name);
    }
    std::reverse(names.begin(), names.end());
    return names;
  }

 private:
  std::span<const SimdClass> up_to(const SimdClass* top) const {
    const auto& all = processor_.classes;
    return top == nullptr ? all : all.first(static_cast<std::size_t>(top - all.data()) + 1);
  }

  const SimdClass* environment() const {
    const char* const text = std::getenv("XLSTM_SIMD");
    const std::string_view word = text == nullptr ? "" : text;
    if (word.empty() || word == "native") return nullptr;
    if (const SimdClass* const found = named(word)) return found;
    std::string words;
    for (const SimdClass& each : processor_.classes) words += str(each.name, ", ");
    fail_wanted(ErrorKind::kUsage, "XLSTM_SIMD", words + "or native", quoted(word));
  }

  const std::int64_t targets_;  // of Highway's, that the processor has and kernels are built for
  const SimdProcessor processor_;
  const SimdClass* const cap_;
  std::atomic<const SimdClass*> top_{nullptr};
  std::atomic<unsigned> features_{0};
  hwy::ChosenTarget target_;
};

// One for the process, as the processor is. That it can be changed is for tests, which run the same
// kernels with each class: the class as an argument would be in the signature of every kernel.
Simd& simd() {
  static Simd the_simd;
  return the_simd;
}

}  // namespace

bool has_simd(SimdFeature feature) {
  return simd().has(feature);
}

std::vector<std::string_view> simd_classes() {
  return simd().usable();
}

std::string_view simd_cap() {
  const SimdClass* const cap = simd().cap();
  return cap == nullptr ? "" : cap->name;
}

void limit_simd(std::string_view name) {
  const SimdClass* const top = name.empty() ? simd().cap() : simd().named(name);
  if (top == nullptr && !name.empty()) {
    fail_wanted(ErrorKind::kInternal, "limit_simd", "a class of instructions", quoted(name));
  }
  simd().limit(top);
}

const hwy::ChosenTarget& simd_target() {
  return simd().target();
}

}  // namespace xlstm::kernels
