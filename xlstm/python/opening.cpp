#include "xlstm/python/opening.h"

#include <nanobind/stl/string_view.h>

#include <utility>

#include "xlstm/base/quantization.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/python/guards.h"

namespace xlstm::python {
namespace {

std::optional<Quantization> quantization_of(const std::optional<QuantizationChoice>& choice) {
  if (!choice) return std::nullopt;
  const auto& [mode, bits, group_size] = *choice;
  const std::optional<QuantizationMode> known = quantization_mode_from_name(mode);
  if (!known) fail_wanted(ErrorKind::kUsage, "quantize", "affine or mxfp4", quoted(mode));
  return Quantization{*known, bits, group_size};
}

// Tells Python of the loading, and stops it where that raises, or a signal's handler does.
std::function<void(double)> progress_of(nb::object told) {
  if (told.is_none()) return [](double) { check_signals(); };
  return [told = SharedObject(std::move(told))](double share) {
    check_signals();
    const WithGil held;
    call_python(*told, nb::make_tuple(share));
  };
}

}  // namespace

std::function<void(std::string_view)> notice_of(nb::object told) {
  if (told.is_none()) return {};
  return [told = SharedObject(std::move(told))](std::string_view notice) {
    const WithGil held;
    call_python(*told, nb::make_tuple(notice));
  };
}

EngineOptions opening_options(const std::string& dtype, const std::string& device,
                              const std::optional<QuantizationChoice>& quantization,
                              bool keep_quantized, std::size_t threads, std::uint64_t memory_limit,
                              nb::object on_progress, nb::object on_notice) {
  EngineOptions options = {.dtype = dtype,
                           .quantization = quantization_of(quantization),
                           .device = device,
                           .threads = threads,
                           .hard_memory_limit = memory_limit,
                           .on_load_progress = progress_of(std::move(on_progress)),
                           .on_notice = notice_of(std::move(on_notice))};
  if (keep_quantized) options.quantized_copies = default_quantized_copies();
  return options;
}

}  // namespace xlstm::python
