// Errors of the library, in the words of `xlstm forecast`.
#pragma once

#include <span>
#include <string>

#include "xlstm/base/error.h"

namespace xlstm::apps {

// The error with the name that its place has on the command line: --difference-trends for
// "difference_trends", series_names[0] for "series 1" and for a stream. As it is for other places.
Error in_terms_of_command(const Error& error, std::span<const std::string> series_names);

}  // namespace xlstm::apps
