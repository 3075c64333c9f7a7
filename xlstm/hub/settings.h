// What options and environment say of the hub, put together.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "xlstm/hub/hub.h"

namespace xlstm {

// A variable of the environment; nullopt where it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

struct HubSettings {
  std::filesystem::path cache;
  std::string endpoint;      // without a slash at its end
  std::string token;         // "": none
  std::string token_source;  // where it is from, for messages: "HF_TOKEN", a file, ...
  bool offline = false;
  std::string offline_source;   // for messages: "HF_HUB_OFFLINE"; "" where it is not offline
  double metadata_timeout = 0;  // seconds without a byte after which a request is given up
  double download_timeout = 0;
  std::string ca_file, ca_folder;  // of certificates that are trusted; "": the system's
};

// Throws Error(kUsage), naming the option or variable, kFile for a token file that cannot be read.
HubSettings hub_settings(const HubOptions& options, const Environment& environment);

std::filesystem::path hub_cache(const HubOptions& options, const Environment& environment);

// Whether a variable is set to what stands for yes: 1, on, yes, true.
bool is_on(const std::optional<std::string>& value);

}  // namespace xlstm
