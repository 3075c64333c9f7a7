#include "xlstm/apps/prompt.h"

#include "xlstm/apps/options.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {

OptionGroup prompt_option_group(PromptOptions& to, const std::string& what) {
  Option prompt{.name = "--prompt",
                .value = "TEXT",
                .help = what,
                .set = [&to](const std::string& text) { to.text = text; },
                .letter = 'p'};
  return {"Prompt",
          {prompt, file_option("--prompt-file", "FILE",
                               "The same from a file; its last line end is dropped", to.file)}};
}

std::optional<std::string> read_prompt(const PromptOptions& options) {
  if (options.text && !options.file.empty()) {
    fail_wanted(ErrorKind::kUsage, "--prompt", "it or --prompt-file", "both");
  }
  if (options.text && *options.text != "-") return require_utf8("--prompt", *options.text);
  if (options.file.empty() && !options.text && stdin_is_terminal()) return std::nullopt;
  const std::string file = options.file.empty() ? "-" : options.file;
  return require_utf8(source_name(file), without_last_line_end(read_all(file)));
}

}  // namespace xlstm::apps
