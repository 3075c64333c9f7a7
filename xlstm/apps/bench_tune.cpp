#include "xlstm/apps/bench_tune.h"

#include <string>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/numbers.h"
#include "xlstm/engine/tuning.h"
#include "xlstm/model/model.h"

namespace xlstm::apps {
namespace {

std::string choice_text(const TunedChoice& choice) {
  std::string values;
  for (const auto& [value, seconds] : choice.measured) {
    values += str(values.empty() ? "" : ", ", value, " ", decimals(seconds * 1e3, 3), " ms");
  }
  const std::string kept = choice.chosen == choice.before ? ", as it was" : "";
  return fact(choice.name, str(choice.chosen, kept, " (", values, ")"));
}

Json json_of(const TunedChoice& choice) {
  Json measured = Json::array();
  for (const auto& [value, seconds] : choice.measured) {
    measured.push_back({{"value", value}, {"seconds", seconds}});
  }
  return {{"name", choice.name},
          {"before", choice.before},
          {"chosen", choice.chosen},
          {"measured", measured}};
}

}  // namespace

int run_tune(const Model& model, const BenchOptions& options, bool json) {
  Backend& backend = model.backend();
  const auto print = [json](const std::string& line) {
    if (json) return;
    write_out(line);
    flush_out();
  };
  if (backend.tuning_choices().empty()) {
    print(str("nothing to choose on this device (", backend.name(), ")\n"));
    if (json) {
      write_out(json_line({{"device", backend.name()}, {"choices", Json::array()}, {"file", ""}}));
    }
    return kExitOk;
  }
  const auto file = tuning_file(backend);
  if (file.empty()) {
    fail_wanted(ErrorKind::kFile, "--tune", "a home folder, or XDG_CACHE_HOME, to keep choices in",
                "none");
  }
  print(fact("device", backend.tuned_device()));
  const auto tuned =
      tune_bench(model, options, [&](const TunedChoice& choice) { print(choice_text(choice)); });
  save_tuning(backend, file);
  print(fact("kept in", file.string()));
  if (json) {
    Json choices = Json::array();
    for (const TunedChoice& choice : tuned) choices.push_back(json_of(choice));
    write_out(json_line(
        {{"device", backend.tuned_device()}, {"choices", choices}, {"file", file.string()}}));
  }
  return kExitOk;
}

}  // namespace xlstm::apps
