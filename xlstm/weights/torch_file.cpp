#include "xlstm/weights/torch_file.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/weights/archive_source.h"
#include "xlstm/weights/pickle.h"

namespace xlstm {
namespace {

constexpr std::string_view kPickle = "data.pkl";
constexpr std::uint64_t kMostPickleBytes = 64'000'000;
constexpr std::size_t kMostTensors = 200'000;

bool has_tensors(const PickleDict& dict) {
  return std::ranges::any_of(dict.items,
                             [](const auto& item) { return item.second->tensor() != nullptr; });
}

class Reader {
 public:
  explicit Reader(const ZipArchive& archive)
      : archive_(archive), pickle_(find_torch_pickle(archive)), where_(archive.where(pickle_)) {
    const std::string& name = archive.members()[pickle_].name;
    folder_ = name.substr(0, name.size() - kPickle.size());
  }

  const std::string& where() const { return where_; }

  ArchiveContents take() {
    check_kind();
    const Pickle values = read_pickle(archive_.text(pickle_, kMostPickleBytes), where_);
    const PickleDict* root = values.root->dict();
    if (root == nullptr) {
      fail_wanted(ErrorKind::kFormat, where_, "a dictionary of tensors", "another value");
    }
    ArchiveContents out;
    out.tensors = read_tensors(find_state(*root));
    out.config = config_in(*root);
    return out;
  }

 private:
  // What torch.save writes for tensors, in the order of bytes that is ours.
  void check_kind() const {
    const std::size_t order = archive_.find(folder_ + "byteorder");
    if (order != ZipArchive::npos) {
      const std::string text = archive_.text(order, 64);
      if (text != "little") {
        fail_wanted(ErrorKind::kModel, archive_.where(order), "little", quoted(text));
      }
    }
    if (archive_.find(folder_ + "constants.pkl") != ZipArchive::npos) {
      fail_wanted(ErrorKind::kModel, archive_.path().string(),
                  "a torch file of tensors (torch.save of a state dict)", "a TorchScript program");
    }
  }

  const PickleDict& find_state(const PickleDict& root) const {
    constexpr std::array<std::string_view, 5> kNames = {"state_dict", "model", "model_state_dict",
                                                        "module", "params"};
    for (const std::string_view name : kNames) {
      const PickleValue* value = root.find(name);
      const PickleDict* dict = value != nullptr ? value->dict() : nullptr;
      if (dict != nullptr && has_tensors(*dict)) return *dict;
    }
    // Last: beside a state dict a loss or a step may be tensors too.
    if (has_tensors(root)) return root;
    fail_wanted(ErrorKind::kFormat, where_,
                "tensors, or an entry state_dict, model, model_state_dict, module or params that "
                "holds them",
                "a dictionary without");
  }

  // A key may stand in a dictionary many times and is long only once: refused before it is copied.
  std::vector<ArchivedTensor> read_tensors(const PickleDict& state) const {
    if (state.items.size() > kMostTensors) {
      fail_wanted(ErrorKind::kFormat, where_, str("at most ", kMostTensors, " tensors"),
                  str(state.items.size()));
    }
    std::vector<ArchivedTensor> out;
    std::unordered_set<std::string_view> names;
    for (const auto& [key, value] : state.items) {
      const PickleTensor* tensor = value->tensor();
      if (tensor == nullptr) continue;
      const std::string& name = name_in(*key);
      if (!names.insert(name).second) {
        fail_wanted(ErrorKind::kFormat, where_, str("tensor ", quoted(name), " once"), "it twice");
      }
      out.push_back(read_tensor(name, *tensor));
    }
    return out;
  }

  const std::string& name_in(const PickleValue& key) const {
    if (const auto* name = std::get_if<std::string>(&key.is)) return *name;
    fail_wanted(ErrorKind::kFormat, where_, "tensors with text as names", "another key");
  }

  ArchivedTensor read_tensor(const std::string& name, const PickleTensor& tensor) const {
    const PickleStorage& storage = *tensor.storage;
    const std::string where = str(where_, ", tensor ", quoted(name));
    const std::size_t member = find_storage(storage, where);
    ArchivedTensor out{{name, storage.dtype, tensor.shape, 0, archive_.path()},
                       member,
                       0,
                       {tensor.start, tensor.strides}};
    const auto count = element_count(tensor.shape);
    const auto end = out.elements.end(tensor.shape);
    // Of more elements than the storage has some lie on each other, as no weights do.
    if (!count || !end || *end > storage.count ||
        static_cast<std::uint64_t>(*count) > storage.count) {
      fail_wanted(ErrorKind::kFormat, where,
                  str("a shape and strides within a storage of ", storage.count, " elements"),
                  str(to_string(tensor.shape), " with strides ", to_string(tensor.strides),
                      " from element ", tensor.start));
    }
    out.info.bytes = static_cast<std::uint64_t>(*count) * size_of(storage.dtype);
    return out;
  }

  // A storage is a member, data/KEY.
  std::size_t find_storage(const PickleStorage& storage, const std::string& where) const {
    const std::string name = str(folder_, "data/", storage.key);
    const std::size_t member = archive_.find(name);
    if (member == ZipArchive::npos) {
      fail_wanted(ErrorKind::kFormat, where, str("a member ", quoted(name)), "none");
    }
    std::uint64_t bytes = 0;
    const std::uint64_t has = archive_.members()[member].bytes;
    if (__builtin_mul_overflow(storage.count, size_of(storage.dtype), &bytes) || bytes != has) {
      fail_wanted(ErrorKind::kFormat, where,
                  str("the ", storage.count, " elements of ", name_of(storage.dtype),
                      " that its storage ", quoted(name), " is said to have"),
                  str(has, " bytes"));
    }
    return member;
  }

  std::string config_in(const PickleDict& root) const {
    for (const std::string_view name : {"hyper_parameters", "config", "model_config"}) {
      const PickleValue* value = root.find(name);
      if (value == nullptr || value->dict() == nullptr) continue;
      return plain_json(*value, str(where_, ", ", name)).dump();
    }
    return "";
  }

  const ZipArchive& archive_;
  std::size_t pickle_;
  std::string where_;
  std::string folder_;  // "NAME/" before the members' names
};

}  // namespace

std::size_t find_torch_pickle(const ZipArchive& archive) {
  std::size_t found = ZipArchive::npos;
  for (std::size_t i = 0; i < archive.members().size(); ++i) {
    const std::string& name = archive.members()[i].name;
    const bool in_folder = std::ranges::count(name, '/') == 1 && name.ends_with("/data.pkl");
    if (name != kPickle && !in_folder) continue;
    if (found != ZipArchive::npos) {
      fail_wanted(ErrorKind::kFormat, archive.path().string(), "one member data.pkl",
                  str("two, ", quoted(archive.members()[found].name), " and ", quoted(name)));
    }
    found = i;
  }
  return found;
}

std::unique_ptr<TensorSource> open_torch(std::unique_ptr<ZipArchive> archive) {
  Reader reader(*archive);
  ArchiveContents contents = reader.take();
  return make_archive_source(std::move(archive), std::move(contents), reader.where());
}

}  // namespace xlstm
