// The tables of docs/metal-performance.md are what the tiles and the formulas give.
#include "tests/mlx/metal_on_paper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace xlstm::testing {
namespace {

TEST(MetalOnPaper, TheDocumentsTablesAreWhatTheFormulasGive) {
  std::ifstream file(XLSTM_SOURCE_DIR "/docs/metal-performance.md");
  const std::string document(std::istreambuf_iterator<char>(file), {});
  for (const std::string& table :
       {metal_kernel_table(), metal_weights_table(), metal_chip_table()}) {
    EXPECT_NE(document.find(table), std::string::npos) << "put this into the document:\n" << table;
  }
}

}  // namespace
}  // namespace xlstm::testing
