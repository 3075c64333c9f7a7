#include "xlstm/engine/engine.h"

#include <chrono>
#include <optional>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/chat_template.h"
#include "xlstm/engine/doctor.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/opening.h"
#include "xlstm/engine/resolve.h"
#include "xlstm/engine/special_tokens.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/generate/batch.h"
#include "xlstm/group/told.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

// None where the model has no tokenizer's files.
std::optional<Tokenizer> open_tokenizer(const Checkpoint& checkpoint) {
  if (checkpoint.tokenizer_files.empty()) return std::nullopt;
  const std::int64_t V = checkpoint.plan.V;
  Tokenizer tokenizer = Tokenizer::open(checkpoint.folder);
  for (TokenId id = 0; id < V; ++id) {
    if (tokenizer.has_token(id)) return tokenizer;
  }
  fail_wanted(ErrorKind::kModel, checkpoint.tokenizer_files.front().string(),
              str("a token with an id in [0, ", V, ")"), "none");
}

Model load_model(Checkpoint checkpoint, std::shared_ptr<Backend> backend,
                 const EngineOptions& options, const std::optional<QuantizationRecipe>& recipe,
                 const std::string& where) {
  const Loadable loadable = prepare_load(std::move(checkpoint), *backend, options, recipe, where);
  return Model::load(loadable.checkpoint.plan, *loadable.checkpoint.tensors, std::move(backend),
                     loadable.options);
}

// An engine's model reads tokens.
void check_language_model(const Plan& plan, const std::string& where) {
  if (find_forecast_family(plan.family) == nullptr) return;
  fail_wanted(
      ErrorKind::kModel, where, "a language model",
      str("a forecaster (", plan.family, "): `xlstm forecast` and Forecaster::open() run it"));
}

Checkpoint open_language_model(const std::string& name, const EngineOptions& options) {
  Checkpoint checkpoint = Checkpoint::open(resolve_model(name, model_roots(), options.hub));
  check_language_model(checkpoint.plan, checkpoint.folder.string());
  return checkpoint;
}

// Other ranks wait for one that cannot open the model.
template <typename Open>
auto open_together(const EngineOptions& options, const Open& open) {
  return told_to_others(options.group.get(), [&] { return translate_bad_alloc(open); });
}

}  // namespace

Model open_synthetic(const std::string& size, const EngineOptions& options) {
  return open_together(options, [&] {
    std::shared_ptr<Backend> backend = make_backend(options);
    Checkpoint checkpoint = synthetic_checkpoint(size);
    const std::string name = checkpoint.plan.name;
    check_language_model(checkpoint.plan, name);
    return load_model(std::move(checkpoint), std::move(backend), options, recipe_of_random(options),
                      name);
  });
}

Engine::Engine(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Engine Engine::open(const std::string& name, const EngineOptions& options) {
  return open_together(options, [&] { return open_unguarded(name, options); });
}

Engine Engine::open_unguarded(const std::string& name, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::optional<QuantizationRecipe> recipe =
      recipe_of(options);  // a wrong option comes before any file
  std::shared_ptr<Backend> backend = make_backend(options);
  Checkpoint checkpoint = open_language_model(name, options);
  std::optional<Tokenizer> tokenizer = open_tokenizer(checkpoint);
  std::optional<TokenId> bos;
  std::vector<TokenId> ends;
  if (tokenizer) {
    bos = begin_token(*tokenizer, checkpoint.plan);
    ends = end_tokens(*tokenizer, checkpoint.plan);
  }
  std::string chat_template = read_chat_template(checkpoint.folder);
  const std::string where = checkpoint.folder.string();
  Model model = load_model(std::move(checkpoint), std::move(backend), options, recipe, where);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return Engine(
      std::make_shared<const Impl>(Impl{options, std::move(model), std::move(tokenizer), bos, ends,
                                        std::move(chat_template), took.count()}));
}

Completion Engine::complete(const Request& request, const OnCompletionText& on_text) const {
  return translate_bad_alloc([&] {
    const Impl& impl = require_impl(impl_, "engine");
    State state = impl.start();
    Completion completion = impl.complete(state, request, on_text, false);
    const auto turn = impl.model.backend().exclusive();
    state = {};  // into the cache
    respect_soft_limit(impl.options, impl.model.backend());
    return completion;
  });
}

Session Engine::session() const {
  return translate_bad_alloc([&] {
    return Session(std::make_unique<Session::Impl>(impl_, require_impl(impl_, "engine").start()));
  });
}

Sequence Engine::sequence(const Request& request) const {
  return session().sequence(request);
}
Batch Engine::batch() const {
  return batch({});
}
Batch Engine::batch(const BatchOptions& options) const {
  return translate_bad_alloc([&] { return Batch(require_impl(impl_, "engine").model, options); });
}
std::vector<float> Engine::score(const std::vector<std::int32_t>& ids) const {
  return session().score(ids);
}

const Plan& Engine::plan() const {
  return require_impl(impl_, "engine").model.plan();
}
bool Engine::has_tokenizer() const {
  return require_impl(impl_, "engine").tokenizer.has_value();
}
const Tokenizer& Engine::tokenizer() const {
  return require_impl(impl_, "engine").text_tokenizer();
}
const std::string& Engine::chat_template() const {
  return require_impl(impl_, "engine").chat_template;
}
const Model& Engine::model() const {
  return require_impl(impl_, "engine").model;
}
std::optional<std::int32_t> Engine::bos_id() const {
  return require_impl(impl_, "engine").bos_id;
}
std::vector<std::int32_t> Engine::end_ids() const {
  return require_impl(impl_, "engine").end_ids;
}
double Engine::load_seconds() const {
  return require_impl(impl_, "engine").load_seconds;
}

MemoryUse Engine::memory() const {
  const Impl& impl = require_impl(impl_, "engine");
  MemoryUse use = memory_now();
  const BackendMemory of_backend = impl.model.backend().memory();
  use.active = of_backend.active;
  use.peak = of_backend.peak;
  use.cache = of_backend.cache;
  use.limit = memory_limit(impl.options, impl.model.backend());
  return use;
}

MemoryNeed Engine::memory_need(const std::string& name, const EngineOptions& options, int batch) {
  return memory_needs(name, options)(batch);
}

std::function<MemoryNeed(int batch)> Engine::memory_needs(const std::string& name,
                                                          const EngineOptions& options) {
  return translate_bad_alloc([&]() -> std::function<MemoryNeed(int batch)> {
    const std::optional<QuantizationRecipe> recipe = recipe_of(options);
    const std::shared_ptr<Backend> backend = make_backend(options);
    Checkpoint checkpoint = Checkpoint::open(resolve_model(name, model_roots(), options.hub));
    std::optional<Division> division = division_of(checkpoint, options, recipe);
    return [options, recipe, backend,
            plan = std::move(division ? division->plan : checkpoint.plan)](int batch) {
      if (batch < 1) fail_wanted(ErrorKind::kUsage, "batch", "1 or more", str(batch));
      return translate_bad_alloc([&] {
        const MemoryEstimate estimate =
            estimate_memory(plan, *backend, weight_dtype(options), batch, recipe);
        return memory_need_of(estimate.total(), options, *backend);
      });
    };
  });
}

std::filesystem::path Engine::resolve(const std::string& name, const HubOptions& hub) {
  return translate_bad_alloc([&] { return resolve_model(name, model_roots(), hub); });
}

}  // namespace xlstm
