#include "xlstm/generate/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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

// The embedded model on each backend: its loop is another where ops are computed later.
class Generator : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  const Model& model() const { return classics(GetParam()).model; }

  Completion run(State& state, const Ids& prompt, const GenerateOptions& options,
                 const OnText& on_text = {}) const {
    return generate(model(), classics().tokenizer, state, prompt, options, on_text);
  }
  Completion run(const Ids& prompt, const GenerateOptions& options,
                 const OnText& on_text = {}) const {
    State state = model().initial_state();
    return run(state, prompt, options, on_text);
  }

  std::string refusal(const Ids& ids, const GenerateOptions& options) const {
    State state = model().initial_state();
    try {
      run(state, ids, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(state.position, 0U);
      return error.what();
    }
    return "accepted";
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, Generator, ::testing::ValuesIn(testing::float32_backends()),
                         testing::backend_name);

Ids prompt() {
  return test::golden_ids("p0.ids");
}

Ids join(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST_P(Generator, GreedyContinuationsAreTheReferenceS) {
  for (const char* name : {"p0", "p1", "p2"}) {
    const Completion out = run(test::golden_ids(std::string(name) + ".ids"), greedy());
    EXPECT_EQ(out.tokens, test::golden_continuation(name)) << name;
    EXPECT_EQ(out.stop_reason, StopReason::kMaxTokens);
  }
}

TEST_P(Generator, StreamedTextIsTheTokensText) {
  for (const char* name : {"p0", "p1", "p2"}) {
    std::string streamed;
    int pieces = 0;
    const Completion out =
        run(test::golden_ids(std::string(name) + ".ids"), greedy(), [&](std::string_view piece) {
          EXPECT_FALSE(piece.empty());
          streamed += piece;
          ++pieces;
          return true;
        });
    EXPECT_EQ(streamed, out.text) << name;
    EXPECT_EQ(streamed, classics().tokenizer.decode(out.tokens)) << name;
    EXPECT_GT(pieces, 30) << name;  // piece by piece, not all at the end
  }
}

TEST_P(Generator, StateHasReadPromptAndAnswer) {
  // Two runs, the second on the first's state, against one run over all the tokens.
  const Ids more = test::golden_ids("p1.ids");
  State state = model().initial_state();
  const Completion first = run(state, prompt(), greedy(20));
  EXPECT_EQ(state.position, prompt().size() + 20);
  const Completion second = run(state, more, greedy(20));
  EXPECT_EQ(second.tokens, run(join({prompt(), first.tokens, more}), greedy(20)).tokens);
  EXPECT_EQ(state.position, prompt().size() + 40 + more.size());
}

TEST_P(Generator, ForksDoNotTouchEachOther) {
  State state = model().initial_state();
  const Completion first = run(state, prompt(), greedy(10));
  const Ids more = {classics().tokenizer.encode(" and")};
  State a = state, b = state;
  const Ids expected = run(join({prompt(), first.tokens, more}), greedy(15)).tokens;
  EXPECT_EQ(run(a, more, greedy(15)).tokens, expected);
  EXPECT_EQ(run(b, more, greedy(15)).tokens, expected);
  EXPECT_EQ(run(state, more, greedy(15)).tokens, expected);
}

TEST_P(Generator, EndTokenEndsAndIsNotShown) {
  const Ids expected = test::golden_continuation("p0");
  const TokenId end = expected[7];
  const auto first =
      static_cast<std::size_t>(std::find(expected.begin(), expected.end(), end) - expected.begin());
  GenerateOptions options = greedy();
  options.end_tokens = {end};
  State state = model().initial_state();
  const Completion out = run(state, prompt(), options);
  EXPECT_EQ(out.stop_reason, StopReason::kEndToken);
  EXPECT_EQ(out.tokens,
            Ids(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(first) + 1));
  EXPECT_EQ(out.text, classics().tokenizer.decode(std::span(expected).first(first)));
  EXPECT_EQ(state.position, prompt().size() + first + 1);  // the end token was read
}

TEST_P(Generator, StopStringAcrossTokensIsNotShown) {
  const std::string whole = run(prompt(), greedy()).text;
  for (const std::size_t begin : {std::size_t{10}, std::size_t{37}, whole.size() - 12}) {
    GenerateOptions options = greedy();
    options.stop = {"\x01 not in the text", whole.substr(begin, 9)};
    const std::size_t first = whole.find(options.stop[1]);
    std::string streamed;
    const Completion out = run(prompt(), options, [&](std::string_view piece) {
      streamed += piece;
      return true;
    });
    EXPECT_EQ(out.stop_reason, StopReason::kStopString);
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

TEST_P(Generator, StopStringsAreMetByHiddenTokens) {
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
    const Completion out = run(prompt(), options, [&](std::string_view piece) {
      streamed += piece;
      return true;
    });
    EXPECT_EQ(out.stop_reason, StopReason::kStopString) << stop;
    EXPECT_EQ(out.tokens.size(), tokens) << stop;
    EXPECT_EQ(out.text, text) << stop;
    EXPECT_EQ(streamed, text) << stop;
  }
  GenerateOptions options = in_turns(word, padding, 2);
  options.stop = {" and<|padding|>!"};
  EXPECT_EQ(run(prompt(), options).text, " and");  // held back, and shown in the end
}

TEST_P(Generator, AStopThatAnEndTokenCompletesIsNotShown) {
  const TokenId padding = 1, word = classics().tokenizer.encode(" and").front();
  GenerateOptions options = in_turns(word, padding, 5);
  options.end_tokens = {padding};
  EXPECT_EQ(run(prompt(), options).text, " and");
  options.stop = {"nd<|padding|>"};
  const Completion out = run(prompt(), options);
  EXPECT_EQ(out.text, " a");
  EXPECT_EQ(out.tokens, (Ids{word, padding}));
  EXPECT_EQ(out.stop_reason, StopReason::kEndToken);
}

TEST_P(Generator, ACharacterCutByAHiddenStopTokenIsShownAsItIs) {
  const Ids emoji = classics().tokenizer.encode("\U0001F9FF");
  ASSERT_GT(emoji.size(), 1U);
  GenerateOptions options = in_turns(emoji.front(), 1, 5);
  options.stop = {"<|padding|>"};
  const Completion out = run(prompt(), options);
  EXPECT_EQ(out.text, "\uFFFD");
  EXPECT_EQ(out.text, classics().tokenizer.decode(out.tokens));
}

TEST_P(Generator, PenaltiesLeaveUncountedTokensOut) {
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

TEST_P(Generator, TextHeldBackForAStopIsShownAtTheEnd) {
  const std::string whole = run(prompt(), greedy(12)).text;
  GenerateOptions options = greedy(12);
  options.stop = {whole.substr(whole.size() - 3) + "\x01"};
  const Completion out = run(prompt(), options);
  EXPECT_EQ(out.text, whole);
  EXPECT_EQ(out.stop_reason, StopReason::kMaxTokens);
}

TEST_P(Generator, NoTokensWantedReadsThePromptOnly) {
  State state = model().initial_state();
  const Completion out = run(state, prompt(), greedy(0), [](std::string_view) {
    ADD_FAILURE() << "text from nothing";
    return true;
  });
  EXPECT_TRUE(out.tokens.empty());
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.stop_reason, StopReason::kMaxTokens);
  EXPECT_EQ(state.position, prompt().size());
  const Ids next = test::golden_continuation("p0");
  EXPECT_EQ(run(state, {next[0]}, greedy(10)).tokens, Ids(next.begin() + 1, next.begin() + 11));
}

TEST_P(Generator, SameSeedSameText) {
  const GenerateOptions options = {.max_tokens = 40,
                                   .sampling = {.top_k = 50, .top_p = 0.95F, .seed = 11}};
  GenerateOptions other = options;
  other.sampling.seed = 12;
  const Completion first = run(prompt(), options);
  EXPECT_EQ(first.seed, 11U);
  EXPECT_EQ(run(prompt(), options).tokens, first.tokens);
  EXPECT_NE(run(prompt(), other).tokens, first.tokens);
}

TEST_P(Generator, MadeUpSeedRepeatsTheRun) {
  GenerateOptions options = {.max_tokens = 30};
  const Completion first = run(prompt(), options);
  options.sampling.seed = first.seed;
  EXPECT_EQ(run(prompt(), options).tokens, first.tokens);
}

TEST_P(Generator, PenaltiesCountThePrompt) {
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

TEST_P(Generator, RowsWithoutATokenAreNeverChosen) {
  // A tokenizer of two tokens on a model of 4096 rows, at a temperature where all rows are alike.
  const Tokenizer two = Tokenizer::parse(
      R"({"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
          "post_processor": null, "decoder": null,
          "model": {"type": "BPE", "vocab": {"a": 5, "b": 9}, "merges": []}})",
      "", "two tokens");
  State state = model().initial_state();
  const GenerateOptions options = {.max_tokens = 40, .sampling = {.temperature = 1000, .seed = 1}};
  const Completion out = generate(model(), two, state, prompt(), options);
  EXPECT_EQ(std::count(out.tokens.begin(), out.tokens.end(), 5) +
                std::count(out.tokens.begin(), out.tokens.end(), 9),
            40);
}

TEST_P(Generator, OnTextStopsTheRun) {
  State state = model().initial_state();
  int calls = 0;
  const Completion out =
      run(state, prompt(), greedy(), [&](std::string_view) { return ++calls < 3; });
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(out.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(state.position, prompt().size() + out.tokens.size());
  // And the state is good for going on.
  const Ids next = test::golden_continuation("p0");
  ASSERT_LT(out.tokens.size(), 10U);
  EXPECT_EQ(run(state, {next[out.tokens.size()]}, greedy(5)).tokens[0],
            next[out.tokens.size() + 1]);
}

TEST_P(Generator, CancelledBetweenTokens) {
  GenerateOptions options = greedy();
  int asked = 0;
  options.cancelled = [&] { return ++asked == 4; };
  const Completion out = run(prompt(), options);
  EXPECT_EQ(out.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(out.tokens.size(), 4U);
  EXPECT_EQ(out.text, classics().tokenizer.decode(out.tokens));
}

TEST_P(Generator, CancelledWithinThePromptKeepsWhatWasRead) {
  Ids ids;
  const auto several = static_cast<TokenId>(3 * model().backend().segment_tokens() + 464);
  for (TokenId i = 0; i < several; ++i) ids.push_back(i * 7 % 4096);  // segments
  GenerateOptions options = greedy();
  options.cancelled = [] { return true; };
  State state = model().initial_state();
  const Completion out = run(state, ids, options);
  EXPECT_EQ(out.stop_reason, StopReason::kCancelled);
  EXPECT_TRUE(out.tokens.empty());
  const auto read = static_cast<std::size_t>(out.statistics.prompt_tokens);
  ASSERT_GT(read, 0U);
  ASSERT_LT(read, ids.size());
  EXPECT_EQ(state.position, read);
  // The rest can follow as if nothing had happened, and so can an answer.
  State other = state;
  const Ids rest(ids.begin() + static_cast<std::ptrdiff_t>(read), ids.end());
  EXPECT_EQ(run(state, rest, greedy(10)).tokens, run(ids, greedy(10)).tokens);
  const Ids first(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(read));
  EXPECT_EQ(run(other, {}, greedy(10)).tokens, run(first, greedy(10)).tokens);
}

TEST_P(Generator, AnAnswerGoesOnWithoutNewText) {
  const Ids whole = run(prompt(), greedy(30)).tokens;
  for (const std::int64_t first : {0, 1, 12}) {
    State state = model().initial_state();
    Ids tokens = run(state, prompt(), greedy(first)).tokens;
    const Ids more = run(state, {}, greedy(30 - first)).tokens;
    tokens.insert(tokens.end(), more.begin(), more.end());
    EXPECT_EQ(tokens, whole) << first;
    EXPECT_EQ(state.position, prompt().size() + 30);
  }
}

TEST_P(Generator, NothingGoesOnFromAStateThatDoesNotKnowWhatComesNext) {
  State state = model().initial_state();
  run(state, prompt(), greedy(3));
  state.next_logits = {};  // as in a file of version 0.1.0
  EXPECT_THROW(run(state, {}, greedy(3)), Error);
  EXPECT_EQ(state.position, prompt().size() + 3);
}

TEST_P(Generator, TheLastTokenSStepIsOnlyQueuedWhereOpsRunLater) {
  State state = model().initial_state();
  run(state, prompt(), greedy(3));
  const Backend& backend = model().backend();
  // Other backends have no graph to count the nodes of.
  EXPECT_EQ(backend.graph_nodes(state.tensors) > 0, backend.name().starts_with("mlx"));
}

TEST_P(Generator, TheLastTokenIsReadOnlyWhereSomebodyGoesOn) {
  const Completion whole = run(prompt(), greedy(20));
  GenerateOptions options = greedy(20);
  options.read_last = false;
  options.end_tokens = {whole.tokens.back()};
  const auto end = std::find(whole.tokens.begin(), whole.tokens.end(), whole.tokens.back());
  const Ids until_end(whole.tokens.begin(), end + 1);
  // Whatever ends the run.
  for (const std::int64_t most : {std::int64_t{3}, std::int64_t{20}}) {
    options.max_tokens = most;
    State state = model().initial_state();
    const Completion out = run(state, prompt(), options);
    const auto wanted = std::min(until_end.size(), static_cast<std::size_t>(most));
    EXPECT_EQ(out.tokens,
              Ids(until_end.begin(), until_end.begin() + static_cast<std::ptrdiff_t>(wanted)));
    // A step that was queued before the token was known is there, but nobody waits for it.
    const std::size_t queued = model().backend().is_lazy() ? 1 : 0;
    EXPECT_EQ(state.position, prompt().size() + wanted - 1 + queued);
  }
}

TEST_P(Generator, MemoryDoesNotGrowWithTheAnswer) {
  State state = model().initial_state();
  Backend& backend = model().backend();
  const auto active_after = [&](std::int64_t tokens) {
    run(state, {0}, greedy(tokens));
    evaluate(backend, state);
    return backend.memory().active;
  };
  const std::uint64_t few = active_after(5);
  EXPECT_EQ(active_after(100), few);
}

TEST_P(Generator, AnExceptionLeavesTheStateAsItWas) {
  State state = model().initial_state();
  run(state, prompt(), greedy(0));
  const Ids next = test::golden_continuation("p0");
  EXPECT_THROW(run(state, {next[0]}, greedy(),
                   [](std::string_view) -> bool { throw std::logic_error("no"); }),
               std::logic_error);
  EXPECT_EQ(state.position, prompt().size());
  EXPECT_EQ(run(state, {next[0]}, greedy(10)).tokens, Ids(next.begin() + 1, next.begin() + 11));
}

TEST_P(Generator, StatisticsAreFilled) {
  const Completion out = run(prompt(), greedy(20));
  const Statistics& s = out.statistics;
  EXPECT_EQ(s.prompt_tokens, static_cast<std::int64_t>(prompt().size()));
  EXPECT_EQ(s.generated_tokens, 20);
  EXPECT_GT(s.prefill_seconds, 0);
  EXPECT_GE(s.first_token_seconds, s.prefill_seconds);
  EXPECT_GT(s.decode_seconds, 0);
  EXPECT_DOUBLE_EQ(s.decode_tokens_per_second(), 19 / s.decode_seconds);
  EXPECT_DOUBLE_EQ(s.prefill_tokens_per_second(),
                   static_cast<double>(prompt().size()) / s.prefill_seconds);
  EXPECT_GE(s.peak_bytes, model().weight_bytes());
  EXPECT_EQ(s.bytes_per_token, model().bytes_per_token());
  EXPECT_GT(s.bytes_per_token, 0U);
}

TEST(GeneratorParts, StatisticsOfNothingAreZero) {
  EXPECT_EQ(Statistics{}.decode_tokens_per_second(), 0);
  EXPECT_EQ(Statistics{}.prefill_tokens_per_second(), 0);
}

TEST_P(Generator, RefusesWhatCannotBe) {
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

TEST(GeneratorParts, NamesOfReasons) {
  EXPECT_EQ(name_of(StopReason::kMaxTokens), "max_tokens");
  EXPECT_EQ(name_of(StopReason::kEndToken), "end_token");
  EXPECT_EQ(name_of(StopReason::kStopString), "stop_string");
  EXPECT_EQ(name_of(StopReason::kCancelled), "cancelled");
}

}  // namespace
}  // namespace xlstm
