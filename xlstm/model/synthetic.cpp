#include "xlstm/model/synthetic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {

// As the Hugging Face configuration rounds.
std::int64_t ffn_width(std::int64_t D) {
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(D) * 2.667);
  return (wanted + 63) / 64 * 64;
}

// A tensor to be made: uniform with this standard deviation, or all 1 for 0.
struct Wanted {
  TensorInfo info;
  double deviation;
};

class SyntheticSource : public TensorSource {
 public:
  explicit SyntheticSource(std::vector<Wanted> wanted) {
    std::sort(wanted.begin(), wanted.end(),
              [](const Wanted& a, const Wanted& b) { return a.info.name < b.info.name; });
    for (Wanted& w : wanted) {
      tensors_.push_back(std::move(w.info));
      deviations_.push_back(w.deviation);
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    const std::lock_guard lock(mutex_);
    // Numbers come in order, so whoever reads on gets each in the time that it takes to make it.
    Place now = now_.index == index && now_.offset <= offset ? now_ : start_of(index);
    while (now.offset < offset) next(now);
    for (std::size_t at = 0; at < to.size(); at += sizeof(std::uint16_t)) {
      const std::uint16_t value = next(now);
      std::memcpy(to.data() + at, &value, sizeof value);
    }
    now_ = now;
  }

 private:
  struct Place {
    std::size_t index = npos;
    std::uint64_t offset = 0;  // bytes
    std::uint64_t random = 0;
    float range = 0;
  };

  Place start_of(std::size_t index) const {
    return {index, 0, 0x9E3779B97F4A7C15U * (index + 1),
            static_cast<float>(deviations_[index] * std::sqrt(3.0))};
  }

  static std::uint16_t next(Place& now) {
    constexpr std::uint16_t kOne = 0x3F80;
    now.offset += sizeof(std::uint16_t);
    if (now.range == 0) return kOne;
    now.random ^= now.random << 13;  // xorshift64 (Marsaglia 2003)
    now.random ^= now.random >> 7;
    now.random ^= now.random << 17;
    const auto unit = static_cast<float>(static_cast<std::int32_t>(now.random >> 32)) * 0x1p-31F;
    const float x = unit * now.range;
    std::uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return static_cast<std::uint16_t>(bits >> 16);
  }

  std::vector<TensorInfo> tensors_;
  std::vector<double> deviations_;
  std::map<std::string, std::string> metadata_;
  mutable std::mutex mutex_;
  mutable Place now_;  // what was read last
};

Wanted tensor(std::string name, Shape shape, double deviation) {
  TensorInfo info;
  info.name = std::move(name);
  info.dtype = DType::kBF16;
  info.bytes = 2 * element_count(shape).value();
  info.shape = std::move(shape);
  info.file = "synthetic";
  return {std::move(info), deviation};
}

Wanted matrix(std::string name, std::int64_t N, std::int64_t K) {
  return tensor(std::move(name), {N, K}, 1 / std::sqrt(static_cast<double>(K)));
}

void add_block(std::vector<Wanted>& out, const SyntheticSize& size, std::int64_t block) {
  const std::string at = str("backbone.blocks.", block, ".");
  const std::int64_t D = size.D, NH = size.NH, F = ffn_width(D);
  for (const char* name : {"q", "k"})
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", D / 2, D));
  for (const char* name : {"v", "ogate_preact", "out_proj"}) {
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", D, D));
  }
  for (const char* name : {"igate_preact", "fgate_preact"}) {
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", NH, D));
    out.push_back(tensor(at + "mlstm_layer." + name + ".bias", {NH}, 0));
  }
  out.push_back(tensor(at + "mlstm_layer.multihead_norm.weight", {D}, 0));
  out.push_back(tensor(at + "norm_mlstm.weight", {D}, 0));
  out.push_back(tensor(at + "norm_ffn.weight", {D}, 0));
  for (const char* name : {"proj_up", "proj_up_gate"}) {
    out.push_back(matrix(at + "ffn." + name + ".weight", F, D));
  }
  out.push_back(matrix(at + "ffn.proj_down.weight", D, F));
}

std::string config_of(const SyntheticSize& s) {
  return str("{\"model_type\": \"xlstm\", \"vocab_size\": ", s.V, ", \"hidden_size\": ", s.D,
             ", \"num_hidden_layers\": ", s.L, ", \"num_heads\": ", s.NH,
             ", \"qk_dim_factor\": 0.5, \"v_dim_factor\": 1.0, \"ffn_proj_factor\": 2.667",
             ", \"use_bias\": false, \"tie_word_embeddings\": false, \"add_out_norm\": true",
             ", \"bos_token_id\": 0, \"eos_token_id\": 0}");
}

}  // namespace

const std::vector<SyntheticSize>& synthetic_sizes() {
  static const std::vector<SyntheticSize> kSizes = {{"tiny", 64, 2, 2, 320},
                                                    {"400m", 1024, 24, 4, 50'304},
                                                    {"1b", 2048, 16, 4, 50'304},
                                                    {"3b", 2560, 32, 5, 50'304},
                                                    {"7b", 4096, 32, 8, 50'304}};
  return kSizes;
}

Synthetic make_synthetic(std::string_view name) {
  const auto& sizes = synthetic_sizes();
  const auto size = std::find_if(sizes.begin(), sizes.end(),
                                 [&](const SyntheticSize& s) { return s.name == name; });
  if (size == sizes.end()) {
    fail_wanted(ErrorKind::kUsage, "synthetic", "tiny, 400m, 1b, 3b or 7b", quoted(name));
  }
  std::vector<Wanted> wanted = {tensor("backbone.embeddings.weight", {size->V, size->D}, 1),
                                tensor("backbone.out_norm.weight", {size->D}, 0),
                                matrix("lm_head.weight", size->V, size->D)};
  for (std::int64_t block = 0; block < size->L; ++block) add_block(wanted, *size, block);
  return {config_of(*size), std::make_unique<SyntheticSource>(std::move(wanted))};
}

}  // namespace xlstm
