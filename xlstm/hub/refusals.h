// What a hub refuses, with advice what to do about it.
#pragma once

#include <string>

#include "xlstm/base/error.h"
#include "xlstm/hub/http.h"
#include "xlstm/hub/hub.h"

namespace xlstm {

// What an answer that only a stranger can have given is called.
inline constexpr const char* kNoHub =
    "this is no answer of a hub (is HF_ENDPOINT right? does a network ask to log in?)";

// The repository is there, a revision of that name is not.
class UnknownRevision : public Error {
 public:
  using Error::Error;
};

// Throws Error, UnknownRevision too, for an answer of status 400 or more to a request for something
// of `name`.
[[noreturn]] void fail_refused(const RepositoryName& name, const HttpResponse& response,
                               const std::string& url, const HubSettings& settings);

}  // namespace xlstm
