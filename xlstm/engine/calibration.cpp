#include "xlstm/engine/calibration.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/utf8.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/special_tokens.h"
#include "xlstm/model/model.h"
#include "xlstm/model/xlstm_large/calibration_pass.h"
#include "xlstm/text/tokenizer.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"

namespace xlstm {
namespace {

using Texts = std::vector<std::vector<TokenId>>;

// A checkpoint with what its texts begin with.
struct Source {
  Checkpoint checkpoint;
  std::optional<TokenId> bos;
};

EngineOptions engine_options(const CalibrationOptions& options, std::string dtype) {
  EngineOptions limits;
  limits.dtype = std::move(dtype);
  limits.device = options.device;
  limits.threads = options.threads;
  limits.soft_memory_limit = options.soft_memory_limit;
  limits.hard_memory_limit = options.hard_memory_limit;
  return limits;
}

// A checkpoint, its texts and where they have been read to.
class ModelCovariance : public InputCovariance {
 public:
  ModelCovariance(Source source, std::function<Texts(const Source&)> texts, std::size_t tokens,
                  const CalibrationOptions& options)
      : source_(std::move(source)), texts_(std::move(texts)), tokens_(tokens), options_(options) {}

  std::vector<float> covariance(const std::string& parameter) override {
    return translate_bad_alloc([&] { return covariance_of(parameter); });
  }

  void record_result(const std::string& parameter, std::span<const float> values) override {
    translate_bad_alloc([&] { take_rows(parameter, values); });
  }

  // The sum of products, its terms, and the copy that is given away; rows and the tensor of them.
  std::uint64_t bytes_for(const std::string& parameter) const override {
    constexpr std::uint64_t kSquares = 4, kCopies = 2;
    const Plan& plan = source_.checkpoint.plan;
    const Shape& shape = plan.find_parameter(parameter)->shape;
    std::uint64_t numbers = 0;
    if (shape.size() == 2) {
      const auto N = static_cast<std::uint64_t>(shape[0]), K = static_cast<std::uint64_t>(shape[1]);
      numbers = kSquares * K * K + kCopies * N * K;
    }
    return sizeof(float) * numbers + CalibrationPass::bytes(plan, parameter, tokens_);
  }

 private:
  using CalibrationPass = xlstm_large::CalibrationPass;

  void take_rows(const std::string& parameter, std::span<const float> values) {
    const Shape& shape = source_.checkpoint.plan.find_parameter(parameter)->shape;
    const auto all = static_cast<std::size_t>(shape[0] * shape[1]);
    rows_.reserve(all);
    rows_.insert(rows_.end(), values.begin(), values.end());
    if (rows_.size() < all) return;
    Backend& backend = pass_->backend();
    pass_->replace(parameter, backend.floats({shape[0], shape[1]}, rows_));
    std::vector<float>().swap(rows_);
    respect_soft_limit(engine_options(options_, "float32"), backend);
  }

  std::vector<float> covariance_of(const std::string& parameter) {
    rows_.clear();
    if (!pass_) {
      Texts texts = texts_(source_);
      tokens_ = 0;
      for (const auto& ids : texts) tokens_ += ids.size();
      pass_.emplace(source_.checkpoint.plan, *source_.checkpoint.tensors,
                    make_backend(engine_options(options_, "float32")), std::move(texts),
                    options_.on_step);
    }
    const std::optional<Tensor> covariance = pass_->covariance(parameter);
    if (!covariance) return {};
    const std::span<const float> values = pass_->backend().read_floats(*covariance);
    std::vector<float> out(values.begin(), values.end());
    if (first_not_finite(out.data(), out.size()) == out.size()) {
      shrink(out, static_cast<std::size_t>(covariance->shape()[0]));
      return out;
    }
    fail_wanted(ErrorKind::kModel, parameter, "finite inputs while the text is read",
                "some that are not: weights are not finite or too large");
  }

  // What T tokens say of how K columns go together is part chance, and rounding would fit to that.
  void shrink(std::vector<float>& covariance, std::size_t K) const {
    const float share = static_cast<float>(tokens_) / static_cast<float>(tokens_ + K);
    for (std::size_t i = 0; i < covariance.size(); ++i) {
      if (i % (K + 1) != 0) covariance[i] *= share;
    }
  }

  Source source_;
  std::function<Texts(const Source&)> texts_;
  std::size_t tokens_;  // as many at most, until they are there
  CalibrationOptions options_;
  std::optional<CalibrationPass> pass_;  // none before the first parameter is asked for
  std::vector<float> rows_;              // of the parameter that is being told
};

// Before the tokenizer is, which other families' folders lack.
Checkpoint open(const std::filesystem::path& folder) {
  Checkpoint checkpoint = Checkpoint::open(folder);
  const std::string_view family = xlstm_large_family().name;
  if (checkpoint.plan.family != family) {
    fail_wanted(ErrorKind::kUsage, folder.string(), str("a model of ", family, " to calibrate"),
                str(checkpoint.plan.family, ": convert it without --calibrate"));
  }
  return checkpoint;
}

Source source_of(Checkpoint checkpoint, const Tokenizer& tokenizer) {
  const std::optional<TokenId> bos = begin_token(tokenizer, checkpoint.plan);
  return {std::move(checkpoint), bos};
}

Texts texts_of(std::string_view text, std::string_view where, const Tokenizer& tokenizer,
               const Source& source, const CalibrationOptions& options) {
  const std::size_t most = options.tokens;
  const Plan& plan = source.checkpoint.plan;
  std::vector<TokenId> ids;
  if (source.bos) ids.push_back(*source.bos);
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

void check_memory_for_own(const Source& source, Backend& backend,
                          const CalibrationOptions& options) {
  const int B = static_cast<int>(own_texts(options.tokens));
  const Plan& plan = source.checkpoint.plan;
  check_memory(estimate_memory(plan, backend, DType::kBF16, B), engine_options(options, "bfloat16"),
               backend, plan.name);
}

// At temperature 1, side by side.
Texts write_texts(const Source& source, const CalibrationOptions& options) {
  const std::size_t all = std::max(options.tokens, kLeastCalibration), count = own_texts(all);
  const std::shared_ptr<Backend> backend = make_backend(engine_options(options, "bfloat16"));
  check_memory_for_own(source, *backend, options);  // again: other programs take some, too
  const Plan& plan = source.checkpoint.plan;
  const Model model =
      Model::load(plan, *source.checkpoint.tensors, backend, {.dtype = DType::kBF16});
  Texts texts(count, {*source.bos});
  std::vector<std::unique_ptr<Sampler>> samplers;
  std::vector<Sampler*> choosing;
  for (std::size_t b = 0; b < count; ++b) {
    samplers.push_back(backend->sampler({}, options.seed + b, plan.V, {}));
    choosing.push_back(samplers.back().get());
  }
  const auto B = static_cast<std::int64_t>(count);
  const std::unique_ptr<StateBatch> states = model.initial_states(count);
  std::vector<TokenId> last(count, *source.bos);
  while (texts.front().size() < all / count) {
    const Tensor logits = model.forward(backend->ids({B, 1}, last), *states);
    const Tensor next = backend->sample(choosing, logits);
    const std::span<const TokenId> ids = backend->read_ids(next);
    for (std::size_t b = 0; b < count; ++b) {
      if (ids[b] == kNoToken) {
        fail_wanted(ErrorKind::kModel, plan.name, "finite logits",
                    "some that are not: weights are not finite or too large for their type");
      }
      texts[b].push_back(last[b] = ids[b]);
    }
    states->evaluate();
    if (options.on_step) options.on_step();
  }
  return texts;
}

}  // namespace

std::unique_ptr<InputCovariance> calibrate_with(const std::filesystem::path& folder,
                                                std::string_view text, std::string_view where,
                                                const CalibrationOptions& options) {
  return translate_bad_alloc([&] {
    make_backend(engine_options(options, "float32"));  // a wrong option comes before any file
    Checkpoint checkpoint = open(folder);
    const Tokenizer tokenizer = Tokenizer::open(folder);
    Source source = source_of(std::move(checkpoint), tokenizer);
    Texts texts = texts_of(text, where, tokenizer, source, options);
    const std::size_t tokens = texts.front().size();
    return std::make_unique<ModelCovariance>(
        std::move(source), [texts = std::move(texts)](const Source&) { return texts; }, tokens,
        options);
  });
}

std::unique_ptr<InputCovariance> calibrate_with_own_text(const std::filesystem::path& folder,
                                                         const CalibrationOptions& options) {
  return translate_bad_alloc([&] {
    const std::shared_ptr<Backend> backend = make_backend(engine_options(options, "bfloat16"));
    Checkpoint checkpoint = open(folder);
    Source source = source_of(std::move(checkpoint), Tokenizer::open(folder));
    if (!source.bos) {
      fail_wanted(ErrorKind::kUsage, folder.string(),
                  "a model with a BOS token to begin texts with", "none: calibrate with a file");
    }
    check_memory_for_own(source, *backend, options);
    return std::make_unique<ModelCovariance>(
        std::move(source), [options](const Source& of) { return write_texts(of, options); },
        std::max(options.tokens, kLeastCalibration), options);
  });
}

}  // namespace xlstm
