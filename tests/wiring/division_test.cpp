// The parts of tensors that a rank reads are those of its heads, columns and rows.
#include "xlstm/wiring/division.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "tests/support/temporary_folder.h"
#include "tests/support/tied_folder.h"
#include "xlstm/base/floats.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(XLSTM_TEST_DATA) / "golden" / name;
}

// A parameter's numbers [N, K], from whatever tensors it is made of.
std::vector<float> numbers(const Parameter& parameter, const TensorSource& source) {
  std::vector<float> out;
  for (const std::size_t index : parameter.sources) {
    const TensorInfo& tensor = source.tensors()[index];
    const std::vector<std::byte> bytes = source.read_all(index);
    std::vector<float> values(bytes.size() / size_of(tensor.dtype));
    floats_from(bytes.data(), tensor.dtype, values.size(), values.data());
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

struct Matrix {
  std::vector<float> numbers;
  std::int64_t N, K;
};

Matrix matrix(const Parameter& parameter, const TensorSource& source) {
  return {numbers(parameter, source), parameter.shape[0],
          parameter.shape.size() > 1 ? parameter.shape[1] : 1};
}

// Rows and columns of a matrix, by what of each is wanted.
template <typename Rows, typename Columns>
std::vector<float> part(const Matrix& m, const Rows& rows, const Columns& columns) {
  std::vector<float> out;
  for (std::int64_t n = 0; n < m.N; ++n) {
    for (std::int64_t k = 0; k < m.K; ++k) {
      if (rows(n) && columns(k)) out.push_back(m.numbers[static_cast<std::size_t>(n * m.K + k)]);
    }
  }
  return out;
}

std::int64_t fact(const Plan& plan, const std::string& name) {
  for (const SizeFact& each : plan.sizes) {
    if (each.name == name) return each.value;
  }
  return 0;
}

void check(const std::string& name, int size) {
  const Checkpoint whole = Checkpoint::open(golden(name));
  const Plan& plan = whole.plan;
  const std::int64_t NH = fact(plan, "NH"), QK = NH * fact(plan, "DHQK"),
                     V = NH * fact(plan, "DHV"), F = fact(plan, "F");
  for (int rank = 0; rank < size; ++rank) {
    Checkpoint own = Checkpoint::open(golden(name));
    Division division = divide(own.plan, *own.tensors, {rank, size}, {});
    const auto tensors = cut_source(std::move(own.tensors), std::move(division.tensors));
    // Whether row n of q, k, v, o-gate (or of i, f) is of a head of the rank, by its width there.
    const auto of_rank = [&](std::int64_t at, std::int64_t length) {
      return at * NH / length / (NH / size) == rank;
    };
    const auto qkvo = [&](std::int64_t n) {
      if (n < 2 * QK) return of_rank(n % QK, QK);
      return of_rank((n - 2 * QK) % V, V);
    };
    const Share share = share_of(F, rank, size);
    const auto in_share = [&](std::int64_t f) { return f >= share.begin && f < share.end; };
    const auto all = [](std::int64_t) { return true; };
    for (const Layer& layer : plan.layers) {
      for (const Parameter& parameter : layer.parameters) {
        const Parameter* const got = division.plan.find_parameter(parameter.name);
        const Matrix m = matrix(parameter, *whole.tensors);
        const std::string_view kind =
            std::string_view(parameter.name).substr(layer.name.size() + 1);
        if (kind == "out.bias" || kind == "down.bias") {
          EXPECT_EQ(got != nullptr, rank == 0) << parameter.name;
          continue;
        }
        ASSERT_NE(got, nullptr) << parameter.name;
        std::vector<float> wanted = m.numbers;
        if (kind.starts_with("qkvo.")) {
          wanted = part(m, qkvo, all);
        } else if (kind.starts_with("gates.")) {
          wanted = part(
              m, [&](std::int64_t n) { return of_rank(n % NH, NH); }, all);
        } else if (kind.starts_with("head_norm.")) {
          wanted = part(
              m, [&](std::int64_t n) { return of_rank(n, V); }, all);
        } else if (kind == "out.weight") {
          wanted = part(m, all, [&](std::int64_t k) { return of_rank(k, V); });
        } else if (kind.starts_with("up.")) {
          wanted = part(
              m, [&](std::int64_t n) { return in_share(n % F); }, all);
        } else if (kind == "down.weight") {
          wanted = part(m, all, in_share);
        } else if (layer.name == "lm_head") {
          const Share rows = share_of(plan.V, rank, size);
          wanted = part(
              m, [&](std::int64_t n) { return n >= rows.begin && n < rows.end; }, all);
        }
        EXPECT_EQ(numbers(*got, *tensors), wanted) << parameter.name << " of rank " << rank;
        EXPECT_EQ(element_count(got->shape), static_cast<std::int64_t>(wanted.size()));
      }
    }
  }
}

TEST(Division, PartsAreThoseOfHeadsColumnsAndRows) {
  check("large-plain", 2);
  check("large-plain", 4);
  check("large-fused", 2);
  check("large-bias-wide", 4);
  check("large-odd-heads", 3);
}

// Heads, one rank's after the other's.
TEST(Division, PartsOfAStateAreRowsOfTheWhole) {
  const Checkpoint whole = Checkpoint::open(golden("large-odd-heads"));
  std::map<std::string, std::int64_t> ends;
  for (int rank = 0; rank < 3; ++rank) {
    const Division division = divide(whole.plan, *whole.tensors, {rank, 3}, {});
    for (std::size_t l = 0; l < whole.plan.layers.size(); ++l) {
      const Layer& layer = whole.plan.layers[l];
      for (std::size_t i = 0; i < layer.state.size(); ++i) {
        const StateTensor& all = layer.state[i];
        const StateTensor& part = division.plan.layers[l].state[i];
        EXPECT_FALSE(all.is_part());
        EXPECT_TRUE(part.is_part());
        EXPECT_EQ(part.whole_shape(), all.shape);
        EXPECT_EQ(part.first_row, ends[all.name]) << all.name << " of rank " << rank;
        ends[all.name] += part.shape.front();
      }
    }
  }
  for (const auto& [name, end] : ends) EXPECT_EQ(end, 3) << name;
}

TEST(Division, ATiedHeadBecomesAnOwnOne) {
  const TemporaryFolder folder;
  write_tied(folder.path());
  Checkpoint own = Checkpoint::open(folder.path());
  ASSERT_TRUE(own.plan.tied_head());
  const Matrix m = matrix(own.plan.layers.front().parameters.front(), *own.tensors);
  Division division = divide(own.plan, *own.tensors, {1, 2}, {});
  EXPECT_FALSE(division.plan.tied_head());
  const auto tensors = cut_source(std::move(own.tensors), std::move(division.tensors));
  const Parameter* const head = division.plan.find_parameter("lm_head.weight");
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(numbers(*head, *tensors),
            std::vector<float>(m.numbers.begin() + m.N / 2 * m.K, m.numbers.end()));
}

// What is read piece by piece is what is read at once.
TEST(CutSource, ReadsFromAnywhere) {
  Checkpoint own = Checkpoint::open(golden("large-plain"));
  Division division = divide(own.plan, *own.tensors, {1, 2}, {});
  const auto tensors = cut_source(std::move(own.tensors), std::move(division.tensors));
  for (std::size_t index = 0; index < tensors->tensors().size(); ++index) {
    const std::vector<std::byte> whole = tensors->read_all(index);
    const std::size_t element = size_of(tensors->tensors()[index].dtype);
    std::vector<std::byte> pieces(whole.size());
    const std::size_t step = 7 * element;
    for (std::size_t at = 0; at < whole.size(); at += step) {
      tensors->read(index, at, std::span(pieces).subspan(at, std::min(step, whole.size() - at)));
    }
    EXPECT_EQ(pieces, whole) << tensors->tensors()[index].name;
  }
}

}  // namespace
}  // namespace xlstm
