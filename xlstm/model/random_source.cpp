#include "xlstm/model/random_source.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <span>
#include <utility>

namespace xlstm {
namespace {

class RandomSource : public TensorSource {
 public:
  explicit RandomSource(std::vector<RandomTensor> wanted) {
    std::sort(wanted.begin(), wanted.end(), [](const RandomTensor& a, const RandomTensor& b) {
      return a.info.name < b.info.name;
    });
    for (RandomTensor& w : wanted) {
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

}  // namespace

RandomTensor random_tensor(std::string name, Shape shape, double deviation) {
  TensorInfo info;
  info.name = std::move(name);
  info.dtype = DType::kBF16;
  info.bytes = 2 * element_count(shape).value();
  info.shape = std::move(shape);
  info.file = "synthetic";
  return {std::move(info), deviation};
}

RandomTensor random_matrix(std::string name, std::int64_t N, std::int64_t K) {
  return random_tensor(std::move(name), {N, K}, 1 / std::sqrt(static_cast<double>(K)));
}

std::unique_ptr<TensorSource> random_source(std::vector<RandomTensor> tensors) {
  return std::make_unique<RandomSource>(std::move(tensors));
}

}  // namespace xlstm
