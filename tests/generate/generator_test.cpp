#include "xlstm/generate/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mlx/memory.h"
#include "tests/generate/classics.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using test::classics;
using ::testing::HasSubstr;
using Ids = std::vector<TokenId>;

GenerateOptions greedy(std::int64_t max_tokens = 64) {
  return {.max_tokens = max_tokens, .sampling = {.temperature = 0}};
}

Generated run(ModelState& state, const Ids& prompt, const GenerateOptions& options,
              const OnText& on_text = {}) {
  return generate(classics().model, classics().tokenizer, state, prompt, options, on_text);
}

Generated run(const Ids& prompt, const GenerateOptions& options, const OnText& on_text = {}) {
  ModelState state = classics().model.initial_state();
  return run(state, prompt, options, on_text);
}

Ids prompt() {
  return test::golden_ids("p0.ids");
}

Ids join(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

class Golden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Classics, Golden, ::testing::Values("p0", "p1", "p2"),
                         [](const auto& param) { return param.param; });

TEST_P(Golden, greedy_continuation_is_the_reference_s) {
  const Generated out = run(test::golden_ids(GetParam() + ".ids"), greedy());
  EXPECT_EQ(out.tokens, test::golden_continuation(GetParam()));
  EXPECT_EQ(out.reason, StopReason::kMaxTokens);
}

TEST_P(Golden, streamed_text_is_the_tokens_text) {
  std::string streamed;
  int pieces = 0;
  const Generated out =
      run(test::golden_ids(GetParam() + ".ids"), greedy(), [&](std::string_view piece) {
        EXPECT_FALSE(piece.empty());
        streamed += piece;
        ++pieces;
        return true;
      });
  EXPECT_EQ(streamed, out.text);
  EXPECT_EQ(streamed, classics().tokenizer.decode(out.tokens));
  EXPECT_GT(pieces, 30);  // piece by piece, not all at the end
}

TEST(Generator, state_has_read_prompt_and_answer) {
  // Two runs, the second on the first's state, against one run over all the tokens.
  const Ids more = test::golden_ids("p1.ids");
  ModelState state = classics().model.initial_state();
  const Generated first = run(state, prompt(), greedy(20));
  EXPECT_EQ(state.positions.front(), prompt().size() + 20);
  const Generated second = run(state, more, greedy(20));
  EXPECT_EQ(second.tokens, run(join({prompt(), first.tokens, more}), greedy(20)).tokens);
  EXPECT_EQ(state.positions.front(), prompt().size() + 40 + more.size());
}

TEST(Generator, forks_do_not_touch_each_other) {
  ModelState state = classics().model.initial_state();
  const Generated first = run(state, prompt(), greedy(10));
  const Ids more = {classics().tokenizer.encode(" and")};
  ModelState a = state, b = state;
  const Ids expected = run(join({prompt(), first.tokens, more}), greedy(15)).tokens;
  EXPECT_EQ(run(a, more, greedy(15)).tokens, expected);
  EXPECT_EQ(run(b, more, greedy(15)).tokens, expected);
  EXPECT_EQ(run(state, more, greedy(15)).tokens, expected);
}

TEST(Generator, end_token_ends_and_is_not_shown) {
  const Ids expected = test::golden_continuation("p0");
  const TokenId end = expected[7];
  const auto first =
      static_cast<std::size_t>(std::find(expected.begin(), expected.end(), end) - expected.begin());
  GenerateOptions options = greedy();
  options.end_tokens = {end};
  ModelState state = classics().model.initial_state();
  const Generated out = run(state, prompt(), options);
  EXPECT_EQ(out.reason, StopReason::kEndToken);
  EXPECT_EQ(out.tokens,
            Ids(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(first) + 1));
  EXPECT_EQ(out.text, classics().tokenizer.decode(std::span(expected).first(first)));
  EXPECT_EQ(state.positions.front(), prompt().size() + first + 1);  // the end token was read
}

TEST(Generator, stop_string_across_tokens_is_not_shown) {
  const std::string whole = run(prompt(), greedy()).text;
  for (const std::size_t begin : {std::size_t{10}, std::size_t{37}, whole.size() - 12}) {
    GenerateOptions options = greedy();
    options.stop = {"\x01 not in the text", whole.substr(begin, 9)};
    const std::size_t first = whole.find(options.stop[1]);
    std::string streamed;
    const Generated out = run(prompt(), options, [&](std::string_view piece) {
      streamed += piece;
      return true;
    });
    EXPECT_EQ(out.reason, StopReason::kStopString);
    EXPECT_EQ(out.text, whole.substr(0, first));
    EXPECT_EQ(streamed, out.text);
  }
}

// Greedy tokens under a bias and a presence penalty come in turns: the first, then the second.
GenerateOptions in_turns(TokenId first, TokenId second, std::int64_t max_tokens) {
  GenerateOptions options = greedy(max_tokens);
  options.sampling.logit_bias = {{first, 10000.0F}, {second, 9000.0F}};
  options.sampling.presence_penalty = 5000.0F;
  options.uncounted = prompt().size();
  return options;
}

TEST(Generator, stop_strings_are_met_by_hidden_tokens) {
  const TokenId padding = 1, word = classics().tokenizer.encode(" and").front();
  ASSERT_TRUE(classics().tokenizer.is_hidden(padding));
  EXPECT_EQ(run(prompt(), in_turns(padding, word, 2)).tokens, (Ids{padding, word}));
  struct Case {
    GenerateOptions options;
    std::string stop;
    std::size_t tokens;
    std::string text;
  };
  for (const auto& [given, stop, tokens, text] :
       {Case{in_turns(padding, word, 2), "<|padding|>", 1, ""},
        Case{in_turns(padding, word, 2), "<|padding|> an", 2, ""},
        Case{in_turns(word, padding, 2), "<|padding|>", 2, " and"},
        Case{in_turns(word, padding, 2), "nd<|padding|>", 2, " a"}}) {
    GenerateOptions options = given;
    options.stop = {stop};
    std::string streamed;
    const Generated out = run(prompt(), options, [&](std::string_view piece) {
      streamed += piece;
      return true;
    });
    EXPECT_EQ(out.reason, StopReason::kStopString) << stop;
    EXPECT_EQ(out.tokens.size(), tokens) << stop;
    EXPECT_EQ(out.text, text) << stop;
    EXPECT_EQ(streamed, text) << stop;
  }
  GenerateOptions options = in_turns(word, padding, 2);
  options.stop = {" and<|padding|>!"};
  EXPECT_EQ(run(prompt(), options).text, " and");  // held back, and shown in the end
}

TEST(Generator, a_stop_that_an_end_token_completes_is_not_shown) {
  const TokenId padding = 1, word = classics().tokenizer.encode(" and").front();
  GenerateOptions options = in_turns(word, padding, 5);
  options.end_tokens = {padding};
  EXPECT_EQ(run(prompt(), options).text, " and");
  options.stop = {"nd<|padding|>"};
  const Generated out = run(prompt(), options);
  EXPECT_EQ(out.text, " a");
  EXPECT_EQ(out.tokens, (Ids{word, padding}));
  EXPECT_EQ(out.reason, StopReason::kEndToken);
}

TEST(Generator, a_character_cut_by_a_hidden_stop_token_is_shown_as_it_is) {
  const Ids emoji = classics().tokenizer.encode("\U0001F9FF");
  ASSERT_GT(emoji.size(), 1U);
  GenerateOptions options = in_turns(emoji.front(), 1, 5);
  options.stop = {"<|padding|>"};
  const Generated out = run(prompt(), options);
  EXPECT_EQ(out.text, "\uFFFD");
  EXPECT_EQ(out.text, classics().tokenizer.decode(out.tokens));
}

TEST(Generator, penalties_leave_uncounted_tokens_out) {
  GenerateOptions options = greedy(1);
  options.sampling.logit_bias = {{0, 1000.0F}, {500, 900.0F}};
  options.sampling.presence_penalty = 500.0F;
  const Ids with_bos = join({{0}, prompt()});
  EXPECT_EQ(run(with_bos, options).tokens, Ids{500});
  options.uncounted = 1;
  EXPECT_EQ(run(with_bos, options).tokens, Ids{0});
  options.uncounted = 1'000'000;
  EXPECT_EQ(run(with_bos, options).tokens, Ids{0});
}

TEST(Generator, text_held_back_for_a_stop_is_shown_at_the_end) {
  const std::string whole = run(prompt(), greedy(12)).text;
  GenerateOptions options = greedy(12);
  options.stop = {whole.substr(whole.size() - 3) + "\x01"};
  const Generated out = run(prompt(), options);
  EXPECT_EQ(out.text, whole);
  EXPECT_EQ(out.reason, StopReason::kMaxTokens);
}

TEST(Generator, no_tokens_wanted_reads_the_prompt_only) {
  ModelState state = classics().model.initial_state();
  const Generated out = run(state, prompt(), greedy(0), [](std::string_view) {
    ADD_FAILURE() << "text from nothing";
    return true;
  });
  EXPECT_TRUE(out.tokens.empty());
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.reason, StopReason::kMaxTokens);
  EXPECT_EQ(state.positions.front(), prompt().size());
  const Ids next = test::golden_continuation("p0");
  EXPECT_EQ(run(state, {next[0]}, greedy(10)).tokens, Ids(next.begin() + 1, next.begin() + 11));
}

TEST(Generator, same_seed_same_text) {
  const GenerateOptions options = {.max_tokens = 40,
                                   .sampling = {.top_k = 50, .top_p = 0.95F, .seed = 11}};
  GenerateOptions other = options;
  other.sampling.seed = 12;
  const Generated first = run(prompt(), options);
  EXPECT_EQ(first.seed, 11U);
  EXPECT_EQ(run(prompt(), options).tokens, first.tokens);
  EXPECT_NE(run(prompt(), other).tokens, first.tokens);
}

TEST(Generator, made_up_seed_repeats_the_run) {
  GenerateOptions options = {.max_tokens = 30};
  const Generated first = run(prompt(), options);
  options.sampling.seed = first.seed;
  EXPECT_EQ(run(prompt(), options).tokens, first.tokens);
}

TEST(Generator, penalties_count_the_prompt) {
  // So large a presence penalty that nothing seen can be chosen again.
  GenerateOptions options = greedy(60);
  options.sampling.presence_penalty = 1e6F;
  Ids all = join({prompt(), run(prompt(), options).tokens});
  std::sort(all.begin() + static_cast<std::ptrdiff_t>(prompt().size()), all.end());
  for (auto it = all.begin() + static_cast<std::ptrdiff_t>(prompt().size()); it != all.end();
       ++it) {
    EXPECT_EQ(std::count(all.begin(), all.end(), *it), 1) << *it;
  }
}

TEST(Generator, rows_without_a_token_are_never_chosen) {
  // A tokenizer of two tokens on a model of 4096 rows, at a temperature where all rows are alike.
  const Tokenizer two = Tokenizer::parse(
      R"({"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
          "post_processor": null, "decoder": null,
          "model": {"type": "BPE", "vocab": {"a": 5, "b": 9}, "merges": []}})",
      "", "two tokens");
  ModelState state = classics().model.initial_state();
  const GenerateOptions options = {.max_tokens = 40, .sampling = {.temperature = 1000, .seed = 1}};
  const Generated out = generate(classics().model, two, state, prompt(), options);
  EXPECT_EQ(std::count(out.tokens.begin(), out.tokens.end(), 5) +
                std::count(out.tokens.begin(), out.tokens.end(), 9),
            40);
}

TEST(Generator, on_text_stops_the_run) {
  ModelState state = classics().model.initial_state();
  int calls = 0;
  const Generated out =
      run(state, prompt(), greedy(), [&](std::string_view) { return ++calls < 3; });
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(out.reason, StopReason::kCancelled);
  EXPECT_EQ(state.positions.front(), prompt().size() + out.tokens.size());
  // And the state is good for going on.
  const Ids next = test::golden_continuation("p0");
  ASSERT_LT(out.tokens.size(), 10U);
  EXPECT_EQ(run(state, {next[out.tokens.size()]}, greedy(5)).tokens[0],
            next[out.tokens.size() + 1]);
}

TEST(Generator, cancelled_between_tokens) {
  GenerateOptions options = greedy();
  int asked = 0;
  options.cancelled = [&] { return ++asked == 4; };
  const Generated out = run(prompt(), options);
  EXPECT_EQ(out.reason, StopReason::kCancelled);
  EXPECT_EQ(out.tokens.size(), 4U);
  EXPECT_EQ(out.text, classics().tokenizer.decode(out.tokens));
}

TEST(Generator, cancelled_within_the_prompt_keeps_what_was_read) {
  Ids ids;
  for (TokenId i = 0; i < 2000; ++i) ids.push_back(i * 7 % 4096);  // several segments
  GenerateOptions options = greedy();
  options.cancelled = [] { return true; };
  ModelState state = classics().model.initial_state();
  const Generated out = run(state, ids, options);
  EXPECT_EQ(out.reason, StopReason::kCancelled);
  EXPECT_TRUE(out.tokens.empty());
  const auto read = static_cast<std::size_t>(out.statistics.prompt_tokens);
  ASSERT_GT(read, 0U);
  ASSERT_LT(read, ids.size());
  EXPECT_EQ(state.positions.front(), read);
  // The rest can follow as if nothing had happened, and so can an answer.
  ModelState other = state;
  const Ids rest(ids.begin() + static_cast<std::ptrdiff_t>(read), ids.end());
  EXPECT_EQ(run(state, rest, greedy(10)).tokens, run(ids, greedy(10)).tokens);
  const Ids first(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(read));
  EXPECT_EQ(run(other, {}, greedy(10)).tokens, run(first, greedy(10)).tokens);
}

TEST(Generator, an_answer_goes_on_without_new_text) {
  const Ids whole = run(prompt(), greedy(30)).tokens;
  for (const std::int64_t first : {0, 1, 12}) {
    ModelState state = classics().model.initial_state();
    Ids tokens = run(state, prompt(), greedy(first)).tokens;
    const Ids more = run(state, {}, greedy(30 - first)).tokens;
    tokens.insert(tokens.end(), more.begin(), more.end());
    EXPECT_EQ(tokens, whole) << first;
    EXPECT_EQ(state.positions.front(), prompt().size() + 30);
  }
}

TEST(Generator, nothing_goes_on_from_a_state_that_does_not_know_what_comes_next) {
  ModelState state = classics().model.initial_state();
  run(state, prompt(), greedy(3));
  state.next_logits.reset();  // as in a file of version 0.1.0
  EXPECT_THROW(run(state, {}, greedy(3)), Error);
  EXPECT_EQ(state.positions.front(), prompt().size() + 3);
}

TEST(Generator, the_last_token_s_step_is_only_built) {
  ModelState state = classics().model.initial_state();
  run(state, prompt(), greedy(3));
  EXPECT_EQ(state.blocks[0].C.status(), mlx::core::array::unscheduled);
}

TEST(Generator, memory_does_not_grow_with_the_answer) {
  ModelState state = classics().model.initial_state();
  const auto active_after = [&](std::int64_t tokens) {
    run(state, {0}, greedy(tokens));
    state.eval();
    return mlx::core::get_active_memory();
  };
  const std::size_t few = active_after(5);
  EXPECT_EQ(active_after(100), few);
}

TEST(Generator, an_exception_leaves_the_state_as_it_was) {
  ModelState state = classics().model.initial_state();
  run(state, prompt(), greedy(0));
  const Ids next = test::golden_continuation("p0");
  EXPECT_THROW(run(state, {next[0]}, greedy(),
                   [](std::string_view) -> bool { throw std::logic_error("no"); }),
               std::logic_error);
  EXPECT_EQ(state.positions.front(), prompt().size());
  EXPECT_EQ(run(state, {next[0]}, greedy(10)).tokens, Ids(next.begin() + 1, next.begin() + 11));
}

TEST(Generator, statistics_are_filled) {
  const Generated out = run(prompt(), greedy(20));
  const Statistics& s = out.statistics;
  EXPECT_EQ(s.prompt_tokens, static_cast<std::int64_t>(prompt().size()));
  EXPECT_EQ(s.generated_tokens, 20);
  EXPECT_GT(s.prefill_seconds, 0);
  EXPECT_GE(s.first_token_seconds, s.prefill_seconds);
  EXPECT_GT(s.decode_seconds, 0);
  EXPECT_DOUBLE_EQ(s.decode_tokens_per_second(), 19 / s.decode_seconds);
  EXPECT_DOUBLE_EQ(s.prefill_tokens_per_second(),
                   static_cast<double>(prompt().size()) / s.prefill_seconds);
  EXPECT_GE(s.peak_bytes, classics().model.weight_bytes());
  EXPECT_EQ(s.bytes_per_token, classics().model.bytes_per_token());
  EXPECT_GT(s.bytes_per_token, 0U);
}

TEST(Generator, statistics_of_nothing_are_zero) {
  EXPECT_EQ(Statistics{}.decode_tokens_per_second(), 0);
  EXPECT_EQ(Statistics{}.prefill_tokens_per_second(), 0);
}

std::string refusal(const Ids& ids, const GenerateOptions& options) {
  ModelState state = classics().model.initial_state();
  try {
    run(state, ids, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(state.positions.front(), 0U);
    return error.what();
  }
  return "accepted";
}

TEST(Generator, refuses_what_cannot_be) {
  EXPECT_THAT(refusal({}, greedy()), HasSubstr("[prompt] wanted at least one token"));
  EXPECT_THAT(refusal({0, 4096}, greedy()), HasSubstr("[0, 4096), got 4096"));
  EXPECT_THAT(refusal({-1}, greedy()), HasSubstr("got -1"));
  EXPECT_THAT(refusal({1}, greedy(-1)), HasSubstr("[max_tokens]"));
  GenerateOptions options = greedy();
  options.stop = {""};
  EXPECT_THAT(refusal({1}, options), HasSubstr("[stop]"));
  options = greedy();
  options.sampling.top_p = 7;
  EXPECT_THAT(refusal({1}, options), HasSubstr("[top_p] wanted a number in (0, 1], got 7"));
}

TEST(Generator, refuses_a_batch) {
  ModelState state = classics().model.initial_state(2);
  EXPECT_THROW(run(state, {1}, greedy()), Error);
}

TEST(Generator, names_of_reasons) {
  EXPECT_EQ(name_of(StopReason::kMaxTokens), "max_tokens");
  EXPECT_EQ(name_of(StopReason::kEndToken), "end_token");
  EXPECT_EQ(name_of(StopReason::kStopString), "stop_string");
  EXPECT_EQ(name_of(StopReason::kCancelled), "cancelled");
}

}  // namespace
}  // namespace xlstm
