#include "xlstm/model/synthetic.h"

#include <variant>

#include "xlstm/base/error.h"
#include "xlstm/model/xlstm_large/synthetic.h"
#include "xlstm/model/xlstm_original/synthetic.h"

namespace xlstm {
namespace {

struct NamedSize {
  std::string_view name;
  std::variant<xlstm_large::SyntheticSize, xlstm_original::SyntheticSize> size;
};

std::vector<NamedSize> all_sizes() {
  using Large = xlstm_large::SyntheticSize;
  using Original = xlstm_original::SyntheticSize;
  constexpr std::int64_t kVocabulary = 50'304;
  return {{"tiny", Large{64, 2, 2, 320}},
          {"400m", Large{1024, 24, 4, kVocabulary}},
          {"1b", Large{2048, 16, 4, kVocabulary}},
          {"3b", Large{2560, 32, 5, kVocabulary}},
          {"7b", Large{4096, 32, 8, kVocabulary}},
          {"mixed-tiny", Original{64, 3, 2, 320, 2}},
          {"mixed-400m", Original{1024, 48, 4, kVocabulary, 8}}};
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
    if (each.name != name) continue;
    // Each size is of a namespace that has this function.
    return std::visit([](const auto& size) { return make_synthetic(size); }, each.size);
  }
  fail_wanted(ErrorKind::kUsage, "synthetic", str("one of ", known), quoted(name));
}

}  // namespace xlstm
