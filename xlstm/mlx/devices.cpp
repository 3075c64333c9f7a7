#include "xlstm/mlx/devices.h"

#include <variant>

#include "mlx/device.h"
#include "mlx/version.h"
#include "xlstm/base/error.h"

namespace xlstm::mlx {
namespace {

namespace mx = ::mlx::core;

DeviceFacts facts_of(const mx::Device& device, const std::string& name) {
  DeviceFacts facts{name, {}};
  for (const auto& [key, value] : mx::device_info(device)) {
    std::string& text = facts.details[key];
    std::visit([&text](const auto& detail) { text = str(detail); }, value);
  }
  return facts;
}

}  // namespace

std::string version() {
  return mx::version();
}

std::string device_kind(DeviceKind kind) {
  const DeviceFacts facts =
      facts_of(kind == DeviceKind::kGpu ? mx::Device::gpu : mx::Device::cpu, "");
  std::string text;
  for (const char* key : {"device_name", "architecture"}) {
    const auto found = facts.details.find(key);
    if (found != facts.details.end()) text += (text.empty() ? "" : " ") + found->second;
  }
  return text.empty() ? "unknown" : text;
}

std::vector<DeviceFacts> devices() {
  std::vector<DeviceFacts> found = {facts_of(mx::Device::cpu, "cpu")};
  if (!mx::is_available(mx::Device::gpu)) return found;
  for (int index = 0; index < mx::device_count(mx::Device::gpu); ++index) {
    found.push_back(facts_of(mx::Device(mx::Device::gpu, index), str("gpu ", index)));
  }
  return found;
}

}  // namespace xlstm::mlx
