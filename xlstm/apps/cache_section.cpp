#include "xlstm/apps/cache_section.h"

#include <algorithm>

#include "xlstm/apps/copies_section.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/quantized_copies.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kShownDigits = 12;  // of a commit

// Repositories that were fetched from the hub, by us or by the Python library.
class HubSection : public CacheSection {
 public:
  explicit HubSection(std::filesystem::path cache) : cache_(std::move(cache)) {}

  std::string key() const override { return "repositories"; }

  std::string text() const override {
    std::vector<std::vector<std::string>> rows = {{"repository", "revision", "files", "size", ""}};
    std::uint64_t bytes = 0;
    for (const CachedRepository& repository : cached_repositories(cache_)) {
      add_rows(rows, repository);
      bytes += repository.bytes;
    }
    if (rows.size() == 1) return "";
    return table_text(rows, {false, false, true, true, false}) +
           str(human_bytes(bytes), " in ", cache_.string(), "\n");
  }

  Json json() const override {
    Json list = Json::array();
    for (const CachedRepository& repository : cached_repositories(cache_)) {
      Json revisions = Json::array();
      for (const CachedRevision& revision : repository.revisions) {
        revisions.push_back({{"commit", revision.commit},
                             {"refs", revision.refs},
                             {"files", revision.files},
                             {"bytes", revision.bytes}});
      }
      list.push_back({{"id", repository.id},
                      {"folder", repository.folder.string()},
                      {"bytes", repository.bytes},
                      {"incomplete_bytes", repository.incomplete},
                      {"revisions", revisions}});
    }
    return list;
  }

  std::optional<Removal> removal(const std::string& text) const override {
    const std::optional<RepositoryName> name = found(text);
    if (!name) return std::nullopt;
    const CacheRemoval removal = plan_removal(cache_, *name);
    const std::string what =
        removal.whole ? removal.id : str(removal.id, " at ", removal.commits.front());
    return Removal{what, removal.bytes,
                   [cache = cache_, removal] { remove_cached(cache, removal); }};
  }

  SectionCheck check(const std::string& text,
                     const std::function<void(std::uint64_t)>& on_bytes) const override {
    const std::optional<RepositoryName> name = found(text);
    SectionCheck all;
    for (const CachedRepository& repository : cached_repositories(cache_)) {
      if (!text.empty() && (!name || repository.id != name->id)) continue;
      CacheCheck one =
          verify_cached(repository, [&](std::uint64_t bytes) { on_bytes(all.bytes + bytes); });
      all.files += one.files;
      all.bytes += one.bytes;
      for (CacheFault& fault : one.faults) all.faults.push_back(std::move(fault));
    }
    return all;
  }

 private:
  static void add_rows(std::vector<std::vector<std::string>>& rows,
                       const CachedRepository& repository) {
    for (const CachedRevision& revision : repository.revisions) {
      rows.push_back({repository.id, revision.commit.substr(0, kShownDigits),
                      std::to_string(revision.files), human_bytes(revision.bytes),
                      joined(revision.refs)});
    }
    if (repository.incomplete > 0 || repository.revisions.empty()) {
      rows.push_back({repository.id, "incomplete", "", human_bytes(repository.incomplete), ""});
    }
  }

  // The name, where the cache has a repository of its id.
  std::optional<RepositoryName> found(const std::string& text) const {
    std::optional<RepositoryName> name = repository_name(text);
    if (!name) name = repository_name("hf://" + text);
    if (!name) return std::nullopt;
    const auto all = cached_repositories(cache_);
    const bool has = std::any_of(all.begin(), all.end(), [&](const CachedRepository& repository) {
      return repository.id == name->id;
    });
    return has ? name : std::nullopt;
  }

  std::filesystem::path cache_;
};

}  // namespace

std::vector<std::unique_ptr<CacheSection>> cache_sections(const std::filesystem::path& hub_cache) {
  std::vector<std::unique_ptr<CacheSection>> sections;
  sections.push_back(std::make_unique<HubSection>(hub_cache));
  sections.push_back(copies_section(default_quantized_copies()));
  return sections;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<bool>& right) {
  std::vector<std::size_t> widths(right.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (right[i] ? blanks + row[i] : row[i] + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace xlstm::apps
