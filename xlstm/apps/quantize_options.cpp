#include "xlstm/apps/quantize_options.h"

#include "xlstm/apps/options.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

Option choice_option(std::string name, std::string value, std::string help,
                     std::vector<std::string> choices, std::string& to) {
  Option option = text_option(std::move(name), std::move(value), std::move(help), to);
  option.choices = std::move(choices);
  return option;
}

Option needs_quantize(Option option) {
  option.needs = "--quantize";
  return option;
}

}  // namespace

std::optional<Quantization> QuantizeOptions::format() const {
  if (bits.empty()) return std::nullopt;
  Quantization out;
  out.mode = quantization_mode_from_name(mode).value_or(QuantizationMode::kAffine);
  out.bits = std::stoi(bits);  // one of the choices
  if (out.mode == QuantizationMode::kMxfp4) out.group_size = 32;
  if (!group_size.empty()) out.group_size = std::stoi(group_size);
  if (is_supported(out)) return out;
  fail_wanted(ErrorKind::kUsage, "--mode", "4 bits and groups of 32 for mxfp4", to_string(out));
}

std::vector<Option> quantize_options(QuantizeOptions& to) {
  return {
      choice_option("--quantize", "BITS",
                    "Quantise the weights: 2, 3, 4, 5, 6 or 8 bits; embedding and head may get "
                    "more",
                    {"2", "3", "4", "5", "6", "8"}, to.bits),
      needs_quantize(choice_option(
          "--group-size", "N", "Weights that share a scale: 32, 64 (default) or 128; 32 for mxfp4",
          {"32", "64", "128"}, to.group_size)),
      needs_quantize(choice_option("--mode", "MODE", "affine (default) or mxfp4, which has 4 bits",
                                   {"affine", "mxfp4"}, to.mode))};
}

}  // namespace xlstm::apps
