// The kinds of decoders.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/decoder_state.h"

namespace xlstm::text {

class DecoderStep;
using DecoderSteps = std::vector<std::unique_ptr<const DecoderStep>>;

// Where a step's results go: the steps after it and then the text.
class Downstream {
 public:
  Downstream(std::span<const std::unique_ptr<const DecoderStep>> steps,
             std::span<DecoderState> states, std::string& out)
      : steps_(steps), states_(states), out_(out) {}

  // A part of the current token: well-formed UTF-8.
  void text(std::string_view part) const;
  void end_token() const;
  // No tokens follow.
  void finish() const;

 private:
  Downstream after() const { return {steps_.subspan(1), states_.subspan(1), out_}; }

  std::span<const std::unique_ptr<const DecoderStep>> steps_;
  std::span<DecoderState> states_;
  std::string& out_;
};

// A step sees each token as parts of text and an end, and makes tokens in the same form; a step
// that joins tokens makes one token that ends when the text does.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual void text(std::string_view part, DecoderState& state, const Downstream& next) const = 0;
  virtual void end_token(DecoderState& state, const Downstream& next) const = 0;
  virtual void finish(DecoderState& state, const Downstream& next) const = 0;

  // What becomes of a token in the middle of a text. `is_joined`: a step before this one has made
  // one token of all.
  virtual std::string inner(std::string token, bool is_joined) const = 0;
  virtual bool joins() const { return false; }
};

// Appends the steps of the member "decoder".
void add_decoder_steps(const Json& json, std::string_view where, DecoderSteps& steps);

}  // namespace xlstm::text
