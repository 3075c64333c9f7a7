// Help texts, made from the table of commands.
#pragma once

#include <string>
#include <vector>

#include "xlstm/apps/command.h"

namespace xlstm::apps {

std::string program_help(const std::vector<Command>& commands);
std::string command_help(const Command& command);

// "xlstm 0.1.0 (MLX 0.29.1)" and a line end.
std::string version_text();

}  // namespace xlstm::apps
