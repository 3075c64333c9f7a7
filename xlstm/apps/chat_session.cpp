#include "xlstm/apps/chat_session.h"

#include <algorithm>
#include <utility>

#include "xlstm/apps/report.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::apps {
namespace {

constexpr char kHelp[] =
    "A turn is a line; its text is continued as it stands. A line ending in \\ goes on in the "
    "next;\n"
    "\"\"\" opens a block of lines and closes it. // at the start stands for one /.\n"
    "An empty line lets the answer go on.\n"
    "  /continue       let the answer go on\n"
    "  /regenerate     take the last answer back and answer again\n"
    "  /reset          forget everything read\n"
    "  /undo           back to before the last turn (or /reset, /load), up to 8 times\n"
    "  /fork [NAME]    copy the state and go on in the copy, a new branch\n"
    "  /switch [NAME]  go to another branch; without a name: back to the one before\n"
    "  /branches       list them\n"
    "  /save FILE      save the state\n"
    "  /load FILE      go on from a saved state\n"
    "  /stats          speed of the last answer, position, memory\n"
    "  /help           this text\n"
    "  /quit           leave; so does Ctrl-D\n"
    "Ctrl-C stops an answer and keeps the session.\n";

// A fork's name stands in the prompt and in lists: one word that shows.
bool good_name(std::string_view name) {
  return is_printable(name) && name.find(' ') == std::string_view::npos;
}

std::string require_file(std::string_view command, const std::string& argument) {
  if (argument.empty()) fail_wanted(ErrorKind::kUsage, command, "a file name", "nothing");
  return argument;
}

std::pair<std::string, std::string> split_command(std::string_view line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  std::string_view rest = line.substr(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  rest.remove_suffix(rest.size() - (rest.find_last_not_of(' ') + 1));
  return {std::string(line.substr(0, end)), std::string(rest)};
}

using Then = CommandReply::Then;

}  // namespace

const std::map<std::string_view, Follows>& chat_commands() {
  static const std::map<std::string_view, Follows> commands = {
      {"/continue", Follows::kNothing}, {"/regenerate", Follows::kNothing},
      {"/reset", Follows::kNothing},    {"/undo", Follows::kNothing},
      {"/fork", Follows::kName},        {"/switch", Follows::kName},
      {"/branches", Follows::kNothing}, {"/save", Follows::kFile},
      {"/load", Follows::kFile},        {"/stats", Follows::kNothing},
      {"/help", Follows::kNothing},     {"/quit", Follows::kNothing},
      {"/exit", Follows::kNothing}};
  return commands;
}

ChatSession::ChatSession(Engine engine, Request request)
    : engine_(std::move(engine)), request_(std::move(request)) {
  branches_.emplace(name_, Branch{engine_.session(), {}});
}

void ChatSession::remember(Step step) {
  Branch& now = branch();
  now.before.push_back(std::move(step));
  if (now.before.size() > kUndoDepth) now.before.pop_front();
}

Completion ChatSession::answer(const std::string& text, const OnCompletionText& on_text,
                               const std::function<void(double)>& on_prompt_progress) {
  Request request = request_;
  request.on_prompt_progress = on_prompt_progress;
  request.prompt = text;
  Session now = branch().session;
  Completion completion = now.complete(request, on_text);
  remember({std::exchange(branch().session, std::move(now)), text});
  last_ = completion;
  return completion;
}

Completion ChatSession::regenerate(const OnCompletionText& on_text,
                                   const std::function<void(double)>& on_prompt_progress) {
  if (branch().before.empty() || !branch().before.back().text) {
    fail_wanted(ErrorKind::kUsage, "/regenerate", "an answer to take back", "none");
  }
  const Branch as_it_was = branch();
  branch().session = as_it_was.before.back().session;
  branch().before.pop_back();
  try {
    return answer(*as_it_was.before.back().text, on_text, on_prompt_progress);
  } catch (...) {
    branch() = as_it_was;
    throw;
  }
}

CommandReply ChatSession::command(std::string_view line) {
  const auto [name, argument] = split_command(line);
  if (const auto known = chat_commands().find(name); known == chat_commands().end()) {
    return {"unknown command " + quoted(name) + "\n" + kHelp};
  } else if (known->second == Follows::kNothing && !argument.empty()) {
    fail_wanted(ErrorKind::kUsage, name, "nothing after it", quoted(argument));
  }
  if (name == "/quit" || name == "/exit") return {"", Then::kQuit};
  if (name == "/continue") return {"", Then::kContinue};
  if (name == "/regenerate") return {"", Then::kRegenerate};
  if (name == "/help") return {kHelp};
  if (name == "/stats") return {statistics()};
  if (name == "/reset") return {reset()};
  if (name == "/undo") return {undo()};
  if (name == "/fork") return {fork(argument)};
  if (name == "/switch") return {switch_to(argument)};
  if (name == "/branches") return {list()};
  if (name == "/save") {
    require_output_name(name, require_file(name, argument));
    save(argument);
    return {str("saved at position ", branch().session.position(), "\n")};
  }
  load(require_file(name, argument));
  return {str("at position ", branch().session.position(), "\n")};
}

void ChatSession::load(const std::string& file) {
  Session loaded = branch().session;
  loaded.load(file);
  remember({branch().session, std::nullopt});
  branch().session = std::move(loaded);
}

void ChatSession::save(const std::string& file) const {
  branch().session.save(file);
}

std::string ChatSession::reset() {
  remember({branch().session, std::nullopt});
  branch().session.reset();
  return "at position 0\n";
}

std::string ChatSession::undo() {
  Branch& now = branch();
  if (now.before.empty()) fail_wanted(ErrorKind::kUsage, "/undo", "a turn to take back", "none");
  now.session = std::move(now.before.back().session);
  now.before.pop_back();
  return str("back at position ", now.session.position(), "\n");
}

std::string ChatSession::fork(std::string name) {
  for (int number = 1; name.empty(); ++number) {
    const std::string candidate = str("fork-", number);
    if (!branches_.contains(candidate)) name = candidate;
  }
  if (!good_name(name)) {
    fail_wanted(ErrorKind::kUsage, "/fork", "a name without blanks and control characters",
                quoted(name));
  }
  if (branches_.contains(name)) {
    fail_wanted(ErrorKind::kUsage, "/fork", "a new name", quoted(name) + ", which exists");
  }
  branches_.emplace(name, branch());
  previous_ = std::exchange(name_, name);
  return "now in " + name_ + "; /switch goes back\n";
}

std::string ChatSession::switch_to(std::string name) {
  if (name.empty()) {
    if (previous_.empty()) {
      fail_wanted(ErrorKind::kUsage, "/switch", "a branch to go back to", "none; /fork makes one");
    }
    name = previous_;
  }
  if (!branches_.contains(name)) {
    fail_wanted(ErrorKind::kUsage, "/switch", "a branch that /branches lists", quoted(name));
  }
  if (name != name_) previous_ = std::exchange(name_, name);
  return str("now in ", name_, ", position ", branch().session.position(), "\n");
}

std::string ChatSession::list() const {
  std::string text;
  for (const auto& [name, branch] : branches_) {
    text += str(name == name_ ? "* " : "  ", name, ", position ", branch.session.position(), "\n");
  }
  return text;
}

std::string ChatSession::statistics() const {
  const Session& session = branch().session;
  const MemoryUse memory = engine_.memory();
  return (last_ ? statistics_text(*last_, memory) : memory_text(memory)) +
         fact("position",
              str(session.position(), " tokens read, state ", human_bytes(session.bytes()), ", ",
                  branches_.size(), " branch", branches_.size() == 1 ? "" : "es"));
}

}  // namespace xlstm::apps
