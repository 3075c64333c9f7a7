// As much of Apple's header as xlstm/base/*_macos.cpp needs: names, types and widths are those of
// the public XNU sources (osfmk/mach/task_info.h, vm_statistics.h, host_info.h).
#pragma once

#include <cstdint>

extern "C" {

using natural_t = unsigned int;
using integer_t = int;
using kern_return_t = int;
using mach_port_name_t = natural_t;
using mach_port_t = mach_port_name_t;
using task_name_t = mach_port_t;
using ipc_space_t = mach_port_t;
using host_t = mach_port_t;
using task_flavor_t = natural_t;
using host_flavor_t = integer_t;
using mach_msg_type_number_t = natural_t;
using task_info_t = integer_t*;
using host_info64_t = integer_t*;
using mach_vm_size_t = std::uint64_t;
using policy_t = int;

struct time_value_t {
  integer_t seconds, microseconds;
};

struct mach_task_basic_info {
  mach_vm_size_t virtual_size, resident_size, resident_size_max;
  time_value_t user_time, system_time;
  policy_t policy;
  integer_t suspend_count;
};

// The first fields of more; all that are natural_t come before the first that is wider.
struct vm_statistics64_data_t {
  natural_t free_count, active_count, inactive_count, wire_count;
  std::uint64_t zero_fill_count, reactivations, pageins, pageouts, faults, cow_faults, lookups,
      hits, purges;
  natural_t purgeable_count, speculative_count;
};

inline constexpr kern_return_t KERN_SUCCESS = 0;
inline constexpr task_flavor_t MACH_TASK_BASIC_INFO = 20;
inline constexpr mach_msg_type_number_t MACH_TASK_BASIC_INFO_COUNT =
    sizeof(mach_task_basic_info) / sizeof(natural_t);
inline constexpr host_flavor_t HOST_VM_INFO64 = 4;
inline constexpr mach_msg_type_number_t HOST_VM_INFO64_COUNT =
    sizeof(vm_statistics64_data_t) / sizeof(integer_t);

mach_port_t mach_task_self();
mach_port_t mach_host_self();
kern_return_t task_info(task_name_t task, task_flavor_t flavor, task_info_t to,
                        mach_msg_type_number_t* count);
kern_return_t host_statistics64(host_t host, host_flavor_t flavor, host_info64_t to,
                                mach_msg_type_number_t* count);
kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name);
}
