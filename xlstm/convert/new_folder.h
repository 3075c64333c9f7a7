// A folder that appears whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace xlstm {

// How the names of folders begin that are not committed yet.
inline constexpr std::string_view kUnfinishedFolder = ".xlstm-";

// Makes a folder with a temporary name beside `target`; commit() gives it the target's name.
// Without commit it is removed with all in it.
class NewFolder {
 public:
  // `replace`: whether a model's folder may be in the way. Throws Error: kUsage when something
  // else is there (an empty folder is nothing), kFile.
  NewFolder(const std::filesystem::path& target, bool replace);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const std::filesystem::path& path() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path target_;  // absolute
  bool replace_;
  std::filesystem::path temporary_;  // empty: committed
};

}  // namespace xlstm
