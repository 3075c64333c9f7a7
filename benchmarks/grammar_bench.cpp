// What a constraint costs a token, in microseconds of one core:
//   bench_grammar [TOKENIZER]
// Along random answers: where a state of the automaton is met for the first time, its mask is found
// by a walk along the vocabulary's trie; after that it is copied. For the tokenizer's vocabulary,
// and for made-up ones of the sizes that larger models have.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "xlstm/grammar/json_constraint.h"
#include "xlstm/grammar/regex_constraint.h"
#include "xlstm/grammar/token_trie.h"
#include "xlstm/text/tokenizer.h"

namespace {

using xlstm::Constraint;
using xlstm::TokenId;
using xlstm::TokenMask;
using Tries = std::shared_ptr<const xlstm::TokenTries>;
using Make = std::function<std::unique_ptr<Constraint>(Tries)>;

double micros_now() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The quickest of several runs, in milliseconds.
template <typename Work>
double milliseconds_of(const Work& work) {
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const double start = micros_now();
    work();
    best = std::min(best, micros_now() - start);
  }
  return best / 1000;
}

struct Case {
  const char* name;
  Make make;
  std::string start;  // is read before the answer, byte by byte
};

std::vector<Case> cases() {
  const auto regex = [](const char* pattern) {
    return [pattern](Tries tries) { return xlstm::regex_constraint(pattern, std::move(tries)); };
  };
  const auto json = [](Tries tries) { return xlstm::json_constraint({}, std::move(tries)); };
  return {{"[a-z ]*", regex("[a-z ]*"), ""},
          {"date", regex("\\d{4}-\\d{2}-\\d{2}"), ""},
          {".*", regex(".*"), ""},
          {"JSON string", json, "{\"a\":[\""},
          {"JSON", json, ""}};
}

void read(Constraint& constraint, const Tries& tries, const std::string& text) {
  for (const char byte : text) {
    for (TokenId id = 0; id < tries->V; ++id) {
      if (tries->later.text(id) != std::string_view(&byte, 1)) continue;
      constraint.accept(id);
      break;
    }
  }
}

// Up to `length` random tokens. For a string none that ends it; for JSON as many parts of its
// structure as insides of strings.
std::vector<TokenId> random_answer(const Case& each, Constraint& constraint, const Tries& tries,
                                   int length) {
  std::mt19937 random(1);
  TokenMask mask(tries->V);
  std::vector<TokenId> answer;
  const bool is_string = !each.start.empty(), is_json = std::string_view(each.name) == "JSON";
  for (int at = 0; at < length; ++at) {
    constraint.allow(mask);
    std::vector<TokenId> allowed, structure;
    for (TokenId id = 0; id < tries->V; ++id) {
      if (!mask.allows(id)) continue;
      const std::string_view text = tries->later.text(id);
      const bool has_quote = text.find('"') != text.npos;
      if (!is_string || !has_quote) allowed.push_back(id);
      if (text.find_first_of("\"{[,:1") != text.npos) structure.push_back(id);
    }
    if (is_json && !structure.empty() && random() % 2 == 0) allowed = structure;
    if (allowed.empty()) break;
    answer.push_back(allowed[random() % allowed.size()]);
    constraint.accept(answer.back());
  }
  return answer;
}

struct Times {
  double total = 0, most = 0, accepting = 0;  // microseconds
};

Times times_along(Constraint& constraint, const std::vector<TokenId>& answer, std::int64_t V) {
  Times times;
  TokenMask mask(V);
  for (const TokenId id : answer) {
    const double start = micros_now();
    constraint.allow(mask);
    const double allowed = micros_now();
    constraint.accept(id);
    times.accepting += micros_now() - allowed;
    times.total += allowed - start;
    times.most = std::max(times.most, allowed - start);
  }
  return times;
}

void measure(const Case& each, const Tries& tries) {
  constexpr int kLength = 400, kRuns = 9;
  const auto planned = each.make(tries);
  read(*planned, tries, each.start);
  const std::vector<TokenId> answer = random_answer(each, *planned, tries, kLength);
  if (answer.empty()) return;
  Times first = {1e30, 1e30, 1e30}, again = first;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = each.make(tries);
    read(*start, tries, each.start);
    const auto keep = [&](Times& best) {
      const Times now = times_along(*start->clone(), answer, tries->V);
      best.total = std::min(best.total, now.total);
      best.most = std::min(best.most, now.most);
      best.accepting = std::min(best.accepting, now.accepting);
    };
    keep(first);
    keep(again);
  }
  const auto tokens = static_cast<double>(answer.size());
  std::printf(
      "  %-12s %4zu tokens  first time %7.2f (most %7.1f)  again %6.2f (most %6.1f)  accept "
      "%5.2f\n",
      each.name, answer.size(), first.total / tokens, first.most, again.total / tokens, again.most,
      again.accepting / tokens);
}

void measure_all(const std::string& name, const Tries& tries) {
  std::printf("%s: V = %lld, %zu nodes\n", name.c_str(), static_cast<long long>(tries->V),
              tries->later.size());
  for (const Case& each : cases()) measure(each, tries);
}

// The bytes, and different words of one to a dozen letters, most of them short: half with a space
// before, some in capitals, of digits, or of signs.
std::vector<std::string> made_up_vocabulary(std::size_t V) {
  std::mt19937 random(2);
  std::set<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace(1, static_cast<char>(byte));
  const std::string letters = "eeeeeeeetttttaaaaaooooiiiinnnnsssshhhrrrddlluccmmffwwyppgbvkxqjz";
  const std::string digits = "0123456789", signs = "\"{}[]:,.;()-_=+*/\\<>!?";
  std::geometric_distribution<std::size_t> length(0.2);
  while (texts.size() < V) {
    const unsigned kind = random() % 20;
    const std::string& from = kind == 0 ? digits : kind == 1 ? signs : letters;
    std::string text = kind > 10 ? " " : "";
    for (std::size_t i = std::min<std::size_t>(2 + length(random), 12); i > 0; --i) {
      text += from[random() % from.size()];
    }
    if (kind == 2) text[0] = static_cast<char>(text[0] - 'a' + 'A');
    texts.insert(text);
  }
  return {texts.begin(), texts.end()};
}

void run(const std::string& path) {
  const xlstm::Tokenizer tokenizer = xlstm::Tokenizer::open(path);
  Tries tries;
  const double reading = milliseconds_of(
      [&] { tries = xlstm::TokenTries::of(tokenizer, std::int64_t{tokenizer.max_id()} + 1); });
  std::printf("the tokenizer's texts and trie: %.2f ms\n", reading);
  measure_all(path, tries);
  for (const std::size_t V : {50'304U, 151'936U}) {
    std::vector<std::string> texts = made_up_vocabulary(V);
    std::shuffle(texts.begin(), texts.end(), std::mt19937(3));
    const double building = milliseconds_of([&] { const xlstm::TokenTrie trie(texts); });
    std::printf("trie of %zu made-up texts: %.1f ms\n", V, building);
    measure_all("made up", std::make_shared<const xlstm::TokenTries>(xlstm::TokenTries{
                               static_cast<std::int64_t>(V), xlstm::TokenTrie(texts), {}}));
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(count > 1 ? arguments[1] : XLSTM_DEFAULT_MODEL);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_grammar: %s\n", error.what());
    return 1;
  }
}
