#include "xlstm/model/synthetic.h"

#include <functional>

#include "xlstm/base/error.h"
#include "xlstm/model/tirex/synthetic.h"
#include "xlstm/model/tirex2/synthetic.h"
#include "xlstm/model/xlstm_large/synthetic.h"
#include "xlstm/model/xlstm_original/synthetic.h"

namespace xlstm {
namespace {

struct NamedSize {
  std::string_view name;
  std::function<Synthetic()> make;
};

// Each size is of a namespace that has make_synthetic().
template <class Size>
std::function<Synthetic()> of(const Size& size) {
  return [size] { return make_synthetic(size); };
}

std::vector<NamedSize> all_sizes() {
  using Large = xlstm_large::SyntheticSize;
  using Original = xlstm_original::SyntheticSize;
  using Tirex = tirex::SyntheticSize;
  constexpr std::int64_t kVocabulary = 50'304;
  return {{"tiny", of(Large{64, 2, 2, 320})},
          {"400m", of(Large{1024, 24, 4, kVocabulary})},
          {"1b", of(Large{2048, 16, 4, kVocabulary})},
          {"3b", of(Large{2560, 32, 5, kVocabulary})},
          {"7b", of(Large{4096, 32, 8, kVocabulary})},
          {"mixed-tiny", of(Original{64, 3, 2, 320, 2})},
          {"mixed-400m", of(Original{1024, 48, 4, kVocabulary, 8})},
          {"tirex-tiny", of(Tirex{64, 2, 2, 96, 128})},
          {"tirex-35m", of(Tirex{512, 12, 4, 1408, 2048})},
          {"tirex2-82m", tirex2::make_synthetic_82m}};
}

}  // namespace

std::vector<std::string> synthetic_names() {
  std::vector<std::string> out;
  for (const NamedSize& each : all_sizes()) out.emplace_back(each.name);
  return out;
}

Synthetic make_synthetic(std::string_view name) {
  std::string known;
  for (const NamedSize& each : all_sizes()) {
    known += str(known.empty() ? "" : ", ", each.name);
    if (each.name == name) return each.make();
  }
  fail_wanted(ErrorKind::kUsage, "synthetic", str("one of ", known), quoted(name));
}

}  // namespace xlstm
