// The kernels of one device, loaded when they are first called.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "xlstm/cuda/device.h"

namespace xlstm::cuda {

struct Grid {
  unsigned x = 1, y = 1, z = 1;  // blocks
  unsigned threads = 256;        // of a block
  std::size_t shared = 0;        // bytes that a block gets besides
  bool dependent =
      false;             // may start while the kernel before still runs, for which it waits itself
  unsigned cluster = 1;  // blocks along x that run together (compute capability 9.0 and newer)
};

class Programs {
 public:
  explicit Programs(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // Queues kernel `name` of kernels/<file>.cu. An empty grid does nothing.
  template <typename... Args>
  void launch(std::string_view file, const std::string& name, const Grid& grid,
              const Args&... args) {
    std::array<void*, sizeof...(Args)> pointers = {
        const_cast<void*>(static_cast<const void*>(&args))...};
    launch(function(file, name), name, grid, pointers.data());
  }

  // Which chain of kernels the last one belongs to: one that is not dependent begins a new chain,
  // and waits for all of those before.
  std::uint64_t chain() const { return chain_; }
  std::uint64_t launches() const { return launches_; }  // so far

 private:
  Function function(std::string_view file, const std::string& name);
  Module module(std::string_view file);
  void launch(Function function, std::string_view name, const Grid& grid, void** arguments);

  std::shared_ptr<Device> device_;
  std::map<std::string, Module, std::less<>> modules_;
  std::map<std::string, Function, std::less<>> functions_;
  std::uint64_t launches_ = 0, chain_ = 1;
};

}  // namespace xlstm::cuda
