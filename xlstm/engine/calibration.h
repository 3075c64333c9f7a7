// What a model's matrices multiply with while it reads a text, for convert().
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/convert/input_covariance.h"

namespace xlstm {

inline constexpr std::size_t kDefaultCalibration = 16384, kLeastCalibration = 256;  // tokens

struct CalibrationOptions {
  std::size_t tokens = kDefaultCalibration;  // at most
  std::uint64_t seed = 1;                    // of a text of the model's own
  std::size_t threads = 0;
  std::string device = "auto";  // this and the limits as EngineOptions'
  std::uint64_t soft_memory_limit = 0, hard_memory_limit = 0;  // bytes
  std::function<void()> on_step = {};  // called again and again; may throw to stop
};

// Reads the first tokens of `text` (UTF-8, BOS first; special tokens' text in it is text) with the
// model in `folder`, block by block, as convert() asks: later blocks see what earlier ones became.
// Holds one block in float32, the text's activations at one place, and the covariance of one
// matrix, of which what is not on the diagonal is shrunk by T / (T + K) for T tokens.
//
// Throws Error: kUsage where `text` is not UTF-8 or has fewer than kLeastCalibration tokens
// ("where" names it); kFile, kFormat, kModel (the folder). The result throws Error(kModel) where
// activations are not finite. What it will take it tells convert(), which asks whether that is
// there (ConvertOptions::check_memory).
std::unique_ptr<InputCovariance> calibrate_with(const std::filesystem::path& folder,
                                                std::string_view text, std::string_view where,
                                                const CalibrationOptions& options = {});

// The same with texts that the model itself writes (at temperature 1, a few side by side): needs
// memory for the whole model first, in bfloat16: Error(kMemory) where that is not there. They are
// written when they are first asked for.
std::unique_ptr<InputCovariance> calibrate_with_own_text(const std::filesystem::path& folder,
                                                         const CalibrationOptions& options = {});

}  // namespace xlstm
