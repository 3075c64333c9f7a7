#include "xlstm/apps/constraint_options.h"

#include "xlstm/apps/options.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/grammar/json_constraint.h"
#include "xlstm/grammar/regex_constraint.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::apps {

OptionGroup constraint_option_group(ConstraintOptions& to) {
  Option regex =
      text_option("--regex", "PATTERN",
                  "Only an answer that this regular expression matches as a whole", to.regex);
  regex.set = [&to](const std::string& text) {
    if (text.empty()) fail_wanted(ErrorKind::kUsage, "--regex", "a pattern", "none");
    to.regex = require_utf8("--regex", text);
  };
  return {"What the answer may be",
          {regex, switch_option("--json-output", "Only an answer that is a JSON object", to.json),
           file_option("--json-schema", "FILE",
                       "Only an answer that is JSON as this JSON Schema describes it", to.schema)}};
}

std::shared_ptr<const Constraint> constraint_of(const ConstraintOptions& options,
                                                const Engine& engine) {
  const int given =
      (options.regex.empty() ? 0 : 1) + (options.json ? 1 : 0) + (options.schema.empty() ? 0 : 1);
  if (given == 0) return nullptr;
  if (given > 1) {
    fail_wanted(ErrorKind::kUsage, "xlstm", "one of --regex, --json-output and --json-schema",
                "more");
  }
  const auto tries = TokenTries::of(engine.tokenizer(), engine.plan().V);
  if (!options.regex.empty()) return regex_constraint(options.regex, tries);
  if (options.json) return json_constraint({}, tries);
  return json_schema_constraint(require_utf8(source_name(options.schema), read_all(options.schema)),
                                tries);
}

std::string constraint_text_of(const ConstraintOptions& options) {
  if (!options.regex.empty()) return " regex " + options.regex;
  if (options.json) return " json";
  return options.schema.empty() ? "" : " schema " + read_all(options.schema);
}

}  // namespace xlstm::apps
