#include "xlstm/series/csv.h"

#include <algorithm>
#include <array>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

std::string row_name(const std::string& where, std::size_t number) {
  return str(where, ", row ", number);
}

// A text cell by cell.
class Cells {
 public:
  Cells(std::string_view text, char separator, const std::string& where)
      : text_(text), separator_(separator), where_(where) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t row() const { return row_; }
  bool row_ended() const { return row_ended_; }

  // The next cell; row_ended() then says whether it is its row's last.
  std::string_view next(std::deque<std::string>& unescaped) {
    const bool quoted = !at_end() && text_[at_] == '"';
    const std::string_view cell = quoted ? quoted_cell(unescaped) : plain_cell();
    row_ended_ = at_end() || text_[at_] != separator_;
    if (!row_ended_) {
      ++at_;
    } else if (!at_end()) {
      at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
    }
    return cell;
  }

  void count_row() { ++row_; }

 private:
  bool ends_cell(char letter) const {
    return letter == separator_ || letter == '\n' || letter == '\r';
  }

  std::string_view plain_cell() {
    const std::size_t begin = at_;
    while (!at_end() && !ends_cell(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view quoted_cell(std::deque<std::string>& unescaped) {
    const std::size_t begin = ++at_;
    bool has_quotes = false;
    for (;; at_ += 2, has_quotes = true) {
      at_ = text_.find('"', at_);
      if (at_ == std::string_view::npos) {
        fail_wanted(ErrorKind::kFormat, row_name(where_, row_), "a quote that closes the cell",
                    "the end of the text");
      }
      if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') break;
    }
    const std::string_view inside = text_.substr(begin, at_++ - begin);
    if (!at_end() && !ends_cell(text_[at_])) {
      fail_wanted(ErrorKind::kFormat, row_name(where_, row_),
                  "the end of the cell behind its quote", quoted(text_.substr(at_, 1)));
    }
    if (!has_quotes) return inside;
    std::string& out = unescaped.emplace_back();
    for (std::size_t i = 0; i < inside.size(); ++i) {
      out += inside[i];
      if (inside[i] == '"') ++i;  // the second of two
    }
    return out;
  }

  std::string_view text_;
  char separator_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t row_ = 1;
  bool row_ended_ = false;
};

// The cells of a row that is under way.
struct Row {
  std::vector<std::string_view> cells;
  bool is_blank() const { return cells.size() == 1 && cells.front().empty(); }
};

void read_row(Cells& from, Row& to, std::deque<std::string>& unescaped, const std::string& where) {
  to.cells.clear();
  do {
    if (to.cells.size() == kMostColumns) {
      fail_wanted(ErrorKind::kFormat, row_name(where, from.row()),
                  str("at most ", kMostColumns, " cells"), "more");
    }
    to.cells.push_back(from.next(unescaped));
  } while (!from.row_ended());
}

std::string_view without_mark(std::string_view text, const std::string& where) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail_wanted(ErrorKind::kFormat, where, "UTF-8", "UTF-16");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

// How many cells the first rows have with this separator, 0 where they differ.
std::size_t cells_of_first_rows(std::string_view text, char separator) {
  constexpr std::size_t kRows = 20;
  constexpr std::size_t kBytes = 1 << 16;  // enough for them, whatever the text is
  const bool whole = text.size() <= kBytes;
  const std::string nowhere;
  Cells cells(text.substr(0, kBytes), separator, nowhere);
  std::deque<std::string> unescaped;
  Row row;
  std::size_t count = 0;
  for (std::size_t r = 0; r < kRows && !cells.at_end(); ++r) {
    try {
      read_row(cells, row, unescaped, nowhere);
    } catch (const Error&) {
      return count;  // parse_csv() will say so, with a place
    }
    const bool cut = !whole && cells.at_end();
    if (row.is_blank() || cut) continue;
    if (count == 0) count = row.cells.size();
    if (row.cells.size() != count) return 0;
  }
  return count;
}

void add_row(CsvTable& table, const Row& row, std::size_t number, const std::string& where) {
  if (table.columns == 0) {
    if (row.is_blank()) return;
    table.columns = row.cells.size();
  }
  if (row.is_blank() && table.columns > 1) return;
  if (row.cells.size() != table.columns) {
    fail_wanted(ErrorKind::kFormat, row_name(where, number),
                str(table.columns, table.columns == 1 ? " cell" : " cells", ", as row ",
                    table.numbers.front(), " has"),
                str(row.cells.size()));
  }
  table.cells.insert(table.cells.end(), row.cells.begin(), row.cells.end());
  table.numbers.push_back(static_cast<std::uint32_t>(number));
}

}  // namespace

char detected_separator(std::string_view text) {
  char best = ',';
  std::size_t most = 1;
  for (const char candidate : std::array{';', '\t', ','}) {
    const std::size_t count = cells_of_first_rows(text, candidate);
    if (count > most) {
      most = count;
      best = candidate;
    }
  }
  return best;
}

CsvTable parse_csv(std::string_view text, std::optional<char> separator, const std::string& where) {
  text = without_mark(text, where);
  CsvTable table;
  Cells cells(text, separator ? *separator : detected_separator(text), where);
  Row row;
  for (; !cells.at_end(); cells.count_row()) {
    read_row(cells, row, table.unescaped, where);
    if (table.cells.size() + row.cells.size() > kMostCells) {
      fail_wanted(ErrorKind::kFormat, where, str("at most ", kMostCells, " cells"), "more");
    }
    add_row(table, row, cells.row(), where);
  }
  while (table.columns == 1 && !table.cells.empty() && table.cells.back().empty()) {
    table.cells.pop_back();
    table.numbers.pop_back();
  }
  return table;
}

}  // namespace xlstm
