#include "tests/kernels/slstm_cases.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <sstream>

#include "tests/kernels/op_cases.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"

namespace xlstm::testing {
namespace {

constexpr double u = kUnitRoundoff;

// Of one head of one sequence: the true state, and bounds on the errors of another.
struct HeadBound {
  std::vector<double> y, c, n, m;
  std::vector<double> e_y, e_c, e_n, e_m;

  void step(const std::vector<double>& raw /*[4, DH]*/, const std::vector<double>& e_raw) {
    const std::size_t DH = y.size();
    for (std::size_t j = 0; j < DH; ++j) {
      const double i = raw[j], f = raw[DH + j], o = raw[3 * DH + j];
      const double e_i = e_raw[j], e_f = e_raw[DH + j];
      const double z = std::tanh(raw[2 * DH + j]), s = 1 / (1 + std::exp(-o));
      const bool fresh = n[j] == 0;
      const double lsig = kernels::log_sigmoid_reference(f), l = lsig + m[j];
      const double now = fresh ? i : std::max(i, l);
      const double I = std::exp(i - now), F = fresh ? 0 : std::exp(l - now);
      const double of_l = u * (10 * std::abs(lsig) + std::abs(l));
      const double of_I = e_i + u * (std::abs(i - now) + 4);
      const double of_F = e_f / (1 + std::exp(f)) + of_l + u * (std::abs(l - now) + 4);
      const double old = F * std::abs(c[j]), added = I * std::abs(z);
      e_c[j] = F * e_c[j] + old * of_F + added * of_I + I * e_raw[2 * DH + j] * (1 - z * z) +
               12 * u * (old + added);
      e_n[j] = F * e_n[j] + F * n[j] * of_F + I * of_I + 12 * u * (F * n[j] + I);
      e_m[j] = fresh ? e_i : std::max(e_i, e_m[j] + e_f + of_l);
      c[j] = F * c[j] + I * z;
      n[j] = std::max(F * n[j] + I, 1.0);
      m[j] = now;
      const double ratio = c[j] / n[j];
      y[j] = s * ratio;
      e_y[j] = s * (e_c[j] + std::abs(ratio) * e_n[j]) / n[j] +
               std::abs(ratio) * s * (1 - s) * e_raw[3 * DH + j] + 12 * u * std::abs(y[j]);
    }
  }
};

std::vector<double> part_of(const std::vector<float>& all, std::size_t at, std::size_t count) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

void put(const std::vector<double>& values, std::size_t at, std::vector<float>& to) {
  std::transform(values.begin(), values.end(), to.begin() + static_cast<std::ptrdiff_t>(at),
                 [](double x) { return static_cast<float>(x); });
}

class Worst {
 public:
  void look(const char* name, std::size_t at, double got, double truth, double bound) {
    const double ratio = std::abs(got - truth) / std::max(bound, 0x1p-126);
    if (ratio <= ratio_) return;  // NaN compares false and goes on
    ratio_ = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    std::ostringstream out;
    out << name << "[" << at << "] wanted " << truth << " +- " << bound << ", got " << got;
    text_ = out.str();
  }
  std::string text() const { return text_; }

 private:
  double ratio_ = 1;
  std::string text_;
};

}  // namespace

std::vector<SlstmCase> slstm_cases() {
  std::vector<SlstmCase> out = {{"one_of_all", 1, 1, 1, 1},
                                {"odd_all_over", 3, 9, 3, 5},
                                {"two_blocks_and_a_rest", 2, 5, 2, 37},
                                {"golden_original", 2, 20, 4, 16, true},
                                {"tides_1m", 2, 16, 4, 32, true},
                                {"tirex_35m", 1, 16, 4, 128, true},
                                {"tirex_35m_series", 16, 3, 4, 128, true},
                                {"scaling_400m_bf16", 1, 4, 4, 256, false, true},
                                {"many_rows", 19, 6, 2, 24},
                                {"many_rows_bf16", 19, 6, 2, 24, false, true},
                                {"strong_feedback", 2, 6, 2, 32, false, false, 2.0F}};
  for (const std::size_t S : {0, 1, 63, 64, 65}) {
    out.push_back({"length_" + std::to_string(S), 2, S, 2, 12});
    out.push_back({"fresh_length_" + std::to_string(S), 2, S, 2, 12, true});
  }
  return out;
}

SlstmData make_data(const SlstmCase& c) {
  std::mt19937_64 random(std::hash<std::string>{}(c.name) + c.S);
  const std::size_t D = c.NH * c.DH, T = c.B * c.S;
  SlstmData out;
  out.gates_if = uniform_floats(T * 2 * D, 4, random);
  out.gates_zo = uniform_floats(T * 2 * D, 3, random);
  out.R = uniform_floats(D * 4 * c.DH, c.feedback / static_cast<float>(c.DH), random);
  if (c.bf16) {
    const std::vector<std::byte> halves = typed_R(c, out);
    floats_from(halves.data(), DType::kBF16, out.R.size(), out.R.data());
  }
  out.bias = uniform_floats(D * 4, 0.5F, random);
  const float size = c.fresh ? 0 : 1;
  out.state = {uniform_floats(c.B * D, size, random), uniform_floats(c.B * D, 2 * size, random),
               uniform_floats(c.B * D, size, random), uniform_floats(c.B * D, 3 * size, random)};
  if (!c.fresh) {
    for (float& n : out.state.n) n += 2;  // at least 1, as tokens leave it
  }
  return out;
}

std::vector<std::byte> typed_R(const SlstmCase& c, const SlstmData& in) {
  const DType type = c.bf16 ? DType::kBF16 : DType::kF32;
  std::vector<std::byte> out(in.R.size() * size_of(type));
  floats_to(in.R.data(), in.R.size(), type, out.data());
  return out;
}

std::vector<kernels::SlstmRow> state_rows(const SlstmCase& c, SlstmState& state) {
  std::vector<kernels::SlstmRow> rows;
  for (std::size_t b = 0; b < c.B; ++b) {
    const std::size_t at = b * c.NH * c.DH;
    rows.push_back({state.y.data() + at, state.c.data() + at, state.n.data() + at,
                    state.m.data() + at, b * c.S, c.S});
  }
  return rows;
}

SlstmResult reference(const SlstmCase& c, const SlstmData& in) {
  SlstmResult out{std::vector<float>(c.B * c.S * c.NH * c.DH), in.state};
  const auto rows = state_rows(c, out.state);
  kernels::slstm_scan_reference(
      {c.B, c.NH, c.DH}, {in.gates_if.data(), in.gates_zo.data(), in.R.data(),
                          kernels::WeightType::kF32, in.bias.data(), rows.data(), out.y.data()});
  return out;
}

SlstmResult bounds(const SlstmCase& c, const SlstmData& in) {
  const std::size_t DH = c.DH, D = c.NH * DH;
  SlstmResult out{std::vector<float>(c.B * c.S * D), in.state};
  std::vector<double> raw(4 * DH), e_raw(4 * DH);
  for (std::size_t at = 0; at < c.B * c.NH; ++at) {
    const std::size_t b = at / c.NH, head = at % c.NH, first = b * D + head * DH;
    const std::vector<double> zeros(DH);
    HeadBound h{part_of(in.state.y, first, DH),
                part_of(in.state.c, first, DH),
                part_of(in.state.n, first, DH),
                part_of(in.state.m, first, DH),
                zeros,
                zeros,
                zeros,
                zeros};
    for (std::size_t s = 0; s < c.S; ++s) {
      const std::size_t token = b * c.S + s;
      for (std::size_t j = 0; j < 4 * DH; ++j) {
        const auto& gates = j / DH < 2 ? in.gates_if : in.gates_zo;
        const double Wx = gates[(2 * token + j / DH % 2) * D + head * DH + j % DH];
        const double bias = in.bias[head * 4 * DH + j];
        double sum = Wx + bias, size = std::abs(Wx) + std::abs(bias), error = 0;
        for (std::size_t d = 0; d < DH; ++d) {
          const double R = in.R[(head * DH + d) * 4 * DH + j];
          sum += R * h.y[d];
          size += std::abs(R * h.y[d]);
          error += std::abs(R) * h.e_y[d];
        }
        raw[j] = sum;
        e_raw[j] = error + static_cast<double>(DH + 4) * u * size;
      }
      h.step(raw, e_raw);
      put(h.e_y, token * D + head * DH, out.y);
    }
    put(h.e_y, first, out.state.y);
    put(h.e_c, first, out.state.c);
    put(h.e_n, first, out.state.n);
    put(h.e_m, first, out.state.m);
  }
  return out;
}

std::string compare(const SlstmResult& got, const SlstmResult& truth, const SlstmResult& bound) {
  if (got.y.size() != truth.y.size()) return "another number of outputs";
  Worst worst;
  for (std::size_t at = 0; at < truth.y.size(); ++at) {
    worst.look("y", at, got.y[at], truth.y[at], bound.y[at]);
  }
  const SlstmState &one = got.state, &other = truth.state, &limit = bound.state;
  for (std::size_t at = 0; at < other.y.size(); ++at) {
    const double factor = std::exp(static_cast<double>(one.m[at]) - other.m[at]);
    worst.look("last y", at, one.y[at], other.y[at], limit.y[at]);
    worst.look("m", at, one.m[at], other.m[at], limit.m[at] + u * std::abs(other.m[at]));
    worst.look("c", at, one.c[at] * factor, other.c[at], limit.c[at] + u * std::abs(other.c[at]));
    worst.look("n", at, one.n[at] * factor, other.n[at], limit.n[at] + u * std::abs(other.n[at]));
  }
  return worst.text();
}

}  // namespace xlstm::testing
