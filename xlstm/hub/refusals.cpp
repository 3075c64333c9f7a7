#include "xlstm/hub/refusals.h"

namespace xlstm {
namespace {

std::string login_advice(const HubSettings& settings) {
  if (settings.token.empty()) {
    return "no token was sent: set HF_TOKEN, or log in with: hf auth login";
  }
  return str("the token of ", settings.token_source, " was sent: does it have the right to read?");
}

[[noreturn]] void fail_gated(const RepositoryName& name, const HttpResponse& response,
                             const HubSettings& settings) {
  fail_wanted(ErrorKind::kFile, text_of(name), "access to a gated repository",
              str("status ", response.status, ": accept its conditions at ", settings.endpoint, "/",
                  name.id, " with your account; ", login_advice(settings)));
}

}  // namespace

void fail_refused(const RepositoryName& name, const HttpResponse& response, const std::string& url,
                  const HubSettings& settings) {
  const std::string code = response.header("x-error-code");
  const std::string said = response.header("x-error-message");
  const int status = response.status;
  if (code == "GatedRepo") fail_gated(name, response, settings);
  if (code == "RevisionNotFound") {
    throw UnknownRevision(
        ErrorKind::kFile, text_of(name),
        "wanted a branch, tag or commit of the repository, got none of that name");
  }
  if (code == "EntryNotFound") {
    fail_wanted(ErrorKind::kFile, text_of(name), "a file of the repository",
                str("status ", status, " from ", url));
  }
  if (said.find("Invalid credentials") != std::string::npos && !settings.token.empty()) {
    fail_wanted(ErrorKind::kFile, text_of(name), "a valid token",
                str("status ", status, ": the hub does not know that of ", settings.token_source,
                    "; make a new one at ", settings.endpoint, "/settings/tokens"));
  }
  if (status == 401 || code == "RepoNotFound" || status == 404) {
    fail_wanted(ErrorKind::kFile, text_of(name),
                str("a repository that may be read at ", settings.endpoint),
                str("status ", status, ": it does not exist, or it is private or gated; ",
                    login_advice(settings)));
  }
  if (status == 403) {
    fail_wanted(
        ErrorKind::kFile, text_of(name), "access to the repository",
        str("status 403", said.empty() ? "" : ": " + quoted(said), "; ", login_advice(settings)));
  }
  fail_wanted(ErrorKind::kNetwork, text_of(name), "an answer",
              str("status ", status, said.empty() ? "" : ", " + quoted(said), " from ", url));
}

}  // namespace xlstm
