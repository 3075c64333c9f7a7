#include "xlstm/model/loaded_plan.h"

#include <cstdio>
#include <utility>

#include "xlstm/group/together.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/wiring/view_text.h"

namespace xlstm {

State LoadedPlan::initial_state() const {
  State state;
  for (const Layer& layer : plan.layers) add_initial_state(*backend, layer, state);
  return state;
}

std::unique_ptr<StateBatch> LoadedPlan::initial_states(std::size_t rows) const {
  std::unique_ptr<StateBatch> states = backend->state_batch();
  for (std::size_t row = 0; row < rows; ++row) states->add(initial_state());
  return states;
}

std::uint64_t WholeFingerprint::value(Group& group) {
  if (value_) return *value_;
  std::uint64_t own = 0;
  together(&group, [&] {
    if (group.leads()) own = fingerprint_of(whole_->plan, *whole_->tensors, quantization_);
  });
  value_ = group.broadcast(own);
  return *value_;
}

std::string LoadedPlan::fingerprint() const {
  const std::uint64_t number =
      of_whole != nullptr ? of_whole->value(*backend->group()) : weights_hash;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

std::map<std::string, std::string> LoadedPlan::description() const {
  return {{"name", plan.name},
          {"sizes", sizes_line(plan)},
          {"constants", constants_line(plan)},
          {"weights", plan.dtypes() + quantized}};
}

PlanWithWeights load_plan(const Plan& plan, const TensorSource& source,
                          std::shared_ptr<Backend> backend, const LoadOptions& options) {
  LoadedWeights weights = load_weights(plan, source, *backend,
                                       {options.dtype, options.quantization}, options.on_progress);
  PlanWithWeights out;
  out.loaded.plan = plan;
  out.loaded.backend = std::move(backend);
  out.loaded.dtype = options.dtype;
  out.loaded.weight_bytes = weights.bytes;
  out.loaded.weights_hash = weights.fingerprint;
  if (options.part_of != nullptr && out.loaded.backend->group() != nullptr) {
    out.loaded.of_whole = std::make_shared<WholeFingerprint>(options.part_of, options.quantization);
  }
  if (options.quantization) {
    out.loaded.quantized = ", loaded as " + to_string(options.quantization->format);
  }
  out.weights = std::move(weights.weights);
  return out;
}

}  // namespace xlstm
