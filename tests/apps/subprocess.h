// Runs a program as a person or a script would: arguments, standard input, a terminal, signals.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace xlstm::testing {

struct RunOptions {
  std::string input = {};                               // standard input
  std::map<std::string, std::string> environment = {};  // set on top of ours
  std::string out_file = {};        // standard output goes there instead of into Result
  std::size_t file_size_limit = 0;  // bytes a file may grow to; 0: no limit
  std::vector<int> closed = {};     // of the standard descriptors
  bool blocks = true;               // whether the descriptors do; node hands on ones that do not
};

struct Result {
  int code = -1;    // exit code, or 128 + signal
  std::string out;  // standard output
  std::string err;  // standard error
};

// Runs to the end. A program that has not ended after five minutes is killed (code 128 + SIGALRM).
Result run(const std::vector<std::string>& command, const RunOptions& options = {});

// A program that is talked to while it runs. Killed by the destructor if it still does, and after
// four minutes in any case, so that a test that waits for what never comes fails with what came
// instead.
class Process {
 public:
  enum class Streams { kPipes, kTerminal };  // kTerminal: all three are one pseudo-terminal
  // `columns` of a terminal; it has 24 rows.
  Process(const std::vector<std::string>& command, Streams streams,
          const std::map<std::string, std::string>& environment = {}, int columns = 80);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void write(const std::string& text);  // of any length: what comes meanwhile is read
  void resize(int columns);             // of the terminal
  void close_input();
  void close_output();  // nobody reads standard output any more
  pid_t id() const { return child_; }
  void send(int signal_number);
  void send_to_all(int signal_number);  // also to what the program started

  // Reads standard output until `text` follows what the last call waited for; returns all that was
  // read. Throws std::runtime_error, which tells all that was read, if it ends before.
  const std::string& read_until(const std::string& text);
  const std::string& read_all() { return read_until_(nullptr); }
  std::string read_errors();  // to the end
  int wait();                 // as Result::code

 private:
  void write_to_terminal(const std::string& text);
  const std::string& read_until_(const std::string* text);

  pid_t child_ = -1;
  int input_ = -1, output_ = -1, errors_ = -1;
  int code_ = -1;
  std::string read_;
  std::size_t seen_ = 0;  // of read_: up to where texts waited for were found
};

}  // namespace xlstm::testing
