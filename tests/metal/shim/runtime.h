// What a compiled kernel and the emulator know of each other. Both include it, so it is plain C++17
// that needs no other header.
#pragma once

namespace msl {

// Where in a kernel's text something synchronises. Two calls are the same one where all of it is
// equal.
struct Site {
  const char* op;
  const char* file;
  int line, column;
};

// What the lanes of a SIMD group gave to one exchange. `active`: a bit for each lane that took
// part.
struct Lanes {
  static constexpr int kBytes = 64;
  unsigned active;
  alignas(16) unsigned char values[32][kBytes];
};

enum AccessKind : unsigned { kRead, kWrite, kAtomic, kAtomicStore };

// The spaces of mem_flags, as bits.
enum Space : unsigned { kNoSpace = 0, kDeviceSpace = 1, kThreadgroupSpace = 2 };

struct Runtime {
  void* self;
  // The memory that all threads of a threadgroup know by this declaration. `cell`: bytes of its
  // scalars.
  void* (*threadgroup_array)(void* self, const Site&, unsigned long bytes, unsigned cell);
  // Returns when all live lanes of the SIMD group have called it from the same place.
  const Lanes* (*exchange)(void* self, const void* value, unsigned bytes, const Site&);
  void (*threadgroup_barrier)(void* self, unsigned spaces, const Site&);
  void (*simdgroup_barrier)(void* self, unsigned spaces, const Site&);
  // A load or store of `bytes` bytes, by the instruction before `pc`.
  void (*access)(void* self, const void* address, unsigned long bytes, unsigned kind,
                 const void* pc);
  // Ends the run with this fault. Does not return.
  void (*fail)(void* self, const char* what, const Site&);
  unsigned (*lane)(void* self);  // of the thread that asks
  // Row and column of a lane's two elements in a simdgroup_matrix: [lane][element][row, column].
  const unsigned char (*matrix_places)[2][2];
};

// The attributes of one thread, by their names in Metal; those that are one number use [0].
struct Thread {
  unsigned thread_position_in_grid[3], thread_position_in_threadgroup[3];
  unsigned threadgroup_position_in_grid[3], threads_per_grid[3], threads_per_threadgroup[3];
  unsigned dispatch_threads_per_threadgroup[3], threadgroups_per_grid[3], grid_size[3];
  unsigned grid_origin[3];
  unsigned thread_index_in_threadgroup[1], thread_index_in_simdgroup[1];
  unsigned simdgroup_index_in_threadgroup[1], simdgroups_per_threadgroup[1];
  unsigned dispatch_simdgroups_per_threadgroup[1], threads_per_simdgroup[1];
  unsigned thread_execution_width[1];
};

}  // namespace msl
