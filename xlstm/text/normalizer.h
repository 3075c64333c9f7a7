// The normalizer of a tokenizer.json: text -> text, before added tokens are searched and the text
// is cut into pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/progress.h"

namespace xlstm::text {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // Changes well-formed UTF-8 into well-formed UTF-8.
  virtual void apply(std::string& text, Progress& progress) const = 0;
};

// From the member "normalizer"; null gives no normalizer. Throws Error: kFormat, kModel.
std::unique_ptr<const Normalizer> make_normalizer(const Json& json, std::string_view where);

}  // namespace xlstm::text
