#include "xlstm/wiring/tensor_table.h"

#include <gtest/gtest.h>

#include <set>

#include "xlstm/wiring/tensor_names.h"

namespace xlstm::testing {
namespace {

// Widths chosen so that no sum or product of them coincides with another.
constexpr Widths kWidths{1000, 101, 7, 13, 29, 57};

std::vector<SlotRow> all_slots() {
  std::vector<SlotRow> rows = outer_slots();
  rows.insert(rows.end(), block_slots().begin(), block_slots().end());
  return rows;
}

TEST(TensorTable, NamesAreUnique) {
  for (const RowList* rows : {&outer_rows(), &block_rows()}) {
    std::set<std::string_view> seen;
    for (const RowList::Entry& entry : rows->entries()) {
      for (const std::string_view name : entry.row->names) {
        EXPECT_TRUE(seen.insert(name).second) << name;
      }
    }
  }
}

TEST(TensorTable, PartsAddUpToTheSlot) {
  for (const SlotRow& slot : all_slots()) {
    std::int64_t rows = 0;
    for (const TensorRow& part : slot.parts) {
      const Shape shape = shape_of(part.axes, kWidths);
      rows += shape.front();
      EXPECT_EQ(Shape(shape.begin() + 1, shape.end()).size() + 1, slot.axes.size());
      if (slot.axes.size() == 2) {
        EXPECT_EQ(shape[1], shape_of(slot.axes, kWidths)[1]) << slot.name;
      }
    }
    EXPECT_EQ(rows, shape_of(slot.axes, kWidths).front()) << slot.name;
    if (slot.fused) {
      EXPECT_EQ(shape_of(slot.fused->axes, kWidths), shape_of(slot.axes, kWidths)) << slot.name;
    }
  }
}

TEST(TensorTable, EveryNameIsFoundAgain) {
  for (const RowList* rows : {&outer_rows(), &block_rows()}) {
    for (std::size_t i = 0; i < rows->entries().size(); ++i) {
      for (const std::string_view name : rows->entries()[i].row->names) {
        EXPECT_EQ(rows->find(name), i) << name;
      }
    }
    EXPECT_EQ(rows->find("norm"), TensorSource::npos);
  }
}

TEST(TensorTable, UnknownWidthsGiveNoLength) {
  EXPECT_EQ(length_of(Axis::kQKVO, {0, 0, 0, 0, 29, 0}), 0);
  EXPECT_EQ(length_of(Axis::kQKVO, kWidths), 2 * 13 + 2 * 29);
  EXPECT_EQ(length_of(Axis::k2NH, kWidths), 14);
  EXPECT_EQ(length_of(Axis::k2F, kWidths), 114);
}

TEST(TensorTable, ShapesAsText) {
  EXPECT_EQ(text_of({Axis::kQKVO, Axis::kD}), "[2*DQK + 2*DV, D]");
  EXPECT_EQ(text_of(std::vector<Axis>{Axis::kNH}), "[NH]");
}

}  // namespace
}  // namespace xlstm::testing
