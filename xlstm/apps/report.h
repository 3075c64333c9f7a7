// What a run took and what a model is, for people and as JSON.
#pragma once

#include <string>

#include "xlstm/base/json_fwd.h"
#include "xlstm/engine/engine.h"

namespace xlstm::apps {

std::string statistics_text(const Completion& completion, const MemoryUse& memory);
Json statistics_json(const Completion& completion, const MemoryUse& memory);

// What Ctrl-C left of a prompt: "read 4,096 of 12,000 tokens of the prompt" and a line end, or ""
// where all of it was read.
std::string interrupted_prompt_text(const Completion& completion);

std::string memory_text(const MemoryUse& memory);
Json memory_json(const MemoryUse& memory);

// What a plan says of a model: names, sizes, state.
std::string model_text(const Plan& plan);
// How it is divided among ranks, "" where it is not. All ranks ask.
std::string division_text(const Model& model);
Json model_json(const Plan& plan);

// "label        text" and a line end, labels in one column.
std::string fact(std::string_view label, std::string_view text);

// One line of JSON and a line end; bytes that are not UTF-8 (in file names) are replaced.
std::string json_line(const Json& json);

// 8523776 -> "8,523,776"
std::string with_commas(std::uint64_t number);

}  // namespace xlstm::apps
