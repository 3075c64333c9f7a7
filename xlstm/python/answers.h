// What a batch tells Python: tokens while they come, and answers that have ended.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/generate/batch.h"
#include "xlstm/python/handles.h"

namespace xlstm::python {

// A TokenEvent that owns its text.
struct TokenRecord {
  Batch::Row row = 0;
  std::optional<std::int32_t> id;
  std::string text;
  std::optional<float> log_probability;
  std::vector<TokenProbability> top;
};

// A row that has ended, or was taken out.
class Answer {
 public:
  Answer(Engine engine, Batch::Row row, std::optional<Sequence> sequence, std::exception_ptr error)
      : engine_(std::move(engine)),
        row_(row),
        sequence_("answer", std::move(sequence)),
        error_(std::move(error)) {
    if (sequence_.unguarded()) completion_ = sequence_.unguarded()->result();
  }

  Batch::Row row() const { return row_; }
  const Completion& completion() const { return completion_; }
  bool has_failed() const { return failed_; }
  // Throws what ended it, if that was an error: once, for a Python exception can be raised once.
  void raise_error() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if (failed_) fail_wanted(ErrorKind::kUsage, "answer", "one that did not fail", "one that did");
  }
  // The state after all that was read. Throws Error(kUsage) for one that failed.
  StateHandle* state() {
    return sequence_.use([this](std::optional<Sequence>& sequence) {
      if (failed_ || !sequence) {
        fail_wanted(ErrorKind::kUsage, "answer", "one that did not fail", "one that did");
      }
      Session session = engine_.session();
      session.go_on_from(*sequence);
      return new StateHandle(engine_, std::move(session));
    });
  }

 private:
  Engine engine_;
  Batch::Row row_;
  Guarded<std::optional<Sequence>> sequence_;
  std::exception_ptr error_;
  bool failed_ = error_ != nullptr;
  Completion completion_ = {};
};

}  // namespace xlstm::python
