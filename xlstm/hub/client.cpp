#include "xlstm/hub/client.h"

#include <charconv>

#include "xlstm/base/error.h"
#include "xlstm/hub/backoff.h"

namespace xlstm {
namespace {

constexpr int kMostRedirects = 10;

bool is_redirect(const HttpResponse& response) {
  return (response.status == 301 || response.status == 302 || response.status == 303 ||
          response.status == 307 || response.status == 308) &&
         !response.header("location").empty();
}

bool is_busy(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

std::optional<std::chrono::seconds> seconds_at(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || end == text.data()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// Retry-After in seconds, else the time to the end of the hub's window: RateLimit: "api";r=0;t=55
std::optional<std::chrono::seconds> wait_of(const HttpResponse& response) {
  if (const auto wait = seconds_at(response.header("retry-after"))) return wait;
  const std::string limit = response.header("ratelimit");
  const std::size_t rest = limit.find("r=0");
  const std::size_t time = limit.find("t=");
  if (response.status != 429 || rest == std::string::npos || time == std::string::npos) {
    return std::nullopt;
  }
  return seconds_at(std::string_view(limit).substr(time + 2));
}

// Errors of a host that only stores files say nothing about the repository. A signature that ran
// out (403) is made anew by the hub for the next try.
void check_storage(const HttpResponse& response, const Url& url) {
  constexpr int kNoSuchRange = 416;
  if (response.status < 400 || response.status == kNoSuchRange) return;
  throw TransferFailure{
      str("status ", response.status, " from ", url.origin, ", where the file lies"), true,
      response.status == 403};
}

// The next address. From https nothing leads to http, where everybody could read and change it.
Url next_url(const Url& from, const HttpResponse& response) {
  const std::string location = response.header("location");
  const auto to = resolve_url(from, location);
  if (!to || (from.scheme == "https" && to->scheme != "https")) {
    fail_wanted(ErrorKind::kNetwork, from.text,
                str("a redirect to an address of ", from.scheme == "https" ? "https" : "http"),
                quoted(location));
  }
  return *to;
}

}  // namespace

Client::Client(const HubSettings& settings, const std::atomic<bool>& stop)
    : settings_(settings), http_(settings, stop), endpoint_(*parse_url(settings.endpoint)) {}

HttpResponse Client::hop(const HubRequest& request, const Url& url, bool with_token,
                         const OnBody& on_body) {
  HttpRequest http;
  http.url = url.text;
  http.head = request.head;
  http.from = request.from;
  const bool is_file = !request.head && request.path.find("/resolve/") != std::string::npos;
  http.timeout = is_file ? settings_.download_timeout : settings_.metadata_timeout;
  http.headers = {"Accept-Encoding: identity"};  // sizes and ranges are the file's
  if (with_token) http.headers.push_back("Authorization: Bearer " + settings_.token);
  return http_.perform(http, [&](const HttpResponse& response, std::span<const std::byte> bytes) {
    if (on_body && response.status >= 200 && response.status < 300) on_body(response, bytes);
  });
}

HttpResponse Client::send(const HubRequest& request, const OnBody& on_body) {
  const auto first = parse_url(settings_.endpoint + request.path);
  if (!first) fail(ErrorKind::kInternal, "hub", "made no address of " + quoted(request.path));
  Url url = *first;
  bool with_token = !settings_.token.empty();
  std::string commit;
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    // Once it has left the hub it does not come back: where to, others said.
    with_token = with_token && url.origin == endpoint_.origin;
    const bool is_elsewhere = url.origin != endpoint_.origin;
    const auto on_bytes = [&](const HttpResponse& head, std::span<const std::byte> bytes) {
      if (!on_body) return;
      if (!is_elsewhere || commit.empty()) return on_body(head, bytes);
      HttpResponse with_commit = head;
      with_commit.headers.emplace("x-repo-commit", commit);
      on_body(with_commit, bytes);
    };
    HttpResponse response = hop(request, url, with_token, on_bytes);
    if (const std::string said = response.header("x-repo-commit"); !said.empty()) commit = said;
    const bool describes = request.head && !response.header("x-linked-etag").empty();
    if (!is_redirect(response) || describes) {
      if (is_busy(response.status)) throw TryLater{response.status, url.text, wait_of(response)};
      if (is_elsewhere) check_storage(response, url);
      if (!commit.empty()) response.headers["x-repo-commit"] = commit;
      return response;
    }
    url = next_url(url, response);
  }
  fail_wanted(ErrorKind::kNetwork, first->text, str("at most ", kMostRedirects, " redirects"),
              "more: do they lead in a circle?");
}

HttpResponse Client::get(const std::string& path, std::string& body, std::size_t most) {
  body.clear();
  return send({.path = path}, [&](const HttpResponse&, std::span<const std::byte> bytes) {
    if (bytes.size() > most - body.size()) {
      fail_wanted(ErrorKind::kNetwork, settings_.endpoint + path,
                  str("an answer of at most ", most, " bytes"), "more");
    }
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
}

}  // namespace xlstm
