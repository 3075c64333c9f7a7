// Perplexity of the embedded model on books it never saw, each as one sequence from its first token
// to its last, against what the reference implementation measured in float32.
#include <gtest/gtest.h>

#include <fstream>

#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/generate/perplexity.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {
namespace {

struct Book {
  const char* file;
  double perplexity;  // per token, the reference's, to the digits it was given
};

class Books : public ::testing::TestWithParam<Book> {};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_P(Books, PerplexityIsTheReferences) {
  const std::string folder = XLSTM_SOURCE_DIR "/models/classics-8m";
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const Model model = Model::load(checkpoint.plan, *checkpoint.tensors, cpu::make_backend());
  const Tokenizer tokenizer = Tokenizer::open(folder);

  std::vector<TokenId> ids = {tokenizer.bos_id().value()};
  const auto text =
      tokenizer.encode(read_text(XLSTM_TEST_DATA "/books/" + std::string(GetParam().file)));
  ids.insert(ids.end(), text.begin(), text.end());
  const Perplexity got = perplexity(model, ids);
  std::printf("%s: perplexity %.4f +- %.3f over %lld tokens, %.0f tokens/s\n", GetParam().file,
              got.perplexity, got.standard_error.value(), static_cast<long long>(got.tokens),
              got.tokens_per_second);
  EXPECT_EQ(got.tokens, static_cast<std::int64_t>(text.size()));
  EXPECT_NEAR(got.perplexity, GetParam().perplexity, 0.002 * GetParam().perplexity);
}

INSTANTIATE_TEST_SUITE_P(Classics8m, Books,
                         ::testing::Values(Book{"alice.txt", 17.528},
                                           Book{"time-machine.txt", 25.526},
                                           Book{"wizard-of-oz.txt", 15.205}),
                         [](const auto& test) {
                           std::string name = test.param.file;
                           name.resize(name.find('.'));
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace xlstm::testing
