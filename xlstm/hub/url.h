// Addresses of the web, as far as requests need them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xlstm {

struct Url {
  std::string text;    // all of it, normalised
  std::string scheme;  // "http" or "https"
  std::string origin;  // scheme, host and port: who gets a request
};

// nullopt for what is no address of http or https, or has a user's name in it.
std::optional<Url> parse_url(const std::string& text);

// Where a redirect leads: `location` may be relative to `base`.
std::optional<Url> resolve_url(const Url& base, const std::string& location);

// Everything but letters, digits and "-._~" written as %XX; '/' stays where `keep_slashes`.
std::string percent_encoded(std::string_view text, bool keep_slashes);

}  // namespace xlstm
