#include <array>

#include "xlstm/wiring/families/tirex/tirex.h"
#include "xlstm/wiring/families/tirex2/tirex2.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"
#include "xlstm/wiring/family.h"

namespace xlstm {

std::span<const Family* const> families() {
  static const std::array all = {&xlstm_large_family(), &xlstm_original_family(), &tirex_family(),
                                 &tirex2_family()};
  return all;
}

}  // namespace xlstm
