#include "xlstm/generate/generator.h"

#include <exception>
#include <optional>
#include <utility>

#include "xlstm/generate/batch.h"

namespace xlstm {

Completion generate(const Model& model, const Tokenizer& tokenizer, State& state,
                    const std::vector<TokenId>& prompt, const GenerateOptions& options,
                    const OnText& on_text) {
  OnToken on_token;
  if (on_text) {
    on_token = [&](const TokenEvent& event) { return event.text.empty() || on_text(event.text); };
  }
  Batch batch(model);
  batch.add(Sequence(model, &tokenizer, state, prompt, options, std::move(on_token)));
  Completion generated;
  batch.run([&](Batch::Finished finished) {
    if (finished.error) std::rethrow_exception(finished.error);
    generated = finished.sequence->result();
    state = std::move(finished.sequence->state());
  });
  return generated;
}

}  // namespace xlstm
