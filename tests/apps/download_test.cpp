// xlstm download and cache, as far as no hub is needed; with one: tests/hub/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/command_line.h"
#include "xlstm/apps/cache_section.h"
#include "xlstm/apps/download_progress.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"

namespace xlstm::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DownloadProgressText, Durations) {
  EXPECT_EQ(apps::duration_text(0), "0:00");
  EXPECT_EQ(apps::duration_text(65.9), "1:05");
  EXPECT_EQ(apps::duration_text(3600), "1:00:00");
  EXPECT_EQ(apps::duration_text(-1), "0:00");
  EXPECT_EQ(apps::duration_text(1e30), "99:59:59");
}

TEST(DownloadProgressText, RateIsThatOfTheLastSeconds) {
  apps::TransferRate rate;
  EXPECT_EQ(rate.bytes_per_second(), 0);
  rate.add(0, 0);
  EXPECT_EQ(rate.bytes_per_second(), 0);
  rate.add(1, 100);
  EXPECT_EQ(rate.bytes_per_second(), 100);
  rate.add(100, 100);  // nothing came for long
  rate.add(110, 2100);
  EXPECT_EQ(rate.bytes_per_second(), 200);
}

TEST(DownloadProgressText, LinesFitTheTerminal) {
  FileProgress file{std::string(100, 'x') + ".safetensors", 4'000'000'000, 1'000'000'000, false};
  FetchProgress all;
  all.files = {file};
  all.size = file.size;
  all.done = file.done;
  for (const int columns : {20, 40, 80, 200}) {
    EXPECT_LT(apps::file_line(file, columns).size(), static_cast<std::size_t>(columns));
    EXPECT_LT(apps::total_line(all, 1e8, columns).size(), static_cast<std::size_t>(columns));
  }
  EXPECT_THAT(apps::file_line(file, 200), AllOf(HasSubstr("..."), HasSubstr(".safetensors"),
                                                HasSubstr("25%"), HasSubstr("of")));
  EXPECT_THAT(apps::total_line(all, 1e8, 120), AllOf(HasSubstr("/s"), HasSubstr("0:30 left")));
  all.size = std::nullopt;
  EXPECT_THAT(apps::total_line(all, 1e8, 120), Not(HasSubstr("left")));
}

TEST(DownloadProgressText, NoCharacterIsCut) {
  std::string name(50, 'x');
  for (int i = 0; i < 30; ++i) name += "\xc3\xa9";
  for (const char* end : {".bin", ".json"}) {  // one of them would begin within a character
    const FileProgress file{name + end, 100, 50, false};
    EXPECT_EQ(utf8_first_error(apps::file_line(file, 200)), std::string::npos) << end;
  }
}

TEST(TableText, ColumnsAreAligned) {
  EXPECT_EQ(apps::table_text({{"name", "size"}, {"a", "1"}, {"long name", "10"}}, {false, true}),
            "name       size\n"
            "a             1\n"
            "long name    10\n");
}

// A cache with one repository, org/name, of one revision.
class DownloadCommand : public CommandLine {
 protected:
  DownloadCommand() {
    const std::string commit(40, '1');
    const std::string blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";  // git's hash of no bytes
    temporary_.file("hub/models--org--name/blobs/" + blob, "");
    temporary_.file("hub/models--org--name/refs/main", commit);
    const auto snapshot = file("hub/models--org--name/snapshots/" + commit);
    std::filesystem::create_directories(snapshot);
    std::filesystem::create_symlink("../../blobs/" + blob, snapshot / "config.json");
    std::filesystem::create_symlink("../../blobs/" + blob, snapshot / "model.safetensors");
  }
  Result cache(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), "cache");
    arguments.insert(arguments.end(), {"--cache-dir", file("hub").string()});
    return xlstm(arguments, {.input = input});
  }
};

TEST_F(DownloadCommand, BadNamesAreOneLine) {
  for (const char* name : {"name", "a/b/c", "../a", "a/b@", "./a"}) {
    EXPECT_TRUE(is_one_line_error(xlstm({"download", name}), 2, "wanted a repository")) << name;
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"download"}), 2, "wanted a repository"));
  EXPECT_TRUE(is_one_line_error(xlstm({"download", "a/b", "c/d"}), 2, "\"c/d\""));
  EXPECT_TRUE(is_one_line_error(xlstm({"download", "a/b", "--revision", "../x"}), 2, "../x"));
}

TEST_F(DownloadCommand, OfflineItIsTheCachesFolder) {
  const RunOptions offline{.environment = {{"HF_HUB_OFFLINE", "1"}}};
  const Result found =
      xlstm({"download", "org/name", "--cache-dir", file("hub").string()}, offline);
  EXPECT_EQ(found.out,
            file("hub/models--org--name/snapshots").string() + "/" + std::string(40, '1') + "\n");
  const Result missing =
      xlstm({"download", "org/other", "--cache-dir", file("hub").string()}, offline);
  EXPECT_TRUE(is_one_line_error(missing, 5, "HF_HUB_OFFLINE"));
  const Result json =
      xlstm({"download", "org/name", "--json", "--cache-dir", file("hub").string()}, offline);
  EXPECT_EQ(parse_json(json.out, "out").at("commit"), std::string(40, '1'));
}

TEST_F(DownloadCommand, CacheIsListed) {
  EXPECT_THAT(cache({"ls"}).out,
              AllOf(HasSubstr("org/name"), HasSubstr("111111111111"), HasSubstr("main")));
  const Json json = parse_json(cache({"ls", "--json"}).out, "out");
  const Json& repository = json.at("repositories").at(0);
  EXPECT_EQ(repository.at("id"), "org/name");
  EXPECT_EQ(repository.at("revisions").at(0).at("refs").at(0), "main");
}

TEST_F(DownloadCommand, RemovingAsksFirst) {
  EXPECT_TRUE(is_one_line_error(cache({"rm"}), 2, "names"));
  EXPECT_TRUE(is_one_line_error(cache({"rm", "org/none"}), 2, "org/none"));
  const Result unasked = cache({"rm", "org/name"});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("--yes"));
  EXPECT_THAT(cache({"ls"}).out, HasSubstr("org/name"));
  const Result removed = cache({"rm", "org/name", "--yes"});
  EXPECT_EQ(removed.code, 0);
  EXPECT_THAT(removed.out, HasSubstr("removed org/name"));
  EXPECT_EQ(cache({"ls"}).out, "");
}

TEST_F(DownloadCommand, VerifyTellsWhatIsWrong) {
  EXPECT_THAT(cache({"verify"}).out, HasSubstr("all right"));
  temporary_.file("hub/models--org--name/blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "x");
  const Result wrong = cache({"verify", "org/name"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_THAT(wrong.out, HasSubstr("blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391: wanted"));
  EXPECT_TRUE(is_one_line_error(cache({"verify", "org/none"}), 2, "org/none"));
}

TEST_F(DownloadCommand, ActionsHaveNames) {
  EXPECT_TRUE(is_one_line_error(xlstm({"cache"}), 2, "ls, rm or verify"));
  EXPECT_TRUE(is_one_line_error(xlstm({"cache", "list"}), 2, "one of ls, rm, verify"));
  EXPECT_TRUE(is_one_line_error(cache({"ls", "org/name"}), 2, "no name"));
}

}  // namespace
}  // namespace xlstm::testing
