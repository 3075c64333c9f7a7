// TiRex-2: its golden folders, its config key by key, and names that stand for the same tensor.
#include "xlstm/wiring/families/tirex2/tirex2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <utility>

#include "tests/support/expect_error.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

fs::path folder_of(const std::string& name) {
  return fs::path(XLSTM_TEST_DATA) / "golden" / name;
}

// The tensors of a golden folder, some of them under other names or with other bytes.
class ChangedSource : public TensorSource {
 public:
  explicit ChangedSource(const std::string& folder) : original_(open_weights(folder_of(folder))) {
    for (std::size_t i = 0; i < original_->tensors().size(); ++i) {
      entries_.push_back({original_->tensors()[i], original_->read_all(i)});
    }
    sort();
  }

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const std::map<std::string, std::string>& metadata() const override {
    return original_->metadata();
  }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    std::copy_n(entries_[index].bytes.begin() + static_cast<std::ptrdiff_t>(offset), to.size(),
                to.begin());
  }

  // Each tensor whose name has `part` a second time, under the name with `other` in its place.
  ChangedSource& add_aliases(const std::string& part, const std::string& other) {
    const std::vector<Entry> before = entries_;
    for (Entry entry : before) {
      if (!rename(entry.info.name, part, other)) continue;
      entries_.push_back(std::move(entry));
    }
    return sort();
  }
  ChangedSource& rename_all(const std::string& part, const std::string& other) {
    for (Entry& entry : entries_) rename(entry.info.name, part, other);
    return sort();
  }
  ChangedSource& change_last_byte(const std::string& name) {
    entries_[find(name)].bytes.back() ^= std::byte{1};
    return *this;
  }
  ChangedSource& remove(const std::string& name) {
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(find(name)));
    return sort();
  }

 private:
  struct Entry {
    TensorInfo info;
    std::vector<std::byte> bytes;
  };

  static bool rename(std::string& name, const std::string& part, const std::string& other) {
    const std::size_t at = name.find(part);
    if (at == std::string::npos) return false;
    name.replace(at, part.size(), other);
    return true;
  }
  ChangedSource& sort() {
    std::ranges::sort(entries_, {}, [](const Entry& entry) { return entry.info.name; });
    infos_.clear();
    for (const Entry& entry : entries_) infos_.push_back(entry.info);
    return *this;
  }

  std::unique_ptr<TensorSource> original_;
  std::vector<Entry> entries_;
  std::vector<TensorInfo> infos_;
};

std::string config_of(const std::string& folder) {
  return whole_file(folder_of(folder) / "config.json");
}

Plan plan_of(const TensorSource& source, const std::string& folder) {
  return discover(config_of(folder), source, "model");
}

TEST(Tirex2Wiring, GoldenFoldersAreWired) {
  const Plan one = plan_of(ChangedSource("tirex2-univariate"), "tirex2-univariate");
  EXPECT_EQ(one.family, "tirex-2");
  EXPECT_EQ(one.V, 0);
  EXPECT_EQ(one.D, 64);
  EXPECT_EQ(size_of(one, "F"), 192);
  EXPECT_TRUE(flag_of(one, "tta_diff"));
  const auto& series = one.layer("series").spec_as<tirex2::SeriesSpec>();
  EXPECT_EQ(series.P, 8);
  EXPECT_EQ(series.context, 512);
  EXPECT_EQ(series.future, 80);
  EXPECT_EQ(series.quantiles.size(), 9U);
  EXPECT_TRUE(series.use_arcsinh);
  EXPECT_TRUE(series.binary_aware);
  EXPECT_EQ(one.layer("blocks.0.time").kind, "tirex2_mlstm");
  EXPECT_EQ(one.layer("blocks.1.time").kind, "tirex2_slstm");
  EXPECT_EQ(one.layer("out_norm").spec_as<RmsNormSpec>().eps, 1e-7F);

  const Plan two = plan_of(ChangedSource("tirex2-covariates"), "tirex2-covariates");
  EXPECT_EQ(size_of(two, "F"), 128);  // 2.6667 * 48 is rounded down
  const auto& slstm = two.layer("blocks.0.time").spec_as<tirex2::TimeSlstmSpec>();
  EXPECT_EQ(slstm.NH, 2);
  EXPECT_EQ(slstm.DH, 24);
  const auto& mlstm = two.layer("blocks.1.time").spec_as<tirex2::TimeMlstmSpec>();
  EXPECT_EQ(mlstm.NH, 3);
  EXPECT_EQ(mlstm.DHQK, 8);
  EXPECT_EQ(mlstm.DHV, 16);
  EXPECT_EQ(two.layer("output").spec_as<ResidualMlpSpec>().H, 120);  // 48 * 2.5
  EXPECT_EQ(two.layer("output").spec_as<ResidualMlpSpec>().O, 30);   // 5 quantiles of 6
  // Nobody says, so the package's own.
  EXPECT_TRUE(flag_of(two, "tta_diff"));
  EXPECT_FALSE(flag_of(two, "tta_sign_flip"));
}

// Parameters by hand. D 64, F 192, NH 4: norms 2 D, combination 2 D^2, FFN 3 F D, and a variate
// mixer of 2 D + 4 D^2 + 8 D^2; mLSTM 2 (D/2) D + 3 D^2 + 2 NH (D + 1) + D; sLSTM of 4 heads of 16:
// 8 D 16 + 4 D + D. Input [96 | 64, 16], head [128 | 72, 64].
TEST(Tirex2Wiring, EveryTensorIsUsedOnce) {
  constexpr std::uint64_t kD = 64;
  constexpr std::uint64_t kShared = 2 * kD + 2 * kD * kD + 3 * 192 * kD + 2 * kD + 12 * kD * kD;
  constexpr std::uint64_t kMlstm = 4 * kD * kD + 8 * (kD + 1) + kD;
  constexpr std::uint64_t kSlstm = 8 * kD * 16 + 4 * kD + kD;
  constexpr std::uint64_t kInput = 96 * 17 + 64 * 97 + 64 * 17;
  constexpr std::uint64_t kHead = 128 * 65 + 72 * 129 + 72 * 65 + kD;
  const ChangedSource source("tirex2-univariate");
  const Plan plan = plan_of(source, "tirex2-univariate");
  EXPECT_EQ(plan.parameter_count(), 3 * kShared + 2 * kMlstm + kSlstm + kInput + kHead);
  std::vector<int> uses(source.tensors().size(), 0);
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      for (const std::size_t i : parameter.sources) ++uses.at(i);
    }
  }
  EXPECT_EQ(uses, std::vector<int>(82, 1));
}

TEST(Tirex2Wiring, AnyNameOfAGroupOrAllAreTaken) {
  ChangedSource other("tirex2-univariate");
  other.rename_all("fwd_cell", "rev_cell").rename_all("._recurrent_kernel_", ".recurrent_kernel");
  EXPECT_EQ(plan_of(other, "tirex2-univariate").parameter_count(),
            plan_of(ChangedSource("tirex2-univariate"), "tirex2-univariate").parameter_count());

  ChangedSource all("tirex2-univariate");
  all.add_aliases("fwd_cell", "rev_cell").add_aliases("._recurrent_kernel_", ".recurrent_kernel");
  EXPECT_EQ(all.tensors().size(), 82U + 2 * 9 + 9 + 2);
  EXPECT_EQ(plan_of(all, "tirex2-univariate").parameter_count(),
            plan_of(other, "tirex2-univariate").parameter_count());

  all.change_last_byte("stack.1.time_mixer.rev_cell.recurrent_kernel");
  EXPECT_THAT(message_of(ErrorKind::kModel, [&] { plan_of(all, "tirex2-univariate"); }),
              HasSubstr("_recurrent_kernel_\" and "
                        "\"stack.1.time_mixer.rev_cell.recurrent_kernel\" are names of one "
                        "tensor, and differ"));
}

// model-config.yaml and model.ckpt, which has every name of each tensor.
TEST(Tirex2Wiring, TheLegacyLayoutIsRead) {
  const Checkpoint checkpoint = Checkpoint::open(folder_of("tirex2-legacy"));
  EXPECT_EQ(checkpoint.tensors->tensors().size(), 76U);
  EXPECT_EQ(checkpoint.plan.family, "tirex-2");
  EXPECT_EQ(checkpoint.plan.layer("output").spec_as<ResidualMlpSpec>().activation,
            Activation::kGelu);
  EXPECT_THAT(checkpoint.plan.variations, Contains("no out_norm"));
}

TEST(Tirex2Wiring, TensorsThatDoNotFitAreRefused) {
  const std::string name = "tirex2-univariate";
  const auto faults = [&](const ChangedSource& source) {
    return message_of(ErrorKind::kModel, [&] { plan_of(source, name); });
  };
  EXPECT_THAT(faults(ChangedSource(name).remove("stack.1.time_mixer.fwd_cell._bias_")),
              HasSubstr("missing tensor \"stack.1.time_mixer.fwd_cell._bias_\" [NS, 4, DH] = "
                        "[4, 4, 16]"));
  EXPECT_THAT(faults(ChangedSource(name).rename_all("stack.2.variate_mixer.attn.WQ", "extra")),
              HasSubstr("unexpected tensor \"extra.weight\""));
  // An mLSTM block where the recipe has an sLSTM one, and the other way round.
  ChangedSource swapped(name);
  swapped.rename_all("stack.0.", "stack.9.").rename_all("stack.1.", "stack.0.");
  swapped.rename_all("stack.9.", "stack.1.");
  const std::string text = faults(swapped);
  EXPECT_THAT(text, HasSubstr("missing tensor \"stack.0.time_mixer.fwd_cell.q.weight\""));
  EXPECT_THAT(faults(ChangedSource(name).rename_all("stack.2.", "stack.3.")),
              HasSubstr("block 2 is missing"));
}

struct ConfigCase {
  const char* pointer;  // RFC 6901
  const char* value;    // JSON; "": the key is taken out
  const char* fault;
};

// What the package refuses, or what would be run wrongly.
const ConfigCase kConfigCases[] = {
    {"/surprise", "1", "surprise is no key of this kind of model"},
    {"/stack_config/templates/mlstm_attn/time_mixer/conv1d_kernel_size", "4",
     "stack_config.templates.mlstm_attn.time_mixer.conv1d_kernel_size is no key"},
    {"/stack_config/templates/slstm_attn/time_mixer/model_type", "\"bi-gru\"",
     "time_mixer.model_type is \"bi-gru\": only bi-mlstm and bi-slstm are run"},
    {"/stack_config/templates/mlstm_attn/variate_mixer/embedding_dim", "32",
     "variate_mixer.embedding_dim is 32, that of the model 64"},
    {"/stack_config/templates/mlstm_attn/time_mixer/num_heads", "5",
     "time_mixer.num_heads is 5, which does not divide the width, 64"},
    {"/stack_config/templates/mlstm_attn/time_mixer/num_heads", "64",
     "64 mLSTM heads do not divide the width of queries and keys, 32"},
    {"/stack_config/recipe/1", "\"other\"", "stack_config.recipe wants names of templates"},
    {"/stack_config/recipe", "7", "stack_config.recipe wants a list"},
    {"/stack_config/templates", "[]", "stack_config.templates: wanted an object, got an array"},
    {"/stack_config", "", "stack_config: wanted an object, got nothing"},
    {"/num_blocks", "4", "num_blocks is 4, the recipe has 3"},
    {"/embedding_dim", "", "embedding_dim is missing"},
    {"/embedding_dim", "128", "the model 128"},
    {"/output_patch_size", "16", "output_patch_size is 16 and input_patch_size 8"},
    {"/tokenizer_cfg/input_patch_stride", "4", "tokenizer_cfg.input_patch_stride is 4"},
    {"/future_len", "81", "future_len is 81, which is no multiple of the patch, 8"},
    {"/context_len", "0", "context_len: wanted a whole number from 1"},
    {"/context_len", "2147483616", "context_len: wanted a whole number from 1 to 16777216"},
    {"/future_len", "2147483616", "future_len: wanted a whole number from 1 to 16777216"},
    {"/quantiles", "[0.5, 0.1]", "quantiles wants rising levels"},
    {"/quantiles", "[0.5, 1.5]", "quantiles wants rising levels"},
    {"/quantiles", "[]", "quantiles wants a list"},
    // 1 and 0 as float32.
    {"/quantiles", "[0.5, 0.99999999999]", "quantiles wants rising levels"},
    {"/quantiles", "[1e-60, 0.5]", "quantiles wants rising levels"},
    {"/quantiles", "[0.5, 0.50000000001]", "quantiles wants rising levels"},
    {"/quantiles", "[0.5, 1e300]", "quantiles wants rising levels"},
    {"/act_func", "\"torch.nn.Mish\"", "act_func is \"torch.nn.Mish\": only SiLU, ReLU and GELU"},
    {"/h_expand", "1e-3", "h_expand makes the head 0 wide"},
    {"/stack_out_norm_config/norm", "1", "stack_out_norm_config.norm is no key"},
    {"/stack_out_norm_config", "null", "unexpected tensor \"stack_out_norm.weight\""},
    {"/scaler_cfg/eps", "-1", "scaler_cfg.eps: wanted a finite number above 0"},
};

std::string changed_config(const ConfigCase& c) {
  Json config = parse_json(config_of("tirex2-univariate"), "config");
  const Json::json_pointer pointer(c.pointer);
  if (*c.value != '\0') {
    config[pointer] = parse_json(c.value, "value");
  } else {
    config.erase(std::string(c.pointer).substr(1));
  }
  return config.dump();
}

TEST(Tirex2Wiring, EveryKeyOfTheConfigIsChecked) {
  const ChangedSource source("tirex2-univariate");
  for (const ConfigCase& c : kConfigCases) {
    SCOPED_TRACE(c.pointer);
    EXPECT_THAT(
        message_of(ErrorKind::kModel, [&] { discover(changed_config(c), source, "model"); }),
        HasSubstr(c.fault));
  }
}

// A template without its mixers has no heads, by which nothing may be divided.
TEST(Tirex2Wiring, TemplatesWithoutMixersAreRefused) {
  const ChangedSource source("tirex2-univariate");
  for (const char* name : {"mlstm_attn", "slstm_attn"}) {
    for (const char* value : {"{}", "7", R"({"time_mixer": null, "variate_mixer": []})"}) {
      SCOPED_TRACE(str(name, " ", value));
      const std::string pointer = str("/stack_config/templates/", name);
      const std::string text = message_of(ErrorKind::kModel, [&] {
        discover(changed_config({pointer.c_str(), value, ""}), source, "model");
      });
      EXPECT_THAT(text, HasSubstr(str("stack_config.templates.", name)));
      EXPECT_THAT(text, HasSubstr("wanted an object"));
      EXPECT_THAT(text, Not(HasSubstr("only equal numbers")));  // of heads: there are none
    }
  }
}

// What is written where matrices are quantised.
TEST(Tirex2Wiring, AQuantisedModelIsTaken) {
  for (const char* key : {"/quantization", "/quantization_config"}) {
    SCOPED_TRACE(key);
    const ConfigCase c = {key, R"({"bits": 8, "group_size": 32, "mode": "affine"})", ""};
    EXPECT_NO_THROW(discover(changed_config(c), ChangedSource("tirex2-univariate"), "model"));
    EXPECT_THAT(
        message_of(
            ErrorKind::kFormat,
            [&] {
              discover(changed_config({key, "7", ""}), ChangedSource("tirex2-univariate"), "model");
            }),
        HasSubstr("quantization] wanted an object"));
  }
}

TEST(Tirex2Wiring, KeysWithoutEffectAndOtherSpellingsAreTaken) {
  const ChangedSource source("tirex2-univariate");
  for (const ConfigCase& c : {ConfigCase{"/postprocessor_cfg", "{\"r2\": 1}", ""},
                              {"/matmul_precision", "\"high\"", ""},
                              {"/dropout", "0.5", ""},
                              {"/scaler_cfg/other", "1", ""},
                              {"/stack_config/templates/mlstm_attn/time_mixer/device", "\"x\"", ""},
                              {"/stack_out_norm_config", "{\"use_rmsnorm\": false}", ""},
                              {"/act_func", "\"torch.nn.ReLU\"", ""}}) {
    SCOPED_TRACE(c.pointer);
    EXPECT_NO_THROW(discover(changed_config(c), source, "model"));
  }
}

}  // namespace
}  // namespace xlstm::testing
