#include "xlstm/engine/self_test.h"

#include "xlstm/engine/self_test_checks.h"

namespace xlstm {

std::vector<CheckResult> self_test(Backend& backend, bool tf32) {
  SelfTestChecks checks(backend, tf32);
  check_plain_ops(checks);
  check_layer_ops(checks);
  check_mlstm_ops(checks);
  return checks.results;
}

}  // namespace xlstm
