#include <gtest/gtest.h>

#include "xlstm/hub/hub.h"

namespace xlstm {
namespace {

std::string read(std::string_view name) {
  const auto parsed = repository_name(name);
  return parsed ? parsed->id + " " + parsed->revision : "none";
}

TEST(RepositoryName, IsAnOrganisationAndAName) {
  EXPECT_EQ(read("NX-AI/xLSTM-7b"), "NX-AI/xLSTM-7b ");
  EXPECT_EQ(read("a/b"), "a/b ");
  EXPECT_EQ(read("a_1/b.c-d"), "a_1/b.c-d ");
  EXPECT_EQ(read("hf://NX-AI/xLSTM-7b"), "NX-AI/xLSTM-7b ");
}

TEST(RepositoryName, HasARevisionBehindAnAtSign) {
  EXPECT_EQ(read("a/b@main"), "a/b main");
  EXPECT_EQ(read("hf://a/b@refs/pr/1"), "a/b refs/pr/1");
  EXPECT_EQ(read("a/b@v1.0-rc_2"), "a/b v1.0-rc_2");
  for (const char* bad : {"a/b@", "a/b@..", "a/b@a..b", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b@a b",
                          "a/b@-x", "a/b@.x", "a/b@x/.y", "a/b@x.lock", "a/b@a:b", "a/b@a\\b",
                          "a/b@a\nb", "a/b@x@{1}", "a/b@x~1", "a/b@x^"}) {
    EXPECT_EQ(read(bad), "none") << bad;
  }
}

TEST(RepositoryName, WithoutAnOrganisationOnlyBehindTheScheme) {
  EXPECT_EQ(read("hf://gpt2"), "gpt2 ");
  EXPECT_EQ(read("gpt2"), "none");
}

TEST(RepositoryName, IsNoPath) {
  for (const char* path :
       {"",        "/",          "a/",         "/a",        "./a",   "../a",   "~/a",
        "a/b/c",   "a//b",       "a/..",       "a/.b",      "a/b.",  "-a/b",   "a/b-",
        "a/b--c",  "a/b..c",     "a/b.git",    "a b/c",     "a/b c", "a\\b/c", "hf://",
        "hf:///a", "hf://a/b/c", "http://a/b", "a/\xc3\xa4"}) {
    EXPECT_EQ(read(path), "none") << path;
  }
  EXPECT_EQ(read(std::string(50, 'a') + "/" + std::string(50, 'b')), "none");
  EXPECT_EQ(read(std::string_view("a/b\0c", 5)), "none");
}

TEST(RepositoryName, IsWrittenAsItIsRead) {
  EXPECT_EQ(text_of({"a/b", ""}), "a/b");
  EXPECT_EQ(text_of({"a/b", "v1"}), "a/b@v1");
}

}  // namespace
}  // namespace xlstm
