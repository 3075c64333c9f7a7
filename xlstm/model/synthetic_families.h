// The synthetic models of other families than xLSTM-large: for synthetic.cpp.
#pragma once

#include "xlstm/model/synthetic.h"

namespace xlstm {

// The sizes of the published TiRex: 35,291,200 parameters.
Synthetic synthetic_tirex();

// A language model of the first paper with as many sLSTM as mLSTM blocks, D = 1024.
Synthetic synthetic_original();

}  // namespace xlstm
