// Descriptors that the program was given, in whatever state they are.
#pragma once

#include <string_view>

namespace xlstm::apps {

// Opens those of 0, 1 and 2 that the caller closed, so that no file of ours takes their place:
// reading or writing them is then an error, as it would be had they stayed closed. To be called
// before anything else is opened.
void occupy_standard_descriptors();

enum class Written {
  kAll,
  kInterrupted,  // Ctrl-C or another signal, while the rest waited for a reader
  kFailed        // errno says why
};

// Writes all of `text`, also to a descriptor that does not block. Interrupted, be it before the
// call, it writes what is taken at once.
Written write_whole(int descriptor, std::string_view text);

}  // namespace xlstm::apps
