// Lines of xlstm batch: a prompt with its options in, an answer or an error out.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/engine/engine.h"

namespace xlstm::apps {

// "prompts.jsonl, line 3", counted from 1 as editors do.
std::string line_name(std::string_view file, std::uint64_t index);

// What the answer to a line begins with.
struct BatchKey {
  std::uint64_t index = 0;    // of the line, from 0
  std::uint64_t request = 0;  // hash of the line and of all else that its answer depends on
  std::string id = {};        // JSON, "" where the line has none
  std::string metadata = {};  // the same
};

struct BatchPrompt {
  BatchKey key;  // but `index` and `request`
  Request request;
  std::exception_ptr error = {};  // Error: why it cannot be answered
};

// `line` is a JSON string, the prompt, or an object. What it says of the answer goes before what
// `defaults` say. `where` names the line in errors.
BatchPrompt batch_prompt(std::string_view line, const std::string& where, const Request& defaults);

// Lines with their line ends.
std::string answer_line(const BatchKey& key, const Completion& answer);
std::string error_line(const BatchKey& key, const std::string& message);

// What an answer tells of where it belongs.
struct BatchAnswered {
  std::uint64_t index = 0;
  std::uint64_t request = 0;
  bool failed = false;
};
// Throws Error(kFormat) where `line` is none that answer_line() or error_line() made.
BatchAnswered answered_of_line(std::string_view line, const std::string& where);
// Whether `text` may be the beginning of such a line.
bool may_begin_answer(std::string_view text);

// Of all that answers depend on beside their lines: the command line's request, the names of its
// end tokens, and a text that says which model it is.
std::uint64_t hash_of_options(const Request& request, const std::vector<std::string>& end_tokens,
                              std::string_view model);
std::uint64_t hash_of_line(std::uint64_t options, std::string_view line);

}  // namespace xlstm::apps
