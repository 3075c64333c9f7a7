// The chat template, from whichever file of a model's folder has it.
#include "xlstm/engine/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/generate/classics.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ChatTemplate : public ::testing::Test {
 protected:
  ChatTemplate() {
    fs::create_directory(model());
    for (const auto& entry : fs::directory_iterator(test::classics_folder())) {
      if (entry.path().filename() == "tokenizer_config.json") continue;
      fs::create_symlink(entry.path(), model() / entry.path().filename());
    }
  }

  fs::path model() const { return folder_ / "model"; }
  void write(const std::string& name, std::string_view text) const {
    folder_.file("model/" + name, text);
  }
  // By an engine, as programs have it.
  std::string opened() const {
    const Engine engine = Engine::open(model().string(), {.dtype = "float32", .device = "cpu"});
    EXPECT_EQ(engine.chat_template(), read_chat_template(model()));
    return engine.chat_template();
  }
  std::string of_config(std::string_view json) const {
    write("tokenizer_config.json", json);
    return read_chat_template(model());
  }

  TemporaryFolder folder_;
};

TEST_F(ChatTemplate, AModelNeedsNone) {
  EXPECT_EQ(opened(), "");
  EXPECT_EQ(of_config("{}"), "");
  EXPECT_EQ(of_config(R"({"chat_template": null})"), "");
}

TEST_F(ChatTemplate, AText) {
  write("tokenizer_config.json", R"({"chat_template": "{{ messages }}\nünd"})");
  EXPECT_EQ(opened(), "{{ messages }}\nünd");
}

TEST_F(ChatTemplate, TheDefaultOfAList) {
  write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "a"},
                                                       {"name": "default", "template": "b"}]})");
  EXPECT_EQ(opened(), "b");
  EXPECT_EQ(of_config(R"({"chat_template": [{"name": "tool_use", "template": "a"}]})"), "");
  EXPECT_EQ(of_config(R"({"chat_template": [3, {"name": "default"}, {"template": "a"}]})"), "");
  EXPECT_EQ(of_config(R"({"chat_template": []})"), "");
}

TEST_F(ChatTemplate, AFileOfItsOwnComesFirst) {
  write("tokenizer_config.json", R"({"chat_template": "of the config"})");
  write("chat_template.jinja", "of the file\n");
  EXPECT_EQ(opened(), "of the file\n");
  fs::remove(model() / "tokenizer_config.json");
  EXPECT_EQ(opened(), "of the file\n");
}

TEST_F(ChatTemplate, AnotherTypeIsRefused) {
  for (const auto& [json, kind] : {std::pair{R"({"chat_template": 7})", "number"},
                                   std::pair{R"({"chat_template": {"default": "a"}})", "object"}}) {
    write("tokenizer_config.json", json);
    try {
      opened();
      ADD_FAILURE() << "accepted " << json;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("tokenizer_config.json"),
                                      HasSubstr("a text or a list"), HasSubstr(kind)));
    }
  }
}

}  // namespace
}  // namespace xlstm
