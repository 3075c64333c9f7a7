// Lines typed before, kept in a file that several programs may write at once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace xlstm::apps {

inline constexpr std::size_t kHistoryLines = 1000;
inline constexpr std::size_t kHistoryBytes = std::size_t{8} << 20;

// Each line is appended when it is added, under a lock, and what the file has too much is taken
// away at the end, under the same lock: no program loses another's lines. The file is read once; it
// holds the last kHistoryLines lines, in at most kHistoryBytes. Whatever fails with the file is
// ignored.
class History {
 public:
  explicit History(std::filesystem::path file);  // empty: lines are kept in memory alone
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void add(const std::string& line);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::filesystem::path file_;
  std::vector<std::string> lines_;
};

// $XDG_STATE_HOME/xlstm/history or ~/.local/state/xlstm/history, its folder made; empty where there
// is no place for it.
std::filesystem::path history_file();

}  // namespace xlstm::apps
