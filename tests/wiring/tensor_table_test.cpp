#include "xlstm/wiring/tensor_table.h"

#include <gtest/gtest.h>

#include <set>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/families/xlstm_large/tensor_rows.h"

namespace xlstm::testing {
namespace {

using namespace xlstm_large;

// Widths chosen so that no sum or product of them coincides with another.
const DimLengths kLengths = {1000, 101, 7, 13, 29, 57};

std::vector<ParameterRow> all_rows() {
  std::vector<ParameterRow> rows = tensor_table().outer.rows();
  const auto& block = tensor_table().block.rows();
  rows.insert(rows.end(), block.begin(), block.end());
  return rows;
}

TEST(TensorTable, NamesAreUnique) {
  for (const RowList* rows : {&tensor_table().outer, &tensor_table().block}) {
    std::set<std::string_view> seen;
    for (const RowList::Entry& entry : rows->entries()) {
      for (const std::string_view name : entry.tensor->names) {
        EXPECT_TRUE(seen.insert(name).second) << name;
      }
    }
  }
}

TEST(TensorTable, PartsAddUpToTheParameter) {
  for (const ParameterRow& parameter : all_rows()) {
    std::int64_t rows = 0;
    for (const TensorRow& part : parameter.parts) {
      const Shape shape = shape_of(part.axes, kLengths);
      rows += shape.front();
      EXPECT_EQ(Shape(shape.begin() + 1, shape.end()).size() + 1, parameter.axes.size());
      if (parameter.axes.size() == 2) {
        EXPECT_EQ(shape[1], shape_of(parameter.axes, kLengths)[1]) << parameter.name;
      }
    }
    EXPECT_EQ(rows, shape_of(parameter.axes, kLengths).front()) << parameter.name;
    if (parameter.fused) {
      EXPECT_EQ(shape_of(parameter.fused->axes, kLengths), shape_of(parameter.axes, kLengths))
          << parameter.name;
    }
  }
}

TEST(TensorTable, EveryNameIsFoundAgain) {
  for (const RowList* rows : {&tensor_table().outer, &tensor_table().block}) {
    for (std::size_t i = 0; i < rows->entries().size(); ++i) {
      for (const std::string_view name : rows->entries()[i].tensor->names) {
        EXPECT_EQ(rows->find(name), i) << name;
      }
    }
    EXPECT_EQ(rows->find("norm"), TensorSource::npos);
  }
}

TEST(TensorTable, UnknownLengthsGiveNone) {
  const Axis sum = {{2, kDQK}, {2, kDV}};
  EXPECT_EQ(length_of(sum, {0, 0, 0, 0, 29, 0}), 0);
  EXPECT_EQ(length_of(sum, kLengths), 2 * 13 + 2 * 29);
  EXPECT_EQ(length_of(Axis{{2, kNH}}, kLengths), 14);
  EXPECT_EQ(length_of(kF, kLengths), 57);
}

TEST(TensorTable, ShapesAsText) {
  const Axes axes = {Axis{{2, kDQK}, {2, kDV}}, kD};
  EXPECT_EQ(tensor_table().text_of(axes), "[2*DQK + 2*DV, D]");
  EXPECT_EQ(tensor_table().text_of(Axes{Axis(kNH)}), "[NH]");
}

}  // namespace
}  // namespace xlstm::testing
