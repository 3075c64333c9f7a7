// One request over HTTP, through libcurl: no redirect is followed, nothing is tried twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlstm/hub/settings.h"

namespace xlstm {

struct HttpRequest {
  std::string url;
  bool head = false;                       // HEAD, else GET
  std::vector<std::string> headers = {};   // "Name: value"
  std::optional<std::uint64_t> from = {};  // only the bytes from here on (Range)
  double timeout = 0;                      // seconds without a byte; also to connect
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case

  // "" where there is none.
  std::string header(const std::string& lower_case_name) const;
};

// A request that got no whole answer.
struct TransferFailure {
  std::string why;         // "Could not resolve host: ..."
  bool connected = false;  // whether the server was reached at all
  bool again = true;       // whether another try may help
};

// Gets the body in pieces, for a response whose status and headers are known.
using OnBody = std::function<void(const HttpResponse& response, std::span<const std::byte> bytes)>;

// One connection at a time, kept for the next request. For one thread.
class Http {
 public:
  // `stop` ends a request within about a second.
  Http(const HubSettings& settings, const std::atomic<bool>& stop);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // Throws TransferFailure, Stopped (job.h), and what on_body throws.
  HttpResponse perform(const HttpRequest& request, const OnBody& on_body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace xlstm
