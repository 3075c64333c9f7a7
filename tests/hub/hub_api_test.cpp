#include "xlstm/hub/hub_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;

const std::string kSha = "\"sha\": \"0123456789abcdef0123456789abcdef01234567\"";

RepositoryInfo parse(const std::string& members) {
  return parse_repository_info("{" + kSha + ", \"siblings\": [{\"rfilename\": \"a.json\"}]" +
                                   (members.empty() ? "" : ", " + members) + "}",
                               "answer");
}

TEST(HubApi, CommitAndFiles) {
  const RepositoryInfo info = parse("\"id\": \"org/name\"");
  EXPECT_EQ(info.id, "org/name");
  EXPECT_EQ(info.commit, "0123456789abcdef0123456789abcdef01234567");
  EXPECT_THAT(info.files, ElementsAre("a.json"));
}

TEST(HubApi, LicenceOfCardOrTag) {
  EXPECT_EQ(parse("").licence, "");
  EXPECT_EQ(parse("\"cardData\": {\"license\": \"mit\"}").licence, "mit");
  EXPECT_EQ(parse("\"tags\": [\"text\", 7, \"license:mit\"]").licence, "mit");
  const RepositoryInfo other = parse(
      "\"cardData\": {\"license\": \"other\", \"license_name\": \"nxai\", "
      "\"license_link\": \"LICENSE\"}");
  EXPECT_EQ(other.licence, "nxai");
  EXPECT_EQ(other.licence_link, "LICENSE");
  // Whatever stands there that is no text says nothing.
  EXPECT_EQ(parse("\"cardData\": {\"license\": [\"mit\"]}").licence, "");
  EXPECT_EQ(parse("\"cardData\": null").licence, "");
  EXPECT_EQ(parse("\"cardData\": [1]").licence, "");
  EXPECT_EQ(parse("\"tags\": {}").licence, "");
}

TEST(HubApi, AnswersThatAreNone) {
  for (const char* text :
       {"", "null", "[1]", "{\"sha\": 7}", "{\"sha\": \"x\", \"siblings\": []}"}) {
    expect_error(ErrorKind::kNetwork, {"[answer]"}, [&] { parse_repository_info(text, "answer"); });
  }
  for (const char* siblings :
       {"[7]", "[{}]", "[{\"rfilename\": 7}]", "[{\"rfilename\": \"../x\"}]"}) {
    expect_error(ErrorKind::kNetwork, {"names of files"}, [&] {
      parse_repository_info("{" + kSha + ", \"siblings\": " + siblings + "}", "answer");
    });
  }
}

TEST(HubApi, AddressesOfFiles) {
  EXPECT_EQ(file_path({"org/name", "main"}, "c0", "a b/c#d.json"),
            "/org/name/resolve/c0/a%20b/c%23d.json");
}

}  // namespace
}  // namespace xlstm
