#include "xlstm/engine/resolve.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::string& name, const std::vector<fs::path>& roots = {}) {
  try {
    resolve_model(name, roots);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return "accepted";
}

// Two roots: the first has "small", both have "shared", the second the default model.
class Resolve : public ::testing::Test {
 protected:
  Resolve() {
    for (const char* name : {"a/small", "a/shared", "b/shared", "b/classics-8m"}) {
      fs::create_directories(folder_.path() / name);
    }
    roots_ = {folder_.path() / "a", folder_.path() / "missing", folder_.path() / "b"};
  }

  TemporaryFolder folder_;
  std::vector<fs::path> roots_;
};

TEST_F(Resolve, PathIsTakenAsItIs) {
  EXPECT_EQ(resolve_model((folder_.path() / "a/small").string(), {}), folder_.path() / "a/small");
  EXPECT_EQ(resolve_model(folder_.path().string() + "/a/small/", {}), folder_.path() / "a/small/");
}

TEST_F(Resolve, NameIsLookedForRootByRoot) {
  EXPECT_EQ(resolve_model("small", roots_), roots_[0] / "small");
  EXPECT_EQ(resolve_model("shared", roots_), roots_[0] / "shared");
  EXPECT_EQ(resolve_model("classics-8m", roots_), roots_[2] / "classics-8m");
  EXPECT_EQ(resolve_model("", roots_), roots_[2] / "classics-8m");
}

TEST_F(Resolve, AFolderHereDoesNotHideAnEmbeddedModel) {
  const fs::path before = fs::current_path();
  fs::create_directories(folder_.path() / "here/small");
  folder_.file("here/small/config.json", "{}");
  fs::create_directories(folder_.path() / "here/mine");
  fs::current_path(folder_.path() / "here");
  EXPECT_EQ(resolve_model("small", roots_), roots_[0] / "small");
  EXPECT_EQ(resolve_model("./small", roots_), "./small");
  EXPECT_EQ(resolve_model("mine", roots_), "mine");
  fs::current_path(before);
}

HubOptions offline_in(const fs::path& cache) {
  HubOptions hub;
  hub.cache_dir = cache;
  hub.offline = true;
  return hub;
}

TEST_F(Resolve, WhatIsNoFolderMayBeARepository) {
  const HubOptions hub = offline_in(folder_ / "cache");
  const std::string commit = "0123456789abcdef0123456789abcdef01234567";
  const std::string snapshot = "cache/models--org--name/snapshots/" + commit;
  folder_.file("cache/models--org--name/refs/main", commit);
  folder_.file(snapshot + "/config.json", "{}");
  folder_.file(snapshot + "/model.safetensors", "");
  for (const std::string& name : {std::string("org/name"), std::string("hf://org/name"),
                                  std::string("org/name@main"), "org/name@" + commit}) {
    EXPECT_EQ(resolve_model(name, {}, hub), folder_ / snapshot) << name;
  }
}

// Names as people mistype them stay here.
TEST_F(Resolve, APathWithAMistakeIsNotToldToAHub) {
  const fs::path before = fs::current_path();
  fs::create_directories(folder_.path() / "models/small");
  folder_.file("models/small/config.json", "{}");
  fs::current_path(folder_.path());
  const std::string said = refusal("models/smal"), other = refusal("models/large");
  fs::current_path(before);
  EXPECT_THAT(said, AllOf(HasSubstr("did you mean \"models/small\""),
                          HasSubstr("a repository of that name would be hf://models/smal")));
  EXPECT_THAT(other, HasSubstr("got nothing there; a repository of that name would be hf://"));
}

TEST_F(Resolve, AFolderHereComesBeforeARepository) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  EXPECT_EQ(resolve_model("a/small", {}, offline_in(folder_ / "cache")), "a/small");
  EXPECT_THROW(resolve_model("hf://a/small", {}, offline_in(folder_ / "cache")), Error);
  fs::current_path(before);
}

TEST_F(Resolve, TheErrorSaysWhatIsNotHereAndWhatTheHubSays) {
  const HubOptions hub = offline_in(folder_ / "cache");
  const std::string both =
      message_of(ErrorKind::kNetwork, [&] { resolve_model("NX-AI/xLSTM-7b", {}, hub); });
  EXPECT_THAT(both, AllOf(HasSubstr("[NX-AI/xLSTM-7b] wanted a model folder, got nothing there"),
                          HasSubstr("as a repository: [NX-AI/xLSTM-7b@main]"),
                          HasSubstr((folder_ / "cache").string())));
  expect_error(ErrorKind::kUsage, {"hf://org/name"}, [&] { resolve_model("hf://a/b/c", {}, hub); });
  for (const char* path : {"./xLSTM-7b", "/no/such", "a/b/c", "../b/c", "~/models", "models/"}) {
    EXPECT_THAT(refusal(path), Not(HasSubstr("repository"))) << path;
  }
}

TEST_F(Resolve, UnknownNameListsWhereWasLooked) {
  const std::string message = refusal("nothing-alike", roots_);
  for (const fs::path& root : roots_) EXPECT_THAT(message, HasSubstr(root.string()));
  EXPECT_THAT(message, AllOf(HasSubstr("[nothing-alike]"), Not(HasSubstr("did you mean"))));
}

TEST_F(Resolve, NearMissGetsAHintWhereAModelIs) {
  EXPECT_THAT(refusal("clasics-8m", roots_), Not(HasSubstr("did you mean")));
  folder_.file("b/classics-8m/config.json", "{}");
  folder_.file("a/small/config.json", "{}");
  EXPECT_THAT(refusal("clasics-8m", roots_), HasSubstr("did you mean"));
  EXPECT_THAT(refusal("clasics-8m", roots_), HasSubstr("b/classics-8m"));
  EXPECT_THAT(refusal((folder_.path() / "a/smal").string()),
              AllOf(HasSubstr("nothing there"), HasSubstr("a/small")));
  EXPECT_THAT(refusal((folder_.path() / "a/smal").string() + "/"), HasSubstr("a/small"));
}

TEST_F(Resolve, FilesOfWeightsAreTakenAsTheyAre) {
  const fs::path file = folder_.file("a/small/model.ckpt", "x");
  EXPECT_EQ(resolve_model(file.string(), roots_), file);
  const std::string pipe = (folder_.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal(pipe), HasSubstr("wanted a model folder, got something else"));
}

TEST_F(Resolve, MissingPathsAreRefused) {
  EXPECT_THAT(refusal("/no/such/place/at/all"),
              HasSubstr("[/no/such/place/at/all] wanted a model folder"));
  EXPECT_THAT(refusal("/"), "accepted");  // a folder, if no model
  EXPECT_THAT(refusal(std::string(5000, 'x'), roots_), HasSubstr("wanted a model folder"));
  EXPECT_THAT(refusal("./" + std::string(5000, 'x')), HasSubstr("wanted a model folder"));
}

TEST_F(Resolve, NamesCannotClimbOutOfARoot) {
  EXPECT_EQ(resolve_model("..", roots_), "..");  // the folder above this one, not above a root
  EXPECT_THAT(refusal("../b", {roots_[0]}), HasSubstr("nothing there"));
}

TEST_F(Resolve, EnvironmentComesFirst) {
  const std::string value = roots_[0].string() + "::" + roots_[2].string();
  ASSERT_EQ(::setenv("XLSTM_MODELS", value.c_str(), 1), 0);
  const std::vector<fs::path> roots = model_roots();
  const fs::path resolved = Engine::resolve("shared");
  ::unsetenv("XLSTM_MODELS");
  ASSERT_GE(roots.size(), 3U);
  EXPECT_EQ(roots[0], roots_[0]);
  EXPECT_EQ(roots[1], roots_[2]);
  EXPECT_EQ(resolved, roots_[0] / "shared");
}

TEST_F(Resolve, DefaultModelLiesBesideTheProgram) {
  // The build folder is laid out as an installation: bin/ and share/xlstm/models.
  ::unsetenv("XLSTM_MODELS");
  EXPECT_TRUE(
      fs::equivalent(Engine::resolve(""), fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m"));
}

}  // namespace
}  // namespace xlstm
