#include "xlstm/cuda/products.h"

#include <array>
#include <cstring>
#include <map>
#include <tuple>

#include "xlstm/base/error.h"
#include "xlstm/cuda/shared_library.h"

namespace xlstm::cuda {
namespace {

// https://docs.nvidia.com/cuda/cublas/#using-the-cublaslt-api
using Handle = struct HandleOfLt*;
using Description = struct DescriptionOfLt*;
using Layout = struct LayoutOfLt*;
using Preference = struct PreferenceOfLt*;

struct Algorithm {
  std::uint64_t data[8];
};
struct Choice {
  Algorithm algorithm;
  std::size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

constexpr int kComputeFloat32 = 68, kFloat32 = 0, kBFloat16 = 14;
constexpr int kTransposeA = 3, kMostWorkspace = 1;
constexpr int kTransposed = 1;
constexpr std::size_t kWorkspace = std::size_t{32} << 20;  // bytes; what Hopper's kernels like

struct Library {
  int (*cublasLtCreate)(Handle* handle);
  int (*cublasLtDestroy)(Handle handle);
  int (*cublasLtMatmulDescCreate)(Description* description, int compute, int scale);
  int (*cublasLtMatmulDescDestroy)(Description description);
  int (*cublasLtMatmulDescSetAttribute)(Description description, int attribute, const void* value,
                                        std::size_t size);
  int (*cublasLtMatrixLayoutCreate)(Layout* layout, int type, std::uint64_t rows,
                                    std::uint64_t columns, std::int64_t stride);
  int (*cublasLtMatrixLayoutDestroy)(Layout layout);
  int (*cublasLtMatmulPreferenceCreate)(Preference* preference);
  int (*cublasLtMatmulPreferenceDestroy)(Preference preference);
  int (*cublasLtMatmulPreferenceSetAttribute)(Preference preference, int attribute,
                                              const void* value, std::size_t size);
  int (*cublasLtMatmulAlgoGetHeuristic)(Handle handle, Description description, Layout a, Layout b,
                                        Layout c, Layout d, Preference preference, int wanted,
                                        Choice* choices, int* found);
  int (*cublasLtMatmul)(Handle handle, Description description, const void* alpha, const void* a,
                        Layout layout_a, const void* b, Layout layout_b, const void* beta,
                        const void* c, Layout layout_c, void* d, Layout layout_d,
                        const Algorithm* algorithm, void* workspace, std::size_t workspace_bytes,
                        Stream stream);
};

bool fill(const SharedLibrary& from, Library& l) {
  bool all = true;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(from.find(name));
    all = all && function != nullptr;
  };
  find("cublasLtCreate", l.cublasLtCreate);
  find("cublasLtDestroy", l.cublasLtDestroy);
  find("cublasLtMatmulDescCreate", l.cublasLtMatmulDescCreate);
  find("cublasLtMatmulDescDestroy", l.cublasLtMatmulDescDestroy);
  find("cublasLtMatmulDescSetAttribute", l.cublasLtMatmulDescSetAttribute);
  find("cublasLtMatrixLayoutCreate", l.cublasLtMatrixLayoutCreate);
  find("cublasLtMatrixLayoutDestroy", l.cublasLtMatrixLayoutDestroy);
  find("cublasLtMatmulPreferenceCreate", l.cublasLtMatmulPreferenceCreate);
  find("cublasLtMatmulPreferenceDestroy", l.cublasLtMatmulPreferenceDestroy);
  find("cublasLtMatmulPreferenceSetAttribute", l.cublasLtMatmulPreferenceSetAttribute);
  find("cublasLtMatmulAlgoGetHeuristic", l.cublasLtMatmulAlgoGetHeuristic);
  find("cublasLtMatmul", l.cublasLtMatmul);
  return all;
}

// What is kept for products of the same sizes.
struct Way {
  Description description = nullptr;
  Layout weights = nullptr, rows = nullptr, result = nullptr;
  Choice choice{};
  bool found = false;
};

class LtProducts final : public Products {
 public:
  LtProducts(Workspace& work, const Library& library, Handle handle)
      : l_(library),
        device_(work.shared_device()),
        handle_(handle),
        workspace_(work.allocate_for_long({static_cast<std::int64_t>(kWorkspace)}, DType::kU8,
                                          "products")) {}

  ~LtProducts() override {
    device_->bind();
    for (const auto& [key, way] : ways_) {
      if (way.result != nullptr) l_.cublasLtMatrixLayoutDestroy(way.result);
      if (way.rows != nullptr) l_.cublasLtMatrixLayoutDestroy(way.rows);
      if (way.weights != nullptr) l_.cublasLtMatrixLayoutDestroy(way.weights);
      if (way.description != nullptr) l_.cublasLtMatmulDescDestroy(way.description);
    }
    l_.cublasLtDestroy(handle_);
  }

  bool compute(const Product& p) override {
    const Way& way = way_of(p);
    if (!way.found) return false;
    const float alpha = 1, beta = p.residual != nullptr ? 1.0F : 0.0F;
    const void* const added = p.residual != nullptr ? p.residual : p.y;
    void* const workspace = reinterpret_cast<void*>(data_of(workspace_).at);
    const int result = l_.cublasLtMatmul(
        handle_, way.description, &alpha, p.W, way.weights, p.x, way.rows, &beta, added, way.result,
        p.y, way.result, &way.choice.algorithm, workspace, kWorkspace, device_->stream());
    if (result == 0) return true;
    fail_wanted(ErrorKind::kInternal, "cuda",
                str("a product of ", p.M, " x ", p.K, " by ", p.N, " x ", p.K, " from cuBLASLt"),
                str("error ", result));
  }

 private:
  // Row-major [r, c] is column-major [c, r]: y^T [N, M] = W [N, K] x^T [K, M].
  const Way& way_of(const Product& p) {
    const auto key = std::tuple(p.M, p.N, p.K, p.dtype, p.residual != nullptr);
    const auto [place, is_new] = ways_.try_emplace(key);
    Way& way = place->second;
    if (!is_new) return way;
    const int type = p.dtype == DType::kBF16 ? kBFloat16 : kFloat32;
    const auto M = static_cast<std::uint64_t>(p.M), N = static_cast<std::uint64_t>(p.N);
    const auto K = static_cast<std::uint64_t>(p.K);
    bool good = l_.cublasLtMatmulDescCreate(&way.description, kComputeFloat32, kFloat32) == 0;
    good = good && l_.cublasLtMatmulDescSetAttribute(way.description, kTransposeA, &kTransposed,
                                                     sizeof kTransposed) == 0;
    good = good && l_.cublasLtMatrixLayoutCreate(&way.weights, type, K, N, p.K) == 0;
    good = good && l_.cublasLtMatrixLayoutCreate(&way.rows, type, K, M, p.K) == 0;
    good = good && l_.cublasLtMatrixLayoutCreate(&way.result, type, N, M, p.N) == 0;
    Preference preference = nullptr;
    good = good && l_.cublasLtMatmulPreferenceCreate(&preference) == 0;
    if (!good) return way;
    int found = 0;
    const std::size_t workspace = kWorkspace;
    l_.cublasLtMatmulPreferenceSetAttribute(preference, kMostWorkspace, &workspace,
                                            sizeof workspace);
    const int result = l_.cublasLtMatmulAlgoGetHeuristic(handle_, way.description, way.weights,
                                                         way.rows, way.result, way.result,
                                                         preference, 1, &way.choice, &found);
    l_.cublasLtMatmulPreferenceDestroy(preference);
    way.found = result == 0 && found > 0 && way.choice.state == 0;
    return way;
  }

  Library l_;
  std::shared_ptr<Device> device_;
  Handle handle_;
  Tensor workspace_;
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, DType, bool>, Way> ways_;
};

}  // namespace

std::unique_ptr<Products> Products::load(Workspace& work) {
  const std::array<std::string, 3> names = {"libcublasLt.so.13", "libcublasLt.so.12",
                                            "libcublasLt.so"};
  const std::unique_ptr<SharedLibrary> found = open_nvidia_library(names);
  Library library{};
  if (found == nullptr || !fill(*found, library)) return nullptr;
  work.device().use();
  Handle handle = nullptr;
  if (library.cublasLtCreate(&handle) != 0) return nullptr;
  try {
    return std::make_unique<LtProducts>(work, library, handle);
  } catch (...) {
    library.cublasLtDestroy(handle);
    throw;
  }
}

}  // namespace xlstm::cuda
