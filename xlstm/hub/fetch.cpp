// fetch(): what the cache has, what the hub says, what is missing, and the order in which it is
// put into the cache: a file's bytes are checked before they get their name, a link is made when
// its blob is there, a config is linked last, then what the repository does not have is noted and
// the branch's commit. Whatever ends the process in between, what is there is right.
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <memory>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/system.h"
#include "xlstm/hub/backoff.h"
#include "xlstm/hub/blob_fetch.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/hub.h"
#include "xlstm/hub/hub_api.h"
#include "xlstm/hub/job.h"
#include "xlstm/hub/leftovers.h"
#include "xlstm/hub/needed_files.h"
#include "xlstm/hub/refusals.h"
#include "xlstm/hub/remote_names.h"
#include "xlstm/hub/repository_folder.h"
#include "xlstm/hub/settings.h"
#include "xlstm/hub/snapshot.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSpareBytes = 16 << 20;  // that a file system keeps
constexpr int kMostRounds = 4;  // of fetching what another program removed meanwhile

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

bool is_index(std::string_view name) {
  return name == kWeightsIndex || name == kTorchIndex;
}

RepositoryName with_revision(const RepositoryName& name, const HubOptions& options) {
  if (!name.revision.empty() && !options.revision.empty() && name.revision != options.revision) {
    fail_wanted(ErrorKind::kUsage, text_of(name), "one revision",
                "another one, too: " + quoted(options.revision));
  }
  RepositoryName whole = name;
  if (whole.revision.empty()) whole.revision = options.revision.empty() ? "main" : options.revision;
  const std::string id = "hf://" + whole.id;
  if (!repository_name(id) || !is_revision(whole.revision)) {
    fail_wanted(ErrorKind::kUsage, "repository", "\"org/name\" and a branch, tag or commit",
                quoted(text_of(whole)));
  }
  return whole;
}

class Fetch {
 public:
  Fetch(const RepositoryName& name, const HubOptions& options)
      : name_(with_revision(name, options)),
        options_(options),
        settings_(hub_settings(options, process_environment)),
        folder_(settings_.cache, name_.id) {}

  fs::path run() {
    const std::optional<std::string> known = folder_.commit_of(name_.revision);
    const SnapshotState state =
        known ? snapshot_state(folder_, *known, options_.content) : SnapshotState::kNone;
    if (settings_.offline) return offline_snapshot(known, state);
    if (!options_.force_download) clear_leftovers(folder_);
    const bool is_final = state == SnapshotState::kWhole && is_commit(name_.revision);
    if (is_final && !options_.force_download) return folder_.snapshot(*known);
    has_fallback_ = state != SnapshotState::kNone && !options_.force_download;
    Job job(options_);
    try {
      job.run([&] { work(job); });
    } catch (const Error& error) {
      if (commit_.empty() && has_fallback_ && may_fall_back(error)) return fallback(*known, error);
      throw;
    }
    return folder_.snapshot(commit_);
  }

 private:
  fs::path offline_snapshot(const std::optional<std::string>& known, SnapshotState state) const {
    if (options_.force_download) {
      fail_wanted(ErrorKind::kUsage, text_of(name_), "a network to fetch it anew (--force)",
                  str("offline mode, of ", settings_.offline_source));
    }
    if (state != SnapshotState::kNone) return folder_.snapshot(*known);
    fail_wanted(ErrorKind::kNetwork, text_of(name_),
                str("it in the cache ", settings_.cache.string(), ", where ",
                    settings_.offline_source, " forbids to fetch it"),
                known ? "a part of it" : "nothing of that revision");
  }

  // What the cache has is better than nothing, but not where the hub knows that it is not wanted.
  static bool may_fall_back(const Error& error) {
    return error.kind() == ErrorKind::kNetwork || error.kind() == ErrorKind::kFile;
  }

  fs::path fallback(const std::string& commit, const Error& error) const {
    if (options_.on_notice) {
      options_.on_notice(str("the hub does not say whether ", text_of(name_),
                             " is still what the cache has, which is used: ", error.what()));
    }
    return folder_.snapshot(commit);
  }

  void work(Job& job) {
    Client client(settings_, job.stop_flag());
    const RepositoryInfo info = ask_for_info(client, job);
    commit_ = info.commit;
    if (!info.id.empty() && info.id != name_.id) {
      job.note(str(name_.id, " is called ", quoted(info.id), " now"));
    }
    const bool is_first = !is_there(folder_.snapshots());
    const bool nothing_is_missing = !fetch_missing(job, info, is_first);
    try {
      finish(info);
    } catch (const Error&) {
      if (!nothing_is_missing) throw;  // else a cache that may only be read does as well
    }
  }

  // Until all is there: another program may remove the revision meanwhile. False where nothing was
  // missing.
  bool fetch_missing(Job& job, const RepositoryInfo& info, bool is_first) {
    for (int round = 0;; ++round) {
      const bool force = options_.force_download && round == 0;
      const std::vector<RemoteFile> missing = missing_files(job, info, force);
      if (round == 0 && is_first) show_licence(job, info);
      if (missing.empty()) return round > 0;
      if (round == kMostRounds) {
        fail_wanted(ErrorKind::kFile, folder_.snapshot(commit_).string(),
                    "the files that were fetched",
                    str("no ", missing.front().name, ": another program removes them"));
      }
      folder_.create();
      check_space(missing, force);
      fetch_files(job, info, missing, force);
    }
  }

  RepositoryInfo ask_for_info(Client& client, Job& job) {
    try {
      return with_retries(Backoff(job, text_of(name_), !has_fallback_),
                          [&] { return repository_info(client, name_); });
    } catch (const UnknownRevision&) {
      has_fallback_ = false;  // the hub knows better than the cache
      const std::vector<std::string> names = branches_of(client, name_);
      if (names.empty()) throw;
      fail_with_branches(names);
    }
  }

  [[noreturn]] void fail_with_branches(const std::vector<std::string>& names) const {
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) {
      list += (list.empty() ? "" : ", ") + quoted(names[i]);
    }
    fail_wanted(ErrorKind::kFile, text_of(name_), "a branch, tag or commit of the repository",
                str("none of that name; there are ", list, names.size() > 8 ? ", ..." : ""));
  }

  void show_licence(Job& job, const RepositoryInfo& info) const {
    job.note(str(name_.id, ": licence ", info.licence.empty() ? "not stated" : quoted(info.licence),
                 info.licence_link.empty() ? "" : ", " + quoted(info.licence_link), "; ",
                 settings_.endpoint, "/", name_.id));
  }

  // What is needed and not in the snapshot, each with its ETag and size.
  std::vector<RemoteFile> missing_files(Job& job, const RepositoryInfo& info, bool force) const {
    std::vector<std::string> names;
    for (const std::string& name : needed_files(info.files, options_.content, text_of(name_))) {
      if (force || !is_there(folder_.file(commit_, name))) names.push_back(name);
    }
    std::vector<RemoteFile> files(names.size());
    job.each(names.size(), [&] {
      return [&, own = std::make_shared<Client>(settings_, job.stop_flag())](std::size_t i) {
        files[i] = with_retries(Backoff(job, str(text_of(name_), " ", names[i]), true),
                                [&] { return remote_file(*own, name_, commit_, names[i]); });
      };
    });
    std::stable_sort(files.begin(), files.end(), [](const RemoteFile& a, const RemoteFile& b) {
      return a.size.value_or(0) > b.size.value_or(0);  // the longest first: none is late
    });
    return files;
  }

  bool has_blob(const RemoteFile& file, bool force) const {
    return !force && is_there(folder_.blob(file.etag));
  }

  void check_space(const std::vector<RemoteFile>& files, bool force) const {
    std::map<std::string, std::uint64_t> missing;  // two names may have the same bytes
    for (const RemoteFile& file : files) {
      if (has_blob(file, force) || !file.size) continue;
      const std::uint64_t there = force ? 0 : size_of(folder_.incomplete(file.etag));
      missing[file.etag] = *file.size - std::min(*file.size, there);
    }
    std::uint64_t needed = 0;
    for (const auto& [etag, bytes] : missing) needed += bytes;
    struct statvfs system {};
    if (needed == 0 || ::statvfs(folder_.path().c_str(), &system) != 0) return;
    const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
    const std::uint64_t wanted = needed + std::min(kSpareBytes, needed);
    if (wanted <= free) return;
    fail_wanted(ErrorKind::kFile, folder_.path().string(),
                str(human_bytes(wanted), " of free space for ", text_of(name_)),
                str(human_bytes(free),
                    ": remove some with xlstm cache rm, or set HF_HUB_CACHE to a "
                    "larger file system"));
  }

  void begin_progress(Job& job, const std::vector<RemoteFile>& files, bool force) const {
    std::vector<FileProgress> rows;
    for (const RemoteFile& file : files) {
      const bool is_here = has_blob(file, force);
      const std::uint64_t done = is_here ? file.size.value_or(0)
                                 : force ? 0
                                         : size_of(folder_.incomplete(file.etag));
      rows.push_back({file.name, file.size, done, is_here});
    }
    job.begin_files(std::move(rows));
  }

  // Numbers of files that have the same bytes, which are fetched once.
  using Twins = std::vector<std::size_t>;

  void fetch_files(Job& job, const RepositoryInfo& info, const std::vector<RemoteFile>& files,
                   bool force) const {
    begin_progress(job, files, force);
    std::vector<Twins> first, others, last;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string& name = files[i].name;
      add_to(is_index(name) ? first : is_config(name) ? last : others, files, i);
    }
    fetch_group(job, files, first, force);
    check_indices(info);  // before the weights come
    fetch_group(job, files, others, force);
    fetch_group(job, files, last, force);
  }

  void fetch_group(Job& job, const std::vector<RemoteFile>& files, const std::vector<Twins>& all,
                   bool force) const {
    job.each(all.size(), [&] {
      return [&, own = std::make_shared<Client>(settings_, job.stop_flag())](std::size_t i) {
        fetch_twins(*own, job, files, all[i], force);
      };
    });
  }

  // Of an index whose shards lie elsewhere no model could be opened.
  void check_indices(const RepositoryInfo& info) const {
    for (const std::string& name : needed_files(info.files, options_.content, text_of(name_))) {
      if (!is_index(name)) continue;
      for (const std::string& shard : shards_of(folder_.file(commit_, name))) {
        if (shard.find('/') == std::string::npos) continue;
        fail_wanted(ErrorKind::kModel, text_of(name_), "weights beside " + name,
                    "some in a folder: " + quoted(shard));
      }
    }
  }

  static void add_to(std::vector<Twins>& all, const std::vector<RemoteFile>& files,
                     std::size_t number) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Twins& twins) {
      return files[twins.front()].etag == files[number].etag;
    });
    if (found == all.end()) {
      all.push_back({number});
    } else {
      found->push_back(number);
    }
  }

  void fetch_twins(Client& client, Job& job, const std::vector<RemoteFile>& files,
                   const Twins& twins, bool force) const {
    const std::size_t first = twins.front();
    const BlobToFetch blob{name_, folder_, commit_, files[first], first, force};
    fetch_blob(client, job, blob, [&] {
      for (const std::size_t number : twins) {
        folder_.link(commit_, files[number].name, files[number].etag);
        job.set_complete(number, size_of(folder_.blob(files[number].etag)));
      }
    });
  }

  void finish(const RepositoryInfo& info) const {
    for (const std::string_view name : known_names(options_.content)) {
      const bool has = std::find(info.files.begin(), info.files.end(), name) != info.files.end();
      if (!has) folder_.set_absent(commit_, name);
    }
    folder_.set_ref(name_.revision, commit_);
  }

  RepositoryName name_;
  const HubOptions& options_;
  HubSettings settings_;
  RepositoryFolder folder_;
  std::string commit_;  // that the hub says the revision is; "" until it does
  bool has_fallback_ = false;
};

}  // namespace

fs::path fetch(const RepositoryName& name, const HubOptions& options) {
  return Fetch(name, options).run();
}

}  // namespace xlstm
