// A conversation with branches and undo: what the chat's commands act on. Knows no terminal.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "xlstm/engine/engine.h"

namespace xlstm::apps {

// What may stand after a command.
enum class Follows { kNothing, kName, kFile };
const std::map<std::string_view, Follows>& chat_commands();

struct CommandReply {
  enum class Then { kNothing, kContinue, kRegenerate, kQuit };

  std::string note = {};  // for the person, not part of any answer
  Then then = Then::kNothing;
};

class ChatSession {
 public:
  ChatSession(Engine engine, Request request);

  // Reads `text` and answers; without a text the last answer goes on. The state is carried over;
  // nothing is read twice. After an error all is as it was.
  Completion answer(const std::string& text, const OnCompletionText& on_text,
                    const std::function<void(double)>& on_prompt_progress = {});
  // Takes the last answer back and answers the same again: otherwise, where the seed is made up.
  // Throws Error(kUsage) if the last step that /undo would take back was no answer; then, and after
  // any other error, all is as it was.
  Completion regenerate(const OnCompletionText& on_text,
                        const std::function<void(double)>& on_prompt_progress = {});

  // Carries out "/name argument", but for what the reply leaves to the caller. An unknown name
  // gives the help. Throws Error.
  CommandReply command(std::string_view line);

  void load(const std::string& file);
  void save(const std::string& file) const;

  std::uint64_t position() const { return branch().session.position(); }
  const std::string& branch_name() const { return name_; }
  std::string statistics() const;  // of the last answer, the state and the memory

 private:
  // The state before a turn, and what was read then; nothing for /reset and /load.
  struct Step {
    Session session;
    std::optional<std::string> text;
  };
  // One line of conversation: the state now and before the last turns. A copy of a state costs its
  // constant size at most, so only so many are kept.
  struct Branch {
    Session session;
    std::deque<Step> before;
  };
  static constexpr std::size_t kUndoDepth = 8;

  Branch& branch() { return branches_.at(name_); }
  const Branch& branch() const { return branches_.at(name_); }
  void remember(Step step);  // for /undo

  std::string reset();
  std::string undo();
  std::string fork(std::string name);
  std::string switch_to(std::string name);
  std::string list() const;

  Engine engine_;
  Request request_;
  std::string name_ = "main";
  std::string previous_;  // branch that /switch goes back to; "": none
  std::map<std::string, Branch> branches_;
  std::optional<Completion> last_;
};

}  // namespace xlstm::apps
