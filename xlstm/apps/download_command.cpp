// xlstm download: a repository of Hugging Face's hub into the cache.
#include <memory>

#include "xlstm/apps/download_progress.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

struct DownloadArguments {
  std::string name, folder;
  HubOptions hub;
  bool quiet = false;
  bool json = false;
};

std::filesystem::path fetched(const RepositoryName& name, const DownloadArguments& options) {
  HubOptions hub = options.hub;
  hub.cache_dir = options.folder;
  DownloadProgress progress;
  hub = with_progress(hub, progress);
  if (options.quiet) {
    hub.on_progress = {};
    hub.on_notice = {};
    hub.cancelled = [] {
      throw_if_interrupted();
      return false;
    };
  }
  return fetch(name, hub);
}

int run_download(const DownloadArguments& options) {
  const std::optional<RepositoryName> name = repository_name(options.name);
  if (!name) {
    fail_wanted(ErrorKind::kUsage, "xlstm download", "a repository: org/name, org/name@revision",
                options.name.empty() ? "none" : quoted(options.name));
  }
  const std::filesystem::path folder = fetched(*name, options);
  const Json json = {{"repository", name->id},
                     {"commit", folder.filename().string()},
                     {"folder", folder.string()}};
  write_out(options.json ? json_line(json) : folder.string() + "\n");
  return kExitOk;
}

}  // namespace

Command download_command() {
  const auto options = std::make_shared<DownloadArguments>();
  return {
      .name = "download",
      .summary = "Fetch a model from Hugging Face",
      .description =
          "Fetches what a model needs (config, tokenizer, weights in one format) into the cache "
          "that the Python library huggingface_hub uses, and prints its folder. What is there is "
          "not fetched again; a download that was stopped goes on where it was. HF_TOKEN or the "
          "token of hf auth login is sent to the hub, for private and gated repositories.",
      .groups = {{"Options",
                  {text_option("--revision", "REV", "A branch, tag or commit (default: main)",
                               options->hub.revision),
                   file_option("--cache-dir", "DIR",
                               "The cache (default: HF_HUB_CACHE, or hub in HF_HOME)",
                               options->folder, Completes::kFolder),
                   switch_option("--force", "Fetch what is in the cache, too",
                                 options->hub.force_download),
                   switch_option("--quiet", "Neither progress nor notices", options->quiet),
                   switch_option("--json", "One JSON object", options->json)}}},
      .examples = {{"xlstm download NX-AI/xLSTM-7b", "27 GB; prints the folder."},
                   {"HF_HUB_OFFLINE=1 xlstm generate --model NX-AI/xLSTM-7b",
                    "What --model fetches by itself, then without a network."}},
      .run = [options] { return run_download(*options); },
      .argument = "NAME",
      .set_argument = [options](const std::string& text) { options->name = text; }};
}

}  // namespace xlstm::apps
