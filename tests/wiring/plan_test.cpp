#include "xlstm/wiring/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

TEST(Plan, SumsOverNodes) {
  const Plan plan = discover("{}", make_source(), "model");
  // Embedding and head 40*24 each, out_norm 24; a block: two norms of 24, q and k 12*24, v and o
  // 36*24, gates 2*(3*24 + 3), head norm 36, out 24*36, FFN 3 times 64*24.
  const std::uint64_t block =
      2 * 24 + 2 * 12 * 24 + 2 * 36 * 24 + 2 * (3 * 24 + 3) + 36 + 24 * 36 + 3 * 64 * 24;
  EXPECT_EQ(plan.parameters(), 2 * 40 * 24 + 24 + 2 * block);
  EXPECT_EQ(plan.bytes(), 4 * plan.parameters());
}

TEST(Plan, FindsNodesAndSlots) {
  const Plan plan = discover("{}", make_source(), "model");
  EXPECT_EQ(plan.node("blocks.1.ffn").kind, NodeKind::kFfn);
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) EXPECT_EQ(plan.find_slot(slot.name), &slot);
  }
  EXPECT_EQ(plan.find_slot("blocks.2.ffn.up.weight"), nullptr);
  EXPECT_EQ(plan.find_slot(""), nullptr);
  EXPECT_EQ(message_of(ErrorKind::kInternal, [&] { plan.node("blocks.2.ffn"); }),
            "[plan] no node \"blocks.2.ffn\"");
}

TEST(Plan, KindsHaveNames) {
  EXPECT_EQ(name_of(NodeKind::kEmbedding), "embedding");
  EXPECT_EQ(name_of(NodeKind::kMlstm), "mlstm");
  EXPECT_EQ(name_of(NodeKind::kFfn), "ffn");
  EXPECT_EQ(name_of(NodeKind::kOutNorm), "rms_norm");
  EXPECT_EQ(name_of(NodeKind::kLmHead), "lm_head");
}

// Float32 whatever the compute dtype: gates and norms; nothing else.
TEST(Plan, WhatStaysFloat32) {
  Sizes sizes;
  sizes.bias = true;
  const Plan plan = discover("{}", make_source(sizes), "model");
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      const bool gate_or_norm = slot.name.find("gates.") != std::string::npos ||
                                slot.name.find("norm.") != std::string::npos;
      EXPECT_EQ(slot.keep_float32, gate_or_norm) << slot.name;
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
