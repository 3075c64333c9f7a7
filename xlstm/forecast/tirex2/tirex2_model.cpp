#include "xlstm/forecast/tirex2/tirex2_model.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/forecast/checks.h"
#include "xlstm/forecast/tirex2/sample_batch.h"
#include "xlstm/forecast/tirex2/tirex2_stream.h"

namespace xlstm::tirex2 {
namespace {

// Of all rows that go through the network together: enough for products and for the scan of sLSTM,
// few enough for the activations of some 10 kB a token.
constexpr std::int64_t kMostTokens = 8192;

ForecasterFacts facts_of(const Plan& plan, const SeriesSpec& spec) {
  ForecasterFacts facts;
  facts.name = plan.name;
  facts.family = plan.family;
  facts.context = spec.context;
  facts.patch = spec.P;
  facts.horizon = spec.future;
  facts.levels = spec.quantiles;
  facts.several_targets = facts.past_covariates = facts.known_covariates = true;
  return facts;
}

// The series without all but its newest `context` values, 0: all.
Series newest_of(const Series& series, std::int64_t context) {
  const std::int64_t T = std::ssize(series.targets.front());
  if (context == 0 || context >= T) return series;
  Series out = series;
  for (std::vector<Values>* rows : {&out.targets, &out.past, &out.known}) {
    for (Values& row : *rows) row.erase(row.begin(), row.begin() + (T - context));
  }
  return out;
}

std::vector<std::size_t> levels_for_sign_flip(const SeriesSpec& spec) {
  if (auto mirrored = mirrored_levels(spec.quantiles)) return std::move(*mirrored);
  fail_wanted(ErrorKind::kUsage, "flip_sign", "a model with a level 1 - q for each level q",
              "one without");
}

}  // namespace

Quantiles answer_of(std::span<const float> y, const SeriesSpec& spec, const Row& row,
                    std::int64_t skipped, std::int64_t H) {
  const auto P = static_cast<std::size_t>(spec.P), Q = spec.quantiles.size();
  Quantiles out = {Q, static_cast<std::size_t>(H), {}};
  out.values.resize(Q * out.H);
  for (std::size_t t = 0; t < out.H; ++t) {
    const std::size_t at = t + static_cast<std::size_t>(skipped);
    for (std::size_t q = 0; q < Q; ++q) {
      out.at(q, t) = unscaled(y[(at / P * Q + q) * P + at % P], row.scale, spec);
    }
  }
  row.is_difference ? integrate(out, row.last) : widen_band(out);
  return out;
}

Forecast to_forecast(const Quantiles& quantiles, const SeriesSpec& spec) {
  Forecast out = {spec.quantiles, static_cast<std::int64_t>(quantiles.H), {}};
  for (std::size_t t = 0; t < quantiles.H; ++t) {
    for (std::size_t q = 0; q < quantiles.Q; ++q) out.values.push_back(quantiles.at(q, t));
  }
  return out;
}

Tirex2Model::Tirex2Model(Network network)
    : network_(std::move(network)),
      spec_(network_.loaded().plan.layers.front().spec_as<SeriesSpec>()),
      facts_(facts_of(network_.loaded().plan, spec_)) {}

void Tirex2Model::check_family_options(const ForecastOptions& options) const {
  refuse_foreign(options.accelerated_steps != 1, "accelerated_steps", "tirex", facts_);
  refuse_foreign(options.resample, "resample", "tirex", facts_);
}

std::vector<std::vector<Forecast>> Tirex2Model::forecast(std::span<const Series> batch,
                                                         const ForecastOptions& options) const {
  Answers all = answers(batch, options, false);
  if (options.flip_sign.value_or(spec_.flip_sign)) {
    const std::vector<std::size_t> mirrored = levels_for_sign_flip(spec_);
    const Answers negated = answers(batch, options, true);
    for (std::size_t s = 0; s < all.size(); ++s) {
      for (std::size_t target = 0; target < all[s].size(); ++target) {
        average_with_mirrored(all[s][target], negated[s][target], mirrored);
      }
    }
  }
  std::vector<std::vector<Forecast>> out(batch.size());
  for (std::size_t s = 0; s < all.size(); ++s) {
    for (const Quantiles& each : all[s]) out[s].push_back(to_forecast(each, spec_));
  }
  return out;
}

Tirex2Model::Answers Tirex2Model::answers(std::span<const Series> batch,
                                          const ForecastOptions& options, bool negate) const {
  const RowOptions row_options = {std::min(options.horizon, spec_.future), options.pad_context,
                                  options.difference_trends.value_or(spec_.difference_trends),
                                  negate};
  std::vector<Sample> samples;
  for (const Series& series : batch) {
    samples.push_back(sample_of(newest_of(series, options.context), spec_, row_options));
  }
  // Those that begin and end at the same tokens go together.
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> alike;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    alike[{samples[s].first, samples[s].computed}].push_back(s);
  }
  Answers out(batch.size());
  for (const auto& [tokens, members] : alike) {
    std::vector<const Sample*> together;
    std::vector<std::vector<Quantiles>*> places;
    std::int64_t rows = 0;
    const auto flush = [&] {
      if (together.empty()) return;
      check_cancelled(options);
      add_answers(together, row_options.H, places);
      together.clear();
      places.clear();
      rows = 0;
    };
    for (const std::size_t s : members) {
      rows += std::ssize(samples[s].rows);
      if (rows * samples[s].computed > kMostTokens) {
        flush();
        rows = std::ssize(samples[s].rows);
      }
      together.push_back(&samples[s]);
      places.push_back(&out[s]);
    }
    flush();
  }
  return out;
}

void Tirex2Model::add_answers(std::span<const Sample* const> samples, std::int64_t H,
                              std::span<std::vector<Quantiles>* const> out) const {
  Backend& b = network_.backend();
  const SampleBatch batch(samples);
  const std::int64_t first = samples.front()->first, patches = patches_of(H, spec_.P);
  const Tensor tokens = b.floats({batch.rows.R * batch.rows.S, 2 * spec_.P}, batch.tokens(spec_));
  const Tensor y = network_.forward(tokens, batch.rows, first, first + patches);
  const std::span<const float> values = b.read_floats(y);
  const std::size_t size = values.size() / static_cast<std::size_t>(batch.rows.targets);

  std::map<const Row*, std::span<const float>> of_row;
  const std::size_t before = batch.order.size() - static_cast<std::size_t>(batch.rows.targets);
  for (std::size_t r = before; r < batch.order.size(); ++r) {
    of_row[batch.order[r]] = values.subspan((r - before) * size, size);
  }
  for (std::size_t s = 0; s < samples.size(); ++s) {
    for (const Row& row : samples[s]->rows) {
      if (row.is_target) out[s]->push_back(answer_of(of_row.at(&row), spec_, row, 0, H));
    }
  }
}

// As TiRex's: what each block makes of the tokens of the context that hold a value or follow one.
SeriesEmbedding Tirex2Model::embed(const Values& values) const {
  const Series series = {{values}, {}, {}};
  const Sample sample = sample_of(series, spec_, {spec_.P, true, false, false});
  const Sample* const only = &sample;
  const SampleBatch batch(std::span(&only, 1));
  Backend& b = network_.backend();
  std::vector<Tensor> streams;
  const auto keep = [&](const std::string& layer, const Tensor& x) {
    if (layer != "input") streams.push_back(b.to_float32(x));
  };
  const std::int64_t S = batch.rows.S, D = network_.loaded().plan.D;
  network_.forward(b.floats({S, 2 * spec_.P}, batch.tokens(spec_)), batch.rows, S - 1, S, keep);

  const std::int64_t held = std::min(S, patches_of(std::ssize(values), spec_.P));
  SeriesEmbedding out{held, std::ssize(streams), D, {}};
  for (std::int64_t token = S - held; token < S; ++token) {
    for (const Tensor& stream : streams) {
      const auto from = b.read_floats(stream).subspan(static_cast<std::size_t>(token * D),
                                                      static_cast<std::size_t>(D));
      out.values.insert(out.values.end(), from.begin(), from.end());
    }
  }
  return out;
}

std::unique_ptr<SeriesStream> Tirex2Model::stream(std::size_t targets,
                                                  std::size_t past_covariates) const {
  return std::make_unique<Tirex2Stream>(*this, targets, past_covariates);
}

std::unique_ptr<SeriesStream> Tirex2Model::load_stream(const std::filesystem::path& file) const {
  return std::make_unique<Tirex2Stream>(Tirex2Stream::load(*this, file));
}

std::unique_ptr<const ForecastModel> load_forecast_model(const Plan& plan,
                                                         const TensorSource& source,
                                                         std::shared_ptr<Backend> backend,
                                                         const LoadOptions& options) {
  return std::make_unique<Tirex2Model>(Network::load(plan, source, std::move(backend), options));
}

}  // namespace xlstm::tirex2
