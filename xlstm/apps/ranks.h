// The process as one of several ranks that run the same command together. Rank 0 talks to people:
// it alone reads standard input and writes; the others follow it and are silent.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "xlstm/group/group.h"

namespace xlstm::apps {

// What rank this process is; from now on followers are silent and leave interrupts to rank 0.
void become_rank(const Rendezvous& place);
// Waits for the others; then this_group() is theirs. Throws as Group::join().
void join_ranks(const Rendezvous& place);
// This rank has ended: the others, which may wait for it, hear of it.
void leave_ranks() noexcept;

// Null: the process runs alone.
const std::shared_ptr<Group>& this_group();
// Whether this process talks to people: it is rank 0, or alone.
bool leads();

// What rank 0 says.
bool agreed(bool own);
std::string agreed(const std::string& own);

// An error that ends a follower: rank 0 tells it; where it does not, for it cannot hear, this one
// does. Returns the exit code, that of a good end where rank 0 has ended before.
int end_of_follower(const std::exception& error);

}  // namespace xlstm::apps
