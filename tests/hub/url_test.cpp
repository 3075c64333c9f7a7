#include "xlstm/hub/url.h"

#include <gtest/gtest.h>

namespace xlstm {
namespace {

std::string origin(const std::string& text) {
  const auto url = parse_url(text);
  return url ? url->origin : "none";
}

std::string resolved(const std::string& base, const std::string& location) {
  const auto url = resolve_url(*parse_url(base), location);
  return url ? url->text : "none";
}

TEST(Url, OriginIsSchemeHostAndPort) {
  EXPECT_EQ(origin("https://huggingface.co/a/b?c#d"), "https://huggingface.co:443");
  EXPECT_EQ(origin("http://HOST/"), "http://host:80");
  EXPECT_EQ(origin("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
  EXPECT_NE(origin("https://a.b/"), origin("http://a.b/"));
  EXPECT_NE(origin("http://a.b:1/"), origin("http://a.b:2/"));
}

TEST(Url, OnlyHttpWithoutNames) {
  for (const char* bad :
       {"", "a/b", "file:///etc/passwd", "ftp://a/b", "gopher://a", "http://", "http://user@host/",
        "http://user:password@host/", "javascript:x", "http://host:99999/"}) {
    EXPECT_EQ(origin(bad), "none") << bad;
  }
}

TEST(Url, RedirectsMayBeRelative) {
  EXPECT_EQ(resolved("http://a.b/c/d", "/e?f=1"), "http://a.b/e?f=1");
  EXPECT_EQ(resolved("http://a.b/c/d", "e"), "http://a.b/c/e");
  EXPECT_EQ(resolved("http://a.b/c/d", "https://x.y/z"), "https://x.y/z");
  EXPECT_EQ(resolved("http://a.b/c/d", "//x.y/z"), "http://x.y/z");
  EXPECT_EQ(resolved("http://a.b/c", "file:///etc/passwd"), "none");
  EXPECT_EQ(resolved("http://a.b/c", "http://user@x.y/"), "none");
  EXPECT_EQ(resolved("http://a.b/c", ""), "none");
}

TEST(Url, PercentEncoding) {
  EXPECT_EQ(percent_encoded("a-b._~/c d%\xc3\xa4", true), "a-b._~/c%20d%25%C3%A4");
  EXPECT_EQ(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
}

}  // namespace
}  // namespace xlstm
