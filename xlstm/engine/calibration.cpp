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
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;
using Texts = std::vector<std::vector<TokenId>>;

struct Opened {
  Checkpoint checkpoint;
  std::optional<TokenId> bos;
};

EngineOptions limits_of(const CalibrationOptions& options) {
  EngineOptions limits;
  limits.device = options.device;
  limits.soft_memory_limit = options.soft_memory_limit;
  limits.hard_memory_limit = options.hard_memory_limit;
  return limits;
}

// A checkpoint, its texts and where they have been read to.
class ModelCovariance : public InputCovariance {
 public:
  ModelCovariance(Opened opened, std::function<Texts(const Opened&)> texts, std::size_t tokens,
                  const CalibrationOptions& options)
      : opened_(std::move(opened)), texts_(std::move(texts)), tokens_(tokens), options_(options) {}

  ~ModelCovariance() override { ops::settle(); }

  std::vector<float> covariance(const std::string& parameter) override {
    return with_memory_told([&] { return covariance_of(parameter); });
  }

  void record_result(const std::string& slot, std::span<const float> values) override {
    with_memory_told([&] { take_rows(slot, values); });
  }

  // The sum of products, its terms, and the copy that is given away; rows and the array of them.
  std::uint64_t bytes_for(const std::string& slot) const override {
    constexpr std::uint64_t kSquares = 4, kCopies = 2;
    const Shape& shape = opened_.checkpoint.plan.find_parameter(slot)->shape;
    std::uint64_t numbers = 0;
    if (shape.size() == 2) {
      const auto N = static_cast<std::uint64_t>(shape[0]), K = static_cast<std::uint64_t>(shape[1]);
      numbers = kSquares * K * K + kCopies * N * K;
    }
    return sizeof(float) * numbers + MatrixInputs::bytes(opened_.checkpoint.plan, slot, tokens_);
  }

 private:
  void take_rows(const std::string& slot, std::span<const float> values) {
    const Shape& shape = opened_.checkpoint.plan.find_parameter(slot)->shape;
    const auto all = static_cast<std::size_t>(shape[0] * shape[1]);
    rows_.reserve(all);
    rows_.insert(rows_.end(), values.begin(), values.end());
    if (rows_.size() < all) return;
    const mx::Shape lengths = {static_cast<int>(shape[0]), static_cast<int>(shape[1])};
    inputs_->replace(slot, mx::array(rows_.data(), lengths, mx::float32));
    std::vector<float>().swap(rows_);
    respect_soft_limit(limits_of(options_));
  }

  std::vector<float> covariance_of(const std::string& slot) {
    rows_.clear();
    if (!inputs_) {
      const Texts texts = texts_(opened_);
      ops::settle();
      mx::clear_cache();  // of a model that wrote them
      tokens_ = 0;
      for (const auto& ids : texts) tokens_ += ids.size();
      inputs_.emplace(opened_.checkpoint.plan, *opened_.checkpoint.tensors, texts,
                      options_.on_step);
    }
    const std::optional<mx::array> covariance = inputs_->moments(slot);
    if (!covariance) return {};
    std::vector<float> out(covariance->data<float>(),
                           covariance->data<float>() + covariance->size());
    if (first_not_finite(out.data(), out.size()) == out.size()) {
      shrink(out, static_cast<std::size_t>(covariance->shape(0)));
      return out;
    }
    fail_wanted(ErrorKind::kModel, slot, "finite inputs while the text is read",
                "some that are not: weights are not finite or too large");
  }

  // What T tokens say of how K columns go together is part chance, and rounding would fit to that.
  void shrink(std::vector<float>& covariance, std::size_t K) const {
    const float share = static_cast<float>(tokens_) / static_cast<float>(tokens_ + K);
    for (std::size_t i = 0; i < covariance.size(); ++i) {
      if (i % (K + 1) != 0) covariance[i] *= share;
    }
  }

  Opened opened_;
  std::function<Texts(const Opened&)> texts_;
  std::size_t tokens_;  // as many at most, until they are there
  CalibrationOptions options_;
  std::optional<MatrixInputs> inputs_;  // none before the first slot is asked for
  std::vector<float> rows_;             // of the slot being recorded
};

Opened open(const std::filesystem::path& folder, const Tokenizer& tokenizer,
            const CalibrationOptions& options) {
  choose_device(limits_of(options));
  Opened opened = {Checkpoint::open(folder), {}};
  opened.bos = begin_token(tokenizer, opened.checkpoint.plan);
  return opened;
}

Texts texts_of(std::string_view text, std::string_view where, const Tokenizer& tokenizer,
               const Opened& opened, const CalibrationOptions& options) {
  const std::size_t most = options.tokens;
  const Plan& plan = opened.checkpoint.plan;
  std::vector<TokenId> ids;
  if (opened.bos) ids.push_back(*opened.bos);
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
    if (id >= plan.V) {
      fail_wanted(ErrorKind::kModel, plan.name, str("token ids below ", plan.V), str(id));
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

// How many texts of the model's own are written side by side.
std::size_t own_texts(std::size_t tokens) {
  constexpr std::size_t kLength = 512, kMost = 16;  // of a text, and texts
  return std::clamp<std::size_t>(tokens / kLength, 1, kMost);
}

void check_memory_for_own(const Opened& opened, const CalibrationOptions& options) {
  const int B = static_cast<int>(own_texts(options.tokens));
  check_memory(estimate_memory(opened.checkpoint.plan, ComputeDtype::kBfloat16, B),
               limits_of(options), opened.checkpoint.plan.name);
}

// At temperature 1.
Texts write_texts(const Opened& opened, const CalibrationOptions& options) {
  const std::size_t all = std::max(options.tokens, kLeastCalibration), count = own_texts(all);
  const int B = static_cast<int>(count);
  check_memory_for_own(opened, options);  // again: other programs take some, too
  const Model model = Model::load(opened.checkpoint.plan, *opened.checkpoint.tensors,
                                  {ComputeDtype::kBfloat16, {}, {}});
  Texts texts(count, {*opened.bos});
  ModelState state = model.initial_state(B);
  mx::array tokens = mx::full({B, 1}, *opened.bos, mx::int32);
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

std::unique_ptr<InputCovariance> calibrate_with(const std::filesystem::path& folder,
                                                std::string_view text, std::string_view where,
                                                const CalibrationOptions& options) {
  return with_memory_told([&] {
    DeviceAsBefore before;
    const Tokenizer tokenizer = Tokenizer::open(folder);
    Opened opened = open(folder, tokenizer, options);
    Texts texts = texts_of(text, where, tokenizer, opened, options);
    const std::size_t tokens = texts.front().size();
    apply_limits(limits_of(options));
    before.change_stays();
    return std::make_unique<ModelCovariance>(
        std::move(opened), [texts = std::move(texts)](const Opened&) { return texts; }, tokens,
        options);
  });
}

std::unique_ptr<InputCovariance> calibrate_with_own_text(const std::filesystem::path& folder,
                                                         const CalibrationOptions& options) {
  return with_memory_told([&] {
    DeviceAsBefore before;
    Opened opened = open(folder, Tokenizer::open(folder), options);
    if (!opened.bos) {
      fail_wanted(ErrorKind::kUsage, folder.string(),
                  "a model with a BOS token to begin texts with", "none: calibrate with a file");
    }
    check_memory_for_own(opened, options);
    apply_limits(limits_of(options));
    before.change_stays();
    return std::make_unique<ModelCovariance>(
        std::move(opened), [options](const Opened& of) { return write_texts(of, options); },
        std::max(options.tokens, kLeastCalibration), options);
  });
}

}  // namespace xlstm
