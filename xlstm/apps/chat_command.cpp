// xlstm chat: turns that go on from one carried state.
#include <memory>

#include "xlstm/apps/chat_completion.h"
#include "xlstm/apps/chat_session.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/generate_command.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/line_editor.h"
#include "xlstm/apps/multiline_input.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/group/together.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::apps {
namespace {

// Those that rank 0 reads; it alone has a source.
class SharedLines : public LineSource {
 public:
  explicit SharedLines(std::unique_ptr<LineSource> lines) : lines_(std::move(lines)) {}

  Line read(const std::string& prompt) override {
    Line line;
    together(this_group().get(), [&] {
      if (lines_ != nullptr) line = lines_->read(prompt);
    });
    if (this_group() != nullptr) line.end = this_group()->broadcast(line.end);
    line.text = agreed(line.text);
    return line;
  }

 private:
  std::unique_ptr<LineSource> lines_;
};

// Whether input is a terminal; else an error or Ctrl-C ends the program.
class Conversation {
 public:
  Conversation(const GenerateArguments& options, const Engine& engine)
      : options_(options),
        chat_(engine, cancellable(request_of(options, engine))),
        interactive_(stdin_is_terminal()) {
    if (!options.state.load.empty()) chat_.load(options.state.load);
  }

  int run() {
    try {
      const auto lines = open_lines();
      first_turn();
      while (!finished_) turn(*lines);
    } catch (const Error&) {
      save_after_error();
      throw;
    }
    if (!options_.state.save.empty()) save(options_.state.save);
    return interrupted() ? interrupt_exit_code() : kExitOk;
  }

 private:
  std::unique_ptr<LineSource> open_lines() const {
    if (!leads()) return std::make_unique<SharedLines>(nullptr);
    return std::make_unique<SharedLines>(own_lines());
  }

  std::unique_ptr<LineSource> own_lines() const {
    // Without a terminal to draw on there is no editor: the input terminal's own echo must do.
    if (interactive_ && stderr_is_terminal()) return std::make_unique<LineEditor>(complete_chat);
    return std::make_unique<PipeLines>();
  }

  static Request cancellable(Request request) {
    request.cancelled = interrupted;
    return request;
  }

  // Of the turns before that of an error, which is about to end the program.
  void save_after_error() const {
    if (this_group() != nullptr && this_group()->is_broken()) {
      if (!options_.state.save.empty()) {
        write_note(str("xlstm: [", options_.state.save,
                       "] is not written: a state is that of all devices together\n"));
      }
      return;
    }
    try {
      if (!options_.state.save.empty()) save(options_.state.save);
    } catch (const Error& error) {
      report_error(error);
    }
  }

  // At the end. Where nothing was read there is nothing to lose: an older state that has read
  // something stays, and that is no failure.
  void save(const std::string& file) const {
    try {
      chat_.save(file);
    } catch (const Error& error) {
      if (chat_.position() > 0 || error.kind() != ErrorKind::kUsage) throw;
      write_note("nothing was read; " + file + " stays as it was\n");
    }
  }

  void first_turn() {
    if (!options_.prompt.text && options_.prompt.file.empty()) return;
    guarded([this] { answer(read_prompt(options_.prompt).value_or("")); });
  }

  void turn(LineSource& lines) {
    const std::string prompt = chat_.branch_name() == "main" ? "> " : chat_.branch_name() + "> ";
    const Line line = read_multiline(lines, prompt);
    if (line.end == LineEnd::kEndOfInput) {
      finished_ = true;
    } else if (line.end == LineEnd::kInterrupted) {
      after_interrupt("Ctrl-D or /quit leaves\n");
    } else if (interactive_ || !line.text.empty()) {  // a file's empty lines ask for nothing
      guarded([this, &line] { respond(line.text); });
    }
  }

  void respond(const std::string& text) {
    if (text.starts_with("//")) {
      answer(text.substr(1));
    } else if (text.starts_with('/')) {
      carry_out(chat_.command(text));
    } else {
      answer(text);
    }
  }

  void carry_out(const CommandReply& reply) {
    write_note(reply.note);
    switch (reply.then) {
      case CommandReply::Then::kNothing:
        break;
      case CommandReply::Then::kContinue:
        answer("");
        break;
      case CommandReply::Then::kRegenerate:
        show_answer([this](const auto&... callbacks) { return chat_.regenerate(callbacks...); });
        break;
      case CommandReply::Then::kQuit:
        finished_ = true;
        break;
    }
  }

  void answer(const std::string& text) {
    require_utf8("turn", text);
    show_answer([&](const auto&... callbacks) { return chat_.answer(text, callbacks...); });
  }

  // `make` takes the callbacks that show an answer and its prompt's progress.
  template <typename Make>
  void show_answer(const Make& make) {
    Completion completion;
    {
      ProgressBar bar("Reading");
      completion = make(OnCompletionText([&bar](std::string_view piece) {
                          bar.clear();
                          return write_out(piece) && flush_out() && !interrupted();
                        }),
                        std::function<void(double)>([&bar](double share) { bar.update(share); }));
    }
    if (agreed(interrupted())) {
      after_interrupt("\n" + interrupted_prompt_text(completion));
    } else if (!write_out("\n") || !flush_out()) {
      finished_ = true;  // the reader closed the pipe
    }
    if (options_.stats) write_note(chat_.statistics());
  }

  void after_interrupt(std::string_view note) {
    write_note(note);
    if (interactive_ && !agreed(termination_requested())) {
      clear_interrupt();
    } else {
      finished_ = true;
    }
  }

  // A person corrects an error and goes on; a script must not.
  template <typename Action>
  void guarded(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      if (!interactive_) throw;
      report_error(error);
    }
  }

  const GenerateArguments& options_;
  ChatSession chat_;
  bool interactive_;
  bool finished_ = false;
};

void greet(const Engine& engine) {
  if (!stdin_is_terminal()) return;
  write_note(engine.plan().name +
             " goes on from what you type. /help lists commands, Ctrl-D leaves.\n");
}

}  // namespace

int run_chat(const GenerateArguments& options) {
  if (options.json) {
    fail_wanted(ErrorKind::kUsage, "--json", "one answer", "--interactive, which has many");
  }
  if (options.prompt.text == "-" || options.prompt.file == "-") {
    fail_wanted(ErrorKind::kUsage, "xlstm chat", "a first turn that is not on standard input",
                "\"-\"; turns are read from there");
  }
  check_save(options.state);
  const Engine engine = open_engine(options.model);
  show_model(options, engine);
  greet(engine);
  return Conversation(options, engine).run();
}

Command chat_command() {
  const auto options = std::make_shared<GenerateArguments>();
  options->interactive = true;
  return {
      .name = "chat",
      .summary = "Take turns with the model, the state carried over",
      .description =
          "Each line is a turn; the model continues the text as it stands, and remembers. At a "
          "terminal lines can be edited and recalled; through a pipe each line is a turn all the "
          "same. Commands start with a slash: /continue /regenerate /reset /undo /fork /switch "
          "/branches /save /load /stats /help /quit. Ctrl-C stops an answer, Ctrl-D leaves.",
      .groups = common_groups(*options, "The first turn"),
      .examples = {{"xlstm chat --max-tokens 100 --temperature 0.8",
                    "Answers of up to 100 tokens."},
                   {"xlstm chat --load-state one.state --save-state one.state",
                    "A conversation that goes on from day to day."},
                   {"printf 'Call me\\nThe whale\\n' | xlstm chat --temperature 0",
                    "Two turns from a pipe."}},
      .run = [options] { return run_chat(*options); },
      .devices = [options] { return options->model.devices; }};
}

}  // namespace xlstm::apps
