// xlstm bench: how fast a model runs here, compared with what the machine can do.
#include <algorithm>
#include <memory>

#include "xlstm/apps/bench_compare.h"
#include "xlstm/apps/bench_report.h"
#include "xlstm/apps/bench_tune.h"
#include "xlstm/apps/command.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/engine/opening.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/model/model.h"
#include "xlstm/model/synthetic.h"

namespace xlstm::apps {
namespace {

struct BenchArguments {
  ModelOptions model;
  std::string synthetic;
  BenchOptions bench;
  std::vector<std::string> of_tokens;  // options given that only language models take
  bool json = false;
  bool tune = false;
  std::string csv;
  std::vector<std::string> compare;
};

// "1,4,16"; "0" is an empty list.
template <class Integer>
Option list_option(std::string name, std::string help, std::int64_t most,
                   std::vector<Integer>& to) {
  return {.name = name,
          .value = "N[,N...]",
          .help = std::move(help),
          .set = [name, most, &to](const std::string& text) {
            to.clear();
            if (text == "0") return;
            for (std::size_t begin = 0; begin <= text.size();) {
              const std::size_t end = std::min(text.find(',', begin), text.size());
              const auto number = static_cast<Integer>(
                  parse_integer(name, text.substr(begin, end - begin), 1, most));
              if (std::ranges::count(to, number) > 0) {
                fail_wanted(ErrorKind::kUsage, name, "each number once", quoted(text));
              }
              to.push_back(number);
              begin = end + 1;
            }
          }};
}

Option count_option(std::string name, std::string help, int least, int most, int& to) {
  return {.name = name,
          .value = "N",
          .help = std::move(help),
          .set = [name, least, most, &to](const std::string& text) {
            to = static_cast<int>(parse_integer(name, text, least, most));
          }};
}

int run_compare(const BenchArguments& options) {
  if (options.compare.size() != 2) {
    fail_wanted(ErrorKind::kUsage, "--compare", "two files: --compare A.json --compare B.json",
                str(options.compare.size()));
  }
  const BenchFile before = read_bench_file(options.compare[0]);
  write_out(compare_text(before, read_bench_file(options.compare[1])));
  return kExitOk;
}

// Writes the table row by row, as figures come, or all at the end.
template <class Subject>  // Model, Forecaster
int run_on(const Subject& subject, const std::string& header, const BenchArguments& options) {
  std::vector<BenchFigure> figures;
  if (!options.json) {
    write_out(header);
    flush_out();
  }
  run_bench(subject, options.bench, [&](const BenchFigure& figure) {
    figures.push_back(figure);
    if (options.json) return;
    write_out(bench_row(figure));
    flush_out();
  });
  if (options.json) write_out(json_line(bench_json(subject, figures)));
  if (!options.csv.empty() && leads()) {
    AtomicFile csv(options.csv);
    csv.write(std::string_view(bench_csv(figures)));
    csv.commit();
  }
  return kExitOk;
}

int run_on_model(const Model& model, const BenchArguments& options) {
  if (options.tune) return run_tune(model, options.bench, options.json);
  return run_on(model, division_text(model) + bench_header(model, options.bench), options);
}

int run_on_forecaster(const Forecaster& forecaster, const BenchArguments& options) {
  return run_on(forecaster, bench_header(forecaster), options);
}

// Whether what is to be measured is a forecaster; then options must be such as it takes.
bool is_forecaster(const BenchArguments& options) {
  const Checkpoint checkpoint = options.synthetic.empty() ? Checkpoint::open(options.model.model)
                                                          : synthetic_checkpoint(options.synthetic);
  if (find_forecast_family(checkpoint.plan.family) == nullptr) return false;
  if (!options.of_tokens.empty()) {
    fail_wanted(ErrorKind::kUsage, options.of_tokens.front(), "a language model",
                str(checkpoint.plan.name, ", a forecaster"));
  }
  if (options.bench.batches.empty()) {
    fail_wanted(ErrorKind::kUsage, "--batch", "series to forecast", "0");
  }
  return true;
}

int run_bench_command(BenchArguments options) {
  if (!options.compare.empty()) return run_compare(options);
  if (!options.synthetic.empty() && !options.model.model.empty()) {
    fail_wanted(ErrorKind::kUsage, "--synthetic", "no --model with it", options.model.model);
  }
  if (options.tune && !options.csv.empty()) {
    fail_wanted(ErrorKind::kUsage, "--tune", "no --csv with it", options.csv);
  }
  const BenchOptions& bench = options.bench;
  if (bench.prefills.empty() && (bench.batches.empty() || bench.positions.empty())) {
    fail_wanted(ErrorKind::kUsage, "xlstm bench", "something to measure",
                "--prefill 0, and --batch 0 or --positions 0");
  }
  if (options.tune && (this_group() != nullptr || options.model.devices > 1)) {
    fail_wanted(ErrorKind::kUsage, "--tune", "one device", "--devices");
  }
  if (!options.csv.empty() && leads())
    const AtomicFile discarded(options.csv);  // a bad name fails now
  exit_on_interrupts();
  if (!options.synthetic.empty()) {
    const EngineOptions engine = engine_options(options.model);
    return is_forecaster(options)
               ? run_on_forecaster(Forecaster::open_synthetic(options.synthetic, engine), options)
               : run_on_model(open_synthetic(options.synthetic, engine), options);
  }
  options.model.model = model_folder(options.model.model, options.model.engine.hub).string();
  if (is_forecaster(options)) return run_on_forecaster(open_forecaster(options.model), options);
  const Engine engine = open_engine(options.model);
  return run_on_model(engine.model(), options);
}

}  // namespace

Command bench_command() {
  const auto to = std::make_shared<BenchArguments>();
  const auto only_tokens = [to = to.get()](Option option) {
    return recorded(std::move(option), to->of_tokens);
  };
  Option synthetic =
      text_option("--synthetic", "SIZE", "Random weights instead of a model", to->synthetic);
  synthetic.choices = synthetic_names();
  Option compare = {.name = "--compare",
                    .value = "FILE",
                    .help = "Given twice: what changed between two files of --json, and stop",
                    .set = [to](const std::string& text) { to->compare.push_back(text); },
                    .completes = Completes::kFile,
                    .repeatable = true};
  return {
      .name = "bench",
      .summary = "How fast a model runs here",
      .description =
          "Decode at several batch sizes and positions, prefill at several lengths; of a "
          "forecaster forecasts of a patch from a whole context, where --positions, --prefill, "
          "--steps, --sampler and --tune are refused. Arithmetic rates and the time to hand a "
          "cache line "
          "to another core are probed before and after "
          "each figure, memory bandwidth before and after each of its measurements. One between "
          "unlike bandwidths is taken again; ~ marks figures while the machine did not hold "
          "still. Shares are of those probes. On a GPU its own rates are probed instead: of a copy "
          "within its memory, and of products of large matrices.",
      .groups =
          {{"Figures",
            {list_option("--batch",
                         "Sequences that decode together, or series forecast at once (default: 1)",
                         4096, to->bench.batches),
             only_tokens(list_option("--positions",
                                     "Tokens read before a decode is measured (default: 100; 0: no "
                                     "decode)",
                                     std::int64_t{1} << 40, to->bench.positions)),
             only_tokens(list_option("--prefill", "Lengths of prompts (default: 512; 0: none)",
                                     1 << 24, to->bench.prefills)),
             only_tokens(count_option("--steps", "Tokens of a decode measurement (default: 8)", 2,
                                      1'000'000, to->bench.steps)),
             count_option("--repeats", "Measurements of a figure (default: 9)", 1, 1000,
                          to->bench.repeats),
             only_tokens(switch_option("--sampler",
                                       "Decode with the sampler: temperature 0.8, top-k 50, top-p "
                                       "0.9, min-p 0.05 (default: by the likeliest token)",
                                       to->bench.sampler)),
             only_tokens(switch_option("--tune",
                                       "Measure what the device's kernels leave to choose, and "
                                       "keep the fastest for this device",
                                       to->tune)),
             switch_option("--profile", "Also say which parts the time went to", to->bench.profile),
             synthetic}},
           {"Output",
            {switch_option("--json", "One JSON object", to->json),
             output_option("--csv", "FILE", "Also write the figures as CSV", to->csv), compare}},
           divided_model_option_group(to->model)},
      .examples = {{"xlstm bench", "The embedded model."},
                   {"xlstm bench --synthetic 400m --quantize 4 --positions 100,10000 --profile",
                    "A size that one does not have."},
                   {"xlstm bench --synthetic tirex-35m --batch 1,64", "A forecaster."},
                   {"xlstm bench --synthetic 7b --devices 2", "Divided among two GPUs."},
                   {"xlstm bench --tune --synthetic 400m", "Choose for this device, once."},
                   {"xlstm bench --compare old.json --compare new.json", "What a change did."}},
      .run = [to] { return run_bench_command(*to); },
      .devices = [to] { return to->model.devices; }};
}

}  // namespace xlstm::apps
