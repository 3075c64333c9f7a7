#include "xlstm/hub/url.h"

#include <curl/curl.h>

#include <memory>

namespace xlstm {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::optional<std::string> part(const Handle& handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return std::string(text);
}

std::optional<Url> url_of(const Handle& handle) {
  const auto text = part(handle, CURLUPART_URL);
  const auto scheme = part(handle, CURLUPART_SCHEME);
  const auto host = part(handle, CURLUPART_HOST);
  const auto port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (!text || !scheme || !host || !port || (*scheme != "http" && *scheme != "https")) {
    return std::nullopt;
  }
  std::string lower = *host;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return Url{*text, *scheme, *scheme + "://" + lower + ":" + *port};
}

constexpr unsigned kFlags = CURLU_DISALLOW_USER | CURLU_URLENCODE;

}  // namespace

std::optional<Url> parse_url(const std::string& text) {
  const Handle handle(curl_url(), curl_url_cleanup);
  if (!handle || text.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), kFlags) != CURLUE_OK) {
    return std::nullopt;
  }
  return url_of(handle);
}

std::optional<Url> resolve_url(const Url& base, const std::string& location) {
  const Handle handle(curl_url(), curl_url_cleanup);
  if (!handle || location.empty() || location.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, base.text.c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), kFlags) != CURLUE_OK) {
    return std::nullopt;
  }
  return url_of(handle);
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos || (keep_slashes && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace xlstm
