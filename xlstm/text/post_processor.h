// The post_processor of a tokenizer.json: which ids go before and after the text's.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/component.h"

namespace xlstm::text {

class PostProcessor {
 public:
  // From the member "post_processor"; null adds nothing. Throws Error: kFormat, kModel.
  PostProcessor(const Json& json, std::string_view where);

  // What tokenizer_config.json says on top of it: true adds the id where the layout lacks it, false
  // takes it away, nullopt leaves the layout as it is.
  void set_begin(std::optional<bool> wanted, TokenId id);
  void set_end(std::optional<bool> wanted, TokenId id);

  std::vector<TokenId> apply(std::vector<TokenId> ids, bool add_special_tokens) const;

  // The ids that it adds itself.
  std::vector<TokenId> added_ids() const;

 private:
  // Ids, and kText for the text's.
  using Layout = std::vector<TokenId>;
  static constexpr TokenId kText = -1;

  Layout with_special_{kText}, plain_{kText};
};

}  // namespace xlstm::text
