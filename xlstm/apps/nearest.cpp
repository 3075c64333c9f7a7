#include "xlstm/apps/nearest.h"

#include <algorithm>

namespace xlstm::apps {
namespace {

// Damerau-Levenshtein distance (adjacent swaps only), three rows at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 64;  // nobody mistypes more
  if (name.size() > kLongest) return "";
  std::size_t best = name.size() / 3 + 1;
  std::string_view found;
  for (const std::string& candidate : names) {
    // What was typed may also be the beginning of a name.
    const bool begins = name.size() > 3 && candidate.starts_with(name);
    const std::size_t far = begins ? 0 : distance(name, candidate);
    if (far < best) {
      best = far;
      found = candidate;
    }
  }
  return found.empty() ? "" : "; did you mean " + std::string(found) + "?";
}

}  // namespace xlstm::apps
