#include "xlstm/engine/resolve.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/program.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// A folder, or a file of weights: opening it says whether it is one.
bool is_model(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) || fs::is_regular_file(path, ignored);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// ROOT/bin/program or ROOT/lib/libxlstm.so -> ROOT/share/xlstm/models
fs::path models_beside(const fs::path& file) {
  return file.parent_path().parent_path() / "share" / "xlstm" / "models";
}

// The file that this code was loaded from: our library, or the program it is linked into. Empty
// where the system does not say.
fs::path library_file() {
  Dl_info info;
  if (::dladdr(reinterpret_cast<const void*>(&models_beside), &info) == 0 || !info.dli_fname) {
    return {};
  }
  std::error_code error;
  const fs::path file = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : file;
}

void add_environment(std::vector<fs::path>& roots) {
  const char* value = std::getenv("XLSTM_MODELS");
  std::string_view rest = value == nullptr ? "" : value;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    if (!folder.empty()) roots.emplace_back(folder);
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
  }
}

// Edits (insert, delete, replace) between two names.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

// The model folder in `parents` whose name is nearest to `name`, if one is near.
std::optional<fs::path> nearest(const std::string& name, const std::vector<fs::path>& parents) {
  std::optional<fs::path> best;
  std::size_t best_distance = std::min<std::size_t>(4, name.size() / 2 + 1);  // nearer than this
  for (const fs::path& parent : parents) {
    std::error_code error;
    for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
         entry.increment(error)) {
      if (!is_there(entry->path() / "config.json")) continue;
      const std::size_t edits = distance(name, entry->path().filename().string());
      if (edits < best_distance) best_distance = edits, best = entry->path();
    }
  }
  return best;
}

std::string hint(const std::optional<fs::path>& near) {
  return near ? str("; did you mean ", xlstm::quoted(near->string()), "?") : "";
}

// A path that is no model.
struct NoModel {
  Error error;              // what is wrong
  bool is_meant_to_be_one;  // its folder is here, or a name that is near
};

NoModel look_at_path(const fs::path& path) {
  const fs::path trimmed = path.has_filename() ? path : path.parent_path();
  if (is_there(trimmed)) {
    return {Error(ErrorKind::kFile, path.string(), "wanted a model folder, got something else"),
            true};
  }
  const bool has_parent = trimmed.has_parent_path();
  const fs::path parent = has_parent ? trimmed.parent_path() : fs::path(".");
  const std::optional<fs::path> near = nearest(trimmed.filename().string(), {parent});
  return {Error(ErrorKind::kFile, path.string(),
                "wanted a model folder, got nothing there" + hint(near)),
          near || (has_parent && is_folder(parent))};
}

// A path that is no model here may name a repository; the error then says both. What looks like a
// path with a mistake is not told to a hub.
fs::path resolve_path(const std::string& name, const HubOptions& hub) {
  if (is_model(name)) return name;
  const std::optional<RepositoryName> repository = repository_name(name);
  const NoModel here = look_at_path(name);
  if (!repository || is_there(name)) throw here.error;
  const std::string what(std::string_view(here.error.what()).substr(name.size() + 3));
  if (here.is_meant_to_be_one) {
    fail(ErrorKind::kFile, name, str(what, "; a repository of that name would be hf://", name));
  }
  try {
    return fetch(*repository, hub);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    throw Error(error.kind(), name, str(what, "; and as a repository: ", error.what()));
  }
}

// After "hf://" nothing else is meant.
fs::path resolve_repository(const std::string& name, const HubOptions& hub) {
  const std::optional<RepositoryName> repository = repository_name(name);
  if (repository) return fetch(*repository, hub);
  fail_wanted(ErrorKind::kUsage, "model", "hf://org/name or hf://org/name@revision",
              xlstm::quoted(name));
}

// Whether `name` can only be a path.
bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name == "." || name == "..";
}

}  // namespace

std::vector<fs::path> model_roots() {
  std::vector<fs::path> roots;
  add_environment(roots);
  for (const fs::path& file : {program_file(), library_file()}) {
    if (file.empty()) continue;
    const fs::path root = models_beside(file);
    if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
  }
  return roots;
}

fs::path resolve_model(const std::string& name, const std::vector<fs::path>& roots,
                       const HubOptions& hub) {
  if (name.starts_with("hf://")) return resolve_repository(name, hub);
  if (is_path(name)) return resolve_path(name, hub);
  const std::string wanted = name.empty() ? std::string(kDefaultModel) : name;
  std::string looked;
  for (const fs::path& root : roots) {
    if (is_folder(root / wanted)) return root / wanted;
    looked += (looked.empty() ? "" : ", ") + xlstm::quoted(root.string());
  }
  // Last, so that nothing here hides an embedded model; "./name" is always what is here.
  if (!name.empty() && is_model(name)) return name;
  std::vector<fs::path> parents = roots;
  parents.emplace_back(".");
  fail_wanted(ErrorKind::kFile, wanted, "a model folder or the name of an embedded model",
              str("no such folder, and no such model in ", looked.empty() ? "any folder" : looked,
                  hint(nearest(wanted, parents))));
}

}  // namespace xlstm
