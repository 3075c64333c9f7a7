#include "xlstm/forecast/tirex/tirex_model.h"

#include <algorithm>
#include <map>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/forecast/checks.h"
#include "xlstm/forecast/tirex/tirex_stream.h"
#include "xlstm/forecast/tirex/window.h"

namespace xlstm::tirex {
namespace {

std::span<const float> newest(const Values& values, std::int64_t context) {
  const auto all = std::span(values);
  if (context == 0 || context >= std::ssize(values)) return all;
  return all.last(static_cast<std::size_t>(context));
}

// y [patches, Q * P] of one row, quantile by quantile, as values [patches * P, Q] behind `out`.
void append_quantiles(std::span<const float> y, std::int64_t P, std::int64_t Q, const Scale& scale,
                      std::vector<float>& out) {
  const std::int64_t patches = std::ssize(y) / (Q * P);
  for (std::int64_t patch = 0; patch < patches; ++patch) {
    const float* const of_patch = y.data() + patch * Q * P;
    for (std::int64_t p = 0; p < P; ++p) {
      for (std::int64_t q = 0; q < Q; ++q) {
        out.push_back(static_cast<float>(of_patch[q * P + p] * scale.scale + scale.loc));
      }
    }
  }
}

ForecasterFacts facts_of(const Plan& plan, const SeriesSpec& spec) {
  ForecasterFacts facts;
  facts.name = plan.name;
  facts.family = plan.family;
  facts.context = spec.context;
  facts.patch = spec.P;
  facts.levels = spec.quantiles;
  return facts;
}

}  // namespace

TirexModel::TirexModel(SeriesModel model)
    : model_(std::move(model)),
      spec_(model_.loaded().plan.layers.front().spec_as<SeriesSpec>()),
      facts_(facts_of(model_.loaded().plan, spec_)) {}

void TirexModel::check_family_options(const ForecastOptions& options) const {
  const auto refuse = [&](bool is_set, std::string_view option) {
    refuse_foreign(is_set, option, "tirex-2", facts_);
  };
  refuse(options.difference_trends.has_value(), "difference_trends");
  refuse(options.flip_sign.has_value(), "flip_sign");
  refuse(!options.pad_context, "pad_context");
}

void TirexModel::check_horizon(const Series& series, const ForecastOptions& options,
                               const std::string& where) const {
  const std::int64_t P = spec_.P, k = options.accelerated_steps;
  if (options.horizon <= k * P) return;  // by one pass, which reads the series as it is
  const Resampling resampled = resampling_of(series, options);
  const std::int64_t most = most_patches(resampled.context(), spec_.context, P, k);
  if (ceil_div(resampled.steps(), P) <= most) return;
  fail_wanted(ErrorKind::kUsage, where,
              str("a horizon of at most ", resampled.longest_horizon(most * P),
                  " steps, behind which no value of the series is left in the context of ",
                  spec_.context, " (", k, k == 1 ? " patch" : " patches", " a pass)"),
              str(options.horizon));
}

Resampling TirexModel::resampling_of(const Series& series, const ForecastOptions& options) const {
  const auto values = newest(series.targets.front(), options.context);
  const double factor =
      options.resample ? resampling_factor(values, options.horizon, spec_.resampling_context) : 1;
  return {values, options.horizon, factor};
}

std::vector<std::vector<Forecast>> TirexModel::forecast(std::span<const Series> batch,
                                                        const ForecastOptions& options) const {
  std::vector<Resampling> resampled;
  std::vector<std::span<const float>> contexts;
  std::int64_t steps = 0;  // the most that any series needs
  for (const Series& series : batch) {
    resampled.push_back(resampling_of(series, options));
    steps = std::max(steps, resampled.back().steps());
  }
  for (const Resampling& each : resampled) contexts.push_back(each.context());
  const auto quantiles = roll_out(contexts, ceil_div(steps, spec_.P), options);

  std::vector<std::vector<Forecast>> out;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto Q = spec_.quantiles.size();
    out.push_back(
        {Forecast{spec_.quantiles, options.horizon, resampled[i].at_own_rate(quantiles[i], Q)}});
  }
  return out;
}

std::vector<TirexModel::Pass> TirexModel::passes(Contexts contexts, std::int64_t missing,
                                                 std::int64_t patches) const {
  std::map<std::int64_t, std::vector<std::size_t>> by_skipped;
  for (std::size_t row = 0; row < contexts.size(); ++row) {
    const std::int64_t padding = padding_of(std::ssize(contexts[row]), missing, spec_.context);
    by_skipped[padding / spec_.P].push_back(row);
  }
  std::vector<Pass> out;
  for (const auto& [skipped, rows] : by_skipped) {
    // Activations of so many rows stay small beside the weights.
    const std::int64_t S = tokens() - skipped + patches - 1;
    const auto most =
        static_cast<std::size_t>(std::max<std::int64_t>(1, model_.backend().segment_tokens() / S));
    for (std::size_t first = 0; first < rows.size(); first += most) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
      const auto count = static_cast<std::ptrdiff_t>(std::min(most, rows.size() - first));
      out.push_back({skipped, {begin, begin + count}});
    }
  }
  return out;
}

std::vector<std::vector<float>> TirexModel::roll_out(Contexts contexts, std::int64_t patches,
                                                     const ForecastOptions& options) const {
  std::vector<std::vector<float>> out(contexts.size());
  std::int64_t missing = 0;
  for (std::int64_t left = patches; left > 0;) {
    const std::int64_t k = std::min(left, options.accelerated_steps);
    for (const Pass& pass : passes(contexts, missing, k)) {
      check_cancelled(options);
      add_step(contexts, pass, missing, k, out);
    }
    missing += k * spec_.P;
    left -= k;
  }
  return out;
}

void TirexModel::add_step(Contexts contexts, const Pass& pass, std::int64_t missing,
                          std::int64_t patches, std::vector<std::vector<float>>& out) const {
  const auto P = spec_.P, Q = std::ssize(spec_.quantiles);
  const std::int64_t B = std::ssize(pass.rows), S = tokens() - pass.skipped + patches - 1;
  std::vector<Scale> scales;
  std::vector<float> x;  // [B * S, 2 * P]
  x.reserve(static_cast<std::size_t>(B * S * 2 * P));
  for (const std::size_t row : pass.rows) {
    const Window window = window_of(contexts[row], missing, spec_.context, P);
    scales.push_back(window.scale);
    x.insert(x.end(), window.tokens.begin() + pass.skipped * 2 * P, window.tokens.end());
    x.resize(x.size() + static_cast<std::size_t>((patches - 1) * 2 * P), 0);
  }
  Backend& b = model_.backend();
  const auto states = padding_.behind(model_, pass.skipped, 2 * P, pass.rows.size());
  const Tensor y = model_.forward(b.floats({B * S, 2 * P}, x), *states, {.last = patches});
  const std::span<const float> values = b.read_floats(y);  // [B * patches, Q * P]
  const auto of_row = static_cast<std::size_t>(patches * Q * P);
  for (std::size_t i = 0; i < pass.rows.size(); ++i) {
    append_quantiles(values.subspan(i * of_row, of_row), P, Q, scales[i], out[pass.rows[i]]);
  }
}

SeriesEmbedding TirexModel::embed(const Values& values) const {
  const Window window = window_of(values, 0, spec_.context, spec_.P);
  const std::vector<Layer>& layers = model_.loaded().plan.layers;
  Backend& b = model_.backend();
  std::vector<Tensor> streams;  // behind each block, whose last layer is its feed-forward one
  const auto keep = [&](std::size_t layer, const Tensor& x) {
    if (layers[layer].kind == "ffn") streams.push_back(b.to_float32(x));
  };
  const std::int64_t skipped = window.padding / spec_.P, width = 2 * spec_.P;
  const auto states = padding_.behind(model_, skipped, width, 1);
  const auto own = std::span(window.tokens).subspan(static_cast<std::size_t>(skipped * width));
  model_.forward(b.floats({tokens() - skipped, width}, own), *states, {.on_layer = keep});

  SeriesEmbedding out{tokens() - skipped, std::ssize(streams), model_.loaded().plan.D, {}};
  const auto D = static_cast<std::size_t>(out.width);
  out.values.resize(static_cast<std::size_t>(out.tokens * out.layers) * D);
  for (std::size_t layer = 0; layer < streams.size(); ++layer) {
    const std::span<const float> x = b.read_floats(streams[layer]);
    for (std::int64_t t = 0; t < out.tokens; ++t) {
      const auto from = x.subspan(static_cast<std::size_t>(t) * D, D);
      const std::size_t at = static_cast<std::size_t>(t * out.layers) + layer;
      std::ranges::copy(from, out.values.begin() + static_cast<std::ptrdiff_t>(at * D));
    }
  }
  return out;
}

std::unique_ptr<SeriesStream> TirexModel::stream(std::size_t /*targets*/,
                                                 std::size_t /*past_covariates*/) const {
  return std::make_unique<TirexStream>(*this);
}

std::unique_ptr<SeriesStream> TirexModel::load_stream(const std::filesystem::path& file) const {
  return std::make_unique<TirexStream>(TirexStream::load(*this, file));
}

std::unique_ptr<const ForecastModel> load_forecast_model(const Plan& plan,
                                                         const TensorSource& source,
                                                         std::shared_ptr<Backend> backend,
                                                         const LoadOptions& options) {
  return std::make_unique<TirexModel>(SeriesModel::load(plan, source, std::move(backend), options));
}

}  // namespace xlstm::tirex
