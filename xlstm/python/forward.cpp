#include "xlstm/python/forward.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "xlstm/backend/state.h"
#include "xlstm/model/model.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/mlx_arrays.h"

namespace xlstm::python {
namespace {

constexpr std::string_view kForward = "forward";

void check(const IdBlock& block, const std::optional<nb::list>& states, std::int64_t V) {
  if (block.B == 0 || block.S == 0) {
    fail_wanted(ErrorKind::kUsage, kForward, "at least one token a row", "none");
  }
  if (states && nb::len(*states) != block.B) {
    fail_wanted(ErrorKind::kUsage, kForward, str("a state for each row, ", block.B),
                str(nb::len(*states)));
  }
  for (const std::int32_t id : block.ids) {
    if (id >= 0 && id < V) continue;
    fail_wanted(ErrorKind::kUsage, kForward, str("token ids in [0, ", V, ")"), str(id));
  }
}

// Columns begin to end of ids [B, S].
Tensor columns_of(Backend& backend, const IdBlock& block, std::size_t begin, std::size_t end) {
  std::vector<std::int32_t> ids;
  for (std::size_t b = 0; b < block.B; ++b) {
    const auto row = std::span(block.ids).subspan(b * block.S, block.S);
    ids.insert(ids.end(), row.begin() + static_cast<std::ptrdiff_t>(begin),
               row.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return backend.ids({static_cast<std::int64_t>(block.B), static_cast<std::int64_t>(end - begin)},
                     ids);
}

// The run of one call, under the backend's lock.
struct Forward {
  const Model& model;
  const IdBlock& block;
  bool last_only;
  std::span<float> logits;  // [B, S, V], or [B, V]
  std::unique_ptr<StateBatch> states;

  std::size_t V() const { return static_cast<std::size_t>(model.plan().V); }

  // Whole chunks of all rows together, as many as are best read at once.
  std::size_t segment() const {
    const auto B = static_cast<std::int64_t>(block.B);
    const std::int64_t chunks = model.backend().segment_tokens() / (B * kSegmentMultiple);
    return static_cast<std::size_t>(std::max<std::int64_t>(chunks, 1) * kSegmentMultiple);
  }

  // `part` [B * n, V]: logits after columns begin to begin + n.
  void keep(std::span<const float> part, std::size_t begin) {
    const std::size_t row = part.size() / block.B;
    const std::size_t rows = last_only ? 1 : block.S;
    for (std::size_t b = 0; b < block.B; ++b) {
      std::ranges::copy(part.subspan(b * row, row),
                        logits.begin() + static_cast<std::ptrdiff_t>((b * rows + begin) * V()));
    }
  }

  // Returns the last logits [B, V].
  Tensor run() {
    Backend& backend = model.backend();
    const auto B = static_cast<std::int64_t>(block.B);
    Tensor last;
    for (std::size_t begin = 0; begin < block.S; begin += segment()) {
      const std::size_t end = std::min(begin + segment(), block.S);
      const auto n = static_cast<std::int64_t>(end - begin);
      const Tensor ids = columns_of(backend, block, begin, end);
      if (last_only) {
        last = model.forward(ids, *states, Positions::kLast);
      } else {
        const Tensor all = model.forward(ids, *states, Positions::kAll);
        keep(backend.read_floats(all), begin);
        last = backend.tokens(all, B, n - 1, n);
      }
      states->evaluate();
      check_signals();
    }
    if (last_only) keep(backend.read_floats(last), 0);
    return last;
  }
};

// Row b of logits [B, V], with a state that it belongs to.
State with_logits(Backend& backend, State state, const Tensor& last, std::int64_t b) {
  state.next_logits = backend.reshape(backend.tokens(last, 1, b, b + 1), {last.shape().last()});
  evaluate(backend, state);
  return state;
}

void run(const Engine& engine, const IdBlock& block, std::vector<Session>& sessions, bool last_only,
         std::span<float> logits) {
  const Model& model = engine.model();
  Backend& backend = model.backend();
  const auto turn = backend.exclusive();
  Forward forward{model, block, last_only, logits, backend.state_batch()};
  for (const Session& session : sessions) forward.states->add(session.state());
  const Tensor last = forward.run();
  for (std::size_t b = sessions.size(); b-- > 0;) {
    sessions[b].go_on_from(
        with_logits(backend, forward.states->remove(b), last, static_cast<std::int64_t>(b)));
  }
}

// Of each row a state of its own to go on from: a fork of the one that Python holds.
void take_states(const std::optional<nb::list>& states, const Engine& engine, std::size_t B,
                 std::vector<Session>& sessions) {
  if (!states) {
    const nb::gil_scoped_release released;
    while (sessions.size() < B) sessions.push_back(engine.session());
    return;
  }
  for (const nb::handle state : *states) {
    auto& of_row = nb::cast<StateHandle&>(state);
    if (&of_row.engine().model().backend() != &engine.model().backend()) {
      fail_wanted(ErrorKind::kUsage, kForward, "states of this model", "another's");
    }
    sessions.push_back(of_row.copy());
  }
}

std::vector<std::size_t> shape_of(const IdBlock& block, std::int64_t V, bool last_only) {
  std::vector<std::size_t> shape;
  if (!block.is_flat) shape.push_back(block.B);
  if (!last_only) shape.push_back(block.S);
  shape.push_back(static_cast<std::size_t>(V));
  return shape;
}

}  // namespace

nb::tuple forward(const EngineHandle& handle, nb::handle given,
                  const std::optional<nb::list>& states, bool last_only, bool as_mlx) {
  const IdBlock block = id_block(given, kForward);
  const Engine& engine = handle.engine();
  check(block, states, engine.plan().V);
  const std::vector<std::size_t> shape = shape_of(block, engine.plan().V, last_only);
  const FloatArray logits = as_mlx ? mlx_floats(shape) : numpy_floats(shape);
  Released<Session> sessions;
  take_states(states, engine, block.B, sessions.values);
  {
    const nb::gil_scoped_release released;
    run(engine, block, sessions.values, last_only, logits.values);
  }
  nb::list next;
  for (Session& session : sessions.values) {
    next.append(
        nb::cast(new StateHandle(engine, std::move(session)), nb::rv_policy::take_ownership));
  }
  return nb::make_tuple(logits.object, next);
}

}  // namespace xlstm::python
