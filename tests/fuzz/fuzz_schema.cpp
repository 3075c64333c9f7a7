// schema_grammar on any bytes: what it refuses it refuses in a short, well-formed message; what it
// takes becomes an automaton in which any way leads to an end, or one that is refused as too large.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/grammar/automaton.h"
#include "xlstm/grammar/json_schema.h"

namespace {

using xlstm::grammar::Automaton;

constexpr Automaton::Limits kLimits = {.max_states = 2000, .max_bytes = std::size_t{16} << 20};

void require(bool condition) {
  if (!condition) std::abort();
}

void follow(Automaton& automaton, std::string_view choices) {
  using Kind = Automaton::Step::Kind;
  Automaton::State state = automaton.start();
  std::vector<Automaton::State> open;
  for (const char choice : choices.substr(0, 64)) {
    const auto bytes = automaton.next_bytes(state);
    require(bytes.any() || (automaton.is_end(state) && open.empty()));
    if (bytes.none()) return;
    auto byte = static_cast<std::uint8_t>(choice);
    while (!bytes[byte]) ++byte;
    const auto step = automaton.step(state, byte);
    require(step.kind != Kind::kRefused && (step.kind != Kind::kOut || !open.empty()));
    state = step.state;
    if (step.kind == Kind::kInto) open.push_back(step.back);
    if (step.kind != Kind::kOut) continue;
    state = open.back();
    open.pop_back();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    Automaton automaton(grammar::schema_grammar(text), kLimits);
    follow(automaton, text);
  } catch (const Error& error) {
    const std::string_view message = error.what();
    require(error.kind() == ErrorKind::kUsage || error.kind() == ErrorKind::kFormat);
    require(utf8_first_error(message) == std::string_view::npos);
    require(message.size() < 10000);
  }
  return 0;
}
