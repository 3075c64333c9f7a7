#include "xlstm/hub/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/base/home_folder.h"
#include "xlstm/base/input_file.h"
#include "xlstm/hub/url.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHub = "https://huggingface.co";
constexpr int kDefaultTimeout = 10;  // seconds, as the Python library's
constexpr int kMostTimeout = 24 * 3600;
constexpr std::uint64_t kMostTokenBytes = 64 * 1024;

std::string trimmed(std::string text) {
  const auto is_blank = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_blank).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_blank));
  return text;
}

// The variable, where it is set to something.
std::optional<std::string> filled(const Environment& environment, const char* name) {
  auto value = environment(name);
  return value && !value->empty() ? value : std::nullopt;
}

// nullopt where nothing says where this user is at home.
std::optional<std::string> home(const Environment& environment) {
  if (const auto set = filled(environment, "HOME")) return set;
  const fs::path known = home_folder();
  return known.empty() ? std::nullopt : std::optional(known.string());
}

[[noreturn]] void fail_without_home() {
  fail_wanted(ErrorKind::kUsage, "HF_HOME", "the folder of the hub's cache and token",
              "none, and this user has no home folder (HOME) that it could lie in");
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// $NAME and ${NAME}, as in a shell; what is not set stays as it is written.
std::string with_variables(const std::string& text, const Environment& environment) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool braces = text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{';
    std::size_t end = at + (braces ? 2 : 1);
    const std::size_t begin = end;
    while (text[at] == '$' && end < text.size() && is_name_character(text[end])) ++end;
    const std::string name = text.substr(begin, end - begin);
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (closed && braces) ++end;
    const auto value =
        closed && text[at] == '$' && !name.empty() ? environment(name.c_str()) : std::nullopt;
    out += value ? *value : text.substr(at, end - at);
    at = end;
  }
  return out;
}

// A folder as people write it: "~" and variables stand for what they are.
fs::path expanded(std::string text, const Environment& environment) {
  if (text == "~" || text.starts_with("~/")) {
    const auto folder = home(environment);
    if (!folder) fail_without_home();
    text.replace(0, 1, *folder);
  }
  return with_variables(text, environment);
}

// nullopt where it would lie in a home folder, and there is none.
std::optional<fs::path> hub_home(const Environment& environment) {
  if (const auto named = filled(environment, "HF_HOME")) return expanded(*named, environment);
  if (const auto caches = filled(environment, "XDG_CACHE_HOME")) {
    return expanded(*caches, environment) / "huggingface";
  }
  const auto folder = home(environment);
  return folder ? std::optional(fs::path(*folder) / ".cache/huggingface") : std::nullopt;
}

double timeout(const Environment& environment, const char* name) {
  const auto text = filled(environment, name);
  if (!text) return kDefaultTimeout;
  int seconds = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (problem != std::errc() || end != text->data() + text->size() || seconds < 0 ||
      seconds > kMostTimeout) {
    fail_wanted(ErrorKind::kUsage, name, str("seconds, from 1 to ", kMostTimeout), quoted(*text));
  }
  return seconds == 0 ? kDefaultTimeout : seconds;  // 0 is the default's other name in Python
}

struct Token {
  std::string text, source;
};

// A header's value: a line end in it would begin another header.
Token checked(Token token) {
  const bool is_sound = std::all_of(token.text.begin(), token.text.end(),
                                    [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_sound) {
    fail_wanted(ErrorKind::kUsage, token.source, "a token, of letters and digits",
                "other characters");
  }
  return token;
}

Token token_of(const HubOptions& options, const Environment& environment) {
  if (options.token) return checked({trimmed(*options.token), "the option token"});
  if (is_on(environment("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return {};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (const auto value = filled(environment, name)) return checked({trimmed(*value), name});
  }
  const auto named = filled(environment, "HF_TOKEN_PATH");
  const auto folder = named ? std::nullopt : hub_home(environment);
  if (!named && !folder) return {};
  const fs::path file = named ? expanded(*named, environment) : *folder / "token";
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return {};
  return checked({trimmed(whole_file(file, kMostTokenBytes)), file.string()});
}

std::string endpoint_of(const HubOptions& options, const Environment& environment) {
  const bool is_option = !options.endpoint.empty();
  std::string endpoint =
      is_option ? options.endpoint : filled(environment, "HF_ENDPOINT").value_or(kHub);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!parse_url(endpoint)) {
    const bool has_user = endpoint.find('@') != std::string::npos;  // and maybe a password
    fail_wanted(ErrorKind::kUsage, is_option ? "endpoint" : "HF_ENDPOINT",
                "an address that begins with https:// or http://, without a user's name",
                has_user ? "one with a name, which is not shown" : quoted(endpoint));
  }
  return endpoint;
}

// What forbids the network; "" where nothing does.
std::string offline_source(const HubOptions& options, const Environment& environment) {
  if (options.offline) return "the option offline";
  for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) {
    if (is_on(environment(name))) return name;
  }
  return "";
}

void take_certificates(HubSettings& settings, const Environment& environment) {
  for (const char* name : {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const auto value = filled(environment, name);
    if (!value) continue;
    std::error_code ignored;
    (fs::is_directory(*value, ignored) ? settings.ca_folder : settings.ca_file) = *value;
    return;
  }
  settings.ca_folder = filled(environment, "SSL_CERT_DIR").value_or("");
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool is_on(const std::optional<std::string>& value) {
  std::string lower = value.value_or("");
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower == "1" || lower == "on" || lower == "yes" || lower == "true";
}

fs::path hub_cache(const HubOptions& options, const Environment& environment) {
  if (!options.cache_dir.empty()) return expanded(options.cache_dir.string(), environment);
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto value = filled(environment, name)) return expanded(*value, environment);
  }
  const auto folder = hub_home(environment);
  if (!folder) fail_without_home();
  return *folder / "hub";
}

HubSettings hub_settings(const HubOptions& options, const Environment& environment) {
  HubSettings settings;
  settings.cache = hub_cache(options, environment);
  settings.endpoint = endpoint_of(options, environment);
  settings.offline_source = offline_source(options, environment);
  settings.offline = !settings.offline_source.empty();
  if (!settings.offline) {  // else nobody gets it
    Token token = token_of(options, environment);
    settings.token = std::move(token.text);
    settings.token_source = std::move(token.source);
  }
  settings.metadata_timeout = timeout(environment, "HF_HUB_ETAG_TIMEOUT");
  settings.download_timeout = timeout(environment, "HF_HUB_DOWNLOAD_TIMEOUT");
  take_certificates(settings, environment);
  return settings;
}

fs::path hub_cache(const HubOptions& options) {
  return hub_cache(options, process_environment);
}

bool hub_progress_disabled() {
  return is_on(process_environment("HF_HUB_DISABLE_PROGRESS_BARS"));
}

}  // namespace xlstm
