#include "xlstm/text/decoder.h"

#include <utility>

#include "xlstm/base/json.h"
#include "xlstm/text/decoder_steps.h"

namespace xlstm::text {

void Downstream::text(std::string_view part) const {
  if (part.empty()) return;
  if (steps_.empty()) {
    out_ += part;
  } else {
    steps_.front()->text(part, states_.front(), after());
  }
}

void Downstream::end_token() const {
  if (!steps_.empty()) steps_.front()->end_token(states_.front(), after());
}

void Downstream::finish() const {
  if (steps_.empty()) return;
  steps_.front()->finish(states_.front(), after());
  after().finish();
}

Decoder::Decoder(const Json& json, std::string_view where) {
  add_decoder_steps(json, where, steps_);
}

Decoder::~Decoder() = default;

std::vector<DecoderState> Decoder::start() const {
  return std::vector<DecoderState>(steps_.size());
}

void Decoder::push(std::string_view token, std::span<DecoderState> states, std::string& out) const {
  const Downstream first(steps_, states, out);
  first.text(token);
  first.end_token();
}

void Decoder::finish(std::span<DecoderState> states, std::string& out) const {
  Downstream(steps_, states, out).finish();
}

std::string Decoder::bytes_of(std::string_view token) const {
  std::string text(token);
  bool is_joined = false;
  for (const auto& step : steps_) {
    text = step->inner(std::move(text), is_joined);
    is_joined = is_joined || step->joins();
  }
  return text;
}

}  // namespace xlstm::text
