// What quantising costs in quality: perplexity, divergence from float32 and agreement with it, for
// the formats given, over books. Prints one JSON object.
//
//   bench_quality [--model FOLDER] [--tokens N] [--calibrate FILE] [--calibration-tokens N]
//                 [--seed N] BOOK.txt ... -- FORMAT ...
//
// FORMAT is float32, bfloat16, or words with ':' between: affine:BITS:GROUP or mxfp4, then any of
// minmax, default (the default recipe), head=BITS, embedding=BITS, keep=KIND, calibrated (as xlstm
// convert --calibrate does, with FILE or else the model's own text), apart (the same, but with the
// inputs that the model has in float32), weighted (only the search for scales counts errors by the
// inputs' squares). After any of them: run (the kernels for quantised weights;
// else float32's, with the same weights), step (token by token), bf16-state (step, with the cell's
// C and n rounded to bfloat16 after each token).
// All formats read the books side by side, so that each token's logits are compared with float32's.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "benchmarks/bench_pool.h"
#include "benchmarks/rounded_source.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/engine/calibration.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/checkpoint.h"

namespace {
namespace fs = std::filesystem;
using namespace xlstm;
using Json = nlohmann::ordered_json;

constexpr auto kSegment = static_cast<std::size_t>(kSegmentTokens);  // read at once

struct Arguments {
  std::string model = XLSTM_DEFAULT_MODEL;
  std::size_t tokens = 0;  // of each book; 0: all
  std::vector<std::string> books, formats;
  std::string calibrate;
  CalibrationOptions calibration;
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  bool formats = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool more = i + 1 < argc;
    if (argument == "--model" && more) {
      out.model = argv[++i];
    } else if (argument == "--tokens" && more) {
      out.tokens = std::stoul(argv[++i]);
    } else if (argument == "--calibrate" && more) {
      out.calibrate = argv[++i];
    } else if (argument == "--calibration-tokens" && more) {
      out.calibration.tokens = std::stoul(argv[++i]);
    } else if (argument == "--seed" && more) {
      out.calibration.seed = std::stoul(argv[++i]);
    } else if (argument == "--") {
      formats = true;
    } else {
      (formats ? out.formats : out.books).push_back(argument);
    }
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) out.push_back(part);
  return out;
}

// One way to hold the weights, and where it has come to in the book.
struct Candidate {
  std::string name;
  Model model;
  std::uint64_t bytes;  // of all weights in a file
  bool step = false, bf16_state = false;
  std::unique_ptr<StateBatch> states = {};  // of one sequence
};

struct Spec {
  QuantizationRecipe recipe;
  std::optional<RoundedSource::Use> covariance;
};

Quantization with_bits(Quantization format, const std::string& bits) {
  return {QuantizationMode::kAffine, std::stoi(bits), format.group_size};
}

Spec spec_of(const std::string& text) {
  const auto words = split(text, ':');
  Spec out;
  std::size_t at = 1;
  if (words[0] == "mxfp4") {
    out.recipe.format = {QuantizationMode::kMxfp4, 4, 32};
  } else {
    out.recipe.format = {QuantizationMode::kAffine, std::stoi(words.at(1)), std::stoi(words.at(2))};
    at = 3;
  }
  for (; at < words.size(); ++at) {
    const auto [key, value] = std::pair(words[at].substr(0, words[at].find('=')),
                                        words[at].substr(words[at].find('=') + 1));
    if (key == "minmax") out.recipe.search = false;
    if (key == "weighted") out.covariance = RoundedSource::Use::kWeighted;
    if (key == "calibrated") out.covariance = RoundedSource::Use::kCompensated;
    if (key == "apart") out.covariance = RoundedSource::Use::kApart;
    if (key == "head") out.recipe.head = with_bits(out.recipe.format, value);
    if (key == "embedding") out.recipe.embedding = with_bits(out.recipe.format, value);
    if (key == "keep") out.recipe.exclude.push_back(value);
    if (key == "default") {
      const bool search = out.recipe.search;
      out.recipe = default_recipe(out.recipe.format);
      out.recipe.search = search;
    }
  }
  check_recipe(out.recipe, text);
  return out;
}

std::uint64_t plain_bytes(const Plan& plan, std::uint64_t each) {
  return plan.parameter_count() * each;
}

bool has_word(const std::string& name, const char* word) {
  const auto words = split(name, ':');
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(ErrorKind::kFile, file, "cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::unique_ptr<InputCovariance> covariance_of(const Arguments& arguments) {
  const std::string& file = arguments.calibrate;
  return file.empty() ? calibrate_with_own_text(arguments.model, arguments.calibration)
                      : calibrate_with(arguments.model, text_of(file), file, arguments.calibration);
}

Candidate open_weights_of(const std::string& name, const Plan& plan, const TensorSource& source,
                          const std::shared_ptr<Backend>& backend, const Arguments& arguments) {
  if (name.starts_with("float32")) {
    return {name, Model::load(plan, source, backend), plain_bytes(plan, 4)};
  }
  if (name.starts_with("bfloat16")) {
    return {name, Model::load(plan, source, backend, {.dtype = DType::kBF16}),
            plain_bytes(plan, 2)};
  }
  const Spec spec = spec_of(name);
  check_recipe_for(spec.recipe, plan, name);
  if (has_word(name, "run")) {
    Model model = Model::load(plan, source, backend, {.quantization = spec.recipe});
    const std::uint64_t bytes = model.weight_bytes();
    return {name, std::move(model), bytes};
  }
  const auto covariance = spec.covariance ? covariance_of(arguments) : nullptr;
  const RoundedSource rounded(source, plan, spec.recipe, covariance.get(),
                              spec.covariance.value_or(RoundedSource::Use::kWeighted),
                              backend->threads());
  return {name, Model::load(plan, rounded, backend), rounded.packed_bytes()};
}

Candidate open_candidate(const std::string& name, const Plan& plan, const TensorSource& source,
                         const std::shared_ptr<Backend>& backend, const Arguments& arguments) {
  Candidate out = open_weights_of(name, plan, source, backend, arguments);
  out.bf16_state = has_word(name, "bf16-state");
  out.step = out.bf16_state || has_word(name, "step");
  return out;
}

std::vector<TokenId> read_book(const std::string& file, const Tokenizer& tokenizer,
                               std::size_t most) {
  std::vector<TokenId> ids;
  if (tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  const auto encoded = tokenizer.encode(text_of(file), {.parse_special_tokens = false});
  ids.insert(ids.end(), encoded.begin(), encoded.end());
  if (most > 0 && ids.size() > most) ids.resize(most);
  return ids;
}

// Of one row of logits.
struct Row {
  double log_sum;    // log of the sum of exponentials
  std::size_t best;  // the likeliest token
};

Row row_of(const float* logits, std::size_t V) {
  const std::size_t best = static_cast<std::size_t>(std::max_element(logits, logits + V) - logits);
  const float top = logits[best];
  double sum = 0;
  for (std::size_t v = 0; v < V; ++v) sum += std::exp(logits[v] - top);
  return {top + std::log(sum), best};
}

// sum over v of p (log p - log q)
double divergence(const float* p, const Row& p_row, const float* q, const Row& q_row,
                  std::size_t V) {
  double sum = 0;
  for (std::size_t v = 0; v < V; ++v) {
    const float log_p = p[v] - static_cast<float>(p_row.log_sum);
    sum += std::exp(log_p) * (p[v] - q[v]);
  }
  return sum + q_row.log_sum - p_row.log_sum;
}

struct Scores {
  std::vector<float> nll, kl;  // of each token
  std::vector<double> drift;   // of the state's norms, at the end of each segment
  std::size_t agreements = 0;
};

// The places in a state of tensors with this name in their layer: "C" of "blocks.3.C".
std::vector<std::size_t> places_of(const Plan& plan, std::string_view name) {
  std::vector<std::size_t> out;
  std::size_t index = 0;
  for (const Layer& layer : plan.layers) {
    for (const StateTensor& tensor : layer.state) {
      if (tensor.name.ends_with("." + std::string(name))) out.push_back(index);
      ++index;
    }
  }
  return out;
}

// Changes the numbers of one tensor of the state, or looks at them.
template <typename Change>
void on_values(Candidate& candidate, std::size_t place, const Change& change) {
  Backend& backend = candidate.model.backend();
  const Tensor tensor = candidate.states->take(place);
  const auto read = backend.read_floats(tensor);
  std::vector<float> values(read.begin(), read.end());
  change(values);
  candidate.states->put(place, backend.floats(tensor.shape(), values));
}

double norm_of(Candidate& candidate, std::size_t place) {
  double sum = 0;
  on_values(candidate, place, [&sum](const std::vector<float>& values) {
    for (const float x : values) sum += static_cast<double>(x) * x;
  });
  return std::sqrt(sum);
}

// How far the norms of the blocks' C are from the reference's, relative: the mean of the blocks.
double drift_of(Candidate& candidate, Candidate& reference) {
  const auto places = places_of(candidate.model.plan(), "C");
  double sum = 0;
  for (const std::size_t place : places) {
    sum += std::abs(norm_of(candidate, place) / norm_of(reference, place) - 1);
  }
  return sum / static_cast<double>(places.size());
}

// `logits` [S, V] of a candidate against the reference's.
void score(const float* reference, const float* logits, const TokenId* targets, std::size_t S,
           std::size_t V, ThreadPool& pool, Scores& out) {
  const std::size_t at = out.nll.size();
  out.nll.resize(at + S);
  out.kl.resize(at + S);
  std::vector<char> same(S);
  pool.parallel_for((S + 15) / 16, [&](std::size_t part) {
    for (std::size_t s = 16 * part; s < std::min(S, 16 * part + 16); ++s) {
      const float* p = reference + s * V;
      const float* q = logits + s * V;
      const Row p_row = row_of(p, V), q_row = row_of(q, V);
      out.nll[at + s] = static_cast<float>(q_row.log_sum - q[targets[s]]);
      out.kl[at + s] = static_cast<float>(divergence(p, p_row, q, q_row, V));
      same[s] = p_row.best == q_row.best;
    }
  });
  out.agreements += static_cast<std::size_t>(std::count(same.begin(), same.end(), 1));
}

void round_to_bf16(Candidate& candidate) {
  for (const char* name : {"C", "n"}) {
    for (const std::size_t place : places_of(candidate.model.plan(), name)) {
      on_values(candidate, place, [](std::vector<float>& values) {
        std::vector<std::byte> rounded(2 * values.size());
        floats_to(values.data(), values.size(), DType::kBF16, rounded.data());
        floats_from(rounded.data(), DType::kBF16, values.size(), values.data());
      });
    }
  }
}

// Reads `ids`; logits [S, V], at once or one token after the other.
std::vector<float> logits_of(Candidate& candidate, std::span<const TokenId> ids) {
  Backend& backend = candidate.model.backend();
  std::vector<float> logits;
  const std::size_t at_once = candidate.step ? 1 : ids.size();
  for (std::size_t begin = 0; begin < ids.size(); begin += at_once) {
    const Tensor tokens =
        backend.ids({1, static_cast<std::int64_t>(at_once)}, ids.subspan(begin, at_once));
    const Tensor part = candidate.model.forward(tokens, *candidate.states, Positions::kAll);
    const auto values = backend.read_floats(part);
    logits.insert(logits.end(), values.begin(), values.end());
    if (candidate.bf16_state) round_to_bf16(candidate);
  }
  return logits;
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

double percentile(std::vector<float> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

Json summary(const std::string& book, const Scores& scores) {
  return {{"book", book},
          {"tokens", scores.nll.size()},
          {"perplexity", std::exp(mean(scores.nll))},
          {"kl_mean", mean(scores.kl)},
          {"kl_99", percentile(scores.kl, 0.99)},
          {"agreement",
           static_cast<double>(scores.agreements) / static_cast<double>(scores.nll.size())},
          {"drift", scores.drift}};
}

// The first candidate is the reference.
std::vector<Scores> read_side_by_side(std::vector<Candidate>& candidates,
                                      const std::vector<TokenId>& ids) {
  std::vector<Scores> scores(candidates.size());
  for (Candidate& each : candidates) each.states = each.model.initial_states();
  const auto V = static_cast<std::size_t>(candidates[0].model.plan().V);
  ThreadPool& pool = candidates[0].model.backend().threads();
  for (std::size_t begin = 0; begin + 1 < ids.size(); begin += kSegment) {
    const std::size_t S = std::min(kSegment, ids.size() - 1 - begin);
    const auto tokens = std::span(ids).subspan(begin, S);
    const std::vector<float> reference = logits_of(candidates[0], tokens);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const std::vector<float> others =
          i == 0 ? std::vector<float>() : logits_of(candidates[i], tokens);
      const float* const logits = i == 0 ? reference.data() : others.data();
      score(reference.data(), logits, ids.data() + begin + 1, S, V, pool, scores[i]);
      scores[i].drift.push_back(drift_of(candidates[i], candidates[0]));
    }
    std::fprintf(stderr, "\r%zu of %zu tokens", begin + S, ids.size() - 1);
  }
  std::fprintf(stderr, "\n");
  return scores;
}

int run(Arguments arguments) {
  const std::shared_ptr<Backend> backend = cpu::make_backend();
  arguments.calibration.device = "cpu";
  const Checkpoint checkpoint = Checkpoint::open(arguments.model);
  const Plan& plan = checkpoint.plan;
  const Tokenizer tokenizer = Tokenizer::open(arguments.model);

  std::vector<std::string> names = {"float32"};
  for (const std::string& name : arguments.formats) {
    if (name != "float32") names.push_back(name);
  }
  std::vector<Candidate> candidates;
  for (const std::string& name : names) {
    candidates.push_back(open_candidate(name, plan, *checkpoint.tensors, backend, arguments));
  }
  Json results = Json::array();
  for (const Candidate& each : candidates) {
    results.push_back({{"format", each.name}, {"bytes", each.bytes}, {"books", Json::array()}});
  }
  for (const std::string& book : arguments.books) {
    const auto scores = read_side_by_side(candidates, read_book(book, tokenizer, arguments.tokens));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      results[i]["books"].push_back(summary(fs::path(book).stem().string(), scores[i]));
    }
  }
  const Json out = {
      {"model", plan.name}, {"parameters", plan.parameter_count()}, {"formats", results}};
  std::printf("%s\n", out.dump(1).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_quality: %s\n", error.what());
    return 1;
  }
}
