// Kernels as text, compiled on a machine that need not have a GPU.
#include "xlstm/cuda/compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"

namespace xlstm::cuda {
namespace {

TEST(KernelTexts, AreWhatTheBackendNames) {
  std::vector<std::string> names;
  for (const KernelText& each : kernel_texts()) {
    names.emplace_back(each.name);
    EXPECT_THAT(std::string(each.text), ::testing::HasSubstr("__global__")) << each.name;
  }
  EXPECT_THAT(
      names, ::testing::UnorderedElementsAre(
                 "causal_conv", "choose", "dense_rows", "elementwise", "embed", "headwise", "mlstm",
                 "mlstm_heads", "mlstm_outputs", "mlstm_states", "norms", "peers", "probe",
                 "product", "quantized_stream", "row_attention", "row_norms", "row_product",
                 "row_stream", "slstm", "tensor_row", "tensor_rows", "warpgroup_rows"));
  for (const KernelText& header : kernel_headers()) {
    EXPECT_THAT(std::string(header.name), ::testing::StartsWith("xlstm/cuda/kernels/"));
  }
}

// Every text for the oldest and the newest kind of GPU, then from the cache; without NVRTC the
// error says what to install.
TEST(Compiler, MakesMachineCodeAndKeepsIt) {
  const TemporaryFolder folder;
  setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  constexpr int kCapability = 80;  // the oldest; each text takes a second
  for (const KernelText& each : kernel_texts()) {
    std::vector<char> binary;
    try {
      binary = compiled(each, kCapability);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("pip install nvidia-cuda-nvrtc"));
      return;
    }
    EXPECT_EQ(std::string(binary.data() + 1, 3), "ELF") << each.name;
    EXPECT_EQ(compiled(each, kCapability), binary) << each.name;
  }
  const auto count =
      std::distance(std::filesystem::directory_iterator(folder.path() / "xlstm/cuda"),
                    std::filesystem::directory_iterator());
  EXPECT_EQ(static_cast<std::size_t>(count), kernel_texts().size());
}

TEST(Compiler, TellsWhatIsWrongInATextThatDoesNotCompile) {
  const TemporaryFolder folder;
  setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  try {
    compiled({"wrong", "__global__ void f() { no_such_thing(); }", {}}, 90);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::AnyOf(::testing::HasSubstr("no_such_thing"),
                                               ::testing::HasSubstr("nvidia-cuda-nvrtc")));
  }
}

}  // namespace
}  // namespace xlstm::cuda
