#include "xlstm/apps/bench_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kNameWidth = 20;  // of the table's first column

[[noreturn]] void not_a_bench(const std::string& file, const std::string& what) {
  fail_wanted(ErrorKind::kFormat, file, "a file of 'xlstm bench --json'", what);
}

double number(const std::string& file, const Json& object, const char* key, double least = 1e-15) {
  constexpr double kMost = 1e15;  // a machine that is faster needs another table
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) not_a_bench(file, str("no number ", key));
  const auto value = found->get<double>();
  if (value >= least && value <= kMost) return value;
  not_a_bench(file, str(key, " of ", value));
}

std::string text(const std::string& file, const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) not_a_bench(file, str("no text ", key));
  return found->get<std::string>();
}

BenchFile::Figure read_figure(const std::string& file, const Json& figure) {
  if (!figure.is_object()) not_a_bench(file, "a figure that is no object");
  const auto machine = figure.find("machine");
  if (machine == figure.end() || !machine->is_object()) not_a_bench(file, "no object machine");
  return {text(file, figure, "figure"), number(file, figure, "tokens_per_second"),
          number(file, figure, "bandwidth_share"), number(file, *machine, "read_gb_per_second"),
          number(file, *machine, "hand_over_nanoseconds", 0)};
}

const BenchFile::Figure* find_figure(const BenchFile& file, const std::string& name) {
  const auto found = std::ranges::find(file.figures, name, &BenchFile::Figure::name);
  return found == file.figures.end() ? nullptr : &*found;
}

// A name from a file, quoted only if it needs to be.
std::string shown(const std::string& name) {
  std::string safe = quoted(name);
  return safe.size() == name.size() + 2 && !name.empty() ? name : safe;
}

bool unlike(double a, double b, double share) {
  return std::abs(a - b) > share * std::max(a, b);
}

std::string compared(const BenchFile::Figure& a, const BenchFile::Figure& b) {
  const bool other_state =
      unlike(a.read_gbs, b.read_gbs, 0.1) || unlike(a.core_to_core_ns, b.core_to_core_ns, 0.5);
  char numbers[256];
  std::snprintf(numbers, sizeof numbers, " %10.1f %10.1f %7.3fx %15.3fx%s\n", a.tokens_per_second,
                b.tokens_per_second, b.tokens_per_second / a.tokens_per_second,
                b.bandwidth_share / a.bandwidth_share,
                other_state ? "  the machine's state differed" : "");
  std::string name = shown(a.name);
  if (name.size() < kNameWidth) name.resize(kNameWidth, ' ');
  return name + numbers;
}

}  // namespace

BenchFile read_bench_file(const std::string& file) {
  constexpr std::size_t kMostBytes = std::size_t{4} << 20;
  const Json json = parse_json(read_all(file, kMostBytes), file);
  if (!json.is_object()) not_a_bench(file, "no object");
  const auto figures = json.find("figures");
  if (figures == json.end() || !figures->is_array()) not_a_bench(file, "no list figures");
  BenchFile out{file, text(file, json, "model"), {}};
  std::set<std::string> names;
  for (const Json& each : *figures) {
    out.figures.push_back(read_figure(file, each));
    const std::string& name = out.figures.back().name;
    if (!names.insert(name).second) not_a_bench(file, str("two figures ", quoted(name)));
  }
  return out;
}

std::string compare_text(const BenchFile& before, const BenchFile& after) {
  std::string out = str(shown(before.file), " (", shown(before.model), ") -> ", shown(after.file),
                        " (", shown(after.model), ")\n\n");
  char line[256];
  std::snprintf(line, sizeof line, "%-*s %10s %10s %8s %16s\n", static_cast<int>(kNameWidth), "",
                "tokens/s", "tokens/s", "speed", "share of memory");
  out += line;
  int matched = 0;
  for (const BenchFile::Figure& a : before.figures) {
    const BenchFile::Figure* b = find_figure(after, a.name);
    if (b == nullptr) continue;
    ++matched;
    out += compared(a, *b);
  }
  if (matched == 0) out += "no figure is in both\n";
  return out;
}

}  // namespace xlstm::apps
