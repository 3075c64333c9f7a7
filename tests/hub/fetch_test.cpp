// fetch() against a hub that says what no hub should; what a hub does every day, and transfers that
// break, are in download_test.py and faults_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/hub/scripted_server.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/hub/hub.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::map<std::string, std::string> kFiles = {{"README.md", "text"},
                                                   {"config.json", "{\"a\": 1}"},
                                                   {"model.safetensors", "weights"},
                                                   {"tokenizer.json", "{}"}};

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_info(const ScriptedRequest& request) {
  return request.path.starts_with("/api/");
}
bool is_head(const ScriptedRequest& request) {
  return request.method == "HEAD";
}
bool is_file(const ScriptedRequest& request) {
  return !is_info(request) && !is_head(request);
}

void replace_header(ScriptedAnswer& answer, const std::string& name, const std::string& value) {
  std::erase_if(answer.headers, [&](const auto& header) { return header.first == name; });
  if (!value.empty()) answer.headers.emplace_back(name, value);
}

class Fetch : public ::testing::Test {
 protected:
  // Of whoever runs the tests: nothing between us and the hub of a test.
  Fetch() {
    for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_ETAG_TIMEOUT",
                             "HF_HUB_DOWNLOAD_TIMEOUT", "http_proxy", "all_proxy", "ALL_PROXY"}) {
      ::unsetenv(name);
    }
  }
  HubOptions options(const std::string& url) const {
    HubOptions options;
    options.cache_dir = cache();
    options.endpoint = url;
    options.token = "";
    options.first_retry_wait = std::chrono::milliseconds(1);
    return options;
  }
  fs::path cache() const { return folder_ / "cache"; }
  fs::path repository() const { return cache() / "models--org--name"; }

  // Whether nothing is kept of files that did not come.
  bool parts_are_empty() const {
    for (const auto& entry : fs::directory_iterator(repository() / "blobs")) {
      if (entry.path().extension() == ".incomplete" && entry.file_size() > 0) return false;
    }
    return true;
  }

  // The error of a fetch from a hub whose answers are changed; no blob, link or ref may be left.
  void refused(ErrorKind kind, const std::vector<std::string>& pieces,
               const ScriptedHub::Change& change) const {
    const ScriptedHub hub(kFiles, change);
    expect_error(kind, pieces, [&] { fetch({"org/name", ""}, options(hub.url())); });
    EXPECT_FALSE(fs::exists(repository() / "refs" / "main"));
    EXPECT_FALSE(fs::exists(repository() / "snapshots" / ScriptedHub::kCommit / "config.json"));
  }

  const TemporaryFolder folder_;
};

TEST_F(Fetch, PutsWhatIsNeededIntoTheCache) {
  const ScriptedHub hub(kFiles);
  std::vector<std::string> notices;
  HubOptions with = options(hub.url());
  with.on_notice = [&](const std::string& notice) { notices.push_back(notice); };
  const fs::path folder = fetch({"org/name", ""}, with);
  EXPECT_EQ(folder, repository() / "snapshots" / ScriptedHub::kCommit);
  EXPECT_EQ(content_of(folder / "config.json"), kFiles.at("config.json"));
  EXPECT_EQ(fs::read_symlink(folder / "config.json"),
            fs::path("../../blobs") / git_hash(kFiles.at("config.json")));
  EXPECT_FALSE(fs::exists(folder / "README.md"));
  EXPECT_EQ(content_of(repository() / "refs/main"), ScriptedHub::kCommit);
  EXPECT_TRUE(fs::exists(repository() / ".no_exist" / ScriptedHub::kCommit / "config.yaml"));
  EXPECT_FALSE(fs::exists(repository() / ".no_exist" / ScriptedHub::kCommit / "config.json"));
  EXPECT_THAT(notices, Contains(AllOf(HasSubstr("org/name"), HasSubstr("mit"))));
}

TEST_F(Fetch, AWholeCommitIsAskedForOnce) {
  const ScriptedHub hub(kFiles);
  const RepositoryName name{"org/name", ScriptedHub::kCommit};
  const fs::path folder = fetch(name, options(hub.url()));
  const std::size_t asked = hub.requests().size();
  EXPECT_GT(asked, 0U);
  EXPECT_EQ(fetch(name, options(hub.url())), folder);
  EXPECT_EQ(hub.requests().size(), asked);
  EXPECT_FALSE(fs::exists(repository() / "refs"));
}

TEST_F(Fetch, AnotherProgramsPartIsAddedTo) {
  const ScriptedHub hub(kFiles);
  const std::string etag = git_hash(kFiles.at("config.json"));
  folder_.file("cache/models--org--name/blobs/" + etag, kFiles.at("config.json"));
  const fs::path snapshot = repository() / "snapshots" / ScriptedHub::kCommit;
  fs::create_directories(snapshot);
  fs::create_symlink("../../blobs/" + etag, snapshot / "config.json");
  fetch({"org/name", ScriptedHub::kCommit}, options(hub.url()));
  for (const ScriptedRequest& request : hub.requests()) {
    EXPECT_THAT(request.path, Not(HasSubstr("config.json")));
  }
  EXPECT_EQ(content_of(snapshot / "model.safetensors"), "weights");
}

// Calls `remove` with the snapshot's folder at each request for the bytes of a file.
ScriptedHub::Change removing(
    const fs::path& repository,
    const std::function<void(const std::string& file, const fs::path& snapshot)>& remove) {
  return [=](const ScriptedRequest& request, const ScriptedAnswer&) {
    if (!is_file(request)) return;
    remove(fs::path(request.path).filename(), repository / "snapshots" / ScriptedHub::kCommit);
  };
}

TEST_F(Fetch, WhatIsRemovedMeanwhileIsFetchedAgain) {
  const ScriptedHub hub(kFiles, removing(repository(), [](const auto& file, const fs::path& all) {
                          if (file == "config.json") fs::remove_all(all);  // it comes last
                        }));
  const fs::path folder = fetch({"org/name", ""}, options(hub.url()));
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    EXPECT_EQ(content_of(folder / name), kFiles.at(name)) << name;
  }
}

TEST_F(Fetch, WhatIsRemovedAgainAndAgainIsGivenUp) {
  const fs::path blobs = repository() / "blobs";
  const auto remove = [&](const fs::path& link) {
    std::error_code ignored;
    const fs::path blob = fs::read_symlink(link, ignored).filename();
    if (!ignored) fs::remove(blobs / blob), fs::remove(link);
  };
  refused(ErrorKind::kFile, {ScriptedHub::kCommit, "another program removes them"},
          removing(repository(), [&](const auto& file, const fs::path& all) {
            remove(all / (file == "config.json" ? "model.safetensors" : "config.json"));
          }));
}

TEST_F(Fetch, FilesOfTheSameBytesAreFetchedOnce) {
  auto files = kFiles;
  files["added_tokens.json"] = files["special_tokens_map.json"] = files.at("tokenizer.json");
  const ScriptedHub hub(files);
  HubOptions with = options(hub.url());
  std::vector<std::string> notices;
  FetchProgress last;
  with.on_notice = [&](const std::string& notice) { notices.push_back(notice); };
  with.on_progress = [&](const FetchProgress& progress) { last = progress; };
  with.force_download = true;
  const fs::path folder = fetch({"org/name", ""}, with);
  for (const char* name : {"added_tokens.json", "special_tokens_map.json", "tokenizer.json"}) {
    EXPECT_EQ(content_of(folder / name), "{}") << name;
  }
  const auto all = hub.requests();
  EXPECT_EQ(std::count_if(all.begin(), all.end(), is_file), 3);
  EXPECT_THAT(notices, Not(Contains(HasSubstr("waiting"))));
  EXPECT_EQ(last.done, last.size);
}

TEST_F(Fetch, AnIndexOfShardsInFoldersIsRefusedBeforeTheyCome) {
  auto files = kFiles;
  files.erase("model.safetensors");
  files["a.safetensors"] = "shard";
  files["model.safetensors.index.json"] = "{\"weight_map\": {\"x\": \"sub/b.safetensors\"}}";
  const ScriptedHub hub(files);
  for (int time = 0; time < 2; ++time) {  // the index is there the second time
    expect_error(ErrorKind::kModel, {"[org/name@main]", "\"sub/b.safetensors\""}, [&] {
      fetch({"org/name", ""}, options(hub.url()));
    });
  }
  const auto all = hub.requests();
  EXPECT_EQ(std::count_if(all.begin(), all.end(), is_file), 1);
}

TEST_F(Fetch, WhatAForcedDownloadLeftIsCleared) {
  const ScriptedHub hub(kFiles);
  fetch({"org/name", ""}, options(hub.url()));
  const std::string blob = "cache/models--org--name/blobs/" + git_hash("weights");
  const fs::path part = folder_.file(blob + ".incomplete", "wei");
  const fs::path other = folder_.file(blob.substr(0, blob.size() - 1) + "x.incomplete", "wei");
  fetch({"org/name", ""}, options(hub.url()));
  EXPECT_FALSE(fs::exists(part));
  EXPECT_TRUE(fs::exists(other));  // it may be gone on with
}

TEST_F(Fetch, OnlyATokenizer) {
  const ScriptedHub hub(kFiles);
  HubOptions with = options(hub.url());
  with.content = HubContent::kTokenizer;
  const fs::path folder = fetch({"org/name", ""}, with);
  EXPECT_TRUE(fs::exists(folder / "tokenizer.json"));
  EXPECT_FALSE(fs::exists(folder / "model.safetensors"));
  // What is there is no whole model.
  HubOptions offline = options(hub.url());
  offline.offline = true;
  expect_error(ErrorKind::kNetwork, {"org/name", "a part of it"}, [&] {
    fetch({"org/name", ""}, offline);
  });
  EXPECT_TRUE(fs::exists(fetch({"org/name", ""}, options(hub.url())) / "model.safetensors"));
}

TEST_F(Fetch, CallbacksAreCalledByTheCallersThread) {
  const ScriptedHub hub(kFiles);
  HubOptions with = options(hub.url());
  std::set<std::thread::id> threads;
  FetchProgress last;
  with.on_progress = [&](const FetchProgress& progress) {
    threads.insert(std::this_thread::get_id());
    last = progress;
  };
  with.on_notice = [&](const std::string&) { threads.insert(std::this_thread::get_id()); };
  fetch({"org/name", ""}, with);
  EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
  ASSERT_EQ(last.files.size(), 3U);
  EXPECT_EQ(last.size, last.done);
  EXPECT_EQ(last.received, last.done);
  for (const FileProgress& file : last.files) EXPECT_TRUE(file.complete) << file.name;
}

TEST_F(Fetch, WhatACallbackThrowsPassesThrough) {
  const ScriptedHub hub(kFiles);
  HubOptions with = options(hub.url());
  with.on_notice = [](const std::string&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(fetch({"org/name", ""}, with), std::runtime_error);
}

TEST_F(Fetch, IsCancelledWhileItWaits) {
  const ScriptedHub hub(kFiles, [](const ScriptedRequest&, ScriptedAnswer& answer) {
    answer = {.status = 503, .headers = {{"Retry-After", "200"}}};
  });
  HubOptions with = options(hub.url());
  with.cancelled = [&] { return !hub.requests().empty(); };
  expect_error(ErrorKind::kCancelled, {"kept"}, [&] { fetch({"org/name", ""}, with); });
}

TEST_F(Fetch, BusyServersAreAskedAgain) {
  int busy = 0;
  const ScriptedHub hub(kFiles, [&](const ScriptedRequest&, ScriptedAnswer& answer) {
    constexpr std::array kStatus = {429, 500, 502, 503, 408};
    if (busy < 5) answer = {.status = kStatus[static_cast<std::size_t>(busy++)]};
  });
  fetch({"org/name", ""}, options(hub.url()));
  EXPECT_EQ(busy, 5);
}

TEST_F(Fetch, AndNotForEver) {
  const ScriptedHub hub(
      kFiles, [](const ScriptedRequest&, ScriptedAnswer& answer) { answer = {.status = 503}; });
  expect_error(ErrorKind::kNetwork, {"503"}, [&] { fetch({"org/name", ""}, options(hub.url())); });
  EXPECT_EQ(hub.requests().size(), 6U);
}

TEST_F(Fetch, AHostThatIsNone) {
  // No label is that long: it is refused without a question to the network.
  const std::string url = "http://" + std::string(70, 'x') + ".invalid";
  expect_error(ErrorKind::kNetwork, {"[org/name@main]", url}, [&] {
    fetch({"org/name", ""}, options(url));
  });
}

TEST_F(Fetch, AWaitThatIsTooLongIsTold) {
  const std::pair<std::string, std::string> kHeaders[] = {{"Retry-After", "100000"},
                                                          {"RateLimit", "\"api\";r=0;t=100000"}};
  for (const auto& header : kHeaders) {
    const ScriptedHub hub(kFiles, [&](const ScriptedRequest&, ScriptedAnswer& answer) {
      answer = {.status = 429, .headers = {header}};
    });
    expect_error(ErrorKind::kNetwork, {"429", "100000 s"}, [&] {
      fetch({"org/name", ""}, options(hub.url()));
    });
    EXPECT_EQ(hub.requests().size(), 1U);
  }
}

TEST_F(Fetch, RedirectsToWhereNothingMayLead) {
  for (const char* to :
       {"file:///etc/passwd", "ftp://host/x", "http://user@127.0.0.1/", "gopher:x"}) {
    refused(ErrorKind::kNetwork, {"redirect", quoted(to)},
            [&](const ScriptedRequest&, ScriptedAnswer& answer) {
              answer = {.status = 302, .headers = {{"Location", to}}};
            });
  }
}

TEST_F(Fetch, RedirectsInACircle) {
  refused(ErrorKind::kNetwork, {"10 redirects"},
          [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
            answer = {.status = 307, .headers = {{"Location", request.path}}};
          });
}

TEST_F(Fetch, TheTokenStaysWithTheHub) {
  const ScriptedServer other(
      [](const ScriptedRequest&) { return ScriptedAnswer{.body = "weights"}; });
  const ScriptedHub hub(kFiles, [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
    if (!request.path.ends_with("safetensors")) return;
    answer.status = 302;
    answer.headers.emplace_back("Location", other.url() + "/signed");
    answer.headers.emplace_back("X-Linked-Etag", "\"" + sha256("weights") + "\"");
    answer.headers.emplace_back("X-Linked-Size", "7");
  });
  HubOptions with = options(hub.url());
  with.token = "hf_secret";
  const fs::path folder = fetch({"org/name", ""}, with);
  EXPECT_EQ(content_of(folder / "model.safetensors"), "weights");
  for (const ScriptedRequest& request : hub.requests()) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer hf_secret");
  }
  ASSERT_EQ(other.requests().size(), 1U);
  EXPECT_EQ(other.requests()[0].method, "GET");
  EXPECT_FALSE(other.requests()[0].headers.contains("authorization"));
}

TEST_F(Fetch, TheTokenDoesNotComeBackWithARedirectOfAnother) {
  std::string hub_url;
  const ScriptedServer other([&](const ScriptedRequest& request) {
    return ScriptedAnswer{.status = 302,
                          .headers = {{"Location", hub_url + request.path + "?back"}}};
  });
  const ScriptedHub hub(kFiles, [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
    const bool back = request.path.ends_with("?back");
    EXPECT_EQ(request.headers.contains("authorization"), !back);
    if (!back) answer = {.status = 302, .headers = {{"Location", other.url() + request.path}}};
  });
  hub_url = hub.url();
  HubOptions with = options(hub.url());
  with.token = "hf_secret";
  // The made-up hub knows no address with "?back" but that of the information.
  expect_error(ErrorKind::kFile, {"org/name"}, [&] { fetch({"org/name", ""}, with); });
  EXPECT_GT(other.requests().size(), 1U);
}

TEST_F(Fetch, InformationThatIsNone) {
  for (const char* body :
       {"<html>Log in</html>", "", "[]", "{}", "{\"sha\": \"main\", \"siblings\": []}", "\xff\xfe",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\"}",
        "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": {}}"}) {
    refused(ErrorKind::kNetwork, {"/api/models/org/name"},
            [&](const ScriptedRequest&, ScriptedAnswer& answer) { answer.body = body; });
  }
}

TEST_F(Fetch, NamesOfFilesThatWouldLeaveTheFolder) {
  for (const char* name : {"../config.json", "/etc/passwd", "a/../../b", "a\\\\b", "", "a\\u0000b",
                           "./config.json", "a//b"}) {
    refused(ErrorKind::kNetwork, {"names of files"},
            [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
              const std::string text = std::string("[{\"rfilename\":\"") + name + "\"},";
              if (is_info(request)) answer.body.replace(answer.body.find('['), 1, text);
            });
  }
}

TEST_F(Fetch, EtagsThatAreNoHashes) {
  for (const std::string& etag : {std::string(), std::string("\"abc\""), std::string("\"../../x\""),
                                  "\"" + std::string(40, 'Z') + "\""}) {
    refused(ErrorKind::kNetwork, {"ETag"},
            [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
              if (is_head(request)) replace_header(answer, "ETag", etag);
            });
  }
}

TEST_F(Fetch, AnswersThatNoHubGives) {
  refused(ErrorKind::kNetwork, {"X-Repo-Commit", "none", "no answer of a hub"},
          [](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (is_head(request)) replace_header(answer, "X-Repo-Commit", "");
          });
  refused(ErrorKind::kNetwork, {"X-Repo-Commit", "\"abc\""},
          [](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (is_head(request)) replace_header(answer, "X-Repo-Commit", "abc");
          });
}

TEST_F(Fetch, HeadersWithoutEnd) {
  refused(ErrorKind::kNetwork, {"header"}, [](const ScriptedRequest&, ScriptedAnswer& answer) {
    for (int i = 0; i < 2000; ++i) {
      answer.headers.emplace_back("X-Long-" + std::to_string(i), std::string(1000, 'x'));
    }
  });
}

TEST_F(Fetch, MoreBytesThanTheFileHas) {
  refused(ErrorKind::kNetwork, {"a file of", "more"},
          [](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (is_file(request)) answer.body += "more", answer.has_length = false;
          });
}

TEST_F(Fetch, FewerBytesThanTheFileHasEndIt) {
  const ScriptedAnswer kNoSuchRange{.status = 416};
  const ScriptedAnswer kOtherTotal{
      .status = 206, .headers = {{"Content-Range", "bytes 3-3/4"}}, .body = "g"};
  for (const ScriptedAnswer& rest : {kNoSuchRange, kOtherTotal}) {
    int sent = 0;
    refused(ErrorKind::kNetwork, {"model.safetensors", "the file's bytes from 3"},
            [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
              if (!is_file(request) || !request.path.ends_with("safetensors")) return;
              ++sent;
              if (request.headers.contains("range")) {
                answer = rest;
              } else {
                answer.body = "wei";
                answer.has_length = false;
              }
            });
    EXPECT_EQ(sent, 8);
    EXPECT_TRUE(parts_are_empty());
  }
}

TEST_F(Fetch, AnotherLengthThanTheFilesIsNotTaken) {
  int sent = 0;
  refused(ErrorKind::kNetwork, {"model.safetensors", "the file of 7 bytes", "3 bytes"},
          [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (!is_file(request) || !request.path.ends_with("safetensors")) return;
            answer.body = "wei";
            ++sent;
          });
  EXPECT_EQ(sent, 6);
  EXPECT_TRUE(parts_are_empty());
}

TEST_F(Fetch, PagesInPlaceOfAFile) {
  const std::string kPage = "<p>in!";
  const ScriptedAnswer kOfThatSize{.headers = {{"Content-Type", "text/plain"}},
                                   .body = kPage + "!"};
  const ScriptedAnswer kWithoutLength{
      .headers = {{"Content-Type", "text/plain"}}, .body = kPage, .has_length = false};
  for (const ScriptedAnswer& page : {kOfThatSize, kWithoutLength}) {
    refused(ErrorKind::kNetwork, {"model.safetensors", "no answer of a hub", "text/plain"},
            [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
              if (is_file(request) && request.path.ends_with("safetensors")) answer = page;
            });
    EXPECT_TRUE(parts_are_empty());
  }
}

TEST_F(Fetch, APageFromWhereTheFileShouldLie) {
  const ScriptedServer other([](const ScriptedRequest&) {
    return ScriptedAnswer{
        .headers = {{"Content-Type", "text/html"}}, .body = "<p>in!", .has_length = false};
  });
  refused(ErrorKind::kNetwork, {"model.safetensors", "no answer of a hub", "text/html"},
          [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (!is_file(request) || !request.path.ends_with("safetensors")) return;
            answer.status = 302;
            answer.headers.emplace_back("Location", other.url() + "/signed");
          });
  EXPECT_EQ(other.requests().size(), 6U);
  EXPECT_TRUE(parts_are_empty());
}

TEST_F(Fetch, OtherBytesAreTriedAgainAndGivenUp) {
  int sent = 0;
  refused(ErrorKind::kNetwork, {"hash", "model.safetensors"},
          [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
            if (!is_file(request) || !request.path.ends_with("safetensors")) return;
            answer.body = "WEIGHTS";
            ++sent;
          });
  EXPECT_EQ(sent, 4);
  EXPECT_FALSE(fs::exists(repository() / "blobs" / git_hash("weights")));
}

TEST_F(Fetch, ASizeThatNobodyTells) {
  const ScriptedHub hub(
      kFiles, [](const ScriptedRequest&, ScriptedAnswer& answer) { answer.has_length = false; });
  const fs::path folder = fetch({"org/name", ""}, options(hub.url()));
  EXPECT_EQ(content_of(folder / "model.safetensors"), "weights");
}

TEST_F(Fetch, LinksAreNotFollowedWhenBytesAreWritten) {
  const ScriptedHub hub(kFiles);
  const fs::path victim = folder_.file("victim", "mine");
  fs::create_directories(repository() / "blobs");
  fs::create_symlink(victim, repository() / "blobs" / (git_hash("weights") + ".incomplete"));
  expect_error(ErrorKind::kFile, {".incomplete"}, [&] {
    fetch({"org/name", ""}, options(hub.url()));
  });
  EXPECT_EQ(content_of(victim), "mine");
}

TEST_F(Fetch, WhatAHubRefuses) {
  const auto refusal = [&](int status, const char* code, const char* message, const char* token) {
    const ScriptedHub hub(kFiles, [&](const ScriptedRequest&, ScriptedAnswer& answer) {
      answer = {.status = status,
                .headers = {{"X-Error-Code", code}, {"X-Error-Message", message}}};
    });
    HubOptions with = options(hub.url());
    with.token = token;
    return message_of(ErrorKind::kFile, [&] { fetch({"org/name", ""}, with); });
  };
  EXPECT_THAT(refusal(401, "", "", ""), AllOf(HasSubstr("does not exist"), HasSubstr("HF_TOKEN")));
  EXPECT_THAT(refusal(404, "RepoNotFound", "", "hf_x"),
              AllOf(HasSubstr("does not exist"), Not(HasSubstr("hf_x"))));
  EXPECT_THAT(
      refusal(403, "GatedRepo", "", "hf_x"),
      AllOf(HasSubstr("accept its conditions at http://127.0.0.1"), HasSubstr("/org/name")));
  EXPECT_THAT(refusal(401, "", "Invalid credentials in Authorization header", "hf_x"),
              AllOf(HasSubstr("valid token"), Not(HasSubstr("hf_x"))));
  EXPECT_THAT(refusal(403, "", "Storage is full", "hf_x"), HasSubstr("Storage is full"));
  EXPECT_THAT(refusal(404, "RevisionNotFound", "", ""), HasSubstr("none of that name"));
}

TEST_F(Fetch, AnUnknownRevisionComesWithTheKnownOnes) {
  const ScriptedHub hub(kFiles, [&](const ScriptedRequest& request, ScriptedAnswer& answer) {
    answer = {.status = 404, .headers = {{"X-Error-Code", "RevisionNotFound"}}};
    if (request.path == "/api/models/org/name/refs") {
      answer = {.body = "{\"branches\":[{\"name\":\"main\"}],\"tags\":[{\"name\":\"v1\"}]}"};
    }
  });
  expect_error(ErrorKind::kFile, {"[org/name@v2]", "\"main\", \"v1\""}, [&] {
    fetch({"org/name", "v2"}, options(hub.url()));
  });
}

TEST_F(Fetch, WhatTheCacheHasDoesWhereTheHubFails) {
  bool fails = false;
  const ScriptedHub hub(kFiles, [&](const ScriptedRequest&, ScriptedAnswer& answer) {
    if (fails) answer = {.status = 500};
  });
  HubOptions with = options(hub.url());
  const fs::path folder = fetch({"org/name", ""}, with);
  fails = true;
  const std::size_t before = hub.requests().size();
  std::string notice;
  with.on_notice = [&](const std::string& sentence) { notice = sentence; };
  EXPECT_EQ(fetch({"org/name", ""}, with), folder);
  EXPECT_THAT(notice, AllOf(HasSubstr("org/name@main"), HasSubstr("500")));
  EXPECT_EQ(hub.requests().size(), before + 1);  // somebody waits who could go on
  with.force_download = true;
  expect_error(ErrorKind::kNetwork, {"500"}, [&] { fetch({"org/name", ""}, with); });
}

TEST_F(Fetch, OptionsThatDoNotFit) {
  const ScriptedHub hub(kFiles);
  HubOptions with = options(hub.url());
  with.revision = "v2";
  expect_error(ErrorKind::kUsage, {"v2"}, [&] { fetch({"org/name", "v1"}, with); });
  with.revision = "../x";
  expect_error(ErrorKind::kUsage, {"../x"}, [&] { fetch({"org/name", ""}, with); });
  with.revision = "";
  expect_error(ErrorKind::kUsage, {"org/../x"}, [&] { fetch({"org/../x", ""}, with); });
  with.offline = with.force_download = true;
  expect_error(ErrorKind::kUsage, {"org/name", "--force", "the option offline"}, [&] {
    fetch({"org/name", ""}, with);
  });
  EXPECT_TRUE(hub.requests().empty());
}

}  // namespace
}  // namespace xlstm
