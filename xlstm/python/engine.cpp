// A model in memory: opening it, what it is, what it takes.
#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "xlstm/base/quantization.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/generate/perplexity.h"
#include "xlstm/generate/score.h"
#include "xlstm/hub/hub.h"
#include "xlstm/model/model.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/engine_facts.h"
#include "xlstm/python/forward.h"
#include "xlstm/python/handles.h"

namespace xlstm::python {
namespace {

using QuantizationChoice = std::tuple<std::string, int, int>;  // mode, bits, group size

std::optional<Quantization> quantization_of(const std::optional<QuantizationChoice>& choice) {
  if (!choice) return std::nullopt;
  const auto& [mode, bits, group_size] = *choice;
  const std::optional<QuantizationMode> known = quantization_mode_from_name(mode);
  if (!known) fail_wanted(ErrorKind::kUsage, "quantize", "affine or mxfp4", quoted(mode));
  return Quantization{*known, bits, group_size};
}

// Tells Python of the loading, and stops it where that raises, or a signal's handler does.
std::function<void(double)> progress_of(nb::object told) {
  if (told.is_none()) return [](double) { check_signals(); };
  return [told = SharedObject(std::move(told))](double share) {
    check_signals();
    const nb::gil_scoped_acquire held;
    (*told)(share);
  };
}

// The same for sentences that a person may want to know.
std::function<void(std::string_view)> notice_of(nb::object told) {
  if (told.is_none()) return {};
  return [told = SharedObject(std::move(told))](std::string_view notice) {
    const nb::gil_scoped_acquire held;
    (*told)(notice);
  };
}

EngineHandle open_engine(const std::string& name, const std::string& dtype,
                         const std::string& device,
                         const std::optional<QuantizationChoice>& quantization, bool keep_quantized,
                         std::size_t threads, std::uint64_t memory_limit, nb::object on_progress,
                         nb::object on_notice) {
  EngineOptions options = {.dtype = dtype,
                           .quantization = quantization_of(quantization),
                           .device = device,
                           .threads = threads,
                           .hard_memory_limit = memory_limit,
                           .on_load_progress = progress_of(std::move(on_progress)),
                           .on_notice = notice_of(std::move(on_notice))};
  if (keep_quantized) options.quantized_copies = default_quantized_copies();
  const nb::gil_scoped_release released;
  return EngineHandle(Engine::open(name, options));
}

// The folder that a name stands for, fetched where it is a repository's that is not here yet.
// `on_progress` gets the bytes that are here, and of how many (None: not known).
std::filesystem::path resolve(const std::string& name, const std::string& revision,
                              const std::filesystem::path& cache_dir, bool force_download,
                              nb::object on_progress, nb::object on_notice) {
  HubOptions options;
  options.revision = revision;
  options.cache_dir = cache_dir;
  options.force_download = force_download;
  options.on_notice = notice_of(std::move(on_notice));
  options.cancelled = [] {
    check_signals();
    return false;
  };
  if (!on_progress.is_none()) {
    options.on_progress =
        [told = SharedObject(std::move(on_progress))](const FetchProgress& progress) {
          const nb::gil_scoped_acquire held;
          (*told)(progress.done, progress.size);
        };
  }
  const nb::gil_scoped_release released;
  return Engine::resolve(name, options);
}

StateHandle* start(const EngineHandle& handle) {
  const nb::gil_scoped_release released;
  return new StateHandle(handle.engine(), handle.engine().session());
}

double perplexity_of(const EngineHandle& handle, nb::handle given) {
  const std::vector<TokenId> ids = ids_of(given, "perplexity");
  const nb::gil_scoped_release released;
  const Model& model = handle.engine().model();
  const auto turn = model.backend().exclusive();
  return perplexity(model, ids, [](std::int64_t) { check_signals(); }).perplexity;
}

// The log-probabilities of the tokens of several texts, but of each one's first.
nb::list score_texts_of(const EngineHandle& handle, const nb::list& given) {
  std::vector<std::vector<TokenId>> texts;
  for (const nb::handle ids : given) texts.push_back(ids_of(ids, "score_batch"));
  std::vector<std::vector<float>> scores(texts.size());
  {
    const nb::gil_scoped_release released;
    const Model& model = handle.engine().model();
    const auto turn = model.backend().exclusive();
    score_texts(model, texts,
                [&](std::size_t text, std::size_t /*first*/, std::span<const float> more) {
                  scores[text].insert(scores[text].end(), more.begin(), more.end());
                  check_signals();
                });
  }
  nb::list out;
  for (const std::vector<float>& score : scores) out.append(numpy_copy(std::span(score)));
  return out;
}

const Tokenizer& tokenizer_of(const EngineHandle& handle) {
  return handle.engine().tokenizer();
}

void bind_opening(nb::class_<EngineHandle>& engine) {
  engine
      .def_static("open", &open_engine, nb::arg("name"), nb::kw_only(), nb::arg("dtype") = "auto",
                  nb::arg("device") = "auto", nb::arg("quantization") = nb::none(),
                  nb::arg("keep_quantized") = true, nb::arg("threads") = 0,
                  nb::arg("memory_limit") = 0, nb::arg("on_progress") = nb::none(),
                  nb::arg("on_notice") = nb::none())
      .def_static("resolve", &resolve, nb::arg("name"), nb::kw_only(), nb::arg("revision") = "",
                  nb::arg("cache_dir") = "", nb::arg("force_download") = false,
                  nb::arg("on_progress") = nb::none(), nb::arg("on_notice") = nb::none());
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<EngineHandle> engine(m, "Engine");
  bind_opening(engine);
  bind_engine_facts(engine);
  engine.def("start", &start)
      .def("perplexity", &perplexity_of, nb::arg("ids"))
      .def("score_batch", &score_texts_of, nb::arg("texts"))
      .def("forward", &forward, nb::arg("ids"), nb::arg("states").none(),
           nb::arg("last_only") = false, nb::arg("as_mlx") = false)
      .def_prop_ro("has_tokenizer",
                   [](const EngineHandle& handle) { return handle.engine().has_tokenizer(); })
      .def_prop_ro("tokenizer", &tokenizer_of, nb::rv_policy::copy)
      .def_prop_ro("chat_template",
                   [](const EngineHandle& handle) { return handle.engine().chat_template(); })
      .def_prop_ro("bos_id", [](const EngineHandle& handle) { return handle.engine().bos_id(); })
      .def_prop_ro("end_ids", [](const EngineHandle& handle) { return handle.engine().end_ids(); });
}

}  // namespace xlstm::python
