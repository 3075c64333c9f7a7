// Signals that end a run (Ctrl-C, SIGTERM and SIGHUP), and waits that they interrupt.
#pragma once

namespace xlstm::apps {

// From now on SIGINT, SIGTERM and SIGHUP only set a flag that interrupted() returns, so that what
// runs can stop and save. A second one, before the first was cleared, ends the program at once, the
// terminal as it was found. Signals that were ignored at the start (nohup, say) stay so.
void catch_interrupts();

// The same signals end the program at once, the terminal as it was found: for what has nothing to
// keep. Call it after catch_interrupts().
void exit_on_interrupts();

// Of a process that was started as one of several: what the one that started it passes on. Until it
// hears them, they wait, where it was told to hold them back before it became this program.
void hear_passed_on_interrupts();
void hold_back_passed_on_interrupts();

// Of a rank that follows another: Ctrl-C and a hang-up are that one's. SIGTERM is, too, where it
// was ignored at the start, else it ends the process.
void follow_interrupts();

// Of a process that starts others, which hear a terminal's Ctrl-C themselves: signals that programs
// send, any number of them, set the flag, and those of the terminal do nothing.
void note_programs_interrupts();

bool interrupted();
// Whether it was SIGTERM or SIGHUP: then a conversation cannot go on either.
bool termination_requested();
// Forgets a Ctrl-C. What termination_requested() says stays.
void clear_interrupt();

// 128 and the signal's number, as shells count it: 130 for Ctrl-C, 143 for SIGTERM.
int interrupt_exit_code();

// Throws Interrupted (exit_code.h) if interrupted().
void throw_if_interrupted();

enum class Wait {
  kReady,        // to be read, or at its end
  kInterrupted,  // also where it came before the wait
  kWoken,        // by wake_waiting(), also before the wait
  kTimeout
};
inline constexpr int kForever = -1;
// Waits for `descriptor`, at most so long.
Wait wait_for(int descriptor, int milliseconds);
// Ends a wait_for(), or the next one. Also from a signal handler.
void wake_waiting();

// Waits until `descriptor` can be read, or has ended. False: interrupted, also before the wait.
bool wait_readable(int descriptor);

// Waits until `descriptor` can be written, or never can. False: interrupted, and it cannot be
// written now.
bool wait_writable(int descriptor);

}  // namespace xlstm::apps
