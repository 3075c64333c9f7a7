#include "tests/kernels/mlstm_cases.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"

namespace xlstm::testing {
namespace {

std::vector<float> uniform(std::size_t count, float range, std::mt19937_64& random) {
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(count);
  for (float& x : out) x = draw(random);
  return out;
}

// A head's sums over absolute values, carried along with the true recurrence.
struct Magnitudes {
  std::vector<double> C, n;
  double m;
};

void compare_part(const char* name, const std::vector<float>& got, const std::vector<float>& truth,
                  const std::vector<float>& bound, double& worst, std::string& message) {
  for (std::size_t at = 0; at < truth.size(); ++at) {
    const double error = std::abs(static_cast<double>(got[at]) - truth[at]);
    const double ratio = error / std::max<double>(bound[at], std::numeric_limits<float>::min());
    if (ratio <= worst) continue;  // NaN compares false and goes on
    worst = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    std::ostringstream out;
    out << name << "[" << at << "] wanted " << truth[at] << " +- " << bound[at] << ", got "
        << got[at];
    message = out.str();
  }
}

}  // namespace

std::vector<MlstmCase> mlstm_step_cases() {
  return {
      {"one_of_all", 1, 1, 1, 1, 1},           {"odd_all_over", 2, 1, 3, 5, 7},
      {"golden_large_plain", 1, 1, 4, 16, 32}, {"golden_odd_heads", 3, 1, 3, 16, 32},
      {"classics_8m", 1, 1, 4, 32, 64},        {"width_736", 1, 1, 4, 92, 184},
      {"scaling_400m", 2, 1, 4, 128, 256},     {"open_gates_25", 1, 1, 2, 33, 65, 25.0F},
      {"xlstm_7b", 1, 1, 8, 256, 512},         {"xlstm_7b_fresh", 1, 1, 8, 256, 512, 15.0F, true}};
}

std::vector<MlstmCase> mlstm_chunk_cases() {
  std::vector<MlstmCase> out = {
      {"golden_large_plain", 1, 150, 4, 16, 32}, {"classics_8m_batch", 3, 100, 4, 32, 64},
      {"odd_all_over", 2, 67, 3, 5, 7},          {"open_gates_25", 1, 130, 2, 9, 11, 25.0F},
      {"fresh", 1, 129, 2, 16, 8, 15.0F, true},  {"long", 1, 1000, 1, 8, 12},
      {"xlstm_7b_head", 1, 70, 1, 256, 512}};
  for (const std::size_t S : {1, 2, 63, 64, 65, 127, 128, 129}) {
    out.push_back({"length_" + std::to_string(S), 2, S, 2, 12, 20});
  }
  return out;
}

std::vector<MlstmCase> mlstm_tile_cases() {
  std::vector<MlstmCase> out = {{"scaling_400m", 2, 200, 4, 128, 256},
                                {"xlstm_7b_head", 1, 300, 2, 256, 512},
                                {"narrow", 3, 130, 3, 64, 64},
                                {"wide_values", 1, 100, 1, 64, 512},
                                {"three_tiles_of_keys", 1, 140, 1, 192, 128},
                                {"open_gates_25", 1, 260, 2, 64, 64, 25.0F},
                                {"fresh", 1, 129, 2, 64, 128, 15.0F, true},
                                {"long", 1, 1000, 1, 64, 64},
                                {"of_two_parts", 1, 4500, 1, 64, 64}};
  for (const std::size_t S : {17, 63, 64, 65, 127, 128, 129, 255, 256, 257}) {
    out.push_back({"length_" + std::to_string(S), 2, S, 2, 64, 64});
  }
  return out;
}

MlstmData make_data(const MlstmCase& c) {
  std::mt19937_64 random(std::hash<std::string>{}(c.name) + c.S);
  const std::size_t tokens = c.B * c.S * c.NH;
  const std::size_t heads = c.B * c.NH;
  MlstmData out;
  out.q = uniform(tokens * c.DHQK, 2.0F, random);
  out.k = uniform(tokens * c.DHQK, 2.0F, random);
  out.v = uniform(tokens * c.DHV, 2.0F, random);
  out.i = uniform(tokens, c.gate_range, random);
  out.f = uniform(tokens, c.gate_range, random);
  out.C = uniform(heads * c.DHQK * c.DHV, c.fresh ? 0.0F : 1.0F, random);
  out.n = uniform(heads * c.DHQK, c.fresh ? 0.0F : 1.0F, random);
  out.m = uniform(heads, c.fresh ? 0.0F : 5.0F, random);
  return out;
}

std::vector<kernels::MlstmStatePointers> state_rows(const MlstmCase& c, float* C, float* n,
                                                    float* m) {
  std::vector<kernels::MlstmStatePointers> rows;
  for (std::size_t b = 0; b < c.B; ++b) {
    rows.push_back({C + b * c.NH * c.DHQK * c.DHV, n + b * c.NH * c.DHQK, m + b * c.NH});
  }
  return rows;
}

MlstmResult empty_result(const MlstmCase& c) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  return {std::vector<float>(c.B * c.S * c.NH * c.DHV, nan),
          std::vector<float>(c.B * c.NH * c.DHQK * c.DHV, nan),
          std::vector<float>(c.B * c.NH * c.DHQK, nan), std::vector<float>(c.B * c.NH, nan)};
}

MlstmResult reference(const MlstmCase& c, const MlstmData& in) {
  MlstmResult out{empty_result(c).h, in.C, in.n, in.m};
  const auto states = state_rows(c, out.C.data(), out.n.data(), out.m.data());
  kernels::mlstm_chunk_reference({c.B, c.S, c.NH, c.DHQK, c.DHV, 1e-6F},
                                 {in.q.data(), in.k.data(), in.v.data(), in.i.data(), in.f.data(),
                                  states.data(), out.h.data()});
  return out;
}

MlstmResult bounds(const MlstmCase& c, const MlstmData& in, const MlstmResult& truth,
                   double rounding) {
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  MlstmResult out = empty_result(c);
  const double scale = 1.0 / std::sqrt(static_cast<double>(c.DHQK));
  for (std::size_t head = 0; head < c.B * c.NH; ++head) {
    const std::size_t b = head / c.NH, nh = head % c.NH;
    Magnitudes a{{}, {}, in.m[head]};
    for (std::size_t x = 0; x < c.DHQK * c.DHV; ++x)
      a.C.push_back(std::abs(in.C[head * c.DHQK * c.DHV + x]));
    for (std::size_t x = 0; x < c.DHQK; ++x) a.n.push_back(std::abs(in.n[head * c.DHQK + x]));
    std::vector<double> n_true(in.n.begin() + static_cast<std::ptrdiff_t>(head * c.DHQK),
                               in.n.begin() + static_cast<std::ptrdiff_t>((head + 1) * c.DHQK));
    double exponents = std::abs(a.m);  // what has been added up in exponents so far, absolute
    for (std::size_t s = 0; s < c.S; ++s) {
      const std::size_t at = (b * c.S + s) * c.NH + nh;
      const double lf = kernels::log_sigmoid_reference(in.f[at]);
      const double m = std::max(lf + a.m, static_cast<double>(in.i[at]));
      const double Fa = std::exp(lf + a.m - m), Ia = std::exp(in.i[at] - m);
      a.m = m;
      exponents += std::abs(lf) + std::abs(m) + 2;
      double dot = 0, dot_abs = 0;
      std::vector<double> numerator(c.DHV, 0.0);
      for (std::size_t r = 0; r < c.DHQK; ++r) {
        const double q = scale * in.q[at * c.DHQK + r], k = Ia * in.k[at * c.DHQK + r];
        n_true[r] = Fa * n_true[r] + k;
        a.n[r] = Fa * a.n[r] + std::abs(k);
        dot += q * n_true[r];
        dot_abs += std::abs(q) * a.n[r];
        for (std::size_t j = 0; j < c.DHV; ++j) {
          double& C = a.C[r * c.DHV + j];
          C = Fa * C + std::abs(k * in.v[at * c.DHV + j]);
          numerator[j] += std::abs(q) * C;
        }
      }
      const double denominator = std::max(std::abs(dot), std::exp(-m)) + 1e-6;
      const double relative = kEps * (static_cast<double>(c.DHQK + s + 4) + exponents);
      for (std::size_t j = 0; j < c.DHV; ++j) {
        const std::size_t to = at * c.DHV + j;
        const double sums = numerator[j] + std::abs(truth.h[to]) * (dot_abs + std::exp(-m));
        const double rounded = 2 * rounding * numerator[j];
        out.h[to] = static_cast<float>((relative * sums + rounded) / denominator);
      }
    }
    const double relative = kEps * (static_cast<double>(c.S) + 2 + exponents);
    for (std::size_t x = 0; x < a.C.size(); ++x)
      out.C[head * a.C.size() + x] = static_cast<float>((relative + rounding) * a.C[x]);
    for (std::size_t x = 0; x < a.n.size(); ++x)
      out.n[head * a.n.size() + x] = static_cast<float>(relative * a.n[x]);
    out.m[head] = static_cast<float>(kEps * exponents);
  }
  return out;
}

std::string compare(const MlstmResult& got, const MlstmResult& truth, const MlstmResult& bound) {
  double worst = 1.0;
  std::string message;
  compare_part("h", got.h, truth.h, bound.h, worst, message);
  compare_part("C", got.C, truth.C, bound.C, worst, message);
  compare_part("n", got.n, truth.n, bound.n, worst, message);
  compare_part("m", got.m, truth.m, bound.m, worst, message);
  return message;
}

}  // namespace xlstm::testing
