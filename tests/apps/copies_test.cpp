// Quantised copies of models, as the command line keeps, lists and removes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/apps/command_line.h"
#include "xlstm/base/json.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CacheCommand : public CommandLine {
 protected:
  Result cache(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "cache");
    arguments.emplace_back("--cache-dir");
    arguments.push_back(file("hub").string());
    return xlstm(std::move(arguments));
  }
  std::string generate(const std::string& bits) const {
    return xlstm({"generate", "-p", "It was", "-n", "8", "--temperature", "0", "--quantize", bits})
        .out;
  }
  Json copies() const {
    return parse_json(cache({"ls", "--json"}).out, "ls").at("quantized_copies");
  }
};

TEST_F(CacheCommand, ListsRemovesAndChecksQuantisedCopies) {
  EXPECT_EQ(cache({"ls"}).out, "");
  const std::string text = generate("4");
  generate("8");
  EXPECT_EQ(generate("4"), text);
  ASSERT_EQ(copies().size(), 2U);
  EXPECT_EQ(copies()[0].at("format"), "4-bit/64");
  EXPECT_EQ(copies()[0].at("current"), true);
  EXPECT_THAT(cache({"ls"}).out,
              AllOf(HasSubstr("classics-8m-4-bit-64-"), HasSubstr("classics-8m-8-bit-64-"),
                    Not(HasSubstr("outdated"))));
  EXPECT_THAT(cache({"verify"}).out, HasSubstr("2 files"));

  const std::string one = copies()[0].at("name");
  EXPECT_THAT(cache({"rm", one, "--yes"}).out, HasSubstr("removed " + one));
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(cache({"rm", "classics-8m", "--yes"}).code, 0);
  EXPECT_EQ(copies().size(), 0U);
  EXPECT_TRUE(is_one_line_error(cache({"rm", "classics-8m", "--yes"}), 2, "classics-8m"));
}

TEST_F(CacheCommand, ADamagedCopyIsAFaultAndIsMadeAnew) {
  const std::string text = generate("4");
  const fs::path weights =
      fs::path(copies()[0].at("folder").get<std::string>()) / "model.safetensors";
  fs::resize_file(weights, fs::file_size(weights) - 1);
  std::ofstream(weights, std::ios::app) << "x";
  Result result = cache({"verify"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("model.safetensors: wanted the bytes that were written"));
  fs::resize_file(weights, 4096);
  result = cache({"verify"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("model.safetensors"));
  EXPECT_EQ(generate("4"), text);
  EXPECT_EQ(cache({"verify"}).code, 0);
}

TEST_F(CacheCommand, AModelSFolderNamesItsCopies) {
  for (const char* folder : {"a/m", "b/m"}) {
    fs::create_directories(file(folder));
    fs::copy(embedded_model(), file(folder));
    xlstm({"generate", "-p", "It", "-n", "1", "--model", file(folder).string(), "--quantize", "8"});
  }
  ASSERT_EQ(copies().size(), 2U);
  EXPECT_TRUE(is_one_line_error(cache({"rm", "m", "--yes"}), 2, "b/m"));
  EXPECT_EQ(cache({"rm", file("a/m").string(), "--yes"}).code, 0);
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(copies()[0].at("model"), file("b/m").string());
  EXPECT_EQ(cache({"rm", "m", "--yes"}).code, 0);
  EXPECT_EQ(copies().size(), 0U);
}

}  // namespace
}  // namespace xlstm::testing
