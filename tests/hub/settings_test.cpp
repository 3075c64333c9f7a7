#include "xlstm/hub/settings.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/home_folder.h"

namespace xlstm {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(const Variables& variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string cache(const Variables& variables, const HubOptions& options = {}) {
  return hub_cache(options, environment(variables)).string();
}

HubSettings settings(const Variables& variables, const HubOptions& options = {}) {
  return hub_settings(options, environment(variables));
}

TEST(HubSettings, TheCacheIsWhereThePythonLibraryHasIt) {
  Variables set = {{"HOME", "/home/me"}};
  EXPECT_EQ(cache(set), "/home/me/.cache/huggingface/hub");
  set["XDG_CACHE_HOME"] = "/caches";
  EXPECT_EQ(cache(set), "/caches/huggingface/hub");
  set["HF_HOME"] = "/hf";
  EXPECT_EQ(cache(set), "/hf/hub");
  set["HUGGINGFACE_HUB_CACHE"] = "/older";
  EXPECT_EQ(cache(set), "/older");
  set["HF_HUB_CACHE"] = "/newer";
  EXPECT_EQ(cache(set), "/newer");
  HubOptions options;
  options.cache_dir = "/mine";
  EXPECT_EQ(cache(set, options), "/mine");
}

TEST(HubSettings, WithoutHomeTheCacheIsWhereTheSystemSaysThatItIs) {
  if (home_folder().empty()) {
    expect_error(ErrorKind::kUsage, {"HF_HOME", "home folder"}, [] { cache({}); });
  } else {
    EXPECT_EQ(cache({}), (home_folder() / ".cache/huggingface/hub").string());
  }
  EXPECT_EQ(cache({{"HF_HOME", "/hf"}}), "/hf/hub");
}

TEST(HubSettings, EmptyVariablesAreAsIfNotSet) {
  EXPECT_EQ(cache({{"HOME", "/h"}, {"HF_HUB_CACHE", ""}, {"HF_HOME", ""}, {"XDG_CACHE_HOME", ""}}),
            "/h/.cache/huggingface/hub");
}

TEST(HubSettings, FoldersMayHaveATildeAndVariables) {
  const Variables set = {{"HOME", "/h"}, {"DISK", "/disk"}};
  const auto with = [&](const std::string& text) {
    Variables all = set;
    all["HF_HUB_CACHE"] = text;
    return cache(all);
  };
  EXPECT_EQ(with("~/x"), "/h/x");
  EXPECT_EQ(with("~"), "/h");
  EXPECT_EQ(with("$DISK/x"), "/disk/x");
  EXPECT_EQ(with("${DISK}/x"), "/disk/x");
  EXPECT_EQ(with("/a/$NONE/b"), "/a/$NONE/b");
  EXPECT_EQ(with("/a/${NONE"), "/a/${NONE");
  EXPECT_EQ(with("/a$"), "/a$");
  EXPECT_EQ(with("/~"), "/~");
}

TEST(HubSettings, TheTokenIsOfTheFirstThatHasOne) {
  const TemporaryFolder folder;
  folder.file("token", " of-home \n");
  const std::string named = folder.file("named", "of-path").string();
  Variables set = {{"HF_HOME", folder.path().string()}};
  EXPECT_EQ(settings(set).token, "of-home");
  EXPECT_EQ(settings(set).token_source, (folder / "token").string());
  set["HF_TOKEN_PATH"] = named;
  EXPECT_EQ(settings(set).token, "of-path");
  set["HUGGING_FACE_HUB_TOKEN"] = "older";
  EXPECT_EQ(settings(set).token, "older");
  set["HF_TOKEN"] = "newer\n";
  EXPECT_EQ(settings(set).token, "newer");
  EXPECT_EQ(settings(set).token_source, "HF_TOKEN");
  HubOptions options;
  options.token = "mine";
  EXPECT_EQ(settings(set, options).token, "mine");
  options.token = "";
  EXPECT_EQ(settings(set, options).token, "");
  set["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
  EXPECT_EQ(settings(set).token, "");
}

TEST(HubSettings, ATokenThatWouldBeTwoHeadersIsRefusedAndNotShown) {
  const std::string message = message_of(ErrorKind::kUsage, [] {
    settings({{"HF_TOKEN", "secret\r\nX-Other: 1"}});
  });
  EXPECT_THAT(message, ::testing::HasSubstr("HF_TOKEN"));
  EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("secret")));
}

TEST(HubSettings, TheEndpointLosesItsLastSlash) {
  EXPECT_EQ(settings({}).endpoint, "https://huggingface.co");
  EXPECT_EQ(settings({{"HF_ENDPOINT", "http://localhost:80/hub/"}}).endpoint,
            "http://localhost:80/hub");
  for (const char* bad : {"huggingface.co", "file:///etc", "ftp://host", "http://", "http://u@h"}) {
    expect_error(ErrorKind::kUsage, {"HF_ENDPOINT"}, [&] { settings({{"HF_ENDPOINT", bad}}); });
  }
}

TEST(HubSettings, APasswordInTheEndpointIsNotShown) {
  const std::string message = message_of(ErrorKind::kUsage, [] {
    settings({{"HF_ENDPOINT", "https://me:secret@host/"}});
  });
  EXPECT_THAT(message, ::testing::HasSubstr("HF_ENDPOINT"));
  EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("secret")));
}

TEST(HubSettings, OfflineNoTokenIsLookedFor) {
  const Variables bad = {{"HF_TOKEN", "two words"}};
  expect_error(ErrorKind::kUsage, {"HF_TOKEN"}, [&] { settings(bad); });
  HubOptions options;
  options.offline = true;
  EXPECT_EQ(settings(bad, options).token, "");
  EXPECT_EQ(settings(bad, options).offline_source, "the option offline");
  EXPECT_EQ(settings({{"TRANSFORMERS_OFFLINE", "1"}}).offline_source, "TRANSFORMERS_OFFLINE");
}

TEST(HubSettings, OfflineIsWhatPythonTakesForYes) {
  for (const char* yes : {"1", "ON", "yes", "True"}) {
    EXPECT_TRUE(settings({{"HF_HUB_OFFLINE", yes}}).offline) << yes;
  }
  for (const char* no : {"0", "", "off", "2"}) {
    EXPECT_FALSE(settings({{"HF_HUB_OFFLINE", no}}).offline) << no;
  }
  EXPECT_TRUE(settings({{"TRANSFORMERS_OFFLINE", "1"}}).offline);
  HubOptions options;
  options.offline = true;
  EXPECT_TRUE(settings({}, options).offline);
}

TEST(HubSettings, TimeoutsAreSeconds) {
  EXPECT_EQ(settings({}).download_timeout, 10);
  EXPECT_EQ(settings({{"HF_HUB_DOWNLOAD_TIMEOUT", "30"}}).download_timeout, 30);
  EXPECT_EQ(settings({{"HF_HUB_ETAG_TIMEOUT", "3"}}).metadata_timeout, 3);
  for (const char* bad : {"-1", "1.5", "x", "99999999999", "1 "}) {
    expect_error(ErrorKind::kUsage, {"HF_HUB_DOWNLOAD_TIMEOUT"}, [&] {
      settings({{"HF_HUB_DOWNLOAD_TIMEOUT", bad}});
    });
  }
}

TEST(HubSettings, CertificatesAreAFileOrAFolder) {
  const TemporaryFolder folder;
  const std::string file = folder.file("ca.pem", "").string();
  EXPECT_EQ(settings({{"SSL_CERT_FILE", file}}).ca_file, file);
  EXPECT_EQ(settings({{"SSL_CERT_FILE", "/other"}, {"CURL_CA_BUNDLE", file}}).ca_file, file);
  EXPECT_EQ(settings({{"CURL_CA_BUNDLE", "/o"}, {"REQUESTS_CA_BUNDLE", file}}).ca_file, file);
  const std::string path = folder.path().string();
  EXPECT_EQ(settings({{"REQUESTS_CA_BUNDLE", path}}).ca_folder, path);
  EXPECT_EQ(settings({{"SSL_CERT_DIR", path}}).ca_folder, path);
}

}  // namespace
}  // namespace xlstm
