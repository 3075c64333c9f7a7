// xlstm doctor: what the machine offers, and whether ops compute right on it.
#include "xlstm/base/json.h"
#include "xlstm/engine/doctor.h"

#include <memory>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/memory.h"

namespace xlstm::apps {
namespace {

struct DoctorArguments {
  EngineOptions engine;
  bool json = false;
};

std::string simd_text(const MachineFacts& machine) {
  const std::string cap =
      machine.simd_cap.empty() ? "" : str(" (XLSTM_SIMD: at most ", machine.simd_cap, ")");
  return joined(machine.simd) + cap;
}

std::string device_text(const DeviceFacts& device) {
  std::string text = device.name;
  for (const auto& [key, value] : device.details) text += ", " + key + " " + value;
  return fact("device", text);
}

std::string check_text(const CheckResult& check) {
  return fact(check.ok() ? "ok" : "WRONG", str(check.name, ": error ", scientific(check.error, 1),
                                               ", bound ", scientific(check.bound, 1)));
}

std::string text_of(const MachineFacts& machine, const std::vector<CheckResult>& checks) {
  std::string text = fact("xlstm", XLSTM_VERSION) + fact("MLX", machine.mlx_version) +
                     fact("system", machine.system);
  for (const DeviceFacts& device : machine.devices) text += device_text(device);
  text += fact("SIMD", simd_text(machine)) + fact("threads", str(machine.threads)) +
          fact("machine", str(human_bytes(physical_memory_bytes()), ", ",
                              human_bytes(available_memory_bytes()), " available"));
  if (machine.tf32) {
    text += fact("TF32", "yes, by MLX_ENABLE_TF32: factors of float32 products keep 11 bits");
  }
  for (const CheckResult& check : checks) text += check_text(check);
  return text;
}

Json json_of(const MachineFacts& machine, const std::vector<CheckResult>& checks) {
  Json devices = Json::array();
  for (const DeviceFacts& device : machine.devices) {
    devices.push_back({{"name", device.name}, {"details", device.details}});
  }
  Json results = Json::array();
  for (const CheckResult& check : checks) {
    results.push_back(
        {{"name", check.name}, {"error", check.error}, {"bound", check.bound}, {"ok", check.ok()}});
  }
  return {
      {"version", XLSTM_VERSION},
      {"mlx_version", machine.mlx_version},
      {"system", machine.system},
      {"devices", devices},
      {"simd", machine.simd},
      {"simd_cap", machine.simd_cap},
      {"tf32", machine.tf32},
      {"threads", machine.threads},
      {"memory", {{"physical", physical_memory_bytes()}, {"available", available_memory_bytes()}}},
      {"self_test", results}};
}

int run_doctor(const DoctorArguments& options) {
  const std::vector<CheckResult> checks = self_test(options.engine);
  const MachineFacts machine = machine_facts(options.engine);
  write_out(options.json ? json_line(json_of(machine, checks)) : text_of(machine, checks));
  flush_out();
  for (const CheckResult& check : checks) {
    if (!check.ok()) {
      fail_wanted(ErrorKind::kInternal, "doctor", "the ops to agree with their references",
                  check.name + " that does not");
    }
  }
  return kExitOk;
}

}  // namespace

Command doctor_command() {
  const auto options = std::make_shared<DoctorArguments>();
  return {
      .name = "doctor",
      .summary = "What this machine offers, and whether it computes right",
      .description =
          "Versions, system, devices, SIMD, threads and memory; then each op against its float64 "
          "reference on the device in use, in float32 and, where it computes in that, in bfloat16. "
          "Ends with exit code 1 when one of them is wrong.",
      .groups = {{"Options",
                  {device_option(options->engine), threads_option(options->engine),
                   switch_option("--json", "One JSON object", options->json)}}},
      .examples = {{"xlstm doctor", "First thing to run when something looks odd."},
                   {"xlstm doctor --device gpu --json", "The GPU's ops, for a program."}},
      .run = [options] { return run_doctor(*options); }};
}

}  // namespace xlstm::apps
