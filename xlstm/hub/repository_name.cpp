#include <algorithm>
#include <cctype>

#include "xlstm/hub/hub.h"
#include "xlstm/hub/remote_names.h"

namespace xlstm {
namespace {

constexpr std::string_view kScheme = "hf://";
constexpr std::size_t kLongestId = 96;

bool is_id_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

// A word of an id. What may not be in it would be ambiguous in the cache's folder names ("--") or
// is reserved by the hub.
bool is_id_part(std::string_view part) {
  const auto is_edge = [](char c) { return c != '-' && c != '.'; };
  return !part.empty() && is_edge(part.front()) && is_edge(part.back()) &&
         std::all_of(part.begin(), part.end(), is_id_character) &&
         part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos &&
         !part.ends_with(".git");
}

bool is_id(std::string_view id, bool needs_organisation) {
  const std::size_t slash = id.find('/');
  if (id.size() > kLongestId) return false;
  if (slash == std::string_view::npos) return !needs_organisation && is_id_part(id);
  return is_id_part(id.substr(0, slash)) && is_id_part(id.substr(slash + 1));
}

}  // namespace

std::optional<RepositoryName> repository_name(std::string_view name) {
  const bool has_scheme = name.starts_with(kScheme);
  if (has_scheme) name.remove_prefix(kScheme.size());
  const std::size_t at = name.find('@');
  const std::string_view id = name.substr(0, at);
  if (!is_id(id, !has_scheme)) return std::nullopt;
  if (at == std::string_view::npos) return RepositoryName{std::string(id), ""};
  const std::string_view revision = name.substr(at + 1);
  if (!is_revision(revision)) return std::nullopt;
  return RepositoryName{std::string(id), std::string(revision)};
}

std::string text_of(const RepositoryName& name) {
  return name.revision.empty() ? name.id : name.id + "@" + name.revision;
}

}  // namespace xlstm
