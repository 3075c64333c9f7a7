// Which kernel takes which shapes, with which tiles: whatever the sizes, a tile fits a threadgroup
// and covers its head.
#include <gtest/gtest.h>

#include "xlstm/mlx/metal/tiles.h"

namespace xlstm::mlx::metal {
namespace {

TEST(MetalTiles, AStepCoversItsHead) {
  for (int DHQK = 1; DHQK <= 520; DHQK += DHQK < 70 ? 1 : 29) {
    for (int DHV = 1; DHV <= 512; DHV += DHV < 70 ? 1 : 31) {
      for (const int most : {64, 256, 512, 1024}) {
        const MlstmSizes sizes = {3, DHQK, DHV};
        const auto tile = mlstm_step_tile(sizes, {.step_threads = most});
        if (!tile) {  // too many columns for so few threads
          ASSERT_GT(DHV % 4 == 0 ? DHV / 4 : DHV % 2 == 0 ? DHV / 2 : DHV, most);
          continue;
        }
        ASSERT_EQ(DHV % tile->columns, 0);
        ASSERT_GE(tile->row_groups, 1);
        ASSERT_LE(tile->row_groups, DHQK);
        ASSERT_GE(tile->threads, DHV / tile->columns * tile->row_groups);
        ASSERT_LE(tile->threads, most);
        ASSERT_EQ(tile->threads % 32, 0);
        ASSERT_LE(tile->threadgroup_bytes(sizes), kThreadgroupBytes);
      }
    }
  }
}

TEST(MetalTiles, StepsOfKnownModels) {
  const auto step = [](int NH, int DHQK, int DHV) {
    return mlstm_step_tile(MlstmSizes{NH, DHQK, DHV}).value();
  };
  const MlstmStepTile large = step(8, 256, 512);  // xLSTM-7B: four rows of 128 x 4 columns
  EXPECT_EQ(large.columns, 4);
  EXPECT_EQ(large.row_groups, 4);
  EXPECT_EQ(large.threads, 512);
  const MlstmStepTile small = step(4, 32, 64);  // classics-8m
  EXPECT_EQ(small.row_groups, 4);
  EXPECT_EQ(small.threads, 64);
  EXPECT_EQ(step(3, 5, 7).columns, 1);
  EXPECT_EQ(step(3, 5, 7).threads, 32);
}

TEST(MetalTiles, AChunkCoversItsHead) {
  for (int DHQK = 1; DHQK <= 300; DHQK += DHQK < 70 ? 1 : 23) {
    for (int DHV = 1; DHV <= 512; ++DHV) {
      for (const int chunk : {32, 64, 128, 256}) {
        const MlstmSizes sizes = {2, DHQK, DHV};
        const auto tile = mlstm_chunk_tile(sizes, {.chunk = chunk});
        ASSERT_TRUE(tile) << DHQK << " " << DHV << " " << chunk;
        ASSERT_EQ(tile->chunk, chunk);
        ASSERT_GE(tile->simdgroups * tile->blocks * 8, DHV);
        ASSERT_LE(tile->blocks, 8);
        ASSERT_EQ(16 % tile->simdgroups, 0);
        ASSERT_EQ(32 % tile->stage, 0);
        ASSERT_EQ(tile->stage % 8, 0);
        ASSERT_LE(tile->outputs_bytes(), kThreadgroupBytes);
        ASSERT_LE(tile->states_bytes(), kThreadgroupBytes);
        // A tile of C that is not whole may be at most twice what it holds, but for the smallest.
        ASSERT_LE(tile->rows, DHQK > 8 ? 2 * DHQK : 16);
        ASSERT_LE(tile->columns, DHV > 8 ? 2 * DHV : 16);
      }
    }
  }
}

TEST(MetalTiles, WhatNoThreadgroupHoldsIsLeftToDefinitions) {
  EXPECT_FALSE(mlstm_step_tile({1, 64, 2052}));
  EXPECT_FALSE(mlstm_step_tile({1, 4096, 64}));
  EXPECT_FALSE(mlstm_chunk_tile({1, 64, 513}));
  EXPECT_FALSE(slstm_tile(1, 1639));
  EXPECT_TRUE(slstm_tile(1, 1638));
}

TEST(MetalTiles, ScansShareAHeadsWeights) {
  for (const int B : {1, 2, 3, 7, 8, 9, 100}) {
    for (int DH = 1; DH <= 1638; DH += DH < 70 ? 1 : 97) {
      const auto tile = slstm_tile(B, DH);
      ASSERT_TRUE(tile);
      ASSERT_GE(tile->sequences, 1);
      ASSERT_LE(tile->sequences, B);
      ASSERT_EQ(tile->threads % 32, 0);
      ASSERT_LE(tile->threads, 512);
      ASSERT_LE(tile->threadgroup_bytes(DH), kThreadgroupBytes);
    }
  }
  EXPECT_EQ(slstm_tile(64, 128)->sequences, 8);  // TiRex 35M
}

}  // namespace
}  // namespace xlstm::mlx::metal
