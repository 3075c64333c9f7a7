// How much of a prompt is read at once.
#pragma once

namespace xlstm {

// Tokens of all sequences together that one prefill segment holds: enough to keep products busy,
// few enough for the activations to stay small beside the weights.
inline constexpr int kSegmentTokens = 512;

}  // namespace xlstm
