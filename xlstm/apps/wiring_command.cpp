// xlstm wiring: a model's structure as a tree, as JSON, or for Graphviz.
#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/streams.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/views.h"

namespace xlstm::apps {
namespace {

struct WiringArguments {
  std::string model;
  std::string format = "tree";
};

std::string view(const Plan& plan, const std::string& format) {
  if (format == "json") return json_view(plan) + "\n";
  if (format == "dot") return dot_view(plan);
  return tree_view(plan, format == "ascii" ? TreeStyle::kAscii : TreeStyle::kUnicode);
}

int run_wiring(const WiringArguments& options) {
  const Checkpoint checkpoint = Checkpoint::open(model_folder(options.model));
  write_out(view(checkpoint.plan, options.format));
  return kExitOk;
}

}  // namespace

Command wiring_command() {
  const auto options = std::make_shared<WiringArguments>();
  Option model =
      file_option("--model", "MODEL", "A model's folder, name or repository (default: classics-8m)",
                  options->model, Completes::kFolder);
  model.letter = 'm';
  Option format = text_option("--format", "FORMAT",
                              "tree (default), ascii (a tree without box characters), json or dot",
                              options->format);
  format.choices = {"tree", "ascii", "json", "dot"};
  return {
      .name = "wiring",
      .summary = "A model's structure: blocks, shapes, types, bytes",
      .description = "Checks config.json against the headers of the weights and lists every fault.",
      .groups = {{"Options", {model, format}}},
      .examples = {{"xlstm wiring", "The embedded model as a tree."},
                   {"xlstm wiring --format dot | dot -Tsvg > wiring.svg", "A drawing."}},
      .run = [options] { return run_wiring(*options); }};
}

}  // namespace xlstm::apps
