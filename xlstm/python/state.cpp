// The recurrent state of a sequence, as a value.
#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "xlstm/backend/state.h"
#include "xlstm/model/model.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/handles.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::python {
namespace {

// Tokens that are scored between two looks at signals.
constexpr std::size_t kScoredAtOnce = 2048;

StateHandle* fork(StateHandle& state) {
  return new StateHandle(state.engine(), state.copy());
}

void assign(StateHandle& state, StateHandle& other) {
  if (&state == &other) return;
  if (&state.engine().model().backend() != &other.engine().model().backend()) {
    fail_wanted(ErrorKind::kUsage, "state", "a state of the same model", "another's");
  }
  Released<Session> copies;
  copies.values.push_back(other.copy());
  state.session().use([&](Session& session) { session = copies.values.front(); });
}

// Reads on a fork, so that what a signal stops leaves the state where it was.
nb::object score(StateHandle& state, nb::handle given) {
  const std::vector<std::int32_t> ids = ids_of(given, "score");
  std::vector<float> out = state.session().use([&](Session& session) {
    Session next = session;
    std::vector<float> all;
    std::size_t at = 0;
    do {
      const std::size_t end = std::min(at + kScoredAtOnce, ids.size());
      const std::vector<float> part = next.score({ids.begin() + static_cast<std::ptrdiff_t>(at),
                                                  ids.begin() + static_cast<std::ptrdiff_t>(end)});
      all.insert(all.end(), part.begin(), part.end());
      at = end;
      check_signals();
    } while (at < ids.size());
    session = std::move(next);
    return all;
  });
  const std::size_t n = out.size();
  return numpy_of(std::move(out), {n});
}

nb::object next_logits(StateHandle& state) {
  std::vector<float> logits =
      state.session().use([](Session& session) { return session.next_logits(); });
  const std::size_t V = logits.size();
  return numpy_of(std::move(logits), {V});
}

std::uint64_t position(StateHandle& state) {
  return state.session().use([](Session& session) { return session.position(); });
}

std::uint64_t bytes(StateHandle& state) {
  return state.session().use([](Session& session) { return session.bytes(); });
}

void reset(StateHandle& state) {
  state.session().use([](Session& session) { session.reset(); });
}

void save(StateHandle& state, const std::filesystem::path& file) {
  state.session().use([&](Session& session) { session.save(file); });
}

void load(StateHandle& state, const std::filesystem::path& file) {
  state.session().use([&](Session& session) { session.load(file); });
}

struct NamedFloats {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

// A dict of numpy arrays by the names that state files have, e.g. "blocks.0.C" [NH, DHQK, DHV].
nb::dict arrays(StateHandle& state) {
  const Engine& engine = state.engine();
  std::vector<NamedFloats> tensors = state.session().use([&](Session& session) {
    Backend& backend = engine.model().backend();
    const auto turn = backend.exclusive();
    std::vector<NamedFloats> out;
    std::size_t at = 0;
    for (const Layer& layer : engine.plan().layers) {
      for (const StateTensor& tensor : layer.state) {
        const std::span<const float> values = backend.read_floats(session.state().tensors[at++]);
        out.push_back({tensor.name,
                       {tensor.shape.begin(), tensor.shape.end()},
                       {values.begin(), values.end()}});
      }
    }
    return out;
  });
  nb::dict out;
  for (NamedFloats& tensor : tensors) {
    out[tensor.name.c_str()] = numpy_of(std::move(tensor.values), std::move(tensor.shape));
  }
  return out;
}

}  // namespace

void bind_state(nb::module_& m) {
  nb::class_<StateHandle>(
      m, "State",
      "What a sequence has read: a value of constant size, whatever its length.\n\n"
      "Made by xLSTMRunner.new_state(). Any number of threads may use one; its calls take turns.")
      .def("fork", &fork, "A state that goes on from the same place by itself, at constant cost.")
      .def("__copy__", &fork)
      .def("__deepcopy__", [](StateHandle& state, nb::handle) { return fork(state); })
      .def("assign", &assign, nb::arg("other"), "Goes on from where another one is.")
      .def("score", &score, nb::arg("ids"),
           "Reads ids [S]; returns the log-likelihood of each, float32: [S], or [S - 1], from the "
           "second on, where nothing was read before.")
      .def("next_logits", &next_logits,
           "Logits of the token that comes next, float32 [V]. UsageError where nothing was read.")
      .def("arrays", &arrays,
           "A dict of its tensors, float32, by the names that state files have: 'blocks.0.C' [NH, "
           "DHQK, DHV] and so on. Copies.")
      .def("reset", &reset, "Back to the start of a sequence.")
      .def("save", &save, nb::arg("file"), "Writes a file, whole or not at all.")
      .def("load", &load, nb::arg("file"),
           "Goes on from a file of the same model, saved on whatever machine; keeps what it has "
           "where that fails. ModelError for another model's.")
      .def_prop_ro("position", &position, "Tokens read.")
      .def_prop_ro("nbytes", &bytes, "Its size, the same at every position.")
      .def("__repr__", [](StateHandle& state) {
        return str("<xlstm_metal.State of ", state.engine().plan().name, ": ", position(state),
                   " tokens read, ", bytes(state), " bytes>");
      });
}

}  // namespace xlstm::python
