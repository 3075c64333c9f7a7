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

#include "xlstm/generate/perplexity.h"
#include "xlstm/generate/score.h"
#include "xlstm/hub/hub.h"
#include "xlstm/model/model.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/engine_facts.h"
#include "xlstm/python/forward.h"
#include "xlstm/python/handles.h"
#include "xlstm/python/opening.h"

namespace xlstm::python {
namespace {

EngineHandle open_engine(const std::string& name, const std::string& dtype,
                         const std::string& device,
                         const std::optional<QuantizationChoice>& quantization, bool keep_quantized,
                         std::size_t threads, std::uint64_t memory_limit, nb::object on_progress,
                         nb::object on_notice) {
  const EngineOptions options =
      opening_options(dtype, device, quantization, keep_quantized, threads, memory_limit,
                      std::move(on_progress), std::move(on_notice));
  const WithoutGil released;
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
          const WithGil held;
          call_python(*told, nb::make_tuple(progress.done, progress.size));
        };
  }
  const WithoutGil released;
  return Engine::resolve(name, options);
}

StateHandle* start(const EngineHandle& handle) {
  const WithoutGil released;
  return new StateHandle(handle.engine(), handle.engine().session());
}

double perplexity_of(const EngineHandle& handle, nb::handle given) {
  const std::vector<TokenId> ids = ids_of(given, "perplexity");
  const WithoutGil released;
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
    const WithoutGil released;
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
