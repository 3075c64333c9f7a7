#include "xlstm/group/together.h"

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

struct Failure {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
};

std::optional<Failure> failure_of(const std::function<void()>& work) {
  try {
    translate_bad_alloc(work);
    return std::nullopt;
  } catch (const Error& error) {
    return Failure{error.kind(), error.what()};
  } catch (const std::exception& error) {
    return Failure{ErrorKind::kInternal, error.what()};
  }
}

// What rank `rank` has failed with.
[[noreturn]] void fail_as(Group& group, int rank, const std::optional<Failure>& own) {
  const auto of_rank = static_cast<std::size_t>(rank);
  const Failure failure = own.value_or(Failure());
  const ErrorKind kind = group.gather(failure.kind)[of_rank];
  std::vector<std::size_t> sizes = group.gather(failure.message.size());
  std::vector<std::size_t> begins;
  std::size_t end = 0;
  for (const std::size_t size : sizes) {
    begins.push_back(end);
    end += size;
  }
  std::string all(end, '\0');
  group.gather(std::as_bytes(std::span(failure.message)), sizes,
               std::as_writable_bytes(std::span(all)));
  const std::string message = all.substr(begins[of_rank], sizes[of_rank]);
  if (rank > 0) fail(kind, str("rank ", rank, " of ", group.size()), message);
  // As it was: an Error puts brackets around what comes first.
  const std::size_t where_ends = message.find("] ");
  if (!message.starts_with('[') || where_ends == std::string::npos) fail(kind, "rank 0", message);
  fail(kind, message.substr(1, where_ends - 1), message.substr(where_ends + 2));
}

}  // namespace

void together(Group* group, const std::function<void()>& work) {
  if (group == nullptr) return work();
  const std::optional<Failure> own = failure_of(work);
  const std::vector<char> failed = group->gather(static_cast<char>(own.has_value()));
  for (int rank = 0; rank < group->size(); ++rank) {
    if (failed[static_cast<std::size_t>(rank)] != 0) fail_as(*group, rank, own);
  }
}

}  // namespace xlstm
