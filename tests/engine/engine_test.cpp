// The engine on the embedded model: what it completes.
#include "xlstm/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/engine/classics_engine.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/engine/limits.h"
#include "xlstm/mlx/mlx_backend.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

Request greedy(const std::string& prompt) {
  return greedy(prompt, 64);
}

// The golden prompts as texts: their tokens without BOS, decoded.
std::string golden_prompt(const std::string& name) {
  return engine().tokenizer().decode(test::golden_ids(name + ".ids"));
}

class Golden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Classics, Golden, ::testing::Values("p0", "p1", "p2"),
                         [](const auto& param) { return param.param; });

TEST_P(Golden, CompletionIsTheReferenceS) {
  std::string streamed;
  Request request = greedy(golden_prompt(GetParam()));
  request.add_bos = false;  // the reference had none
  const Completion out = engine().complete(request, [&](std::string_view text) {
    streamed += text;
    return true;
  });
  EXPECT_EQ(out.tokens, test::golden_continuation(GetParam()));
  EXPECT_EQ(out.text, engine().tokenizer().decode(out.tokens));
  EXPECT_EQ(out.text, streamed);
  EXPECT_EQ(out.stop_reason, StopReason::kMaxTokens);
}

TEST(Engine, ShowsItsParts) {
  EXPECT_EQ(engine().plan().V, 4096);
  EXPECT_EQ(engine().bos_id(), 0);
  EXPECT_EQ(engine().end_ids(), Ids{0});
  EXPECT_EQ(engine().model().dtype(), DType::kF32);
  EXPECT_GT(engine().load_seconds(), 0);
}

TEST(Engine, BosComesFirstUnlessToldNotTo) {
  const std::string prompt = "It was a dark night and";
  const auto tokens = engine().tokenizer().encode(prompt).size();
  Request request = greedy(prompt, 1);
  EXPECT_EQ(engine().complete(request).statistics.prompt_tokens,
            static_cast<std::int64_t>(tokens) + 1);
  request.add_bos = false;
  EXPECT_EQ(engine().complete(request).statistics.prompt_tokens, static_cast<std::int64_t>(tokens));
}

TEST(Engine, BosWrittenInThePromptIsNotDoubled) {
  const auto plain = engine().complete(greedy("Once upon", 8));
  Request request = greedy("<|endoftext|>Once upon", 8);
  request.parse_special = true;
  const auto written = engine().complete(request);
  EXPECT_EQ(written.tokens, plain.tokens);
  EXPECT_EQ(written.statistics.prompt_tokens, plain.statistics.prompt_tokens);
}

TEST(Engine, EmptyPromptStartsFromBos) {
  const Completion out = engine().complete(greedy("", 10));
  EXPECT_EQ(out.tokens.size(), 10U);
  EXPECT_EQ(out.statistics.prompt_tokens, 1);
}

TEST(Engine, EndTokenEndsUnlessToldNotTo) {
  // With a bias that makes the end token certain.
  Request request = greedy("The end.", 5);
  request.logit_bias = {{0, 1000.0F}};
  EXPECT_EQ(engine().complete(request).tokens, Ids(5, 0));
  request.stop_at_end_token = true;
  const Completion out = engine().complete(request);
  EXPECT_EQ(out.tokens, Ids{0});
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.stop_reason, StopReason::kEndToken);
}

TEST(Engine, EveryOptionReachesTheSampler) {
  const Request plain = {.prompt = "She said", .max_tokens = 30, .seed = 5};
  const Ids tokens = engine().complete(plain).tokens;
  EXPECT_EQ(engine().complete(plain).tokens, tokens);
  const auto differs = [&](const auto& change) {
    Request request = plain;
    change(request);
    return engine().complete(request).tokens != tokens;
  };
  EXPECT_TRUE(differs([](Request& r) { r.seed = 6; }));
  EXPECT_TRUE(differs([](Request& r) { r.temperature = 3; }));
  EXPECT_TRUE(differs([](Request& r) { r.top_k = 1; }));
  EXPECT_TRUE(differs([](Request& r) { r.top_p = 0.05F; }));
  EXPECT_TRUE(differs([](Request& r) { r.min_p = 0.9F; }));
  EXPECT_TRUE(differs([](Request& r) { r.repetition_penalty = 5; }));
  EXPECT_TRUE(differs([](Request& r) { r.presence_penalty = 20; }));
  EXPECT_TRUE(differs([](Request& r) { r.frequency_penalty = 20; }));
  EXPECT_TRUE(differs([](Request& r) { r.logit_bias = {{5, 100.0F}}; }));
}

TEST(Engine, StopStringsAndCancellingAreTold) {
  const std::string whole = engine().complete(greedy(golden_prompt("p0"))).text;
  Request request = greedy(golden_prompt("p0"));
  request.stop = {whole.substr(20, 6)};
  const Completion stopped = engine().complete(request);
  EXPECT_EQ(stopped.stop_reason, StopReason::kStopString);
  EXPECT_EQ(stopped.text, whole.substr(0, whole.find(request.stop[0])));
  EXPECT_EQ(engine().complete(greedy("A"), [](std::string_view) { return false; }).stop_reason,
            StopReason::kCancelled);
  request = greedy("A");
  request.cancelled = [] { return true; };
  EXPECT_EQ(engine().complete(request).stop_reason, StopReason::kCancelled);
}

TEST(Engine, StatisticsAndMemoryAreFilled) {
  const Completion out = engine().complete(greedy("Hello", 10));
  EXPECT_EQ(out.statistics.generated_tokens, 10);
  EXPECT_EQ(out.statistics.load_seconds, engine().load_seconds());
  EXPECT_GT(out.statistics.decode_tokens_per_second(), 0);
  const MemoryUse use = engine().memory();
  EXPECT_GE(use.active, engine().model().weight_bytes());
  EXPECT_GE(use.peak, use.active);
  EXPECT_GT(use.resident, 0U);
  EXPECT_GE(use.peak_resident, use.resident);
  EXPECT_GT(use.limit, use.active);
}

TEST(Engine, MemoryStaysBelowWhatWasPromised) {
  const std::string folder = test::classics_folder().string();
  const std::uint64_t needed = Engine::memory_need(folder, {.device = "cpu"}).needed;
  const Engine fresh = Engine::open(folder, {.device = "cpu"});
  fresh.complete(greedy(test::book("alice.txt").substr(0, 10'000), 10));
  EXPECT_LE(fresh.memory().peak, needed);
}

TEST(Engine, CopiesShareTheModel) {
  const std::uint64_t before = engine().memory().active;
  const Engine copy = engine();
  EXPECT_EQ(&copy.model(), &engine().model());
  EXPECT_EQ(copy.memory().active, before);
}

// What `call` throws in a thread of its own, "" for nothing.
template <typename Call>
std::string in_a_thread(Call call) {
  std::string message;
  std::thread([&] {
    try {
      call();
    } catch (const std::exception& caught) {
      message = caught.what();
    }
  }).join();
  return message;
}

TEST(Engine, ThreadsMayTakeTurnsWithASession) {
  Session here = engine().session(), there = engine().session();
  for (const char* turn : {"It was a dark night", " and so", " they"}) {
    const Ids expected = here.complete(greedy(turn, 10)).tokens;
    Ids tokens;
    EXPECT_EQ(in_a_thread([&] { tokens = there.complete(greedy(turn, 10)).tokens; }), "");
    EXPECT_EQ(tokens, expected);
  }
  here.reset();
  EXPECT_EQ(in_a_thread([&] { here.read("again"); }), "");
}

TEST(Engine, OpenedInOneThreadUsedInAnother) {
  std::optional<Engine> opened;
  EXPECT_EQ(in_a_thread([&] {
              opened = Engine::open(test::classics_folder().string(),
                                    {.dtype = "float32", .device = "cpu"});
            }),
            "");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->complete(greedy("Once", 10)).tokens,
            engine().complete(greedy("Once", 10)).tokens);
}

TEST(Engine, Bfloat16WeightsTakeHalf) {
  const Engine half =
      Engine::open(test::classics_folder().string(), {.dtype = "bfloat16", .device = "cpu"});
  // Gates and norms stay float32; they are below 1% of this model.
  EXPECT_LT(half.model().weight_bytes(), engine().model().weight_bytes() * 51 / 100);
  // The file holds bfloat16, so nothing is lost and the greedy text is the same.
  EXPECT_EQ(half.complete(greedy(golden_prompt("p0"), 20)).tokens,
            engine().complete(greedy(golden_prompt("p0"), 20)).tokens);
}

TEST(Engine, LoadProgressRisesToOne) {
  std::vector<double> told;
  EngineOptions options = {.device = "cpu"};
  options.on_load_progress = [&](double share) { told.push_back(share); };
  Engine::open(test::classics_folder().string(), options);
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_DOUBLE_EQ(told.back(), 1.0);
}

template <typename Call>
std::string refusal(ErrorKind kind, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "one line";
    return error.what();
  }
  return "accepted";
}

std::string refusal(const Request& request) {
  return refusal(ErrorKind::kUsage, [&] { engine().complete(request); });
}

TEST(Engine, RefusesWrongRequests) {
  EXPECT_THAT(refusal({.prompt = "a", .top_p = 7}),
              HasSubstr("[top_p] wanted a number in (0, 1], got 7"));
  EXPECT_THAT(refusal({.prompt = "a", .max_tokens = -3}), HasSubstr("[max_tokens]"));
  EXPECT_THAT(refusal({.prompt = "a", .temperature = -1}), HasSubstr("[temperature]"));
  EXPECT_THAT(refusal({.prompt = "a", .stop = {""}}), HasSubstr("[stop]"));
  EXPECT_THAT(refusal({.prompt = "", .add_bos = false}), HasSubstr("[prompt]"));
}

TEST(Engine, RefusesAPromptThatIsNotUtf8) {
  EXPECT_THAT(refusal({.prompt = "four\xff"}), HasSubstr("4"));  // the offset
}

TEST(Engine, RefusesWrongOptions) {
  const auto open = [](const EngineOptions& options) {
    return refusal(ErrorKind::kUsage,
                   [&] { Engine::open(test::classics_folder().string(), options); });
  };
  EXPECT_THAT(open({.dtype = "float8"}), AllOf(HasSubstr("[dtype]"), HasSubstr("float8")));
  EXPECT_THAT(open({.device = "tpu"}), AllOf(HasSubstr("[device]"), HasSubstr("tpu")));
}

TEST(Engine, RefusesAGpuThatIsNotThere) {
  if (cuda::has_gpu() || mlx::has_gpu()) {
    EXPECT_EQ(make_backend({.device = "gpu"})->name(), cuda::has_gpu() ? "cuda" : "mlx gpu");
  } else {
    EXPECT_THAT(refusal(ErrorKind::kUsage, [] { make_backend({.device = "gpu"}); }),
                AllOf(HasSubstr("[device] wanted"), HasSubstr("--device cpu")));
  }
}

TEST(Engine, BackendAndTypesFollowTheOptions) {
  EXPECT_EQ(make_backend({.device = "cpu"})->name(), "cpu");
  if (cuda::has_gpu()) {
    EXPECT_EQ(make_backend({})->name(), "cuda");
  } else {
    EXPECT_EQ(make_backend({})->name(), mlx::has_gpu() ? "mlx gpu" : "cpu");
  }
  EXPECT_EQ(weight_dtype({.device = "cpu"}), DType::kF32);
  EXPECT_EQ(weight_dtype({.dtype = "bfloat16", .device = "cpu"}), DType::kBF16);
  if (cuda::has_gpu() || mlx::has_gpu()) {
    EXPECT_EQ(weight_dtype({.device = "gpu"}), DType::kBF16);
    EXPECT_EQ(make_backend({.device = "gpu"})->activation_dtype(), DType::kBF16);
    EXPECT_EQ(make_backend({.dtype = "float32", .device = "gpu"})->activation_dtype(), DType::kF32);
  }
}

TEST(Engine, MemoryIsCheckedToTheByte) {
  const Backend& backend = engine().model().backend();
  const std::uint64_t used = engine().memory().active;
  const MemoryEstimate estimate = {.weights = 1000, .state = 200, .workspace = 30};
  EXPECT_NO_THROW(check_memory(estimate, {.hard_memory_limit = used + 1230}, backend, "a model"));
  EXPECT_THROW(check_memory(estimate, {.hard_memory_limit = used + 1229}, backend, "a model"),
               Error);
  // Without a limit, what the machine has: no machine has 2^62 bytes.
  const std::string message = refusal(ErrorKind::kMemory, [&] {
    check_memory({.weights = std::uint64_t{1} << 62, .state = 0, .workspace = 0}, {}, backend,
                 "a model");
  });
  EXPECT_THAT(message, HasSubstr("left of the"));
}

TEST(Engine, RefusesToPassTheHardLimit) {
  const std::string folder = test::classics_folder().string();
  EngineOptions options = {.device = "cpu"};
  options.hard_memory_limit = 1 << 20;
  const std::string message = refusal(ErrorKind::kMemory, [&] { Engine::open(folder, options); });
  EXPECT_THAT(message, AllOf(HasSubstr("weights"), HasSubstr("limit of 1")));
  // Exactly what it takes is enough, whatever other engines use; a byte less is not.
  EXPECT_GT(engine().memory().active, 0U);
  options.hard_memory_limit = Engine::memory_need(folder, options).needed;
  EXPECT_EQ(Engine::open(folder, options).memory().limit, options.hard_memory_limit);
  --options.hard_memory_limit;
  refusal(ErrorKind::kMemory, [&] { Engine::open(folder, options); });
}

TEST(Engine, EstimateCoversTheWeightsAndGrowsWithTheBatch) {
  const std::string folder = test::classics_folder().string();
  const std::uint64_t one = Engine::memory_need(folder, {.device = "cpu"}).needed,
                      four = Engine::memory_need(folder, {.device = "cpu"}, 4).needed;
  EXPECT_GT(one, engine().model().weight_bytes());
  EXPECT_GE(four, one + 3 * engine().plan().state_bytes());
  EXPECT_LT(Engine::memory_need(folder, {.dtype = "bfloat16", .device = "cpu"}).needed, one);
  EXPECT_THROW(Engine::memory_need(folder, {.device = "cpu"}, 0), Error);
}

TEST(Engine, SoftLimitKeepsCachesSmall) {
  const std::string folder = test::classics_folder().string();
  EngineOptions options = {.device = "cpu"};
  options.soft_memory_limit = 1;  // below anything: caches are dropped after every call
  const Engine limited = Engine::open(folder, options);
  EXPECT_EQ(limited.complete(greedy(golden_prompt("p0"), 10)).tokens,
            engine().complete(greedy(golden_prompt("p0"), 10)).tokens);
  limited.complete(greedy("Hello", 5));
  EXPECT_EQ(limited.memory().cache, 0U);
}

}  // namespace
}  // namespace xlstm
