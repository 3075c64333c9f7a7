// A file of weights that is cut short, or whose bytes are others, at every place.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Cut anywhere it is refused; with a byte changed it is read, or refused by an Error.
inline void expect_damage_is_refused(const TemporaryFolder& folder, const std::string& name,
                                     const std::string& whole) {
  const auto try_to_read = [&](const std::string& bytes) {
    try {
      const auto source = open_weights(folder.file(name, bytes));
      for (std::size_t i = 0; i < source->tensors().size(); ++i) source->read_all(i);
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kModel)
          << error.what();
    }
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    EXPECT_THROW(open_weights(folder.file(name, whole.substr(0, at))), Error);
    for (const int bits : {0x01, 0x40, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      try_to_read(bytes);
    }
  }
}

}  // namespace xlstm
