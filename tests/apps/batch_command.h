// xlstm batch as tests run it: lines of prompts in, lines of answers out.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/apps/command_line.h"

namespace xlstm::testing {

using Json = nlohmann::json;

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The last answer to each line, as docs/cli.md tells readers to take it.
inline std::map<std::size_t, Json> answers_of(const std::string& text) {
  std::map<std::size_t, Json> answers;
  for (const std::string& line : lines_of(text)) {
    const Json json = Json::parse(line);
    answers[json["index"].get<std::size_t>()] = json;
  }
  return answers;
}

inline std::string jsonl(const std::vector<Json>& lines) {
  std::string text;
  for (const Json& line : lines) text += line.dump() + "\n";
  return text;
}

class BatchCommand : public CommandLine {
 protected:
  const std::string in_ = file("in.jsonl").string();
  const std::string out_ = file("out.jsonl").string();

  Result batch(const std::vector<std::string>& more, const RunOptions& options = {}) const {
    std::vector<std::string> arguments = {"batch", in_, out_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return xlstm(arguments, options);
  }
  std::string out() const { return content_of(out_); }
  void write_prompts(const std::vector<Json>& lines) const { write("in.jsonl", jsonl(lines)); }

  // Answers of a run over `lines` at once, from pipe to pipe.
  std::map<std::size_t, Json> piped(const std::vector<Json>& lines,
                                    std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "batch");
    const Result result = xlstm(more, {.input = jsonl(lines)});
    EXPECT_EQ(result.code, 0) << result.err;
    return answers_of(result.out);
  }

  // Of `words`, a command from pipe to pipe: each line, the last one without its end, is answered
  // while the next one is not there.
  void expect_answer_before_the_next_line(const std::vector<std::string>& words) const {
    Process process(command(words), Process::Streams::kPipes);
    process.write("\"a\"\n");
    process.read_until("{\"index\":0,");
    process.write("\"b\"\n\"c");
    process.read_until("{\"index\":1,");
    process.write("\"");
    process.close_input();
    process.read_until("{\"index\":2,");
    EXPECT_EQ(process.wait(), 0);
  }
  void expect_quiet_end_at_a_closed_pipe(const std::vector<std::string>& words) const {
    Process process(command(words), Process::Streams::kPipes);
    process.write("\"a\"\n");
    process.read_until("{\"index\":0,");
    process.close_output();
    process.write("\"b\"\n");
    process.close_input();
    EXPECT_EQ(process.wait(), 0);
    EXPECT_THAT(process.read_errors(), ::testing::IsEmpty());
  }

  // What `xlstm generate` says.
  std::string alone(const std::string& prompt, std::vector<std::string> more) const {
    more.insert(more.begin(), {"generate", "--prompt", prompt, "--json"});
    return Json::parse(xlstm(more).out)["text"];
  }
};

}  // namespace xlstm::testing
