// Shell completions, made from the table of commands.
#pragma once

#include <string>
#include <vector>

#include "xlstm/apps/command.h"

namespace xlstm::apps {

std::string bash_completion(const std::vector<Command>& commands);
std::string zsh_completion(const std::vector<Command>& commands);
std::string fish_completion(const std::vector<Command>& commands);

}  // namespace xlstm::apps
