// Requests to the hub: redirects are followed here, and the token stays with the hub.
#pragma once

#include <string>

#include "xlstm/hub/http.h"
#include "xlstm/hub/url.h"

namespace xlstm {

struct HubRequest {
  std::string path;  // after the endpoint: "/api/models/org/name"
  bool head = false;
  std::optional<std::uint64_t> from = {};
};

// For one thread.
class Client {
 public:
  Client(const HubSettings& settings, const std::atomic<bool>& stop);

  // The last answer of the redirects, its headers with X-Repo-Commit of an earlier one where it has
  // none itself. Of HEAD the first that describes a file (X-Linked-Etag), whereever it leads.
  // on_body gets the body of an answer that is neither a redirect nor an error; the headers beside
  // it have an earlier X-Repo-Commit only where another host answers, which knows of none. Throws
  // TransferFailure, TryLater (backoff.h), Error(kNetwork) for redirects that lead nowhere.
  HttpResponse send(const HubRequest& request, const OnBody& on_body = {});

  // The whole body of a GET. Throws Error(kNetwork) for one of more than `most` bytes.
  HttpResponse get(const std::string& path, std::string& body, std::size_t most);

  const HubSettings& settings() const { return settings_; }

 private:
  HttpResponse hop(const HubRequest& request, const Url& url, bool with_token,
                   const OnBody& on_body);
  const HubSettings& settings_;
  Http http_;
  Url endpoint_;
};

}  // namespace xlstm
