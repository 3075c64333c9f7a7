// What is asked of a hub, and its answers checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/hub/client.h"
#include "xlstm/hub/hub.h"

namespace xlstm {

struct RepositoryInfo {
  std::string id;      // as the hub calls it today
  std::string commit;  // of the revision asked for
  std::vector<std::string> files;
  std::string licence;       // "" where it states none
  std::string licence_link;  // "" where there is none
};

// Throws Error: kFile (refusals.h), kNetwork; what Client::send throws.
RepositoryInfo repository_info(Client& client, const RepositoryName& name);

// From the text of an answer; `where` names it in errors.
RepositoryInfo parse_repository_info(const std::string& json, const std::string& where);

struct RemoteFile {
  std::string name;
  std::string etag;                   // SHA-256 or git's hash of its bytes, in hexadecimal
  std::optional<std::uint64_t> size;  // bytes
};

// Of `file` at `commit`. Errors as above.
RemoteFile remote_file(Client& client, const RepositoryName& name, const std::string& commit,
                       const std::string& file);

// The names of branches and tags, as far as the hub tells: none where it does not.
std::vector<std::string> branches_of(Client& client, const RepositoryName& name);

// Where a file is, after the endpoint.
std::string file_path(const RepositoryName& name, const std::string& commit,
                      const std::string& file);

}  // namespace xlstm
