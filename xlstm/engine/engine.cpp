#include "xlstm/engine/engine.h"

#include <chrono>
#include <optional>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/doctor.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/resolve.h"
#include "xlstm/engine/special_tokens.h"
#include "xlstm/model/synthetic.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

Checkpoint open_checkpoint(const std::string& name) {
  return Checkpoint::open(resolve_model(name, model_roots()));
}

Tokenizer open_tokenizer(const std::filesystem::path& folder, std::int64_t V) {
  Tokenizer tokenizer = Tokenizer::open(folder);
  for (TokenId id = 0; id < V; ++id) {
    if (tokenizer.has_token(id)) return tokenizer;
  }
  fail_wanted(ErrorKind::kModel, (folder / "tokenizer.json").string(),
              str("a token with an id in [0, ", V, ")"), "none");
}

std::optional<QuantizationRecipe> recipe_of(const EngineOptions& options) {
  if (!options.quantization) return std::nullopt;
  const QuantizationRecipe recipe = default_recipe(*options.quantization);
  check_recipe(recipe, "quantization");
  return recipe;
}

Model load_model(const Checkpoint& checkpoint, const EngineOptions& options,
                 const std::optional<QuantizationRecipe>& recipe) {
  const ComputeDtype dtype = choose_dtype(options);
  const std::string where =
      checkpoint.folder.empty() ? checkpoint.plan.name : checkpoint.folder.string();
  check_memory(estimate_memory(checkpoint.plan, dtype, 1, recipe), options, where);
  return Model::load(checkpoint.plan, *checkpoint.tensors,
                     {dtype, options.on_load_progress, recipe});
}

}  // namespace

Model open_synthetic(const std::string& size, const EngineOptions& options) {
  return with_memory_told([&] {
    DeviceAsBefore before;
    choose_device(options);
    Synthetic synthetic = make_synthetic(size);
    const Checkpoint checkpoint = Checkpoint::in_memory("synthetic-" + size, synthetic.config_json,
                                                        std::move(synthetic.source));
    std::optional<QuantizationRecipe> recipe = recipe_of(options);
    if (recipe) recipe->search = false;  // takes minutes for 7b, and nobody reads what it writes
    Model model = load_model(checkpoint, options, recipe);
    apply_limits(options);
    before.change_stays();
    return model;
  });
}

Engine::Impl::~Impl() {
  ops::settle();
}

Engine::Engine(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Engine Engine::open(const std::string& name, const EngineOptions& options) {
  return with_memory_told([&] { return open_unguarded(name, options); });
}

Engine Engine::open_unguarded(const std::string& name, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  DeviceAsBefore before;
  choose_device(options);
  choose_dtype(options);  // a wrong option is told before a file is opened
  recipe_of(options);
  const Checkpoint checkpoint = open_checkpoint(name);
  const Plan& plan = checkpoint.plan;
  Tokenizer tokenizer = open_tokenizer(checkpoint.folder, plan.V);
  const std::optional<TokenId> bos = begin_token(tokenizer, plan);
  const std::vector<TokenId> ends = end_tokens(tokenizer, plan);
  Model model = load_model(checkpoint, options, recipe_of(options));
  apply_limits(options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  Engine engine(std::make_shared<const Impl>(
      Impl{options, std::move(model), std::move(tokenizer), bos, ends, took.count()}));
  before.change_stays();
  return engine;
}

Completion Engine::complete(const Request& request, const OnCompletionText& on_text) const {
  return with_memory_told([&] {
    const Impl& impl = there(impl_, "engine");
    std::optional<ModelState> state = impl.model.initial_state();
    Completion completion = impl.complete(*state, request, on_text);
    state.reset();  // into MLX's cache
    respect_soft_limit(impl.options);
    return completion;
  });
}

Session Engine::session() const {
  return with_memory_told([&] {
    return Session(
        std::make_unique<Session::Impl>(Session::Impl{impl_, there(impl_, "engine").start()}));
  });
}

const Plan& Engine::plan() const {
  return there(impl_, "engine").model.plan();
}
const Tokenizer& Engine::tokenizer() const {
  return there(impl_, "engine").tokenizer;
}
const Model& Engine::model() const {
  return there(impl_, "engine").model;
}
std::optional<std::int32_t> Engine::bos_id() const {
  return there(impl_, "engine").bos_id;
}
std::vector<std::int32_t> Engine::end_ids() const {
  return there(impl_, "engine").end_ids;
}
double Engine::load_seconds() const {
  return there(impl_, "engine").load_seconds;
}

MemoryUse Engine::memory() const {
  MemoryUse use = memory_now();
  use.limit = memory_limit(there(impl_, "engine").options);
  return use;
}

MemoryNeed Engine::memory_need(const std::string& name, const EngineOptions& options, int batch) {
  if (batch < 1) fail_wanted(ErrorKind::kUsage, "batch", "1 or more", str(batch));
  return with_memory_told([&] {
    const ComputeDtype dtype = choose_dtype(options);
    const Plan plan = open_checkpoint(name).plan;
    return memory_need_of(
        estimate_memory(plan, dtype, batch, recipe_of(options), device_of(options)).total(),
        options);
  });
}

std::filesystem::path Engine::resolve(const std::string& name) {
  return with_memory_told([&] { return resolve_model(name, model_roots()); });
}

}  // namespace xlstm
