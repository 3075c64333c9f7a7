// Memory that the ranks of one host share.
#pragma once

#include <cstdint>
#include <string_view>

#include "xlstm/group/region.h"

namespace xlstm {

class SharedRegion final : public Region {
 public:
  // Of threads.
  explicit SharedRegion(int size);
  // Rank 0 makes the file, the others wait for it; returns when all are here. Throws Error: kFile,
  // kUsage where others do not come in time.
  explicit SharedRegion(const Rendezvous& place);

  std::string_view end_of(int rank) const override;

 private:
  void make(const Rendezvous& place);
  bool find(const Rendezvous& place);
  void wait_for_all(const Rendezvous& place);

  std::uint64_t file_ = 0;  // which one it is: another may take its name
};

}  // namespace xlstm
