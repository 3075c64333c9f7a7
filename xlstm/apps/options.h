// Options that several commands share. The `to` objects must live as long as the options.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "xlstm/apps/command.h"
#include "xlstm/apps/quantize_options.h"
#include "xlstm/engine/engine.h"
#include "xlstm/engine/forecaster.h"

namespace xlstm::apps {

struct ModelOptions {
  std::string model;  // "" is the embedded default
  EngineOptions engine;
  QuantizeOptions quantize;
  bool no_quantized_copy = false;
  int devices = 0;  // that compute it together; 0: not said
};

// All that they say of the engine. Throws Error(kUsage) where they do not fit each other.
EngineOptions engine_options(const ModelOptions& options);

// `fallback` is the model that is used where none is named.
OptionGroup model_option_group(ModelOptions& to, const std::string& fallback = "classics-8m");

// max_tokens, sampling, stops and special tokens, straight into the request; `end_tokens` gets what
// --end-token names, to be understood once there is a tokenizer.
OptionGroup answer_option_group(Request& to, std::vector<std::string>& end_tokens);

struct StateOptions {
  std::string load;
  std::string save;
};

OptionGroup state_option_group(StateOptions& to);

// Throws Error(kFile) where a state could not be saved in the end, before the work is done.
void check_save(const StateOptions& options);

// The same with --devices, for commands that several processes may run together.
OptionGroup divided_model_option_group(ModelOptions& to);

Option device_option(EngineOptions& to);
Option threads_option(EngineOptions& to);
Option memory_limit_option(EngineOptions& to);

// A switch that sets `to`.
Option switch_option(std::string name, std::string help, bool& to);
// The same option; each time it is given, `given` gets its name.
Option recorded(Option option, std::vector<std::string>& given);
// The name of a file or folder; an empty one is refused.
Option file_option(std::string name, std::string value, std::string help, std::string& to,
                   Completes completes = Completes::kFile);
// The name of a file to write, "-" refused too.
Option output_option(std::string name, std::string value, std::string help, std::string& to);
// --parse-special: whether special tokens' text is read as those tokens.
Option parse_special_option(bool& to);
// A value that is stored as it is.
Option text_option(std::string name, std::string value, std::string help, std::string& to,
                   Completes completes = Completes::kNothing);

// The folder of the model of that name (Engine::resolve()). A repository is fetched, with its
// progress on standard error; Ctrl-C leaves. A command calls it once, and goes on with the folder.
std::filesystem::path model_folder(const std::string& model, const HubOptions& hub = {});

// Opens the model with a progress bar; Ctrl-C leaves.
Engine open_engine(const ModelOptions& options);

Forecaster open_forecaster(const ModelOptions& options);

// Throws Error(kUsage) when --logit-bias names an id outside the engine's vocabulary.
void check_logit_bias(const Request& request, const Engine& engine);

// The ids that --end-token names: ids, or texts that are one token. Throws Error(kUsage).
std::vector<std::int32_t> end_token_ids(const std::vector<std::string>& named,
                                        const Engine& engine);

}  // namespace xlstm::apps
