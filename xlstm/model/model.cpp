#include "xlstm/model/model.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/group/told.h"
#include "xlstm/model/layer_stack.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

// What follows the layers: logits of a vocabulary.
struct VocabularyHead {
  std::optional<Norm> norm;  // D
  float norm_eps = 0;
  Dense projection;    // [V, D], or this rank's rows
  std::int64_t V = 0;  // of the whole
  std::optional<float> soft_cap;

  // x [T, D] -> [T, V] float32
  Tensor logits(Backend& b, Tensor x) const {
    const Tensor y = norm ? b.norm_linear(x, *norm, norm_eps, projection) : b.linear(x, projection);
    const Tensor own = b.soft_cap(b.to_float32(y), soft_cap);
    return own.shape().last() == V ? own : b.all_columns(own, V);
  }
};

// Ranks whose parts differ in size choose alike.
std::vector<std::int64_t> of_all_ranks(Group* group, const std::vector<std::int64_t>& limits) {
  if (group == nullptr) return limits;
  std::vector<std::size_t> sizes;
  std::size_t count = 0;
  for (const std::size_t each : group->gather(limits.size())) {
    sizes.push_back(each * sizeof(std::int64_t));
    count += each;
  }
  std::vector<std::int64_t> all(count);
  group->gather(std::as_bytes(std::span(limits)), sizes, std::as_writable_bytes(std::span(all)));
  const std::set<std::int64_t> sorted(all.begin(), all.end());
  return {sorted.begin(), sorted.end()};
}

// Of all matrices that tokens go through, together.
std::vector<std::int64_t> row_limits_of(const Plan& plan, const WeightMap& weights,
                                        const Dense& head, Backend& b) {
  std::set<std::int64_t> limits;
  const auto add = [&](const Dense& dense) {
    const std::vector<std::int64_t> own = b.row_limits(dense);
    limits.insert(own.begin(), own.end());
  };
  for (const Layer& layer : plan.layers) {
    if (is_embedding(layer)) continue;
    for (const Parameter& each : layer.parameters) {
      if (each.shape.size() == 2) add({weights.at(each.name), {}, each.name});
    }
  }
  add(head);
  return of_all_ranks(b.group(), {limits.begin(), limits.end()});
}

}  // namespace

struct Model::Impl {
  LoadedPlan loaded;       // whose backend outlives what follows
  WeightTensor embedding;  // [V, D]
  LayerStack layers;
  VocabularyHead head;
  bool takes_unequal_lengths = false;
  std::vector<std::int64_t> row_limits;

  Backend& backend() const { return *loaded.backend; }

  // x [B, D] -> [B, V], each row as it is alone.
  Tensor logits_of_each(Tensor x) const;
};

Tensor Model::Impl::logits_of_each(Tensor x) const {
  const std::int64_t B = x.shape()[0];
  const std::int64_t most = row_limits.empty() ? B : row_limits.front();
  if (B <= most) return head.logits(backend(), std::move(x));
  std::vector<Tensor> parts;
  for (std::int64_t begin = 0; begin < B; begin += most) {
    const std::int64_t end = std::min(begin + most, B);
    parts.push_back(head.logits(backend(), backend().tokens(x, 1, begin, end)));
  }
  return backend().join_tokens(parts, 1);
}

Tensor Model::forward(const Tensor& tokens, StateBatch& states, Positions positions) const {
  Backend& b = impl_->backend();
  if (tokens.shape().axes() != 2 || tokens.shape()[0] != static_cast<std::int64_t>(states.rows())) {
    fail_wanted(ErrorKind::kInternal, "forward", str("tokens [", states.rows(), ", S]"),
                to_string(tokens.shape()));
  }
  const std::int64_t B = tokens.shape()[0], S = tokens.shape()[1];
  for (std::uint64_t& position : states.positions()) position += static_cast<std::uint64_t>(S);

  const auto run = [&](const Tensor& ids) {
    Tensor x = impl_->layers.forward(b, b.embed(impl_->embedding, ids), states);
    if (positions == Positions::kLast) x = b.tokens(x, B, std::max<std::int64_t>(S - 1, 0), S);
    return impl_->head.logits(b, std::move(x));
  };
  // On trial, layers leave what a step that is repeated would not call them for.
  const bool may_repeat = S == 1 && !states.is_on_trial();
  return told_to_others(
      b.group(), [&] { return may_repeat ? b.repeat(impl_, tokens, states, run) : run(tokens); });
}

Tensor Model::forward_unequal(std::span<const std::span<const std::int32_t>> pieces,
                              StateBatch& states) const {
  Backend& b = impl_->backend();
  if (pieces.size() != states.rows() || pieces.empty() || !impl_->takes_unequal_lengths) {
    fail_wanted(ErrorKind::kInternal, "forward_unequal", str("pieces of ", states.rows(), " rows"),
                str(pieces.size()));
  }
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> lengths;
  for (std::size_t row = 0; row < pieces.size(); ++row) {
    ids.insert(ids.end(), pieces[row].begin(), pieces[row].end());
    lengths.push_back(std::ssize(pieces[row]));
    states.positions()[row] += pieces[row].size();
  }
  return told_to_others(b.group(), [&] {
    Tensor x = b.embed(impl_->embedding, b.ids({1, std::ssize(ids)}, ids));
    states.set_lengths(lengths);
    x = impl_->layers.forward(b, std::move(x), states);
    states.set_lengths({});
    std::vector<Tensor> last;
    std::int64_t end = 0;
    for (const std::int64_t length : lengths) {
      end += length;
      last.push_back(b.tokens(x, 1, end - 1, end));
    }
    return impl_->logits_of_each(b.join_tokens(last, 1));
  });
}

bool Model::takes_unequal_lengths() const {
  return impl_->takes_unequal_lengths;
}
std::span<const std::int64_t> Model::row_limits() const {
  return impl_->row_limits;
}

Tensor Model::prefill(std::span<const std::int32_t> ids, StateBatch& states,
                      const std::function<bool(std::int64_t done)>& on_segment) const {
  const auto B = static_cast<std::int64_t>(states.rows());
  const auto count = static_cast<std::int64_t>(ids.size());
  if (B < 1 || count < B || count % B != 0) {
    fail_wanted(ErrorKind::kInternal, "prefill", str("tokens of ", B, " sequences"), str(count));
  }
  const std::int64_t S = count / B;
  const std::int64_t segment = std::max(kSegmentMultiple, impl_->backend().segment_tokens() / B /
                                                              kSegmentMultiple * kSegmentMultiple);
  std::vector<std::int32_t> part;
  for (std::int64_t begin = 0;; begin += segment) {
    const std::int64_t end = std::min(begin + segment, S);
    part.clear();
    for (std::int64_t b = 0; b < B; ++b) {
      const auto row = ids.subspan(static_cast<std::size_t>(b * S + begin),
                                   static_cast<std::size_t>(end - begin));
      part.insert(part.end(), row.begin(), row.end());
    }
    const Tensor logits = forward(impl_->backend().ids({B, end - begin}, part), states);
    if (end == S) return logits;
    states.evaluate();  // logits are only wanted where they turn out to be the last
    if (on_segment && !on_segment(end)) return logits;
  }
}

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const Plan& plan, const TensorSource& source, std::shared_ptr<Backend> backend,
                  const LoadOptions& options) {
  Backend& b = *backend;
  if (plan.layers.size() < 2 || !is_embedding(plan.layers.front()) ||
      !is_head(plan.layers.back())) {
    fail_wanted(ErrorKind::kModel, plan.name, "a model from tokens to a vocabulary",
                str(plan.family, plan.layers.empty() ? std::string()
                                                     : str(", ", plan.layers.front().name, " to ",
                                                           plan.layers.back().name)));
  }
  PlanWithWeights whole = load_plan(plan, source, std::move(backend), options);
  const Layer& first = plan.layers.front();
  const Layer& last = plan.layers.back();

  auto impl = std::make_shared<Impl>();
  const Dense embedding = whole.weights_of(first).dense("");
  impl->embedding = embedding.weight;
  const auto& head = last.spec_as<VocabularyHeadSpec>();
  impl->head.projection = head.tied ? embedding : whole.weights_of(last).dense("");
  impl->head.projection.name = "head";
  impl->head.V = plan.V;
  impl->head.soft_cap = head.soft_cap;
  std::size_t end = plan.layers.size() - 1;
  if (const auto* norm = std::any_cast<RmsNormSpec>(&plan.layers[end - 1].spec)) {
    impl->head.norm = whole.weights_of(plan.layers[--end]).norm("");
    impl->head.norm_eps = norm->eps;
  }
  const auto between = std::span(plan.layers).subspan(1, end - 1);
  impl->layers = LayerStack(options.recipes, between, whole);
  impl->takes_unequal_lengths = b.takes_unequal_lengths() && impl->layers.takes_unequal_lengths();
  impl->row_limits = row_limits_of(plan, whole.weights, impl->head.projection, b);
  impl->loaded = std::move(whole.loaded);
  return Model(std::move(impl));
}

State Model::initial_state() const {
  return impl_->loaded.initial_state();
}
std::unique_ptr<StateBatch> Model::initial_states(std::size_t rows) const {
  return impl_->loaded.initial_states(rows);
}

std::unique_ptr<StateBatch> Model::states_of(State state) const {
  std::unique_ptr<StateBatch> states = impl_->backend().state_batch();
  states->add(std::move(state));
  return states;
}

Backend& Model::backend() const {
  return impl_->backend();
}
const Plan& Model::plan() const {
  return impl_->loaded.plan;
}
DType Model::dtype() const {
  return impl_->loaded.dtype;
}
std::uint64_t Model::weight_bytes() const {
  return impl_->loaded.weight_bytes;
}

std::uint64_t Model::bytes_per_token() const {
  // Of the embedding one row is read, unless it serves as the head too; the state is read and
  // written.
  const std::uint64_t embedding = bytes_of(impl_->embedding);
  const std::uint64_t row = embedding / static_cast<std::uint64_t>(impl_->loaded.plan.V);
  const std::uint64_t skipped = impl_->loaded.plan.tied_head() ? 0 : embedding - row;
  return impl_->loaded.weight_bytes - skipped + 2 * impl_->loaded.plan.state_bytes();
}

std::string Model::fingerprint() const {
  return impl_->loaded.fingerprint();
}
std::map<std::string, std::string> Model::description() const {
  return impl_->loaded.description();
}

void evaluate(Backend& backend, const State& state) {
  backend.evaluate(state.tensors);
  if (state.next_logits) backend.evaluate(std::array{state.next_logits});
}

std::string_view compute_name(DType dtype) {
  return dtype == DType::kBF16 ? "bfloat16" : "float32";
}

}  // namespace xlstm
