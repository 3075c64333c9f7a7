// One file's bytes from the hub into the cache: resumed where they stopped, checked before they get
// their name.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "xlstm/hub/client.h"
#include "xlstm/hub/hub_api.h"
#include "xlstm/hub/job.h"
#include "xlstm/hub/repository_folder.h"

namespace xlstm {

struct BlobToFetch {
  const RepositoryName& name;
  const RepositoryFolder& folder;
  std::string commit;
  RemoteFile file;
  std::size_t number = 0;  // of the file in the job's progress
  bool force = false;      // also where the blob is there
};

// With the blob's lock held: fetches it, unless another has meanwhile, then calls `then`, which may
// link to it. Throws Error: kFile (no space, the cache), kNetwork (after several tries; bytes that
// are not what the hub says they are), kInternal; Stopped.
void fetch_blob(Client& client, Job& job, const BlobToFetch& blob,
                const std::function<void()>& then);

}  // namespace xlstm
