// What xlstm/base/*_macos.cpp make of what a Mac tells, above a Mac that is made up: so that what
// only Macs compile is compiled and run everywhere.
#include <gtest/gtest.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "xlstm/base/arm.h"
#include "xlstm/base/cores.h"
#include "xlstm/base/large_pages.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/program.h"

namespace {

constexpr mach_port_t kTask = 7, kHost = 9;

struct Mac {
  std::map<std::string, std::vector<std::uint8_t>> values;  // that sysctl knows
  std::uint64_t resident = 0;
  natural_t free = 0, inactive = 0;
  bool refuses = false;
  std::string program;
  int ports_held = 0;  // of mach_host_self(), which must be given back
};

Mac& mac() {
  static Mac one;
  return one;
}

template <typename Number>
std::vector<std::uint8_t> bytes_of(Number value) {
  std::vector<std::uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

}  // namespace

extern "C" {

int sysctlbyname(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                 std::size_t new_size) {
  const auto found = mac().values.find(name);
  if (found == mac().values.end() || new_value != nullptr || new_size != 0) return -1;
  if (*old_size < found->second.size()) return -1;  // ENOMEM
  std::memcpy(old_value, found->second.data(), found->second.size());
  *old_size = found->second.size();
  return 0;
}

mach_port_t mach_task_self() {
  return kTask;
}

mach_port_t mach_host_self() {
  ++mac().ports_held;
  return kHost;
}

kern_return_t task_info(task_name_t task, task_flavor_t flavor, task_info_t to,
                        mach_msg_type_number_t* count) {
  if (mac().refuses || task != kTask || flavor != MACH_TASK_BASIC_INFO) return 4;
  if (*count < MACH_TASK_BASIC_INFO_COUNT) return 4;
  mach_task_basic_info info{};
  info.resident_size = mac().resident;
  std::memcpy(to, &info, sizeof info);
  return KERN_SUCCESS;
}

kern_return_t host_statistics64(host_t host, host_flavor_t flavor, host_info64_t to,
                                mach_msg_type_number_t* count) {
  if (mac().refuses || host != kHost || flavor != HOST_VM_INFO64) return 4;
  if (*count < HOST_VM_INFO64_COUNT) return 4;
  vm_statistics64_data_t info{};
  info.free_count = mac().free;
  info.inactive_count = mac().inactive;
  std::memcpy(to, &info, sizeof info);
  return KERN_SUCCESS;
}

int _NSGetExecutablePath(char* path, std::uint32_t* size) {
  const std::uint32_t wanted = static_cast<std::uint32_t>(mac().program.size()) + 1;
  const bool fits = wanted <= *size;
  if (fits) std::memcpy(path, mac().program.c_str(), wanted);
  *size = wanted;
  return fits ? 0 : -1;
}

kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name) {
  if (space != kTask || name != kHost) return 15;
  --mac().ports_held;
  return KERN_SUCCESS;
}
}

namespace xlstm::testing {
namespace {

class MacSystem : public ::testing::Test {
 protected:
  void SetUp() override { mac() = {}; }
};

TEST_F(MacSystem, MemoryIsWhatTheKernelSays) {
  mac().values["hw.memsize"] = bytes_of(std::uint64_t{64} << 30);
  mac().resident = std::uint64_t{5} << 40;  // more than any resource limit counts here
  EXPECT_EQ(physical_memory_bytes(), std::uint64_t{64} << 30);
  EXPECT_EQ(resident_bytes(), std::uint64_t{5} << 40);
  EXPECT_EQ(peak_resident_bytes(), std::uint64_t{5} << 40);  // never below what is there now
}

TEST_F(MacSystem, WhatIsFreeOrInactiveIsAvailable) {
  mac().free = 4'000'000'000U;  // pages: their sum does not fit 32 bits
  mac().inactive = 3'000'000'000U;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(available_memory_bytes(), std::uint64_t{7'000'000'000} * page);
  EXPECT_EQ(mac().ports_held, 0);
}

TEST_F(MacSystem, AKernelThatRefusesLeavesNothingKnown) {
  mac().refuses = true;
  EXPECT_EQ(resident_bytes(), 0U);
  EXPECT_EQ(available_memory_bytes(), 0U);
  EXPECT_EQ(physical_memory_bytes(), 0U);
  EXPECT_EQ(mac().ports_held, 0);
}

TEST_F(MacSystem, AnInstructionThatTheSystemDoesNotNameIsNotThere) {
  mac().values["hw.optional.arm.FEAT_DotProd"] = bytes_of(1);
  mac().values["hw.optional.arm.FEAT_I8MM"] = bytes_of(0);
  const ArmFeatures& m1 = arm_features();  // asked once, as a processor stays what it is
  EXPECT_TRUE(m1.dot);
  EXPECT_FALSE(m1.int8_matrix);
  EXPECT_FALSE(m1.bf16_matrix);
}

TEST_F(MacSystem, CoresAndPages) {
  EXPECT_GE(usable_cores(), 1U);
  EXPECT_EQ(large_page_bytes(), 0U);
  prefer_large_pages({});
}

TEST_F(MacSystem, TheProgramIsWhereTheSystemSays) {
  mac().program = "/opt/homebrew/bin/xlstm";
  EXPECT_EQ(program_file(), "/opt/homebrew/bin/xlstm");
  mac().program = std::string(5000, 'x');  // longer than any path
  EXPECT_TRUE(program_file().empty());
}

}  // namespace
}  // namespace xlstm::testing
