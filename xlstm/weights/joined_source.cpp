#include "xlstm/weights/joined_source.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

class JoinedSource : public TensorSource {
 public:
  explicit JoinedSource(std::vector<std::unique_ptr<TensorSource>> sources)
      : sources_(std::move(sources)) {
    for (std::size_t source = 0; source < sources_.size(); ++source) {
      const std::size_t count = sources_[source]->tensors().size();
      for (std::size_t index = 0; index < count; ++index) places_.push_back({source, index});
      for (const auto& item : sources_[source]->metadata()) metadata_.insert(item);
    }
    std::stable_sort(places_.begin(), places_.end(),
                     [&](const Place& a, const Place& b) { return info(a).name < info(b).name; });
    for (const Place& place : places_) tensors_.push_back(info(place));
    check_names();
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    sources_[places_[index].source]->read(places_[index].index, offset, to);
  }
  void check_contents() const override {
    for (const auto& source : sources_) source->check_contents();
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string config() const override {
    for (const auto& source : sources_) {
      if (std::string config = source->config(); !config.empty()) return config;
    }
    return "";
  }

 private:
  struct Place {
    std::size_t source, index;
  };

  const TensorInfo& info(const Place& place) const {
    return sources_[place.source]->tensors()[place.index];
  }

  void check_names() const {
    const auto twice =
        std::adjacent_find(tensors_.begin(), tensors_.end(),
                           [](const auto& a, const auto& b) { return a.name == b.name; });
    if (twice == tensors_.end()) return;
    fail_wanted(ErrorKind::kFormat, std::next(twice)->file.string(),
                str("tensor ", quoted(twice->name), " in one file"),
                str("it in ", twice->file.string(), " too"));
  }

  std::vector<std::unique_ptr<TensorSource>> sources_;
  std::vector<Place> places_;        // of tensors_, in the same order
  std::vector<TensorInfo> tensors_;  // sorted by name
  std::map<std::string, std::string> metadata_;
};

}  // namespace

std::unique_ptr<TensorSource> join_sources(std::vector<std::unique_ptr<TensorSource>> sources) {
  return std::make_unique<JoinedSource>(std::move(sources));
}

}  // namespace xlstm
