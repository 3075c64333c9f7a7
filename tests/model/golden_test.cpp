// The golden cases, through every backend: what the reference implementations computed in float32.
//
// The folder comes from XLSTM_GOLDEN (default: the project's copy); its cases are found when the
// test runs. Every case prints its measured errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "tests/model/fixture.h"

namespace xlstm::testing {
namespace {
namespace fs = std::filesystem;

// A float tensor of a golden file.
std::vector<float> read(const TensorSource& golden, const std::string& name) {
  const std::size_t index = golden.find(name);
  if (index == TensorSource::npos) throw std::runtime_error("golden file lacks " + name);
  const auto bytes = golden.read_all(index);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<std::int32_t> read_ids(const TensorSource& golden, const std::string& name) {
  const std::size_t index = golden.find(name);
  if (index == TensorSource::npos) throw std::runtime_error("golden file lacks " + name);
  const auto bytes = golden.read_all(index);
  if (golden.tensors()[index].dtype == DType::kI32) {
    std::vector<std::int32_t> ids(bytes.size() / sizeof(std::int32_t));
    std::memcpy(ids.data(), bytes.data(), bytes.size());
    return ids;
  }
  std::vector<std::int64_t> ids(bytes.size() / sizeof(std::int64_t));
  std::memcpy(ids.data(), bytes.data(), bytes.size());
  return {ids.begin(), ids.end()};
}

// The reference ran until `count` tokens were there: `never`, the end token, was not to be chosen.
std::vector<std::int32_t> greedy(const Model& model, const std::vector<std::int32_t>& prompt,
                                 std::size_t count, std::optional<std::int64_t> never) {
  std::vector<std::int32_t> out;
  const std::unique_ptr<StateBatch> states = model.initial_states();
  Tensor last = model.prefill(prompt, *states);
  while (true) {
    std::vector<float> logits = values_of(model.backend(), last);
    if (never) logits[static_cast<std::size_t>(*never)] = -std::numeric_limits<float>::infinity();
    const auto best = std::max_element(logits.begin(), logits.end());
    out.push_back(static_cast<std::int32_t>(best - logits.begin()));
    if (out.size() == count) return out;
    last = model.forward(tokens_of(model, {out.back()}), *states);
  }
}

// "blocks.0.C" is "state.0.c" there.
double golden_state_difference(const TensorSource& golden, const Model& model, const State& state) {
  double worst = 0;
  std::size_t at = 0;
  for (const Layer& layer : model.plan().layers) {
    for (const StateTensor& tensor : layer.state) {
      std::string name = "state." + tensor.name.substr(std::string("blocks.").size());
      name.back() = static_cast<char>(std::tolower(name.back()));
      worst = std::max(worst, relative_difference(values_of(model.backend(), state.tensors[at++]),
                                                  read(golden, name)));
    }
  }
  return worst;
}

// Opened as the backend's users open it: weights of the activations' type.
Model open_on(const BackendCase& backend, const fs::path& folder) {
  return open_model(folder, backend.activations, backend.make());
}

// The goldens were themselves computed in float32, so two roundings meet.
double golden_bound(const BackendCase& backend, const Model& model, std::size_t S) {
  const double float32 = std::min(1e-3, 2 * rounding_bound(model.plan(), S));
  return backend.is_float32() ? float32 : float32 + bfloat16_activations_bound(model.plan());
}

// The root mean square of a - b as a share of b's.
double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double differences = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double wanted = b[i];
    differences += (a[i] - wanted) * (a[i] - wanted);
    squares += wanted * wanted;
  }
  const double share = std::sqrt(differences / squares);
  return std::isfinite(share) ? share : std::numeric_limits<double>::infinity();
}

// Of logits: of the one that is farthest off where nothing but float32 rounds; of all together
// where activations do. A position whose residual stream is small beside what was added up to it
// enlarges roundings without bound: in large-bf16-sharded a change of the embeddings alone by up to
// one unit in their last place, all else in float32, moves a logit by 4% to 20% of the largest.
double logits_difference(const BackendCase& backend, const std::vector<float>& got,
                         const std::vector<float>& wanted) {
  return backend.is_float32() ? relative_difference(got, wanted) : mean_difference(got, wanted);
}

void check_case(const BackendCase& backend, const fs::path& folder) {
  const Model model = open_on(backend, folder);
  const auto golden = open_weights(folder / "golden.safetensors");
  const auto ids = read_ids(*golden, "ids");
  const double bound = golden_bound(backend, model, ids.size());

  const RunResult whole = run_from_start(model, ids);
  const double logits = logits_difference(backend, whole.logits, read(*golden, "logits"));
  const double state = golden_state_difference(*golden, model, whole.states.front());
  const RunResult stepped = run_from_start(model, ids, 1, 1);
  const double step_state = golden_state_difference(*golden, model, stepped.states.front());

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
  // Where activations are rounded, close logits may change places.
  if (backend.is_float32()) {
    EXPECT_TRUE(same);
  }
}

void check_classics(const BackendCase& backend, const fs::path& file) {
  const Model model = open_on(backend, classics_folder());
  const auto golden = open_weights(file);
  int prompts = 0;
  for (; golden->find("p" + std::to_string(prompts) + ".ids") != TensorSource::npos; ++prompts) {
    const std::string prefix = "p" + std::to_string(prompts);
    const auto ids = read_ids(*golden, prefix + ".ids");
    const double logits = logits_difference(backend, run_from_start(model, ids).logits,
                                            read(*golden, prefix + ".logits"));
    // `greedy` holds the prompt too where it is longer than what was generated
    auto wanted = read_ids(*golden, prefix + ".greedy");
    if (wanted.size() > ids.size() && std::equal(ids.begin(), ids.end(), wanted.begin())) {
      wanted.erase(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(ids.size()));
    }
    const bool same = greedy(model, ids, wanted.size(), std::nullopt) == wanted;
    const double bound = golden_bound(backend, model, ids.size());
    std::printf("classics-8m %s: logits %.1e (bound %.1e), %zu greedy ids %s\n", prefix.c_str(),
                logits, bound, wanted.size(), same ? "equal" : "DIFFER");
    EXPECT_LE(logits, bound);
    if (backend.is_float32()) {
      EXPECT_TRUE(same);
    }
  }
  EXPECT_GT(prompts, 0);
}

// The reference's greedy choice after each of the ids that it was given.
std::vector<std::int32_t> best_of_each(const std::vector<float>& logits, std::int64_t V) {
  std::vector<std::int32_t> out;
  for (auto row = logits.begin(); row != logits.end(); row += V) {
    out.push_back(static_cast<std::int32_t>(std::max_element(row, row + V) - row));
  }
  return out;
}

// First-paper blocks: the reference's parallel form, which has no state, and its steps.
void check_original(const BackendCase& backend, const fs::path& folder) {
  const Model model = open_on(backend, folder);
  const auto golden = open_weights(folder / "golden.safetensors");
  const auto ids = read_ids(*golden, "ids");
  const double bound = golden_bound(backend, model, ids.size());
  const auto whole_wanted = read(*golden, "logits"), steps_wanted = read(*golden, "logits_step");
  const auto whole = run_from_start(model, ids).logits;
  const auto steps = run_from_start(model, ids, 1, 1).logits;
  const double logits = logits_difference(backend, whole, whole_wanted);
  const double by_steps = logits_difference(backend, steps, steps_wanted);
  const std::int64_t V = model.plan().V;
  const bool same = best_of_each(whole, V) == best_of_each(whole_wanted, V) &&
                    best_of_each(steps, V) == best_of_each(steps_wanted, V);
  std::printf("%s: logits %.1e, by steps %.1e (bound %.1e), likeliest ids %s\n",
              folder.filename().c_str(), logits, by_steps, bound, same ? "equal" : "DIFFER");
  EXPECT_LE(logits, bound);
  EXPECT_LE(by_steps, bound);
  if (backend.is_float32()) {
    EXPECT_TRUE(same);
  }
}

bool is_original(const fs::path& path) {
  return path.filename().string().starts_with("original-");
}

class GoldenCase : public ::testing::Test {
 public:
  GoldenCase(const BackendCase& backend, fs::path path)
      : backend_(backend), path_(std::move(path)) {}
  void TestBody() override {
    if (is_original(path_)) {
      check_original(backend_, path_);
    } else if (fs::is_directory(path_)) {
      check_case(backend_, path_);
    } else {
      check_classics(backend_, path_);
    }
  }

 private:
  BackendCase backend_;
  fs::path path_;
};

// As "Golden.cpu/large-plain".
void register_case(const fs::path& path) {
  for (const BackendCase& backend : all_backends()) {
    const std::string name = std::string(backend.name) + "/" + path.stem().string();
    ::testing::RegisterTest(
        "Golden", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [backend, path]() -> ::testing::Test* { return new GoldenCase(backend, path); });
  }
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
    if (large || is_original(path) || name == "classics-8m.safetensors") {
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
