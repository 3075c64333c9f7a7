#include "xlstm/apps/tokenizing.h"

#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/terminal.h"

namespace xlstm::apps {

std::vector<TokenId> encode_with_progress(const Tokenizer& tokenizer, std::string_view text,
                                          EncodeOptions options) {
  ProgressBar bar("Tokenising");
  options.on_progress = [&bar](double share) {
    throw_if_interrupted();
    bar.update(share);
  };
  return tokenizer.encode(text, options);
}

}  // namespace xlstm::apps
