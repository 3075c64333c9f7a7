// Forecasters and the streams that they follow.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/engine/forecaster.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/guards.h"
#include "xlstm/python/opening.h"

namespace xlstm::python {
namespace {

using Row = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = std::vector<Row>;
using GivenSeries = std::tuple<Rows, Rows, Rows>;  // targets, past, known

// Calls of a forecaster are safe from any thread, without the GIL.
class ForecasterHandle {
 public:
  explicit ForecasterHandle(Forecaster forecaster)
      : forecaster_(std::make_unique<Forecaster>(std::move(forecaster))) {}
  ForecasterHandle(ForecasterHandle&&) noexcept = default;
  ~ForecasterHandle() { drop(std::move(forecaster_)); }

  const Forecaster& operator*() const { return *forecaster_; }
  const Forecaster* operator->() const { return forecaster_.get(); }

 private:
  std::unique_ptr<Forecaster> forecaster_;
};

using StreamHandle = Guarded<ForecastStream>;

Values values_of(const Row& row) {
  return {row.data(), row.data() + row.size()};
}

std::vector<Values> values_of(const Rows& rows) {
  std::vector<Values> out;
  for (const Row& row : rows) out.push_back(values_of(row));
  return out;
}

ForecastOptions options_of(std::int64_t horizon, std::int64_t context,
                           const std::vector<float>& quantiles, std::size_t batch,
                           std::int64_t accelerated_steps, bool resample,
                           std::optional<bool> difference_trends, std::optional<bool> flip_sign,
                           bool pad_context) {
  ForecastOptions options;
  options.horizon = horizon;
  options.context = context;
  options.quantiles = quantiles;
  options.batch = batch;
  options.accelerated_steps = accelerated_steps;
  options.resample = resample;
  options.difference_trends = difference_trends;
  options.flip_sign = flip_sign;
  options.pad_context = pad_context;
  options.cancelled = [] {
    check_signals();
    return false;
  };
  return options;
}

// [steps, levels] each
nb::list arrays_of(std::vector<Forecast> forecasts) {
  nb::list out;
  for (Forecast& each : forecasts) {
    const std::size_t levels = each.levels.size(), steps = each.values.size() / levels;
    out.append(numpy_of(std::move(each.values), {steps, levels}));
  }
  return out;
}

ForecasterHandle open_forecaster(const std::string& name, const std::string& dtype,
                                 const std::string& device,
                                 const std::optional<QuantizationChoice>& quantization,
                                 bool keep_quantized, std::size_t threads,
                                 std::uint64_t memory_limit, nb::object on_progress,
                                 nb::object on_notice) {
  const EngineOptions options =
      opening_options(dtype, device, quantization, keep_quantized, threads, memory_limit,
                      std::move(on_progress), std::move(on_notice));
  const WithoutGil released;
  return ForecasterHandle(Forecaster::open(name, options));
}

nb::dict facts_of(const ForecasterHandle& forecaster) {
  const ForecasterFacts& facts = forecaster->facts();
  nb::dict out;
  out["name"] = facts.name;
  out["family"] = facts.family;
  out["context"] = facts.context;
  out["patch"] = facts.patch;
  out["horizon"] = facts.horizon;
  out["levels"] = facts.levels;
  out["several_targets"] = facts.several_targets;
  out["past_covariates"] = facts.past_covariates;
  out["known_covariates"] = facts.known_covariates;
  return out;
}

nb::list forecast_all(const ForecasterHandle& forecaster, const std::vector<GivenSeries>& given,
                      const ForecastOptions& options) {
  std::vector<Series> series;
  for (const auto& [targets, past, known] : given) {
    series.push_back({values_of(targets), values_of(past), values_of(known)});
  }
  std::vector<std::vector<Forecast>> forecasts;
  {
    const WithoutGil released;
    forecasts = forecaster->forecast(series, options);
  }
  nb::list out;
  for (std::vector<Forecast>& each : forecasts) out.append(arrays_of(std::move(each)));
  return out;
}

nb::object embed(const ForecasterHandle& forecaster, const Row& row) {
  const Values values = values_of(row);
  SeriesEmbedding embedding;
  {
    const WithoutGil released;
    embedding = forecaster->embed(values);
  }
  return numpy_of(std::move(embedding.values), {static_cast<std::size_t>(embedding.tokens),
                                                static_cast<std::size_t>(embedding.layers),
                                                static_cast<std::size_t>(embedding.width)});
}

StreamHandle* start_stream(const ForecasterHandle& forecaster, std::size_t targets,
                           std::size_t past_covariates) {
  const WithoutGil released;
  return new StreamHandle("stream", forecaster->stream(targets, past_covariates));
}

StreamHandle* load_stream(const ForecasterHandle& forecaster, const std::filesystem::path& file) {
  const WithoutGil released;
  return new StreamHandle("stream", forecaster->load_stream(file));
}

void append(StreamHandle& stream, const Rows& given) {
  const std::vector<Values> rows = values_of(given);
  stream.use([&](ForecastStream& follows) { follows.append(rows); });
}

nb::list forecast_on(StreamHandle& stream, const ForecastOptions& options) {
  return arrays_of(stream.use([&](ForecastStream& follows) { return follows.forecast(options); }));
}

StreamHandle* fork(StreamHandle& stream) {
  return stream.use(
      [](ForecastStream& follows) { return new StreamHandle("stream", ForecastStream(follows)); });
}

void bind_opening(nb::class_<ForecasterHandle>& forecaster) {
  forecaster.def_static("open", &open_forecaster, nb::arg("name"), nb::kw_only(),
                        nb::arg("dtype") = "auto", nb::arg("device") = "auto",
                        nb::arg("quantization") = nb::none(), nb::arg("keep_quantized") = true,
                        nb::arg("threads") = 0, nb::arg("memory_limit") = 0,
                        nb::arg("on_progress") = nb::none(), nb::arg("on_notice") = nb::none());
}

void bind_options(nb::module_& m) {
  nb::class_<ForecastOptions>(m, "ForecastOptions")
      .def(
          "__init__",
          [](ForecastOptions* at, std::int64_t horizon, std::int64_t context,
             const std::vector<float>& quantiles, std::size_t batch, std::int64_t accelerated_steps,
             bool resample, std::optional<bool> difference_trends, std::optional<bool> flip_sign,
             bool pad_context) {
            new (at)
                ForecastOptions(options_of(horizon, context, quantiles, batch, accelerated_steps,
                                           resample, difference_trends, flip_sign, pad_context));
          },
          nb::kw_only(), nb::arg("horizon") = 32, nb::arg("context") = 0,
          nb::arg("quantiles") = std::vector<float>(), nb::arg("batch") = 64,
          nb::arg("accelerated_steps") = 1, nb::arg("resample") = false,
          nb::arg("difference_trends") = nb::none(), nb::arg("flip_sign") = nb::none(),
          nb::arg("pad_context") = true);
}

}  // namespace

void bind_forecaster(nb::module_& m) {
  bind_options(m);
  nb::class_<StreamHandle>(m, "ForecastStream")
      .def("append", &append, nb::arg("rows"))
      .def("forecast", &forecast_on, nb::arg("options"))
      .def("fork", &fork)
      .def(
          "save",
          [](StreamHandle& stream, const std::filesystem::path& file) {
            stream.use([&](ForecastStream& follows) { follows.save(file); });
          },
          nb::arg("file"))
      .def_prop_ro("position", [](StreamHandle& stream) {
        return stream.use([](ForecastStream& follows) { return follows.position(); });
      });
  nb::class_<ForecasterHandle> forecaster(m, "Forecaster");
  bind_opening(forecaster);
  forecaster.def("facts", &facts_of)
      .def("forecast", &forecast_all, nb::arg("series"), nb::arg("options"))
      .def("embed", &embed, nb::arg("values"))
      .def("stream", &start_stream, nb::arg("targets"), nb::arg("past_covariates"))
      .def("load_stream", &load_stream, nb::arg("file"));
}

}  // namespace xlstm::python
