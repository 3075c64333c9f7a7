// Allocations that fail when a test says so: operator new of the whole test program.
#pragma once

namespace xlstm::test {

// The larger allocation of this thread before which `nth` others come throws std::bad_alloc, once.
void fail_allocation(int nth);

// The same of the memory of tensors, which is aligned and asked for without exceptions: that one
// and the next fail, as the CPU's workspace gives its cache back and tries again. What is in the
// cache cannot fail.
void fail_tensor(int nth);

// Takes either back. Returns whether one failed meanwhile.
bool fail_none();

}  // namespace xlstm::test
