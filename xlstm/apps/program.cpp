#include "xlstm/apps/program.h"

#include <signal.h>

#include <optional>

#include "xlstm/apps/command.h"
#include "xlstm/apps/descriptors.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/help.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/launch_ranks.h"
#include "xlstm/apps/parse.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/environment.h"

namespace xlstm::apps {

std::vector<Command> all_commands() {
  std::vector<Command> commands = {generate_command(), chat_command(),       batch_command(),
                                   forecast_command(), info_command(),       wiring_command(),
                                   tokenize_command(), detokenize_command(), perplexity_command(),
                                   bench_command(),    convert_command(),    download_command(),
                                   cache_command(),    doctor_command(),     completion_command()};
  commands.push_back(help_command(commands));
  return commands;
}

namespace {

// 0: it does not say.
int devices_of(const Command& command) {
  return command.devices ? command.devices() : 0;
}

// Where mpirun or the like has started several of us.
void check_ranks(const Command& command, const std::vector<Command>& commands,
                 const Rendezvous& place) {
  if (!command.devices) {
    fail_wanted(ErrorKind::kUsage, "xlstm " + command.name,
                "one process (several ranks are for " + names_with_devices(commands) + ")",
                str(place.size, " ranks"));
  }
  const int devices = devices_of(command);
  if (devices == 0 || devices == place.size) return;
  fail_wanted(ErrorKind::kUsage, "--devices", str("the ", place.size, " ranks that were started"),
              str(devices));
}

int run_arguments(int argc, const char* const* argv) {
  const std::vector<Command> commands = all_commands();
  const Parsed parsed = parse_arguments(argc, argv, commands);
  if (parsed.mode == RunMode::kVersion) {
    write_out(version_text());
    return kExitOk;
  }
  if (parsed.mode == RunMode::kHelp) {
    write_out(parsed.command == nullptr ? program_help(commands) : command_help(*parsed.command));
    return kExitOk;
  }
  check_environment();  // an error of every command, wherever it first matters
  if (const std::optional<Rendezvous> place = rendezvous_from_environment()) {
    become_rank(*place);
    check_ranks(*parsed.command, commands, *place);
    hear_passed_on_interrupts();
    join_ranks(*place);
  } else if (const int devices = devices_of(*parsed.command); devices > 1) {
    return launch_ranks(argc, argv, devices);
  }
  return parsed.command->run();
}

// What was answered comes before the error that ends it, also where both go to one terminal.
void show_answers_so_far() {
  try {
    flush_out();
  } catch (const Error&) {  // one error is enough
  }
}

int run_to_the_end(int argc, const char* const* argv) {
  occupy_standard_descriptors();
  // A closed pipe and a file that may not grow are errors of write(), which we report.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  catch_interrupts();
  try {
    const int code = run_arguments(argc, argv);
    flush_out();
    return output_was_truncated() && interrupted() ? interrupt_exit_code() : code;
  } catch (const Interrupted&) {
    show_answers_so_far();
    write_note("\n");
    return interrupt_exit_code();
  } catch (const std::exception& error) {
    show_answers_so_far();
    return leads() ? report_error(error) : end_of_follower(error);
  }
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  const int code = run_to_the_end(argc, argv);
  leave_ranks();
  return code;
}

}  // namespace xlstm::apps
