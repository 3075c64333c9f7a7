// Compares two runs of xlstm bench.
#pragma once

#include <string>
#include <vector>

namespace xlstm::apps {

// A file of `xlstm bench --json`, as far as it is compared.
struct BenchFile {
  struct Figure {
    std::string name;
    double tokens_per_second, bandwidth_share, read_gbs, core_to_core_ns;
  };
  std::string file, model;
  std::vector<Figure> figures;
};

// Throws Error: kFile, or kFormat where it is no such file.
BenchFile read_bench_file(const std::string& file);

// A line for each figure of both: speeds, their ratio, the ratio of shares of bandwidth, and
// whether the machine was in another state.
std::string compare_text(const BenchFile& before, const BenchFile& after);

}  // namespace xlstm::apps
