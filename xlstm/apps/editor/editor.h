// Keys into a text: what each of them does. Knows no terminal.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/apps/editor/edit_buffer.h"
#include "xlstm/apps/editor/key_decoder.h"
#include "xlstm/apps/editor/vi_command.h"

namespace xlstm::apps {

enum class EditMode { kEmacs, kVi };

// What whoever owns the terminal has to do after a key.
enum class Edited {
  kOn,           // show the text and wait for the next key
  kBell,         // the key could not do what it is for
  kLine,         // the text is complete
  kDropped,      // Ctrl-C
  kEndOfInput,   // Ctrl-D without a text
  kSuspend,      // Ctrl-Z
  kClearScreen,  // Ctrl-L
  kChoices       // show choices()
};

// What may stand in the place of [from, cursor) of the text before the cursor.
struct Choices {
  std::size_t from = 0;
  std::vector<std::string> words = {};  // each begins with what stands there; sorted
};
// nullopt: Tab is text here.
using Completer = std::function<std::optional<Choices>(std::string_view before_cursor)>;

class Editor {
 public:
  // `history` is not copied, and only read.
  Editor(EditMode mode, const std::vector<std::string>& history, Completer complete);

  void begin();  // an empty text
  Edited handle(const Key& key);

  const std::string& text() const { return buffer_.text(); }
  std::size_t cursor() const { return buffer_.cursor(); }
  // What stands before the text instead of the prompt, during a search in the history.
  std::optional<std::string> search_prompt() const;
  const std::vector<std::string>& choices() const { return choices_; }
  EditMode mode() const { return mode_; }

 private:
  // One control key of both modes, or of the emacs mode.
  Edited common(const Key& key);
  Edited control(char key);
  Edited emacs_control(char key);
  Edited emacs_meta(const Key& key);
  void change_case(char how);
  void exchange_glyphs();

  struct ViTarget {
    std::size_t at;
    bool inclusive;  // an operator takes the glyph there too
  };
  Edited vi_keys(std::string_view keys);
  Edited vi_run(const ViCommand& command);
  Edited vi_simple(const ViCommand& command);
  Edited vi_operate(char action, std::size_t target);
  std::optional<ViTarget> vi_target(const ViCommand& command);
  std::optional<ViTarget> vi_motion(char key, std::size_t count) const;
  std::optional<ViTarget> vi_find(char kind, std::size_t count) const;
  Edited vi_insert_at(std::size_t cursor);
  void vi_leave_insert();
  bool in_vi_commands() const { return mode_ == EditMode::kVi && !inserting_; }

  Edited search(const Key& key);
  void search_from(std::size_t end);

  Edited tab();
  Edited erase_or_end();
  void kill(std::size_t from, std::size_t to);
  Edited older();
  Edited newer();
  Edited go_to_entry(std::size_t entry);
  Edited type(std::string_view text);

  EditMode mode_;
  const std::vector<std::string>& history_;
  Completer complete_;
  EditBuffer buffer_;
  std::string killed_;
  std::vector<std::string> choices_;
  std::size_t entry_ = 0;  // of history_; its size: the new text
  std::string new_text_;   // while an older one is shown
  bool quoted_ = false;    // Ctrl-V: the next control key is text
  bool escaped_ = false;   // emacs: Escape before a key
  bool searching_ = false;
  std::string pattern_;
  bool inserting_ = true;  // vi
  std::string pending_;    // vi: count and operator typed so far
  std::string last_find_;  // vi: f, F, t or T and its glyph, for ; and ,
};

}  // namespace xlstm::apps
