#include "xlstm/text/pattern_properties.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace xlstm::text {
namespace {

using Name = std::pair<std::string_view, std::string_view>;  // Oniguruma's folded name, PCRE2's

constexpr std::array<Name, 52> kNames{{
    {"letter", "L"},
    {"casedletter", "L&"},
    {"lc", "L&"},
    {"uppercaseletter", "Lu"},
    {"lowercaseletter", "Ll"},
    {"titlecaseletter", "Lt"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"mark", "M"},
    {"nonspacingmark", "Mn"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"number", "N"},
    {"decimalnumber", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"punctuation", "P"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"openpunctuation", "Ps"},
    {"closepunctuation", "Pe"},
    {"initialpunctuation", "Pi"},
    {"finalpunctuation", "Pf"},
    {"otherpunctuation", "Po"},
    {"symbol", "S"},
    {"mathsymbol", "Sm"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"othersymbol", "So"},
    {"separator", "Z"},
    {"spaceseparator", "Zs"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"other", "C"},
    {"control", "Cc"},
    {"format", "Cf"},
    {"unassigned", "Cn"},
    {"privateuse", "Co"},
    {"surrogate", "Cs"},
    {"alpha", "Alphabetic"},
    {"alphabetic", "Alphabetic"},
    {"digit", "Nd"},
    {"upper", "Uppercase"},
    {"uppercase", "Uppercase"},
    {"lower", "Lowercase"},
    {"lowercase", "Lowercase"},
    {"space", "White_Space"},
    {"whitespace", "White_Space"},
    {"any", "Any"},
    {"ideographic", "Ideographic"},
    {"emoji", "Emoji"},
    {"extendedpictographic", "Extended_Pictographic"},
}};

// L, Lu, ...: a category letter and perhaps one of its kinds.
bool is_category(std::string_view name) {
  constexpr std::array<Name, 7> kKinds{{{"c", "cfnos"},
                                        {"l", "lmotu"},
                                        {"m", "cen"},
                                        {"n", "dlo"},
                                        {"p", "cdefios"},
                                        {"s", "ckmo"},
                                        {"z", "lps"}}};
  if (name.empty() || name.size() > 2) return false;
  return std::any_of(kKinds.begin(), kKinds.end(), [&](const Name& kind) {
    return name[0] == kind.first[0] &&
           (name.size() == 1 || kind.second.find(name[1]) != std::string_view::npos);
  });
}

}  // namespace

std::string pcre2_property(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (is_category(folded)) {
    folded[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(folded[0])));
    return folded;
  }
  for (const auto& [ours, theirs] : kNames) {
    if (folded == ours) return std::string(theirs);
  }
  return "sc:" + folded;
}

}  // namespace xlstm::text
