// The golden cases: what the reference implementations computed in float32.
//
// The folder comes from XLSTM_GOLDEN (default: the project's copy); its cases are found when the
// test runs. Every case prints its measured errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "tests/model/fixture.h"

namespace xlstm::testing {
namespace {
namespace fs = std::filesystem;
namespace mx = mlx::core;

// A tensor of a golden file.
mx::array read(const TensorSource& golden, const std::string& name) {
  const std::size_t index = golden.find(name);
  if (index == TensorSource::npos) throw std::runtime_error("golden file lacks " + name);
  const TensorInfo& info = golden.tensors()[index];
  const mx::Shape shape(info.shape.begin(), info.shape.end());
  const auto bytes = golden.read_all(index);
  const std::size_t count = info.bytes / size_of(info.dtype);
  if (info.dtype == DType::kI64) {
    std::vector<std::int64_t> values(count);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return mx::array(values.begin(), shape, mx::int32);
  }
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return mx::array(values.begin(), shape, mx::float32);
}

std::vector<std::int32_t> read_ids(const TensorSource& golden, const std::string& name) {
  mx::array ids = read(golden, name);
  ids.eval();
  return {ids.data<std::int32_t>(), ids.data<std::int32_t>() + ids.size()};
}

// The reference ran until `count` tokens were there: `never`, the end token, was not to be chosen.
std::vector<std::int32_t> greedy(const Model& model, const std::vector<std::int32_t>& prompt,
                                 std::size_t count, std::optional<std::int64_t> never) {
  std::vector<std::int32_t> out;
  ForwardResult step = model.prefill(tokens_of(prompt), model.initial_state());
  while (true) {
    std::vector<float> logits = values_of(step.logits);
    if (never) logits[static_cast<std::size_t>(*never)] = -std::numeric_limits<float>::infinity();
    const auto best = std::max_element(logits.begin(), logits.end());
    out.push_back(static_cast<std::int32_t>(best - logits.begin()));
    if (out.size() == count) return out;
    step = model.forward(tokens_of({out.back()}), step.state);
  }
}

double golden_state_difference(const TensorSource& golden, const ModelState& state) {
  double worst = 0;
  for (std::size_t l = 0; l < state.blocks.size(); ++l) {
    const std::string prefix = "state." + std::to_string(l) + ".";
    const auto part = [&](const char* name, const mx::array& got) {
      return relative_difference(values_of(got), values_of(read(golden, prefix + name)));
    };
    worst = std::max({worst, part("c", state.blocks[l].C), part("n", state.blocks[l].n),
                      part("m", state.blocks[l].m)});
  }
  return worst;
}

// The goldens were themselves computed in float32, so two roundings meet.
double golden_bound(const Model& model, std::size_t S) {
  return std::min(1e-3, 2 * rounding_bound(large_dims(model.plan()), S));
}

void check_case(const fs::path& folder) {
  const Model model = open_model(folder);
  const auto golden = open_weights(folder / "golden.safetensors");
  const auto ids = read_ids(*golden, "ids");
  const double bound = golden_bound(model, ids.size());

  const ForwardResult whole = model.forward(tokens_of(ids), model.initial_state(), Positions::kAll);
  const double logits =
      relative_difference(values_of(whole.logits), values_of(read(*golden, "logits")));
  const double state = golden_state_difference(*golden, whole.state);

  ModelState stepped = model.initial_state();
  for (const std::int32_t id : ids) {
    ForwardResult step = model.forward(tokens_of({id}), stepped);
    step.state.eval();
    stepped = std::move(step.state);
  }
  const double step_state = golden_state_difference(*golden, stepped);

  const auto wanted = read_ids(*golden, "greedy");
  const bool same = greedy(model, {ids.begin(), ids.begin() + 20}, wanted.size(),
                           model.plan().eos_id()) == wanted;
  std::printf(
      "%s: logits %.1e, states %.1e, states by steps %.1e (bound %.1e), %zu greedy ids %s\n",
      folder.filename().c_str(), logits, state, step_state, bound, wanted.size(),
      same ? "equal" : "DIFFER");
  EXPECT_LE(logits, bound);
  EXPECT_LE(state, bound);
  EXPECT_LE(step_state, bound);
  EXPECT_TRUE(same);
}

void check_classics(const fs::path& file) {
  const Model model = open_model(classics_folder());
  const auto golden = open_weights(file);
  int prompts = 0;
  for (; golden->find("p" + std::to_string(prompts) + ".ids") != TensorSource::npos; ++prompts) {
    const std::string prefix = "p" + std::to_string(prompts);
    const auto ids = read_ids(*golden, prefix + ".ids");
    const auto out = model.forward(tokens_of(ids), model.initial_state(), Positions::kAll);
    const double logits =
        relative_difference(values_of(out.logits), values_of(read(*golden, prefix + ".logits")));
    // `greedy` holds the prompt too where it is longer than what was generated
    auto wanted = read_ids(*golden, prefix + ".greedy");
    if (wanted.size() > ids.size() && std::equal(ids.begin(), ids.end(), wanted.begin())) {
      wanted.erase(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(ids.size()));
    }
    const bool same = greedy(model, ids, wanted.size(), std::nullopt) == wanted;
    const double bound = golden_bound(model, ids.size());
    std::printf("classics-8m %s: logits %.1e (bound %.1e), %zu greedy ids %s\n", prefix.c_str(),
                logits, bound, wanted.size(), same ? "equal" : "DIFFER");
    EXPECT_LE(logits, bound);
    EXPECT_TRUE(same);
  }
  EXPECT_GT(prompts, 0);
}

class GoldenCase : public ::testing::Test {
 public:
  explicit GoldenCase(fs::path path) : path_(std::move(path)) {}
  void TestBody() override {
    if (fs::is_directory(path_)) {
      check_case(path_);
    } else {
      check_classics(path_);
    }
  }

 private:
  fs::path path_;
};

void register_case(const fs::path& path) {
  ::testing::RegisterTest("Golden", path.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path]() -> ::testing::Test* { return new GoldenCase(path); });
}

// Registers every case of the families we run; returns how many.
int register_cases(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  int cases = 0;
  for (const fs::path& path : paths) {
    const std::string name = path.filename().string();
    const bool large = name.rfind("large-", 0) == 0 && fs::is_directory(path);
    if (large || name == "classics-8m.safetensors") {
      register_case(path);
      ++cases;
    } else if (fs::is_directory(path)) {
      std::printf("%s: of a family that is not run yet\n", name.c_str());
    }
  }
  return cases;
}

}  // namespace
}  // namespace xlstm::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* chosen = std::getenv("XLSTM_GOLDEN");
  const std::string folder = chosen != nullptr ? chosen : XLSTM_TEST_DATA "/golden";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error) ||
      xlstm::testing::register_cases(folder) == 0) {
    std::fprintf(stderr, "XLSTM_GOLDEN: wanted a folder with golden cases, got %s\n",
                 folder.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
