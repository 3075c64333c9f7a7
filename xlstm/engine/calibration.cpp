#include "xlstm/engine/calibration.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/utf8.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/special_tokens.h"
#include "xlstm/model/matrix_inputs.h"
#include "xlstm/model/model.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/wiring/discover.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;
using Texts = std::vector<std::vector<TokenId>>;

struct Checkpoint {
  std::unique_ptr<TensorSource> source;
  Plan plan;
  std::optional<TokenId> bos;
};

// A checkpoint, its texts and where they have been read to.
class ModelMoments : public InputMoments {
 public:
  ModelMoments(Checkpoint checkpoint, std::function<Texts(const Checkpoint&)> texts,
               const CalibrationOptions& options)
      : checkpoint_(std::move(checkpoint)), texts_(std::move(texts)), on_step_(options.on_step) {}

  ~ModelMoments() override { ops::settle(); }

  std::vector<float> of(const std::string& slot) override {
    return with_memory_told([&] { return moments_of(slot); });
  }

  void settle(const std::string& slot, std::span<const float> values) override {
    rows_.insert(rows_.end(), values.begin(), values.end());
    const Shape& shape = checkpoint_.plan.find_slot(slot)->shape;
    if (rows_.size() < static_cast<std::size_t>(shape[0] * shape[1])) return;
    const mx::Shape lengths = {static_cast<int>(shape[0]), static_cast<int>(shape[1])};
    inputs_->replace(slot, mx::array(rows_.data(), lengths, mx::float32));
    rows_ = {};
  }

 private:
  std::vector<float> moments_of(const std::string& slot) {
    rows_.clear();
    if (!inputs_) {
      const Texts texts = texts_(checkpoint_);
      for (const auto& ids : texts) tokens_ += ids.size();
      inputs_.emplace(checkpoint_.plan, *checkpoint_.source, texts, on_step_);
    }
    const std::optional<mx::array> moments = inputs_->moments(slot);
    if (!moments) return {};
    std::vector<float> out(moments->data<float>(), moments->data<float>() + moments->size());
    if (first_not_finite(out.data(), out.size()) == out.size()) {
      shrink(out, static_cast<std::size_t>(moments->shape(0)));
      return out;
    }
    fail_wanted(ErrorKind::kModel, slot, "finite inputs while the text is read",
                "some that are not: weights are not finite or too large");
  }

  // What T tokens say of how K columns go together is part chance, and rounding would fit to that.
  void shrink(std::vector<float>& moments, std::size_t K) const {
    const float share = static_cast<float>(tokens_) / static_cast<float>(tokens_ + K);
    for (std::size_t i = 0; i < moments.size(); ++i) {
      if (i % (K + 1) != 0) moments[i] *= share;
    }
  }

  Checkpoint checkpoint_;
  std::function<Texts(const Checkpoint&)> texts_;
  std::function<void()> on_step_;
  std::size_t tokens_ = 0;
  std::optional<MatrixInputs> inputs_;  // none before the first slot is asked for
  std::vector<float> rows_;             // of the slot being settled
};

Checkpoint open(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                const CalibrationOptions& options) {
  choose_device({.device = options.device});
  auto source = open_weights(folder);
  Plan plan = discover(folder, *source);
  const std::optional<TokenId> bos = begin_token(tokenizer, plan);
  return {std::move(source), std::move(plan), bos};
}

Texts texts_of(std::string_view text, std::string_view where, const Tokenizer& tokenizer,
               const Checkpoint& checkpoint, const CalibrationOptions& options) {
  const std::size_t most = options.tokens;
  const Plan& plan = checkpoint.plan;
  std::vector<TokenId> ids;
  if (checkpoint.bos) ids.push_back(*checkpoint.bos);
  // Far more than that many tokens take.
  constexpr std::size_t kBytes = 64;
  if (text.size() / kBytes > most) {
    text = text.substr(0, utf8_complete_prefix(text.substr(0, most * kBytes)));
  }
  if (const std::size_t at = utf8_first_error(text); at < text.size()) {
    fail_wanted(ErrorKind::kUsage, where, "UTF-8 text to calibrate with",
                str("other bytes at offset ", at));
  }
  const auto on_progress = [&](double) {
    if (options.on_step) options.on_step();
  };
  for (const TokenId id :
       tokenizer.encode(text, {.parse_special_tokens = false, .on_progress = on_progress})) {
    if (ids.size() == most) break;
    if (id >= plan.dims.V) {
      fail_wanted(ErrorKind::kModel, plan.name, str("token ids below ", plan.dims.V), str(id));
    }
    ids.push_back(id);
  }
  if (ids.size() < kLeastCalibration) {
    fail_wanted(ErrorKind::kUsage, where,
                str("a text of at least ", kLeastCalibration, " tokens to calibrate with"),
                str(ids.size()));
  }
  return {std::move(ids)};
}

// At temperature 1, several side by side.
Texts write_texts(const Checkpoint& checkpoint, const CalibrationOptions& options) {
  constexpr std::size_t kLength = 512, kMost = 16;  // of a text, and texts
  const std::size_t all = std::max(options.tokens, kLeastCalibration);
  const std::size_t count = std::clamp<std::size_t>(all / kLength, 1, kMost);
  const int B = static_cast<int>(count);
  check_memory(estimate_memory(checkpoint.plan, ComputeDtype::kBfloat16, B),
               {.device = options.device}, checkpoint.plan.name);
  const Model model =
      Model::load(checkpoint.plan, *checkpoint.source, {ComputeDtype::kBfloat16, {}, {}});
  Texts texts(count, {*checkpoint.bos});
  ModelState state = model.initial_state(B);
  mx::array tokens = mx::full({B, 1}, *checkpoint.bos, mx::int32);
  mx::array key = mx::random::key(options.seed);
  while (texts.front().size() < all / count) {
    ForwardResult result = model.forward(tokens, std::move(state));
    state = std::move(result.state);
    const auto [next, now] = mx::random::split(key);
    const mx::array logits = mx::reshape(result.logits, {B, -1});
    tokens = mx::astype(mx::reshape(mx::random::categorical(logits, -1, now), {B, 1}), mx::int32);
    key = next;
    ops::evaluate({tokens, key});
    state.eval();
    for (std::size_t b = 0; b < count; ++b) texts[b].push_back(tokens.data<std::int32_t>()[b]);
    if (options.on_step) options.on_step();
  }
  return texts;
}

}  // namespace

std::unique_ptr<InputMoments> calibrate_with(const std::filesystem::path& folder,
                                             std::string_view text, std::string_view where,
                                             const CalibrationOptions& options) {
  const Tokenizer tokenizer = Tokenizer::open(folder);
  Checkpoint checkpoint = open(folder, tokenizer, options);
  Texts texts = texts_of(text, where, tokenizer, checkpoint, options);
  return std::make_unique<ModelMoments>(
      std::move(checkpoint), [texts = std::move(texts)](const Checkpoint&) { return texts; },
      options);
}

std::unique_ptr<InputMoments> calibrate_with_own_text(const std::filesystem::path& folder,
                                                      const CalibrationOptions& options) {
  Checkpoint checkpoint = open(folder, Tokenizer::open(folder), options);
  if (!checkpoint.bos) {
    fail_wanted(ErrorKind::kUsage, folder.string(), "a model with a BOS token to begin texts with",
                "none: calibrate with a file");
  }
  return std::make_unique<ModelMoments>(
      std::move(checkpoint), [options](const Checkpoint& of) { return write_texts(of, options); },
      options);
}

}  // namespace xlstm
