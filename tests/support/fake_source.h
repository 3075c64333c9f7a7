// Tensor headers without tensors: models of any size and shape, cheaply. The names are written out
// here a second time on purpose, so that a slip in the tensor table is seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm::testing {

class FakeSource : public TensorSource {
 public:
  FakeSource& add(std::string name, Shape shape, DType dtype = DType::kF32) {
    remove(name);
    TensorInfo info;
    info.bytes = static_cast<std::uint64_t>(element_count(shape).value_or(0)) * size_of(dtype);
    info.name = std::move(name);
    info.shape = std::move(shape);
    info.dtype = dtype;
    tensors_.insert(place(info.name), std::move(info));
    return *this;
  }
  // Many at once, in linear time but for the sorting.
  FakeSource& add_all(const std::vector<std::string>& names, const Shape& shape) {
    for (const std::string& name : names) {
      TensorInfo info;
      info.bytes = static_cast<std::uint64_t>(element_count(shape).value_or(0)) * 4;
      info.name = name;
      info.shape = shape;
      tensors_.push_back(std::move(info));
    }
    return rename([](const std::string& name) { return name; });
  }
  FakeSource& remove(const std::string& name) {
    const auto at = place(name);
    if (at != tensors_.end() && at->name == name) tensors_.erase(at);
    return *this;
  }
  // Changes every name; `change` must keep them unique.
  template <typename Change>
  FakeSource& rename(const Change& change) {
    for (TensorInfo& info : tensors_) info.name = change(info.name);
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
    return *this;
  }
  bool has(const std::string& name) {
    const auto at = place(name);
    return at != tensors_.end() && at->name == name;
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t, std::uint64_t, std::span<std::byte>) const override {}
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

 private:
  std::vector<TensorInfo>::iterator place(const std::string& name) {
    return std::lower_bound(tensors_.begin(), tensors_.end(), name,
                            [](const TensorInfo& a, const std::string& b) { return a.name < b; });
  }
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Sizes of a model to make up; the default is small and has no two equal widths.
struct Sizes {
  std::int64_t V = 40, D = 24, L = 2, NH = 3, DQK = 12, DV = 36, F = 64;
  bool bias = false;
  bool fused = false;
  DType dtype = DType::kF32;
};

inline std::string block_name(std::int64_t block, const std::string& rest) {
  return "backbone.blocks." + std::to_string(block) + "." + rest;
}

inline void add_block(FakeSource& source, std::int64_t block, const Sizes& s) {
  const auto put = [&](const std::string& rest, Shape shape) {
    source.add(block_name(block, rest), std::move(shape), s.dtype);
  };
  // A projection, with its bias where the model has them.
  const auto project = [&](const std::string& rest, std::int64_t out, std::int64_t in) {
    put(rest + ".weight", {out, in});
    if (s.bias) put(rest + ".bias", {out});
  };
  const auto norm = [&](const std::string& rest, std::int64_t width) {
    put(rest + ".weight", {width});
    if (s.bias) put(rest + ".bias", {width});
  };
  norm("norm_mlstm", s.D);
  norm("norm_ffn", s.D);
  norm("mlstm_layer.multihead_norm", s.DV);
  project("mlstm_layer.out_proj", s.D, s.DV);
  project("ffn.proj_down", s.D, s.F);
  if (s.fused) {
    project("mlstm_layer.qkv_opreact", 2 * s.DQK + 2 * s.DV, s.D);
    put("mlstm_layer.ifgate_preact.weight", {2 * s.NH, s.D});
    put("mlstm_layer.ifgate_preact.bias", {2 * s.NH});
    project("ffn.proj_up_gate_z", 2 * s.F, s.D);
    return;
  }
  project("mlstm_layer.q", s.DQK, s.D);
  project("mlstm_layer.k", s.DQK, s.D);
  project("mlstm_layer.v", s.DV, s.D);
  project("mlstm_layer.ogate_preact", s.DV, s.D);
  for (const char* gate : {"mlstm_layer.igate_preact", "mlstm_layer.fgate_preact"}) {
    put(std::string(gate) + ".weight", {s.NH, s.D});
    put(std::string(gate) + ".bias", {s.NH});
  }
  project("ffn.proj_up_gate", s.F, s.D);
  project("ffn.proj_up", s.F, s.D);
}

inline FakeSource make_source(const Sizes& s = {}) {
  FakeSource source;
  source.add("backbone.embeddings.weight", {s.V, s.D}, s.dtype);
  source.add("backbone.out_norm.weight", {s.D}, s.dtype);
  source.add("lm_head.weight", {s.V, s.D}, s.dtype);
  for (std::int64_t block = 0; block < s.L; ++block) add_block(source, block, s);
  return source;
}

}  // namespace xlstm::testing
