// The template that makes a text of a conversation, as a model's files have it.
#pragma once

#include <filesystem>
#include <string>

namespace xlstm {

// The Jinja text of chat_template.jinja, else of "chat_template" in tokenizer_config.json (of
// several, the one called "default"); "" where there is none. It is handed out, not run. Throws
// Error: kFile, kFormat.
std::string read_chat_template(const std::filesystem::path& folder);

}  // namespace xlstm
