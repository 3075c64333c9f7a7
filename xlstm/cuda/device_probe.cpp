#include "xlstm/cuda/device_probe.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

constexpr std::int64_t kBytes = std::int64_t{256} << 20;  // more than any cache holds

// A device's clock at a point of its stream.
class Moment {
 public:
  explicit Moment(const Device& device) : driver_(device.driver()) {
    constexpr unsigned kWithTime = 0;
    driver_.check(driver_.cuEventCreate(&event_, kWithTime), "an event");
  }
  ~Moment() { driver_.cuEventDestroy_v2(event_); }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  void mark(Stream stream) {
    driver_.check(driver_.cuEventRecord(event_, stream), "an event in the stream");
  }
  double seconds_since(const Moment& start) const {
    float milliseconds = 0;
    driver_.check(driver_.cuEventSynchronize(event_), "work on the GPU to end well");
    driver_.check(driver_.cuEventElapsedTime(&milliseconds, start.event_, event_), "a duration");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  const Driver& driver_;
  Event event_ = nullptr;
};

// The median of some runs, the first left out.
double seconds_of(const Device& device, const std::function<void()>& run) {
  constexpr int kTimes = 5;
  std::vector<double> seconds;
  run();
  for (int i = 0; i < kTimes; ++i) {
    Moment start(device), end(device);
    start.mark(device.stream());
    run();
    end.mark(device.stream());
    seconds.push_back(end.seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + kTimes / 2, seconds.end());
  return seconds[kTimes / 2];
}

Tensor numbers(Workspace& work) {
  const Tensor tensor = work.allocate({kBytes / 4}, DType::kU32, "probe");
  work.programs().launch("probe", "probe_fill", {.x = element_blocks(kBytes / 4)},
                         work.to_write(tensor), kBytes / 4);
  return tensor;
}

double copy_of(Workspace& work, const Tensor& to, const Tensor& from) {
  return 2e-9 * static_cast<double>(kBytes) /
         seconds_of(work.device(), [&] { work.copy(to, from); });
}

// Of N x N matrices that lie in x, W and y.
double product_of(Workspace& work, Products& products, DType dtype, std::int64_t N, const Tensor& x,
                  const Tensor& W, const Tensor& y) {
  const Product product = {
      work.pointer(x), work.pointer(W), nullptr, work.to_write(y), N, N, N, dtype};
  if (!products.compute(product)) return 0;
  const double size = static_cast<double>(N);
  return 2e-9 * size * size * size / seconds_of(work.device(), [&] { products.compute(product); });
}

}  // namespace

double measured_copy(Workspace& work) {
  work.device().use();
  const Tensor from = numbers(work), to = numbers(work);
  return copy_of(work, to, from);
}

DeviceRates measured_rates(Workspace& work, Products* products) {
  work.device().use();
  const Tensor x = numbers(work), W = numbers(work), y = numbers(work);
  DeviceRates rates;
  rates.copy_gbs = copy_of(work, y, x);
  const auto blocks = static_cast<unsigned>(8 * work.device().multiprocessors());
  rates.read_gbs = 1e-9 * static_cast<double>(kBytes) / seconds_of(work.device(), [&] {
                     work.programs().launch("probe", "probe_read", {.x = blocks}, work.pointer(x),
                                            kBytes / 16, work.to_write<unsigned>(y));
                   });
  if (products == nullptr) return rates;
  constexpr std::int64_t kHalf = 8192, kFloat = 4096;  // numbers of a row that fit
  rates.bf16_gflops = product_of(work, *products, DType::kBF16, kHalf, x, W, y);
  rates.float32_gflops = product_of(work, *products, DType::kF32, kFloat, x, W, y);
  return rates;
}

}  // namespace xlstm::cuda
