// The options that models are opened with, as Python gives them.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "xlstm/engine/engine.h"

namespace xlstm::python {

using QuantizationChoice = std::tuple<std::string, int, int>;  // mode, bits, group size

// `on_progress` and `on_notice` may be None. A signal's handler that raises stops the loading.
EngineOptions opening_options(const std::string& dtype, const std::string& device,
                              const std::optional<QuantizationChoice>& quantization,
                              bool keep_quantized, std::size_t threads, std::uint64_t memory_limit,
                              nanobind::object on_progress, nanobind::object on_notice);

// Tells Python of sentences that a person may want to know.
std::function<void(std::string_view)> notice_of(nanobind::object told);

}  // namespace xlstm::python
