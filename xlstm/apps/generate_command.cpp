// xlstm generate: a prompt in, its continuation out.
#include "xlstm/apps/generate_command.h"

#include <memory>
#include <utility>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/json.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm::apps {
namespace {

constexpr std::int64_t kMostAnswers = 1024;
constexpr std::int64_t kMostTop = 1 << 20;

Option wiring_style_option(TreeStyle& to) {
  return {.name = "--wiring-style",
          .value = "STYLE",
          .help = "unicode (default) or ascii",
          .set =
              [&to](const std::string& text) {
                to = text == "ascii" ? TreeStyle::kAscii : TreeStyle::kUnicode;
              },
          .choices = {"unicode", "ascii"},
          .needs = "--show-wiring"};
}

Json probability_json(const TokenProbability& each, const Tokenizer& tokenizer) {
  return {{"id", each.id},
          {"text", tokenizer.token_bytes(each.id)},
          {"log_probability", each.log_probability}};
}

// Of each token of the answer.
Json probabilities_json(const Completion& answer, const Tokenizer& tokenizer) {
  Json tokens = Json::array();
  for (std::size_t i = 0; i < answer.log_probabilities.size(); ++i) {
    Json token = probability_json({answer.tokens[i], answer.log_probabilities[i]}, tokenizer);
    token["top"] = Json::array();
    for (const TokenProbability& each : answer.top[i]) {
      token["top"].push_back(probability_json(each, tokenizer));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Json answer_json(const Completion& answer, const Engine& engine) {
  Json json = {{"text", answer.text},
               {"tokens", answer.tokens},
               {"prompt_tokens", answer.prompt_tokens},
               {"stop_reason", name_of(answer.stop_reason)},
               {"seed", answer.seed},
               {"statistics", statistics_json(answer, engine.memory())},
               {"model", model_json(engine.plan())}};
  if (!answer.log_probabilities.empty()) {
    json["mean_log_probability"] = mean_log_probability(answer);
    json["log_probabilities"] = probabilities_json(answer, engine.tokenizer());
  }
  return json;
}

// Streams the answer to standard output, or gathers it for --json.
Completion answer(const GenerateArguments& options, Request request, const std::string& prompt,
                  Session& session) {
  request.prompt = prompt;
  request.cancelled = interrupted;
  ProgressBar bar("Reading");
  request.on_prompt_progress = [&bar](double share) { bar.update(share); };
  return session.complete(request, [&](std::string_view text) {
    bar.clear();
    const bool read = options.json || (write_out(text) && flush_out());
    return read && !interrupted();
  });
}

void finish_output(const GenerateArguments& options, const Completion& answer,
                   const Engine& engine) {
  if (options.json) {
    write_out(json_line(answer_json(answer, engine)));
  } else if (interrupted()) {
    write_note("\n" + interrupted_prompt_text(answer));
  } else {
    write_out("\n");
  }
  flush_out();
}

void save(const StateOptions& options, const Session& session) {
  const bool has_read = session.position() > 0;
  if (!options.save.empty() && has_read) session.save(options.save);
}

int one_answer(const GenerateArguments& options, const Request& request, const std::string& prompt,
               const Engine& engine, Session& session) {
  const Completion completion = answer(options, request, prompt, session);
  // The state first: a disk that is full for the output may not be so for it, and then it is not
  // lost.
  try {
    save(options.state, session);
  } catch (const Error&) {
    finish_output(options, completion, engine);
    throw;
  }
  finish_output(options, completion, engine);
  if (options.stats) write_note(statistics_text(completion, engine.memory()));
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

// The place of an answer among several, above it.
std::string heading(const Answer& answer, std::size_t place, std::size_t count, bool ranked) {
  std::string text = str("--- ", place + 1, " of ", count, ", seed ", answer.completion.seed);
  if (ranked) {
    text += str(", mean log-probability ", decimals(mean_log_probability(answer.completion), 4));
  }
  return text + "\n";
}

int several_answers(const GenerateArguments& options, Request request, const std::string& prompt,
                    const Engine& engine, const Session& session) {
  request.prompt = prompt;
  request.cancelled = interrupted;
  ProgressBar bar("Answering");
  const std::vector<Answer> all =
      answers(engine, session, request, options.answers, [&](double share) { bar.update(share); });
  bar.clear();
  if (all.size() == 1) save(options.state, all.front().session);
  for (std::size_t place = 0; place < all.size(); ++place) {
    const Completion& completion = all[place].completion;
    if (options.json) {
      Json json = answer_json(completion, engine);
      json["index"] = all[place].number;
      write_out(json_line(json));
      continue;
    }
    if (all.size() > 1) {
      write_out(heading(all[place], place, all.size(), options.answers.best_of.has_value()));
    }
    write_out(completion.text + "\n");
    if (options.stats) write_note(statistics_text(completion, engine.memory()));
  }
  flush_out();
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

void check(const GenerateArguments& options) {
  const bool many = options.answers.n > 1;
  if (options.interactive && (many || options.answers.best_of)) {
    fail_wanted(ErrorKind::kUsage, "--n", "one answer a turn with --interactive", "several");
  }
  if (many && !options.state.save.empty()) {
    fail_wanted(ErrorKind::kUsage, "--save-state", "one answer, whose state that is",
                str("--n ", options.answers.n));
  }
}

int run_generate(const GenerateArguments& options) {
  check(options);
  if (options.interactive) return run_chat(options);
  const auto prompt = read_prompt(options.prompt);
  const bool answers = prompt || !options.state.load.empty();  // a state goes on without new text
  if (!answers && !options.info && !options.show_wiring) {
    fail_wanted(ErrorKind::kUsage, "xlstm generate",
                "--prompt TEXT, --prompt-file FILE, a text on standard input or --load-state FILE",
                "nothing; see xlstm generate --help");
  }
  check_save(options.state);
  const Engine engine = open_engine(options.model);
  const Request request = request_of(options, engine);
  show_model(options, engine);
  if (!answers) return kExitOk;
  Session session = engine.session();
  if (!options.state.load.empty()) session.load(options.state.load);
  const bool several = options.answers.n > 1 || options.answers.best_of;
  return several ? several_answers(options, request, prompt.value_or(""), engine, session)
                 : one_answer(options, request, prompt.value_or(""), engine, session);
}

OptionGroup answers_group(GenerateArguments& to) {
  Option n{"--n", "N", "So many answers to the prompt, which is read once (default: 1)",
           [&to](const std::string& text) {
             to.answers.n = static_cast<int>(parse_integer("--n", text, 1, kMostAnswers));
           }};
  Option best_of{"--best-of", "N",
                 "Of so many answers, those of the best mean log-probability: one, or --n of them",
                 [&to](const std::string& text) {
                   to.answers.best_of =
                       static_cast<int>(parse_integer("--best-of", text, 1, kMostAnswers));
                 }};
  return {"Several answers, with the seeds --seed, --seed + 1, ...", {n, best_of}};
}

OptionGroup output_group(GenerateArguments& to) {
  Option logprobs{.name = "--logprobs",
                  .value = "N",
                  .help = "In it each token's log-probability, and those of the N likeliest",
                  .set =
                      [&to](const std::string& text) {
                        to.request.top_log_probabilities =
                            static_cast<int>(parse_integer("--logprobs", text, 0, kMostTop));
                      },
                  .needs = "--json"};
  return {"Output",
          {switch_option("--json",
                         "One JSON object with text, tokens, stop reason, seed, statistics "
                         "and model; nothing before the end. Several answers: one a line",
                         to.json),
           logprobs}};
}

}  // namespace

std::vector<OptionGroup> common_groups(GenerateArguments& to, const std::string& prompt_help) {
  OptionGroup prompt = prompt_option_group(to.prompt, prompt_help);
  prompt.options.push_back(parse_special_option(to.request.parse_special));
  return {std::move(prompt),
          divided_model_option_group(to.model),
          answer_option_group(to.request, to.end_tokens),
          state_option_group(to.state),
          {"Information, on standard error",
           {switch_option("--stats", "Speed and memory after the answer", to.stats),
            switch_option("--info", "What the model is", to.info),
            switch_option("--show-wiring", "The model's structure as a tree", to.show_wiring),
            wiring_style_option(to.wiring_style)}}};
}

Request request_of(const GenerateArguments& options, const Engine& engine) {
  check_logit_bias(options.request, engine);
  Request request = options.request;
  request.end_tokens = end_token_ids(options.end_tokens, engine);
  request.constraint = constraint_of(options.constraint, engine);
  return request;
}

void show_model(const GenerateArguments& options, const Engine& engine) {
  if (options.info) {
    write_note(model_text(engine.plan()) + division_text(engine.model()) +
               memory_text(engine.memory()));
  }
  if (options.show_wiring) write_note(tree_view(engine.plan(), options.wiring_style));
}

Command generate_command() {
  const auto options = std::make_shared<GenerateArguments>();
  std::vector<OptionGroup> groups = common_groups(
      *options, "What to continue; - or nothing: standard input, if that is no terminal");
  groups.push_back(constraint_option_group(options->constraint));
  groups.push_back(answers_group(*options));
  groups.push_back(output_group(*options));
  groups.back().options.push_back(switch_option(
      "--interactive", "Turns instead of one answer: xlstm chat", options->interactive));
  return {
      .name = "generate",
      .summary = "Continue a prompt",
      .description =
          "Reads the prompt, writes what the model makes of it. The text ends with one line end "
          "that is not the model's. Ctrl-C ends it early and keeps what was written.",
      .groups = groups,
      .examples = {{"xlstm generate --prompt \"It was a dark and\"",
                    "Fifty tokens from the embedded model."},
                   {"xlstm generate -p \"Call me\" -n 200 --temperature 0.8 --top-p 0.95 --seed 7",
                    "A longer answer, the same one each time."},
                   {"xlstm generate --prompt-file letter.txt --stop '\\n\\n' --stats",
                    "Up to the end of the paragraph, with speed and memory."},
                   {"xlstm generate -p \"Chapter I.\" --save-state one.state",
                    "Keep what was read and written ..."},
                   {"xlstm generate --load-state one.state -p \" And then\"",
                    "... and go on from there, without reading it again; without a prompt the "
                    "answer goes on where it stopped."},
                   {"xlstm generate -p \"My name is\" --n 4 --seed 1",
                    "Four answers; the prompt is read once."},
                   {"xlstm generate -p \"The year was\" --regex ' 1[0-9]{3}\\.' --best-of 8",
                    "A year, the likeliest of eight."},
                   {"echo \"Once upon a time\" | xlstm generate --json | jq .text",
                    "From a pipe, for a program."}},
      .run = [options] { return run_generate(*options); },
      .devices = [options] { return options->model.devices; }};
}

}  // namespace xlstm::apps
