#include "xlstm/wiring/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/fake_source.h"
#include "tests/wiring/dot_parser.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/base/error.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/view_text.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string expected(const char* file) {
  std::ifstream in(std::filesystem::path(XLSTM_TEST_DATA) / "wiring" / file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Two blocks alike and one in another dtype.
Plan small_plan() {
  Sizes sizes;
  sizes.V = 40000;
  FakeSource source = make_source(sizes);

  sizes.dtype = DType::kBF16;
  add_block(source, 2, sizes);
  source.add(block_name(2, "mlstm_layer.igate_preact.bias"), {3}, DType::kF32);
  return discover(R"({"gate_soft_cap": null, "norm_eps": 1e-5, "eos_token_id": 2})", source,
                  "small");
}

Plan tied_plan() {
  Sizes sizes;
  sizes.L = 1;
  FakeSource source = make_source(sizes);
  source.remove("lm_head.weight");
  return discover(R"({"tie_word_embeddings": true})", source, "tied");
}

TEST(Views, UnicodeTree) {
  EXPECT_EQ(tree_view(small_plan(), TreeStyle::kUnicode), expected("tree_unicode.txt"));
}

TEST(Views, AsciiTree) {
  const std::string tree = tree_view(small_plan(), TreeStyle::kAscii);
  EXPECT_EQ(tree, expected("tree_ascii.txt"));
  for (const char c : tree) ASSERT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(Views, TreesOfBothStylesAlignAlike) {
  std::string tree = tree_view(small_plan(), TreeStyle::kUnicode);
  const std::pair<std::string, std::string> glyphs[] = {{"├─", "|-"}, {"└─", "`-"}, {"│", "|"}};
  for (const auto& [from, to] : glyphs) {
    for (std::size_t at; (at = tree.find(from)) != std::string::npos;) {
      tree.replace(at, from.size(), to);
    }
  }
  EXPECT_EQ(tree, tree_view(small_plan(), TreeStyle::kAscii));
}

TEST(Views, TreeOfATiedModel) {
  EXPECT_EQ(tree_view(tied_plan(), TreeStyle::kAscii), expected("tree_tied.txt"));
}

TEST(Views, Json) {
  EXPECT_EQ(json_view(small_plan()) + "\n", expected("plan.json"));
}

TEST(Views, JsonSaysWhatThePlanSays) {
  const Plan plan = small_plan();
  const auto root = nlohmann::json::parse(json_view(plan));
  EXPECT_EQ(root["parameters"], plan.parameter_count());
  EXPECT_EQ(root["bytes"], plan.bytes());
  EXPECT_EQ(root["state_bytes"], plan.state_bytes());
  EXPECT_EQ(root["dims"]["DHQK"], size_of(plan, "DHQK"));
  EXPECT_EQ(root["dims"]["norm_eps"].get<double>(), 1e-5);
  EXPECT_TRUE(root["dims"]["gate_soft_cap"].is_null());
  EXPECT_TRUE(root["bos_id"].is_null());
  EXPECT_EQ(root["eos_id"], 2);
  ASSERT_EQ(root["nodes"].size(), plan.layers.size());
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const auto& node = root["nodes"][i];
    EXPECT_EQ(node["name"], plan.layers[i].name);
    EXPECT_EQ(node["kind"], plan.layers[i].kind);
    EXPECT_EQ(node["dtype"], plan.layers[i].dtype);
    EXPECT_EQ(node["bytes"], plan.layers[i].bytes);
    ASSERT_EQ(node["tensors"].size(), plan.layers[i].parameters.size());
    for (std::size_t s = 0; s < plan.layers[i].parameters.size(); ++s) {
      EXPECT_EQ(node["tensors"][s]["name"], plan.layers[i].parameters[s].name);
      EXPECT_EQ(node["tensors"][s]["shape"].get<Shape>(), plan.layers[i].parameters[s].shape);
    }
  }
}

TEST(Views, Dot) {
  EXPECT_EQ(dot_view(small_plan()), expected("plan.dot"));
}

TEST(Views, DotIsAGraphOfTheNodes) {
  for (const Plan& plan : {small_plan(), tied_plan()}) {
    const DotGraph graph = parse_dot(dot_view(plan));
    std::vector<std::string> names;
    for (const Layer& layer : plan.layers) names.push_back(layer.name);
    EXPECT_EQ(graph.nodes, names);
    std::vector<std::pair<std::string, std::string>> edges;
    for (std::size_t i = 1; i < names.size(); ++i) edges.emplace_back(names[i - 1], names[i]);
    if (flag_of(plan, "tied_head")) edges.emplace_back("embedding", "lm_head");
    EXPECT_EQ(graph.edges, edges);
    EXPECT_EQ(graph.clusters.size(), static_cast<std::size_t>(size_of(plan, "L")));
    EXPECT_EQ(graph.clusters.front(), "cluster_blocks.0");
  }
}

TEST(Views, HostileNames) {
  Plan plan = small_plan();
  for (const char* name : {"a\"b", "a\\", "\\\"", "}; x -> y [", "a\nb\x01\x7f", "\xff\xc0", ""}) {
    plan.name = name;
    EXPECT_EQ(parse_dot(dot_view(plan)).nodes.size(), plan.layers.size()) << name;
    EXPECT_TRUE(nlohmann::json::parse(json_view(plan)).is_object()) << name;
    EXPECT_THAT(tree_view(plan, TreeStyle::kAscii), HasSubstr(": xlstm-large (hf): V 40000"));
  }
  plan.name = "a\nb\x1b\xff";
  EXPECT_THAT(tree_view(plan, TreeStyle::kAscii), ::testing::StartsWith("a?b?\xEF\xBF\xBD: "));
}

TEST(ViewText, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(6865424896), "6,865,424,896");
  EXPECT_EQ(grouped(18446744073709551615u), "18,446,744,073,709,551,615");
}

TEST(ViewText, FloatsReadBack) {
  EXPECT_EQ(shortest(30.0F), "30");
  EXPECT_EQ(shortest(1e-6F), "1e-06");
  EXPECT_EQ(shortest(0.1F), "0.1");
  EXPECT_EQ(shortest(16777217.0F), "16777216");
  for (const float x : {1.0F / 3, 1e-38F, 3.4028235e38F, 123456.789F, 1e-45F}) {
    EXPECT_EQ(static_cast<float>(std::strtod(shortest(x).c_str(), nullptr)), x) << shortest(x);
    EXPECT_EQ(static_cast<float>(shortest_double(x)), x);
  }
}

}  // namespace
}  // namespace xlstm::testing
