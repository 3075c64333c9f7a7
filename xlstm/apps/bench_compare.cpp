#include "xlstm/apps/bench_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

[[noreturn]] void not_a_bench(const std::string& file, const std::string& what) {
  fail_wanted(ErrorKind::kFormat, file, "a file of 'xlstm bench --json'", what);
}

double number(const std::string& file, const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) not_a_bench(file, str("no number ", key));
  return found->get<double>();
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
          number(file, *machine, "hand_over_nanoseconds")};
}

bool unlike(double a, double b, double share) {
  return std::abs(a - b) > share * std::max(a, b);
}

}  // namespace

BenchFile read_bench_file(const std::string& file) {
  const Json json = parse_json(read_all(file), file);
  if (!json.is_object()) not_a_bench(file, "no object");
  const auto figures = json.find("figures");
  if (figures == json.end() || !figures->is_array()) not_a_bench(file, "no list figures");
  BenchFile out{file, text(file, json, "model"), {}};
  for (const Json& figure : *figures) out.figures.push_back(read_figure(file, figure));
  return out;
}

std::string compare_text(const BenchFile& before, const BenchFile& after) {
  std::string out =
      str(before.file, " (", before.model, ") -> ", after.file, " (", after.model, ")\n\n");
  char line[256];
  std::snprintf(line, sizeof line, "%-20s %10s %10s %8s %16s\n", "", "tokens/s", "tokens/s",
                "speed", "share of memory");
  out += line;
  int matched = 0;
  for (const BenchFile::Figure& a : before.figures) {
    const auto b = std::find_if(after.figures.begin(), after.figures.end(),
                                [&](const BenchFile::Figure& f) { return f.name == a.name; });
    if (b == after.figures.end()) continue;
    ++matched;
    const bool other_state =
        unlike(a.read_gbs, b->read_gbs, 0.1) || unlike(a.hand_over_ns, b->hand_over_ns, 0.5);
    std::snprintf(line, sizeof line, "%-20s %10.1f %10.1f %7.3fx %15.3fx%s\n", a.name.c_str(),
                  a.tokens_per_second, b->tokens_per_second,
                  b->tokens_per_second / a.tokens_per_second,
                  b->bandwidth_share / a.bandwidth_share,
                  other_state ? "  the machine's state differed" : "");
    out += line;
  }
  if (matched == 0) out += "no figure is in both\n";
  return out;
}

}  // namespace xlstm::apps
