#include "xlstm/model/weights_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/model/fixture.h"
#include "tests/model/quantised_folder.h"
#include "tests/support/copied_tensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/floats.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

// The classics with a head of another type, one number of it changed.
void write_with_head(const fs::path& to, DType dtype, float value) {
  const auto source = open_weights(classics_folder());
  std::vector<std::byte> head;
  CopiedTensors copied(*source);
  for (TensorToWrite& tensor : copied.tensors) {
    if (tensor.name != "lm_head.weight") continue;
    std::vector<float> values(tensor.bytes.size() / size_of(tensor.dtype));
    floats_from(tensor.bytes.data(), tensor.dtype, values.size(), values.data());
    values[values.size() - 1] = value;  // after several of the loader's parts
    head.resize(values.size() * size_of(dtype));
    floats_to(values.data(), values.size(), dtype, head.data());
    tensor = {tensor.name, dtype, tensor.shape, head};
  }
  write_safetensors(to / "model.safetensors", copied.tensors, {});
  fs::copy(classics_folder() / "config.json", to / "config.json", fs::copy_options::skip_existing);
}

TEST(WeightsLoader, NumbersThatANarrowerTypeCannotHold) {
  const TemporaryFolder scratch;
  for (const float bad : {3.4e38F, std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    write_with_head(scratch.path(), DType::kF32, bad);
    EXPECT_THAT(message_of(ErrorKind::kModel, [&] { open_model(scratch.path(), DType::kBF16); }),
                ::testing::HasSubstr("[lm_head.weight] wanted finite numbers that BF16 can hold"));
  }
  write_with_head(scratch.path(), DType::kF32, 3.4e38F);
  open_model(scratch.path());
  write_with_head(scratch.path(), DType::kF32, 3.3e38F);
  open_model(scratch.path(), DType::kBF16);
}

// As a download that starts again, or a network file system, may do.
TEST(WeightsLoader, AFileThatIsCutShortWhileItIsReadIsNamed) {
  const TemporaryFolder scratch;
  write_with_head(scratch.path(), DType::kF32, 1);
  const fs::path file = scratch.path() / "model.safetensors";
  const auto source = open_weights(scratch.path());
  const Plan plan = discover(scratch.path(), *source);
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_THAT(
      message_of(ErrorKind::kFile, [&] { Model::load(plan, *source, cpu::make_backend(1)); }),
      ::testing::HasSubstr("[" + file.string() + "] wanted the "));
}

}  // namespace
}  // namespace xlstm::testing
