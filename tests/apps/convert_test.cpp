// xlstm convert, and --quantize of the commands that load a model.
#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class ConvertCommand : public CommandLine {
 protected:
  std::string perplexity(const std::vector<std::string>& options) const {
    const auto text = write("text.txt", "It was the best of times, it was the worst of times.");
    std::vector<std::string> all = {"perplexity", "--json", "--file", text};
    all.insert(all.end(), options.begin(), options.end());
    const Result result = xlstm(all);
    EXPECT_EQ(result.code, 0) << result.err;
    return std::to_string(Json::parse(result.out)["perplexity"].get<double>());
  }
  std::string out() const { return file("out"); }
};

TEST_F(ConvertCommand, ConvertedModelRuns) {
  const Result result = xlstm({"convert", "classics-8m", out(), "--quantize", "4", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_LT(report["bytes_after"].get<double>(), 0.35 * report["bytes_before"].get<double>());
  EXPECT_EQ(report["files"], 1);

  const Result text =
      xlstm({"generate", "--model", out(), "-p", "It was", "-n", "5", "--seed", "1"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_GT(text.out.size(), 5u);
  EXPECT_THAT(xlstm({"info", "--model", out()}).out, HasSubstr("6-bit/64, 4-bit/64+BF16"));
  EXPECT_THAT(xlstm({"wiring", "--model", out(), "--format", "ascii"}).out, HasSubstr("4-bit/64"));
}

// The same weights, whether they were quantised before or while loading.
TEST_F(ConvertCommand, InMemoryIsAsInFiles) {
  for (const std::vector<std::string>& format :
       std::vector<std::vector<std::string>>{{"--quantize", "4"},
                                             {"--quantize", "3", "--group-size", "32"},
                                             {"--quantize", "8", "--group-size", "128"},
                                             {"--quantize", "4", "--mode", "mxfp4"}}) {
    std::vector<std::string> convert = {"convert", "classics-8m", out(), "--force"};
    convert.insert(convert.end(), format.begin(), format.end());
    ASSERT_EQ(xlstm(convert).code, 0);
    EXPECT_EQ(perplexity(format), perplexity({"--model", out()}));
  }
}

TEST_F(ConvertCommand, QuantisedWeightsTakeLessMemory) {
  const auto estimate = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"info", "--json", "--load"});
    const Json json = Json::parse(xlstm(options).out);
    EXPECT_LE(json["memory"]["active"], json["memory"]["estimate"]);
    return json["memory"]["active"].get<std::uint64_t>();
  };
  EXPECT_LT(estimate({"--quantize", "4"}) * 5, estimate({}));
  EXPECT_LT(estimate({"--quantize", "8"}) * 3, estimate({}));
}

// Calibration brings the model nearer to the original on the text that it is calibrated with.
TEST_F(ConvertCommand, Calibration) {
  const std::string book = std::string(XLSTM_TEST_DATA) + "/books/alice.txt";
  const auto text = write("part.txt", content_of(book).substr(0, 12000));
  const auto cost = [&](const std::vector<std::string>& options) {
    std::vector<std::string> all = {"perplexity", "--json", "--file", text};
    all.insert(all.end(), options.begin(), options.end());
    return Json::parse(xlstm(all).out)["perplexity"].get<double>();
  };
  const double before = cost({});
  ASSERT_EQ(xlstm({"convert", "classics-8m", out(), "--quantize", "3"}).code, 0);
  const double plain = cost({"--model", out()}) - before;
  ASSERT_EQ(
      xlstm({"convert", "classics-8m", out(), "--quantize", "3", "--force", "--calibrate", text})
          .code,
      0);
  EXPECT_LT(cost({"--model", out()}) - before, 0.8 * plain);
  EXPECT_EQ(xlstm({"convert", "classics-8m", out(), "--quantize", "3", "--force", "--calibrate",
                   "own", "--calibration-tokens", "512"})
                .code,
            0);
  EXPECT_LT(cost({"--model", out()}), before + 1.5 * plain);  // so few tokens say little
}

// Before the work, and with nothing left behind.
TEST_F(ConvertCommand, WhatDoesNotFitIsRefused) {
  const auto text =
      write("part.txt", content_of(std::string(XLSTM_TEST_DATA) + "/books/alice.txt"));
  const auto refused = [&](std::vector<std::string> options, const std::string& limit) {
    options.insert(options.begin(), {"convert", "classics-8m", out(), "--memory-limit", limit});
    EXPECT_TRUE(is_one_line_error(xlstm(options), 4, "left of the limit of"));
  };
  refused({"--quantize", "4"}, "2M");
  refused({"--dtype", "f32"}, "1M");
  refused({"--quantize", "4", "--calibrate", text}, "60M");  // of activations alone
  refused({"--quantize", "4", "--calibrate", "own"}, "15M,20M");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_EQ(xlstm({"convert", "classics-8m", out(), "--memory-limit", "60M", "--quantize", "4",
                   "--calibrate", text, "--calibration-tokens", "256"})
                .code,
            0);
  EXPECT_TRUE(is_one_line_error(
      xlstm({"convert", "classics-8m", out(), "--dtype", "f32", "--memory-limit", "many"}), 2,
      "--memory-limit"));
}

TEST_F(ConvertCommand, TextsThatDoNotCalibrate) {
  const auto refused = [&](const std::string& text, int code, const std::string& why) {
    EXPECT_TRUE(is_one_line_error(
        xlstm({"convert", "classics-8m", out(), "--quantize", "4", "--calibrate", text}), code,
        why));
    EXPECT_FALSE(std::filesystem::exists(out()));
  };
  refused(write("empty.txt", ""), 2, "a text of at least 256 tokens to calibrate with, got 1");
  refused(write("short.txt", "It was."), 2, "at least 256 tokens");
  refused(write("bytes.txt", std::string(5000, '\xff')), 2, "UTF-8");
  refused(file("none.txt"), 3, "none.txt");
  EXPECT_TRUE(is_one_line_error(
      xlstm({"convert", "classics-8m", out(), "--quantize", "4", "--calibration-tokens", "5"}), 2,
      "--calibration-tokens"));
  EXPECT_TRUE(is_one_line_error(
      xlstm({"convert", "classics-8m", out(), "--dtype", "f32", "--calibrate", "own"}), 2,
      "--quantize BITS with"));
}

TEST_F(ConvertCommand, TypesWithoutQuantising) {
  ASSERT_EQ(xlstm({"convert", "classics-8m", out(), "--dtype", "f32"}).code, 0);
  EXPECT_EQ(perplexity({"--model", out()}), perplexity({}));
}

TEST_F(ConvertCommand, WhatIsInTheWay) {
  ASSERT_EQ(xlstm({"convert", "classics-8m", out(), "--quantize", "8"}).code, 0);
  EXPECT_TRUE(is_one_line_error(xlstm({"convert", "classics-8m", out(), "--quantize", "4"}), 2,
                                "--force replaces a model"));
  EXPECT_EQ(xlstm({"convert", "classics-8m", out(), "--quantize", "4", "--force"}).code, 0);
  EXPECT_TRUE(is_one_line_error(xlstm({"convert", out(), out(), "--quantize", "4", "--force"}), 2,
                                "another place than that of the model"));
  EXPECT_TRUE(is_one_line_error(xlstm({"convert", out(), file("b"), "--quantize", "4"}), 3,
                                "not quantised"));
}

// The texts of a model that went through every format, and nothing of it was rounded.
TEST_F(ConvertCommand, OtherFormatsAndBack) {
  const std::string npz = file("small.npz");
  ASSERT_EQ(xlstm({"convert", "classics-8m", npz, "--verify"}).code, 0);
  EXPECT_TRUE(is_one_line_error(xlstm({"convert", "classics-8m", npz}), 2, "--force replaces"));
  EXPECT_EQ(xlstm({"convert", "classics-8m", npz, "--force"}).code, 0);
  const Result back = xlstm({"convert", npz, out(), "--verify", "--json"});
  ASSERT_EQ(back.code, 0) << back.err;
  const Json report = Json::parse(back.out);
  EXPECT_EQ(report["bytes_after"], report["bytes_before"]);
  EXPECT_EQ(xlstm({"info", "--model", npz}).code, 0);
}

TEST_F(ConvertCommand, WrongArguments) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "convert");
    EXPECT_TRUE(is_one_line_error(xlstm(arguments), 2, why));
  };
  refused({}, "a model IN and a new folder or .npz file OUT");
  refused({"classics-8m"}, "no OUT");
  refused({"classics-8m", out(), "--quantize", "4", "--calibrate", "own", "--calibration-tokens",
           "256", "--verify"},
          "rounded each for itself");
  refused({"classics-8m", out(), "more", "--quantize", "4"}, "\"more\"");
  refused({"classics-8m", out(), "--quantize", "7"}, "one of 2, 3, 4, 5, 6, 8");
  refused({"classics-8m", out(), "--quantize", "4", "--group-size", "16"}, "one of 32, 64, 128");
  refused({"classics-8m", out(), "--quantize", "8", "--mode", "mxfp4"}, "4 bits and groups of 32");
  refused({"classics-8m", out(), "--quantize", "4", "--mode", "mxfp4", "--group-size", "64"},
          "4 bits and groups of 32");
  refused({"classics-8m", out(), "--group-size", "64"}, "--quantize BITS with it");
  refused({"classics-8m", out(), "--quantize", "4", "--keep", "head,attention"}, "attention");
  refused({"classics-8m", out(), "--dtype", "f32", "--keep", "head"}, "--quantize BITS with");
  refused({"classics-8m", out(), "--quantize", "4", "--keep", "head", "--head-bits", "8"},
          "a format for head or that it is kept");
  EXPECT_FALSE(std::filesystem::exists(out()));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "a", "--mode", "mxfp4"}), 2,
                                "--quantize BITS with it"));
}

}  // namespace
}  // namespace xlstm::testing
