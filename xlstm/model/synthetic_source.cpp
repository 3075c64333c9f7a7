#include "xlstm/model/synthetic_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

namespace xlstm {
namespace {

class SyntheticSource : public TensorSource {
 public:
  explicit SyntheticSource(std::vector<SyntheticTensor> wanted) {
    std::sort(wanted.begin(), wanted.end(), [](const SyntheticTensor& a, const SyntheticTensor& b) {
      return a.info.name < b.info.name;
    });
    for (SyntheticTensor& w : wanted) {
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
    const std::size_t size = size_of(tensors_[index].dtype);
    for (; now.offset < offset; now.offset += size) next(now);
    for (std::size_t at = 0; at < to.size(); at += size, now.offset += size) {
      const std::uint32_t value = next(now) >> (size == sizeof(float) ? 0 : 16);
      std::memcpy(to.data() + at, &value, size);
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

  // A float32 whose lower half is 0.
  static std::uint32_t next(Place& now) {
    constexpr std::uint32_t kOne = 0x3F800000;
    if (now.range == 0) return kOne;
    now.random ^= now.random << 13;  // xorshift64 (Marsaglia 2003)
    now.random ^= now.random >> 7;
    now.random ^= now.random << 17;
    const auto unit = static_cast<float>(static_cast<std::int32_t>(now.random >> 32)) * 0x1p-31F;
    const float x = unit * now.range;
    std::uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits & 0xFFFF0000U;
  }

  std::vector<TensorInfo> tensors_;
  std::vector<double> deviations_;
  std::map<std::string, std::string> metadata_;
  mutable std::mutex mutex_;
  mutable Place now_;  // what was read last
};

}  // namespace

SyntheticTensor synthetic_tensor(std::string name, Shape shape, double deviation, DType type) {
  TensorInfo info;
  info.name = std::move(name);
  info.dtype = type;
  info.bytes = size_of(type) * element_count(shape).value();
  info.shape = std::move(shape);
  info.file = "synthetic";
  return {std::move(info), deviation};
}

SyntheticTensor synthetic_matrix(std::string name, Shape shape, DType type) {
  const double deviation = 1 / std::sqrt(static_cast<double>(shape.back()));
  return synthetic_tensor(std::move(name), std::move(shape), deviation, type);
}

std::unique_ptr<TensorSource> synthetic_source(std::vector<SyntheticTensor> tensors) {
  return std::make_unique<SyntheticSource>(std::move(tensors));
}

}  // namespace xlstm
