#include "xlstm/wiring/cut_source.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

class CutSource final : public TensorSource {
 public:
  CutSource(std::shared_ptr<const TensorSource> whole, std::vector<TensorCut> cuts)
      : whole_(std::move(whole)), cuts_(std::move(cuts)) {
    for (const TensorCut& cut : cuts_) {
      const TensorInfo& from = whole_->tensors()[cut.index];
      TensorInfo info = from;
      const bool is_whole =
          cut.rows == Share{0, from.shape.front()} && cut.columns == Share{0, width_of(from)};
      if (!is_whole) {
        info.name += str("[", cut.rows.begin, ":", cut.rows.end, ", ", cut.columns.begin, ":",
                         cut.columns.end, "]");
      }
      info.shape.front() = cut.rows.size();
      if (info.shape.size() > 1) info.shape.back() = cut.columns.size();
      info.bytes =
          static_cast<std::uint64_t>(cut.rows.size() * cut.columns.size()) * size_of(info.dtype);
      tensors_.push_back(std::move(info));
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  const std::map<std::string, std::string>& metadata() const override { return whole_->metadata(); }
  std::string config() const override { return whole_->config(); }
  void check_contents() const override { whole_->check_contents(); }

  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    const TensorCut& cut = cuts_[index];
    const TensorInfo& from = whole_->tensors()[cut.index];
    const std::uint64_t element = size_of(from.dtype);
    const std::uint64_t whole_row = static_cast<std::uint64_t>(width_of(from)) * element;
    const std::uint64_t row = static_cast<std::uint64_t>(cut.columns.size()) * element;
    const std::uint64_t before = static_cast<std::uint64_t>(cut.rows.begin) * whole_row +
                                 static_cast<std::uint64_t>(cut.columns.begin) * element;
    if (row == whole_row) return whole_->read(cut.index, before + offset, to);
    while (!to.empty()) {
      const std::uint64_t within = offset % row;
      const std::size_t count = std::min<std::size_t>(to.size(), row - within);
      whole_->read(cut.index, before + offset / row * whole_row + within, to.first(count));
      to = to.subspan(count);
      offset += count;
    }
  }

 private:
  std::shared_ptr<const TensorSource> whole_;
  std::vector<TensorCut> cuts_;
  std::vector<TensorInfo> tensors_;
};

}  // namespace

std::int64_t width_of(const TensorInfo& tensor) {
  std::int64_t width = 1;
  for (std::size_t axis = 1; axis < tensor.shape.size(); ++axis) width *= tensor.shape[axis];
  return width;
}

std::unique_ptr<TensorSource> cut_source(std::shared_ptr<const TensorSource> whole,
                                         std::vector<TensorCut> cuts) {
  return std::make_unique<CutSource>(std::move(whole), std::move(cuts));
}

}  // namespace xlstm
