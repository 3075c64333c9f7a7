// The work of xlstm batch: lines become rows of a batch, and answers when they are done. Ranks that
// run it together all have the rows; rank 0 alone reads lines and writes answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>

#include "xlstm/apps/batch_input.h"
#include "xlstm/apps/batch_lines.h"
#include "xlstm/apps/batch_output.h"
#include "xlstm/apps/batch_round.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"
#include "xlstm/generate/stopwatch.h"

namespace xlstm::apps {

struct BatchSetup {
  Request request;                                // of lines that say nothing else
  std::size_t rows = 1;                           // under way at once
  std::optional<BatchInput::Counts> counts = {};  // where they are known
  EngineOptions engine;                           // for the soft limit, and the ranks
  std::string input_name = {};                    // for errors
};

struct BatchSummary {
  std::uint64_t answered = 0, failed = 0;
  std::uint64_t prompt_tokens = 0, tokens = 0;  // read, chosen
  double seconds = 0;
  bool interrupted = false;
  // The failed line that comes first in the input.
  std::uint64_t first_failed = 0;
  std::string first_reason = {};
  int first_code = 0;  // an exit code
};

// What rank 0, or a process that runs alone, reads and writes.
struct BatchFiles {
  BatchOutput output;
  BatchInput input;

  // As theirs.
  BatchFiles(const std::string& in, const std::string& out, std::uint64_t options, bool restart,
             bool keep_failed)
      : output(out, restart), input(in, options, output, keep_failed) {}
};

class BatchJob {
 public:
  // All must live as long as this. `files` are null on ranks that follow.
  BatchJob(const Engine& engine, BatchSetup setup, BatchFiles* files);

  // To the end, or until Ctrl-C, which drops the rows under way, or until nobody reads standard
  // output. Throws Error where input or output fail, or a rank.
  BatchSummary run();

 private:
  void run_rows();
  BatchRound next_round();
  bool read_lines(std::vector<BatchLine>& lines);
  void start(BatchLine line);
  void check_ranks(const std::vector<Batch::Finished>& finished) const;
  void take(const Batch::Finished& finished);
  void fail_line(const BatchKey& key, std::exception_ptr error);
  void write(const std::string& line);
  void respect_limit();
  void show_progress();

  const Engine& engine_;
  BatchSetup setup_;
  BatchFiles* files_;
  Batch batch_;

  struct Row {
    BatchKey key;
    std::size_t bytes = 0;  // of its line
  };
  std::map<Batch::Row, Row> rows_;  // waiting and under way
  std::size_t bytes_ = 0;           // of their lines
  bool ended_ = false;              // the input
  bool read_ = true;                // whether somebody reads the output

  BatchSummary summary_;
  ProgressBar bar_{"Answering"};
  Stopwatch watch_;  // since it began
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace xlstm::apps
