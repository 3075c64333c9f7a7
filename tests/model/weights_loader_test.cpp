#include "xlstm/model/weights_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/model/fixture.h"
#include "tests/model/quantised_folder.h"
#include "tests/wiring/expect_error.h"
#include "xlstm/base/floats.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

// The classics with a head of another type, one number of it changed.
void write_with_head(const fs::path& to, DType dtype, float value) {
  const auto source = open_weights(classics_folder());
  std::vector<std::byte> head;
  std::vector<TensorToWrite> tensors;
  for (std::size_t i = 0; i < source->tensors().size(); ++i) {
    const TensorInfo& info = source->tensors()[i];
    tensors.push_back({info.name, info.dtype, info.shape, source->bytes(i)});
    if (info.name != "lm_head.weight") continue;
    std::vector<float> values(info.bytes / size_of(info.dtype));
    floats_from(source->bytes(i).data(), info.dtype, values.size(), values.data());
    values[values.size() - 1] = value;  // after several of the loader's parts
    head.resize(values.size() * size_of(dtype));
    floats_to(values.data(), values.size(), dtype, head.data());
    tensors.back() = {info.name, dtype, info.shape, head};
  }
  write_safetensors(to / "model.safetensors", tensors, {});
  fs::copy(classics_folder() / "config.json", to / "config.json", fs::copy_options::skip_existing);
}

TEST(WeightsLoader, NumbersThatANarrowerTypeCannotHold) {
  const ScratchFolder scratch;
  for (const float bad : {3.4e38F, std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    write_with_head(scratch.path(), DType::kF32, bad);
    EXPECT_THAT(
        message_of(ErrorKind::kModel, [&] { open_model(scratch.path(), ComputeDtype::kBfloat16); }),
        ::testing::HasSubstr("[lm_head.weight] wanted finite numbers that BF16 can hold"));
  }
  write_with_head(scratch.path(), DType::kF32, 3.4e38F);
  open_model(scratch.path());
  write_with_head(scratch.path(), DType::kF32, 3.3e38F);
  open_model(scratch.path(), ComputeDtype::kBfloat16);
}

}  // namespace
}  // namespace xlstm::testing
