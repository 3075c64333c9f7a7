// Parts of files that nobody will go on with.
#pragma once

#include "xlstm/hub/repository_folder.h"

namespace xlstm {

// Removes what a forced download that was stopped left beside a blob that is there, unless somebody
// fetches that at this moment. Nothing happens in a cache that may only be read.
void clear_leftovers(const RepositoryFolder& folder);

}  // namespace xlstm
