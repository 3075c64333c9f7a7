// Allocations that fail when a test says so: operator new of the whole test program.
#pragma once

namespace xlstm::test {

// The larger allocation of this thread before which `nth` others come throws std::bad_alloc, once.
void fail_allocation(int nth);

// Takes that back. Returns whether one failed meanwhile.
bool fail_none();

}  // namespace xlstm::test
