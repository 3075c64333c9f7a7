#include "xlstm/ops/at_once.h"

#include <utility>

namespace xlstm::ops {
namespace {
thread_local AtOnce* innermost = nullptr;
}  // namespace

AtOnce::AtOnce() : outer_(std::exchange(innermost, this)) {}

AtOnce::~AtOnce() {
  innermost = outer_;
}

AtOnce* AtOnce::here() {
  return innermost;
}

}  // namespace xlstm::ops
