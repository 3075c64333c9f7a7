#include "xlstm/cuda/linear.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

constexpr std::int64_t kMostRows = 4;  // of row_product.cu
constexpr std::int64_t kRowWarps = 8;  // of a block there
constexpr std::int64_t kManyWeights = 4 << 20;
constexpr int kStreamColumns = 256 * 8;  // that a block's threads of row_stream.cu have together

std::int64_t rows_rounded(std::int64_t M) {
  return M <= 2 ? M : kMostRows;
}

std::size_t shared_bytes(std::int64_t M, std::int64_t K) {
  return sizeof(float) * static_cast<std::size_t>(rows_rounded(M) * K);
}

TensorShape weight_shape(const Dense& dense) {
  const auto* plain = std::get_if<Tensor>(&dense.weight);
  return plain != nullptr ? plain->shape() : shape_of(std::get<QuantizedTensor>(dense.weight));
}

void check_product(const RowProduct& p) {
  check_axes("linear", "x", p.x, 2);
  const TensorShape W = weight_shape(p.dense);
  if (W.axes() != 2 || W[1] != p.x.shape()[1]) {
    fail_wanted(ErrorKind::kInternal, "linear", str("W [N, ", p.x.shape()[1], "]"), to_string(W));
  }
  if (p.dense.bias) check_shape("linear", "bias", p.dense.bias, {W[0]});
  if (p.residual) check_shape("linear", "y", p.residual, {p.x.shape()[0], W[0]});
}

}  // namespace

TensorShape shape_of(const QuantizedTensor& W) {
  return {W.scales.shape()[0], W.scales.shape()[1] * W.format.group_size};
}

QuantizedArgs quantized_args(Workspace& work, const QuantizedTensor& W) {
  int scale_type = 3;
  if (W.scales.dtype() == DType::kF32) scale_type = 0;
  if (W.scales.dtype() == DType::kBF16) scale_type = 1;
  if (W.scales.dtype() == DType::kF16) scale_type = 2;
  return {work.pointer<const unsigned>(W.words),
          work.pointer(W.scales),
          work.pointer(W.biases),
          W.format.bits,
          W.format.group_size,
          scale_type};
}

Tensor Linear::compute(const RowProduct& product) {
  check_product(product);
  if (is_for_rows(product)) return compute_rows(product);
  if (const auto* plain = std::get_if<Tensor>(&product.dense.weight)) {
    return by_library_or_tiles(product, *plain);
  }
  return by_library_or_tiles(
      product, dequantized(std::get<QuantizedTensor>(product.dense.weight), product.x.dtype()));
}

bool Linear::is_for_rows(const RowProduct& p) {
  if (row_plan(p) || tensor_plan(p) || dense_plan(p)) return true;
  if (is_for_library(p)) return false;
  const std::int64_t M = p.x.shape()[0], K = p.x.shape()[1];
  if (M < 1 || M > kMostRows) return false;
  if (p.second != nullptr) {
    const auto* W2 = std::get_if<Tensor>(&p.second->weight);
    if (W2 == nullptr || W2->dtype() != DType::kF32) return false;
  }
  if (const auto* W = std::get_if<QuantizedTensor>(&p.dense.weight)) return can_stream(p, *W);
  return shared_bytes(M, K) <= static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
}

// Where dense_rows.cu does not serve, some rows of bfloat16 are better off with the library and a
// norm of their own: a layer of the 7B takes 129 us instead of 162 for two rows, 139 instead of 215
// for three, 136 instead of 226 for four (H200). Small matrices are bound by launches, of which the
// library's way has more.
bool Linear::is_for_library(const RowProduct& p) {
  const auto* W = std::get_if<Tensor>(&p.dense.weight);
  const TensorShape shape = weight_shape(p.dense);
  return W != nullptr && W->dtype() == DType::kBF16 && p.x.dtype() == DType::kBF16 &&
         p.x.shape()[0] > 1 && shape.elements() >= kManyWeights && shape[0] % 8 == 0 &&
         shape[1] % 8 == 0 && (p.norm == nullptr || can_norm(p.x, p.second)) &&
         library() != nullptr;
}

// What tensor_row.cu needs.
std::optional<TensorRow::Plan> Linear::row_plan(const RowProduct& p) const {
  const auto* W = std::get_if<QuantizedTensor>(&p.dense.weight);
  const DType type = p.qkvo != nullptr ? p.residual.dtype() : p.x.dtype();
  if (W == nullptr || type != DType::kBF16 || p.x.shape()[0] != 1) return std::nullopt;
  TensorRow::Sizes sizes = {.N = weight_shape(p.dense)[0], .K = p.x.shape()[1]};
  sizes.swiglu = p.swiglu;
  if (p.second != nullptr) {
    const auto* W2 = std::get_if<Tensor>(&p.second->weight);
    if (W2 == nullptr || W2->dtype() != DType::kF32) return std::nullopt;
    sizes.N2 = W2->shape()[0];
  }
  return tensor_row_.plan(sizes, W->format, W->scales.dtype());
}

// Whether a norm that comes first has a kernel of its own, with a second product where there is
// one.
bool Linear::can_norm_first(const RowProduct& p) const {
  return p.norm != nullptr ? can_norm(p.x, p.second) : p.second == nullptr;
}

// What tensor_rows.cu needs. One row goes by tensor_row.cu where that can.
std::optional<TensorRows::Plan> Linear::tensor_plan(const RowProduct& p) const {
  const auto* W = std::get_if<QuantizedTensor>(&p.dense.weight);
  if (W == nullptr || p.x.dtype() != DType::kBF16 || p.qkvo != nullptr || row_plan(p) ||
      !can_norm_first(p)) {
    return std::nullopt;
  }
  return tensor_rows_.plan(p.x.shape()[0], weight_shape(p.dense)[0], p.x.shape()[1], W->format,
                           W->scales.dtype(), p.swiglu);
}

// What dense_rows.cu needs. Small matrices are bound by launches and by what a block does once:
// up to four rows go by row_product.cu, more by the library (classics-8m, 16 sequences: 85 000
// tokens/s instead of 72 000).
std::optional<DenseRows::Plan> Linear::dense_plan(const RowProduct& p) {
  const auto* W = std::get_if<Tensor>(&p.dense.weight);
  if (W == nullptr || W->dtype() != DType::kBF16 || p.x.dtype() != DType::kBF16 ||
      p.qkvo != nullptr || !can_norm_first(p) || W->elements() < kManyWeights || !is_aligned(*W)) {
    return std::nullopt;
  }
  return dense_rows_.plan(p.x.shape()[0], W->shape()[1]);
}

bool Linear::is_aligned(const Tensor& W) {
  return reinterpret_cast<DevicePointer>(work_.pointer(W)) % 16 == 0;
}

bool Linear::can_norm(const Tensor& x, const Dense* second) const {
  constexpr std::int64_t kMostNormed = 64;  // norms.h has kernels for more
  if (x.shape()[0] > kMostNormed || !TensorRows::takes_norm(x.shape()[1])) return false;
  if (second == nullptr) return true;
  const auto* W2 = std::get_if<Tensor>(&second->weight);
  return W2 != nullptr && W2->dtype() == DType::kF32;
}

Tensor Linear::normed(const Tensor& x, const Norm& norm, float eps, const Dense* second, Tensor* y2,
                      int ordered_bits) {
  const std::int64_t M = x.shape()[0], K = x.shape()[1];
  const Tensor y = work_.allocate(x.shape(), x.dtype(), "norm");
  RowNormArgs a{};
  a.x = work_.pointer(x);
  a.weight = work_.pointer<const float>(norm.weight);
  a.bias = work_.pointer<const float>(norm.bias);
  a.y = work_.to_write(y);
  a.K = narrow(K);
  a.eps = eps;
  a.ordered_bits = ordered_bits;
  if (second != nullptr) {
    const auto& W2 = std::get<Tensor>(second->weight);
    check_shape("linear", "W", W2, {W2.shape()[0], K});
    *y2 = work_.allocate({M, W2.shape()[0]}, DType::kF32, "linear");
    a.W2 = work_.pointer<const float>(W2);
    a.bias2 = work_.pointer<const float>(second->bias);
    a.y2 = work_.to_write<float>(*y2);
    a.N2 = narrow(W2.shape()[0]);
  }
  tensor_rows_.norm(a, M, x.dtype());
  return y;
}

Tensor Linear::result_of(const RowProduct& p, DType dtype) {
  if (p.result) return p.result;
  const std::int64_t N = weight_shape(p.dense)[0] / (p.swiglu ? 2 : 1);
  return work_.allocate({p.x.shape()[0], N}, dtype, "linear");
}

Tensor Linear::by_tensor_rows(const RowProduct& p, const TensorRows::Plan& plan, Tensor* second) {
  const std::int64_t M = p.x.shape()[0];
  const auto& W = std::get<QuantizedTensor>(p.dense.weight);
  const auto wide =
      warpgroup_rows_.plan(M, weight_shape(p.dense)[0], p.x.shape()[1], W.format, W.scales.dtype());
  // The norm may write what the product's kernel reads, where that has no more columns.
  const bool ordered = wide && p.norm != nullptr && wide->columns == p.x.shape()[1];
  Tensor x = p.x;
  if (p.norm != nullptr) {
    x = normed(p.x, *p.norm, p.eps, p.second, second, ordered ? W.format.bits : 0);
  }
  if (wide && !ordered) x = warpgroup_rows_.ordered(*wide, x, W.format.bits);
  const Tensor y = result_of(p, p.x.dtype());
  RowProductArgs a = arguments(p, y);
  a.x = work_.pointer(x);
  if (wide) {
    warpgroup_rows_.compute(*wide, a, W);
  } else {
    tensor_rows_.compute(plan, a, W);
  }
  return y;
}

Tensor Linear::by_dense_rows(const RowProduct& p, const DenseRows::Plan& plan, Tensor* second) {
  const Tensor x = p.norm != nullptr ? normed(p.x, *p.norm, p.eps, p.second, second) : p.x;
  const Tensor y = result_of(p, p.x.dtype());
  RowProductArgs a = arguments(p, y);
  a.x = work_.pointer(x);
  dense_rows_.compute(plan, a);
  return y;
}

RowProductArgs Linear::arguments(const RowProduct& p, const Tensor& y) {
  const TensorShape shape = weight_shape(p.dense);
  RowProductArgs a{};
  a.x = work_.pointer(p.x);
  a.bias = work_.pointer<const float>(p.dense.bias);
  a.residual = work_.pointer(p.residual);
  a.y = work_.to_write(y);
  a.M = narrow(p.x.shape()[0]);
  a.N = narrow(shape[0]);
  a.K = narrow(shape[1]);
  a.eps = p.eps;
  a.swiglu = p.swiglu ? 1 : 0;
  if (p.norm != nullptr) {
    a.norm_weight = work_.pointer<const float>(p.norm->weight);
    a.norm_bias = work_.pointer<const float>(p.norm->bias);
  }
  if (const auto* W = std::get_if<Tensor>(&p.dense.weight)) {
    a.W = work_.pointer(*W);
    a.vectors = is_aligned(*W) && shape[1] % 8 == 0 ? 1 : 0;
  }
  return a;
}

Tensor Linear::compute_rows(const RowProduct& p, Tensor* second) {
  check_product(p);
  if (const auto plan = tensor_plan(p)) return by_tensor_rows(p, *plan, second);
  if (const auto plan = dense_plan(p)) return by_dense_rows(p, *plan, second);
  const std::int64_t M = p.x.shape()[0];
  const DType type = p.qkvo != nullptr ? p.residual.dtype() : p.x.dtype();
  const Tensor y = result_of(p, type);
  RowProductArgs a = arguments(p, y);
  if (p.second != nullptr) {
    const auto& W2 = std::get<Tensor>(p.second->weight);
    check_shape("linear", "W", W2, {W2.shape()[0], p.x.shape()[1]});
    *second = work_.allocate({M, W2.shape()[0]}, DType::kF32, "linear");
    a.W2 = work_.pointer<const float>(W2);
    a.bias2 = work_.pointer<const float>(p.second->bias);
    a.y2 = work_.to_write<float>(*second);
    a.N2 = narrow(W2.shape()[0]);
  }
  if (p.qkvo != nullptr) {
    a.out_gate = reinterpret_cast<const void*>(
        work_.at(*p.qkvo) + static_cast<std::size_t>(p.out_gate_column) * size_of(p.qkvo->dtype()));
    a.NH = narrow(p.NH);
  }
  if (const auto* quantized = std::get_if<QuantizedTensor>(&p.dense.weight)) {
    if (const auto plan = row_plan(p)) {
      tensor_row_.compute(*plan, a, *quantized);
    } else {
      stream_rows(a, y.dtype(), *quantized);
    }
    return y;
  }
  const DType W = std::get<Tensor>(p.dense.weight).dtype();
  if (a.vectors != 0 && can_stream(M, p.x.shape()[1], y.dtype(), W)) {
    stream_rows(a, y.dtype(), W);
  } else {
    a.is_bf16 = y.dtype() == DType::kBF16 ? 1 : 0;
    launch_rows(a, W);
  }
  return y;
}

void Linear::launch_rows(const RowProductArgs& a, DType W) {
  const std::int64_t rows = rows_rounded(a.M);
  const auto most =
      static_cast<unsigned>((rows == kMostRows ? 2 : 4) * work_.device().multiprocessors());
  const unsigned blocks = std::clamp(blocks_for(a.N + a.N2, kRowWarps), 1U, most);
  work_.programs().launch("row_product",
                          a.vectors != 0 ? str("row_product_", type_name(W), "_", rows)
                                         : str("row_product_scalar_", type_name(W)),
                          {.x = blocks, .shared = shared_bytes(a.M, a.K), .dependent = true}, a);
}

// What row_stream.cu needs. Rows begin at 16 bytes besides.
bool Linear::can_stream(std::int64_t M, std::int64_t K, DType x, DType W) const {
  const bool types = W == DType::kBF16 || (W == DType::kF32 && x == DType::kF32);
  const std::size_t stage = 2 * static_cast<std::size_t>(K) * size_of(W);
  return work_.device().capability() >= 90 && M == 1 && types && K <= 8 * kStreamColumns &&
         2 * stage <= static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
}

bool Linear::takes_heads(const RowProduct& p) const {
  const std::int64_t M = p.x.shape()[0], K = p.x.shape()[1];
  if (M != 1 || p.NH < 1 || K > 2 * kStreamColumns || weight_shape(p.dense)[1] != K) return false;
  if (const auto* W = std::get_if<QuantizedTensor>(&p.dense.weight)) {
    if (row_plan(p)) return K % (256 * p.NH) == 0;
    return K % (512 * p.NH) == 0 && can_stream(p, *W) && !tensor_plan(p);
  }
  return K % (256 * p.NH) == 0 &&
         can_stream(M, K, p.residual.dtype(), std::get<Tensor>(p.dense.weight).dtype());
}

void Linear::stream_rows(const RowProductArgs& a, DType x, DType W) {
  // Bytes. A multiprocessor has room for one block alone, so that the next kernel's blocks spread
  // as this one's do: with 100 KB two of them came to lie where a block ended first, and a layer
  // took 122 us instead of 109 (H200).
  constexpr std::size_t kRing = 150 << 10;
  constexpr std::size_t kMostStages = 16;
  const std::size_t stage = 2 * static_cast<std::size_t>(a.K) * size_of(W);
  const std::size_t stages = std::clamp<std::size_t>(kRing / stage, 2, kMostStages);
  int chunks = (a.K + kStreamColumns - 1) / kStreamColumns;
  if (chunks > 2) chunks += chunks % 2;
  const int units = (a.swiglu != 0 ? a.N / 2 : (a.N + 1) / 2) + a.N2;
  const int blocks = std::min(units, work_.device().multiprocessors());
  const StreamArgs stream = {static_cast<int>(stages), static_cast<int>(stage)};
  work_.programs().launch("row_stream",
                          str("row_stream_", type_name(x), "_", type_name(W), "_", chunks),
                          {.x = static_cast<unsigned>(blocks),
                           .threads = 256 + 32,
                           .shared = stages * stage,
                           .dependent = true},
                          a, stream);
}

namespace {

constexpr int kEight = 8;  // rows of a stage of quantized_stream.cu

// Bytes of a stage there.
std::size_t quantized_stage(const QuantizedTensor& W, std::int64_t K, bool swiglu, bool second) {
  const auto columns = static_cast<std::size_t>(K);
  const std::size_t words = kEight * columns / 8 * static_cast<std::size_t>(W.format.bits);
  const std::size_t scales =
      kEight * columns / static_cast<std::size_t>(W.format.group_size) * size_of(W.scales.dtype());
  const std::size_t eights = (swiglu ? 2 : 1) * (words + 2 * scales);
  return std::max(eights, second ? columns * sizeof(float) : 0);
}

}  // namespace

// What quantized_stream.cu needs.
bool Linear::can_stream(const RowProduct& p, const QuantizedTensor& W) const {
  const DType type = p.qkvo != nullptr ? p.residual.dtype() : p.x.dtype();
  if (type != DType::kF32) return false;
  const TensorShape shape = shape_of(W);
  const int bits = W.format.bits;
  const bool format = W.format.mode == QuantizationMode::kAffine &&
                      (bits == 2 || bits == 4 || bits == 8) &&
                      (W.scales.dtype() == DType::kF32 || W.scales.dtype() == DType::kBF16);
  const std::int64_t rows = p.swiglu ? shape[0] / 2 : shape[0];
  const std::size_t stage = quantized_stage(W, shape[1], p.swiglu, p.second != nullptr);
  return work_.device().capability() >= 90 && p.x.shape()[0] == 1 && format && rows % kEight == 0 &&
         shape[1] <= 6 * kStreamColumns &&
         2 * stage <= static_cast<std::size_t>(work_.device().dynamic_shared_bytes());
}

void Linear::stream_rows(const RowProductArgs& a, DType x, const QuantizedTensor& W) {
  constexpr std::size_t kRing = 150 << 10, kMostStages = 16;  // as above
  const std::size_t stage = quantized_stage(W, a.K, a.swiglu != 0, a.W2 != nullptr);
  const std::size_t stages = std::clamp<std::size_t>(kRing / stage, 2, kMostStages);
  const int chunks = a.K <= 2 * kStreamColumns ? 1 : 3;
  const int units = (a.swiglu != 0 ? a.N / 2 : a.N) / kEight + a.N2;
  const int blocks = std::min(units, work_.device().multiprocessors());
  const StreamArgs stream = {static_cast<int>(stages), static_cast<int>(stage)};
  work_.programs().launch("quantized_stream",
                          str("quantized_stream_", W.format.bits, "_", type_name(x), "_",
                              type_name(W.scales.dtype()), "_", chunks),
                          {.x = static_cast<unsigned>(blocks),
                           .threads = 256 + 32,
                           .shared = stages * stage,
                           .dependent = true},
                          a, quantized_args(work_, W), stream);
}

Tensor Linear::dequantized(const QuantizedTensor& W, DType dtype) {
  const TensorShape shape = shape_of(W);
  Tensor y = work_.allocate(shape, dtype, "dequantized weights");
  if (dtype == DType::kBF16 && shape[1] % 8 == 0) {
    const int bits = W.format.bits == 4 || W.format.bits == 8 ? W.format.bits : 0;
    const std::int64_t units = shape.elements() / 8;
    work_.programs().launch("embed", str("dequantize_units_", bits), {.x = blocks_for(units, 256)},
                            quantized_args(work_, W), work_.to_write(y), narrow(shape[1] / 8),
                            units);
    return y;
  }
  work_.programs().launch("embed", str("dequantize_", type_name(dtype)),
                          {.x = element_blocks(shape.elements())}, quantized_args(work_, W),
                          work_.to_write(y), shape[0], shape[1]);
  return y;
}

Products* Linear::library() {
  if (!looked_for_library_) {
    library_ = Products::load(work_);
    looked_for_library_ = true;
  }
  return library_.get();
}

Tensor Linear::by_library_or_tiles(const RowProduct& p, const Tensor& W) {
  const std::int64_t M = p.x.shape()[0], N = W.shape()[0], K = W.shape()[1];
  const Tensor y = result_of(p, p.x.dtype());
  if (y.elements() == 0) return y;
  RowProductArgs a = arguments(p, y);
  a.W = work_.pointer(W);
  // The library wants rows that begin at 16 bytes.
  const std::int64_t unit = 16 / static_cast<std::int64_t>(size_of(W.dtype()));
  const bool fits = W.dtype() == p.x.dtype() && N % unit == 0 && K % unit == 0;
  if (fits && library() != nullptr &&
      library()->compute({a.x, a.W, a.residual, a.y, M, N, K, W.dtype()})) {
    if (p.dense.bias) {
      a.residual = nullptr;
      work_.programs().launch("product", str("finish_", type_name(p.x.dtype())),
                              {.x = element_blocks(M * N)}, a);
    }
    return y;
  }
  constexpr std::int64_t kTile = 64;
  work_.programs().launch("product",
                          str("product_", type_name(p.x.dtype()), "_", type_name(W.dtype())),
                          {.x = blocks_for(N, kTile), .y = blocks_for(M, kTile)}, a);
  return y;
}

}  // namespace xlstm::cuda
