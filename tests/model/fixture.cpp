#include "tests/model/fixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <span>

#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::testing {

Model open_model(const std::filesystem::path& folder, DType weights,
                 std::shared_ptr<Backend> backend) {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  LoadOptions options;
  options.dtype = weights;
  return Model::load(checkpoint.plan, *checkpoint.tensors, std::move(backend), options);
}

const Model& odd_model_on(const BackendCase& backend) {
  // Never destroyed: MLX's own statics may be gone by then.
  static auto& models = *new std::map<std::string, Model>;
  auto found = models.find(backend.name);
  if (found == models.end()) {
    found = models.emplace(backend.name, open_odd_model(backend.make())).first;
  }
  return found->second;
}

Tensor tokens_of(const Model& model, const std::vector<std::int32_t>& ids, std::int64_t B) {
  return model.backend().ids({B, static_cast<std::int64_t>(ids.size()) / B}, ids);
}

RunResult run(const Model& model, const std::vector<State>& states,
              const std::vector<std::int32_t>& ids, std::int64_t piece) {
  Backend& b = model.backend();
  const std::unique_ptr<StateBatch> batch = b.state_batch();
  for (const State& state : states) batch->add(state);
  const auto B = static_cast<std::int64_t>(states.size());
  const std::int64_t S = static_cast<std::int64_t>(ids.size()) / B;
  const std::int64_t step = piece > 0 ? piece : std::max<std::int64_t>(S, 1);
  std::vector<Tensor> logits;
  std::int64_t begin = 0;
  do {
    const std::int64_t end = std::min(begin + step, S);
    std::vector<std::int32_t> part;
    for (std::int64_t row = 0; row < B; ++row) {
      part.insert(part.end(), ids.begin() + row * S + begin, ids.begin() + row * S + end);
    }
    logits.push_back(model.forward(b.ids({B, end - begin}, part), *batch, Positions::kAll));
    b.evaluate(std::span(&logits.back(), 1));
    batch->evaluate();
    begin = end;
  } while (begin < S);
  RunResult out;
  out.logits = values_of(b, b.join_tokens(logits, B));
  while (batch->rows() > 0) out.states.push_back(batch->remove(0));
  for (const State& state : out.states) evaluate(b, state);
  return out;
}

RunResult run_from_start(const Model& model, const std::vector<std::int32_t>& ids, std::int64_t B,
                         std::int64_t piece) {
  return run(model, std::vector<State>(static_cast<std::size_t>(B), model.initial_state()), ids,
             piece);
}

std::vector<std::int32_t> random_ids(std::size_t count, std::int64_t V, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> ids(count);
  for (auto& id : ids) id = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(V));
  return ids;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i]))
      return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

double state_difference(Backend& backend, const State& a, const State& b) {
  if (a.position != b.position || a.tensors.size() != b.tensors.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double worst = 0;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    worst = std::max(worst, relative_difference(values_of(backend, a.tensors[i]),
                                                values_of(backend, b.tensors[i])));
  }
  return worst;
}

namespace {

// Each has one layer with a state.
double blocks_of(const Plan& plan) {
  return static_cast<double>(
      std::ranges::count_if(plan.layers, [](const Layer& layer) { return !layer.state.empty(); }));
}

// `exact`: of how many rows nothing is rounded.
double rounded_products(const Plan& plan, std::size_t S, bool rounds, std::size_t exact,
                        double change) {
  if (!rounds || S <= exact) return 0.0;
  return change * std::sqrt(4.0 * blocks_of(plan) + 1);
}

}  // namespace

double rounding_bound(const Plan& plan, std::size_t S) {
  double roundings = 0;
  for (const Layer& layer : plan.layers) {
    if (!layer.name.starts_with("blocks.")) continue;
    for (const Parameter& parameter : layer.parameters) {
      if (parameter.shape.size() >= 2 && !parameter.keep_float32) {
        roundings += static_cast<double>(parameter.shape.back());
      }
    }
    for (const StateTensor& tensor : layer.state) {
      if (tensor.name.ends_with(".n")) roundings += static_cast<double>(tensor.shape[1]);  // DHQK
    }
    if (!layer.state.empty()) roundings += static_cast<double>(S);
  }
  return std::numeric_limits<float>::epsilon() * roundings;
}

double bfloat16_bound(const Plan& plan, std::size_t S) {
  const bool rounds = kernels::linear_rounds_x(kernels::WeightType::kBF16);
  return rounding_bound(plan, S) +
         rounded_products(plan, S, rounds, kernels::linear_dot_rows(kernels::WeightType::kBF16),
                          0x1p-8);
}

double quantised_bound(const Plan& plan, std::size_t S, std::size_t largest_group) {
  const double change = std::sqrt(static_cast<double>(largest_group)) / 254;
  return rounding_bound(plan, S) + rounded_products(plan, S, kernels::quantized_linear_rounds_x(),
                                                    kernels::quantized_linear_dot_rows(), change);
}

double bfloat16_activations_bound(const Plan& plan) {
  return 0x1p-8 * (13 * blocks_of(plan) + 2);
}

}  // namespace xlstm::testing
