// Large pages for memory that is read from end to end again and again.
#pragma once

#include <cstddef>
#include <span>

namespace xlstm {

// The size of the system's large pages (2 MiB on x86-64): memory that starts at a multiple of it
// can lie in them as a whole. 0 where the system has none, has none of a sensible size or was told
// not to use them.
std::size_t large_page_bytes();

// Asks the system for large pages under this memory, before it is filled: a core translates fewer
// addresses then, and fetches ahead across what would be ends of pages. Rounds outwards to pages.
// A wish: where it cannot be met, nothing happens.
void prefer_large_pages(std::span<const std::byte> memory);

}  // namespace xlstm
