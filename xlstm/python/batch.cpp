// Answers under way, computed together: of one prompt as of many.
#include "xlstm/generate/batch.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <utility>

#include "xlstm/python/answers.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/handles.h"

namespace xlstm::python {
namespace {

// Tokens that were told of, and not yet asked for.
struct TokenQueue {
  std::mutex mutex;
  std::vector<TokenRecord> records;
};

class BatchHandle {
 public:
  BatchHandle(Engine engine, const BatchOptions& options)
      : engine_(std::move(engine)), batch_("batch", engine_.batch(options)) {}

  // From any thread, and from callbacks of this batch.
  Batch::Row add(StateHandle& state, Request request) {
    const auto row = std::make_shared<Batch::Row>(0);
    request.on_token = teller(row);
    return state.session().use([&](Session& session) {
      Sequence sequence = session.sequence(request);
      const std::lock_guard lock(queue_->mutex);  // until the row is known to who tells of it
      *row = batch_.unguarded().add(std::move(sequence));
      return *row;
    });
  }

  void cancel(Batch::Row row) {
    const nb::gil_scoped_release released;
    batch_.unguarded().cancel(row);
  }

  bool step() {
    return batch_.use([](Batch& batch) { return batch.step(); });
  }

  std::vector<TokenRecord> take_tokens() {
    const nb::gil_scoped_release released;
    const std::lock_guard lock(queue_->mutex);
    return std::exchange(queue_->records, {});
  }

  nb::list take_finished() {
    auto finished = batch_.use([](Batch& batch) { return batch.take_finished(); });
    nb::list out;
    for (Batch::Finished& row : finished) {
      out.append(answer(row.row, std::move(row.sequence), row.error));
    }
    return out;
  }

  Batch::Row fork(Batch::Row row, std::optional<std::uint64_t> seed) {
    const auto forked = std::make_shared<Batch::Row>(0);
    *forked = batch_.use([&](Batch& batch) { return batch.fork(row, seed, teller(forked)); });
    return *forked;
  }

  nb::object remove(Batch::Row row) {
    Sequence sequence = batch_.use([&](Batch& batch) { return batch.remove(row); });
    return answer(row, std::move(sequence), nullptr);
  }

  std::size_t rows() { return batch_.unguarded().rows(); }

 private:
  OnToken teller(const std::shared_ptr<Batch::Row>& row) const {
    return [queue = queue_, row](const TokenEvent& event) {
      const std::lock_guard lock(queue->mutex);
      queue->records.push_back(
          {*row, event.id, std::string(event.text), event.log_probability, event.top});
      return true;
    };
  }

  nb::object answer(Batch::Row row, std::optional<Sequence> sequence, std::exception_ptr error) {
    return nb::cast(new Answer(engine_, row, std::move(sequence), std::move(error)),
                    nb::rv_policy::take_ownership);
  }

  Engine engine_;
  std::shared_ptr<TokenQueue> queue_ = std::make_shared<TokenQueue>();
  Guarded<Batch> batch_;
};

BatchHandle* make_batch(const EngineHandle& handle, std::size_t max_rows,
                        std::int64_t prompt_tokens) {
  return new BatchHandle(handle.engine(), {.max_rows = max_rows, .prompt_tokens = prompt_tokens});
}

}  // namespace

void bind_batch(nb::module_& m) {
  nb::class_<BatchHandle>(m, "Batch")
      .def("add", &BatchHandle::add, nb::arg("state"), nb::arg("request"))
      .def("cancel", &BatchHandle::cancel, nb::arg("row"))
      .def("step", &BatchHandle::step)
      .def("take_tokens", &BatchHandle::take_tokens)
      .def("take_finished", &BatchHandle::take_finished)
      .def("fork", &BatchHandle::fork, nb::arg("row"), nb::arg("seed") = nb::none())
      .def("remove", &BatchHandle::remove, nb::arg("row"))
      .def_prop_ro("rows", &BatchHandle::rows);
  m.def("batch", &make_batch, nb::arg("engine"), nb::arg("max_rows") = 0,
        nb::arg("prompt_tokens") = 0);
}

}  // namespace xlstm::python
