// xlstm convert: a model into another, quantised or in other types.
#include <algorithm>
#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/quantize_options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/convert/convert.h"
#include "xlstm/engine/calibration.h"
#include "xlstm/engine/memory_left.h"

namespace xlstm::apps {
namespace {

constexpr std::int64_t kMost = 1 << 24;  // tokens

struct ConvertArguments {
  std::string from, to;
  QuantizeOptions quantize;
  std::string dtype, keep, head, embedding;
  std::string calibrate;
  std::size_t calibration_tokens = kDefaultCalibration;
  bool min_max = false;
  bool verify = false;
  bool force = false;
  bool json = false;
  EngineOptions engine;  // threads and memory limits
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    if (comma > at) out.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

std::optional<Quantization> with_bits(Quantization format, const std::string& bits) {
  if (bits.empty()) return std::nullopt;
  format.mode = QuantizationMode::kAffine;
  format.bits = std::stoi(bits);  // one of the choices
  return format;
}

std::optional<QuantizationRecipe> recipe_of(const ConvertArguments& options) {
  const auto format = options.quantize.format();
  if (!format) return std::nullopt;
  QuantizationRecipe recipe = default_recipe(*format);
  if (!options.head.empty()) recipe.head = with_bits(*format, options.head);
  if (!options.embedding.empty()) recipe.embedding = with_bits(*format, options.embedding);
  recipe.exclude = split(options.keep);
  recipe.search = !options.min_max;
  check_recipe(recipe, "--keep");
  return recipe;
}

std::optional<DType> dtype_of(const std::string& name) {
  if (name == "bf16" || name == "bfloat16") return DType::kBF16;
  if (name == "f16" || name == "float16") return DType::kF16;
  if (name == "f32" || name == "float32") return DType::kF32;
  return std::nullopt;
}

ConvertOptions convert_options(const ConvertArguments& options) {
  ConvertOptions out;
  out.recipe = recipe_of(options);
  out.dtype = dtype_of(options.dtype);
  out.replace = options.force;
  out.verify = options.verify;
  return out;
}

std::string report_text(const ConvertReport& report) {
  const double bits = 8.0 * static_cast<double>(report.bytes_after) /
                      static_cast<double>(std::max<std::uint64_t>(1, report.parameters));
  return fact("weights",
              str(human_bytes(report.bytes_after), ", were ", human_bytes(report.bytes_before))) +
         fact("bits", decimals(bits, 2) + " a parameter") +
         fact("files", std::to_string(report.files));
}

Json report_json(const ConvertReport& report) {
  return {{"bytes_before", report.bytes_before},
          {"bytes_after", report.bytes_after},
          {"parameters", report.parameters},
          {"files", report.files}};
}

std::unique_ptr<InputCovariance> calibration_of(const ConvertArguments& options,
                                                const std::filesystem::path& from) {
  if (options.calibrate.empty()) return nullptr;
  CalibrationOptions to;
  to.tokens = options.calibration_tokens;
  to.on_step = throw_if_interrupted;
  to.threads = options.engine.threads;
  to.soft_memory_limit = options.engine.soft_memory_limit;
  to.hard_memory_limit = options.engine.hard_memory_limit;
  if (options.calibrate == "own") return calibrate_with_own_text(from, to);
  return calibrate_with(from, read_all(options.calibrate), source_name(options.calibrate), to);
}

int run_convert(const ConvertArguments& options) {
  if (options.from.empty() || options.to.empty()) {
    fail_wanted(ErrorKind::kUsage, "xlstm convert", "a model IN and a new folder or .npz file OUT",
                options.from.empty() ? "neither" : "no OUT");
  }
  require_output_name("xlstm convert", options.to);
  ConvertOptions to = convert_options(options);
  to.threads = options.engine.threads;
  const std::filesystem::path from = model_folder(options.from);
  ProgressBar bar("Converting");
  to.on_progress = [&bar](double share) {
    throw_if_interrupted();
    bar.update(share);
  };
  const std::unique_ptr<InputCovariance> covariance = calibration_of(options, from);
  to.covariance = covariance.get();
  to.check_memory = [&](std::uint64_t bytes) {
    EngineOptions limits = options.engine;
    limits.device = "cpu";  // converting takes the host's memory
    check_host_memory_left(bytes, limits, from.string());
  };
  const ConvertReport report = convert(from, options.to, to);
  bar.clear();
  write_out(options.json ? json_line(report_json(report)) : report_text(report));
  return kExitOk;
}

Option bits_option(std::string name, std::string help, std::string& to) {
  Option option = text_option(std::move(name), "BITS", std::move(help), to);
  option.choices = {"2", "3", "4", "5", "6", "8"};
  return option;
}

OptionGroup quantize_group(ConvertArguments& to) {
  std::vector<Option> options = quantize_options(to.quantize);
  options.push_back(bits_option("--head-bits", "Of the head", to.head));
  options.push_back(bits_option("--embedding-bits", "Of the embedding", to.embedding));
  options.push_back(text_option("--keep", "KINDS",
                                "Kinds that are not quantised, with commas between: embedding, "
                                "head, qkvo, out, up, down; gates and norms never are",
                                to.keep));
  options.push_back(switch_option("--min-max",
                                  "Scales from each group's ends, as MLX does, not those of least "
                                  "error",
                                  to.min_max));
  options.push_back(file_option("--calibrate", "FILE",
                                "Round so that errors cancel out while the model reads this text; "
                                "'own': one that it writes itself, for which it must fit in memory",
                                to.calibrate));
  options.push_back({"--calibration-tokens", "N",
                     str("Of the text, at most (default: ", kDefaultCalibration, ")"),
                     [&to](const std::string& text) {
                       to.calibration_tokens = static_cast<std::size_t>(
                           parse_integer("--calibration-tokens", text, kLeastCalibration, kMost));
                     }});
  for (Option& option : options) {
    if (option.name != "--quantize") option.needs = "--quantize";
  }
  options.back().needs = "--calibrate";
  return {"Quantisation", options};
}

OptionGroup output_group(ConvertArguments& to) {
  Option dtype = text_option("--dtype", "TYPE",
                             "Of scales and of what is not quantised, but for gates and norms: "
                             "bf16, f16 or f32",
                             to.dtype);
  dtype.choices = {"bf16", "f16", "f32", "bfloat16", "float16", "float32"};
  return {"Output",
          {dtype,
           switch_option("--verify",
                         "Read what was written again and compare it bit by bit with what is made "
                         "of IN; not with --calibrate",
                         to.verify),
           switch_option("--force", "Replace a model that OUT holds", to.force),
           switch_option("--json", "One JSON object", to.json), threads_option(to.engine),
           memory_limit_option(to.engine)}};
}

}  // namespace

Command convert_command() {
  const auto options = std::make_shared<ConvertArguments>();
  return {
      .name = "convert",
      .summary = "Quantise a model, change its weights' type or its format",
      .description =
          "Reads the model IN (safetensors, NPZ, torch's files, with config.json, config.yaml or "
          "their own) tensor by tensor and writes OUT, whole or not at all: a folder of "
          "safetensors in MLX's formats, with tokenizer and other texts, or an archive that ends "
          "in .npz, with config.json in it. Without --quantize and --dtype every number stays as "
          "it is.",
      .groups = {quantize_group(*options), output_group(*options)},
      .examples = {{"xlstm convert ./xLSTM-7b ./xLSTM-7b-4bit --quantize 4",
                    "A seventh of float32's size."},
                   {"xlstm convert ./xLSTM-7b ./xLSTM-7b-4bit --quantize 4 --calibrate book.txt",
                    "Better, in more time."},
                   {"xlstm convert ./xLSTM-7b ./xLSTM-7b-mx --quantize 4 --mode mxfp4",
                    "In the Open Compute Project's 4-bit floats."},
                   {"xlstm convert ./xLSTM-7b ./xLSTM-7b-bf16 --dtype bf16",
                    "Half the size, not quantised."},
                   {"xlstm convert model.ckpt ./tirex --verify",
                    "A Lightning checkpoint as safetensors."},
                   {"xlstm convert ./xLSTM-7b xLSTM-7b.npz", "For NumPy."}},
      .run = [options] { return run_convert(*options); },
      .argument = "IN OUT",
      .set_argument =
          [options](const std::string& text) {
            (options->from.empty() ? options->from : options->to) = text;
          },
      .arguments = 2};
}

}  // namespace xlstm::apps
