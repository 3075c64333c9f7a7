// Quantised copies of models, as `xlstm cache` shows them.
#pragma once

#include <filesystem>
#include <memory>

#include "xlstm/apps/cache_section.h"

namespace xlstm::apps {

// Of the copies in `folder` (engine/quantized_copies.h).
std::unique_ptr<CacheSection> copies_section(std::filesystem::path folder);

}  // namespace xlstm::apps
