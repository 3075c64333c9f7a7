// Repositories of Hugging Face's hub -> folders here, in the cache that the Python library
// huggingface_hub uses, so that each finds what the other fetched. docs/hub.md has the details.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

struct RepositoryName {
  std::string id;        // "org/name"; some old ones are "name" alone
  std::string revision;  // branch, tag or commit; "" where none is said
};

// What "org/name", "org/name@revision" or "hf://org/name@revision" stands for; nullopt where it
// cannot be the name of a repository. Only after "hf://" a name does without "org/".
std::optional<RepositoryName> repository_name(std::string_view name);

// "org/name", "org/name@revision"
std::string text_of(const RepositoryName& name);

struct FileProgress {
  std::string name;
  std::optional<std::uint64_t> size;  // bytes, where the hub tells
  std::uint64_t done = 0;             // bytes that are here, earlier calls' included
  bool complete = false;              // checked, and under its name in the cache
};

struct FetchProgress {
  std::vector<FileProgress> files;    // that this call fetches, in a fixed order
  std::optional<std::uint64_t> size;  // of all of them
  std::uint64_t done = 0;             // of all of them
  std::uint64_t received = 0;         // by this call, what had to be fetched twice counted twice
};

// What of a repository is wanted.
enum class HubContent {
  kModel,     // config, tokenizer, and weights in one format: safetensors before PyTorch's
  kTokenizer  // what Tokenizer::open() reads
};

// Whatever is not said here comes from the environment: HF_HUB_CACHE, HF_HOME, HF_TOKEN, ...
struct HubOptions {
  std::string revision = {};              // where the name says none; "": "main"
  std::filesystem::path cache_dir = {};   // the folder that has models--org--name in it
  std::optional<std::string> token = {};  // "": none is sent
  std::string endpoint = {};              // "https://huggingface.co"
  bool force_download = false;            // fetch what is in the cache, too
  bool offline = false;                   // only what is in the cache (HF_HUB_OFFLINE)
  HubContent content = HubContent::kModel;
  // All are called by the thread that called fetch(). What they throw stops it, as cancelled()
  // does.
  std::function<void(const FetchProgress&)> on_progress = {};       // about ten times a second
  std::function<void(const std::string& sentence)> on_notice = {};  // licence, a new name, ...
  std::function<bool()> cancelled = {};
  std::chrono::milliseconds first_retry_wait{500};  // doubled by each that follows
};

// The folder of the repository's snapshot, all files that `options.content` names in it. Fetches
// what is missing; a revision that is a whole commit and complete in the cache needs no network,
// and where the hub cannot be reached, or gives no access, the snapshot that the cache has of a
// branch or tag does, with a notice. What was fetched when it is stopped or fails is kept, and the
// next call goes on there.
//
// Throws Error: kUsage (options, environment), kFile (no such repository or revision, no right to
// read it, no space, the cache cannot be written), kModel (it holds no weights), kNetwork (the hub
// cannot be reached or answers what it should not; nothing in the cache when offline), kCancelled.
std::filesystem::path fetch(const RepositoryName& name, const HubOptions& options = {});

// The cache's folder, which need not exist. Throws Error(kUsage).
std::filesystem::path hub_cache(const HubOptions& options = {});

// What a download that somebody stops says.
inline constexpr const char* kFetchStopped =
    "stopped; what was fetched is kept, and the next call goes on from there";

// Whether HF_HUB_DISABLE_PROGRESS_BARS says so.
bool hub_progress_disabled();

}  // namespace xlstm
