// Pickles: values that are read, and all that is refused by name.
#include "xlstm/weights/pickle.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.h"
#include "tests/support/pickle_bytes.h"
#include "xlstm/base/json.h"
#include "xlstm/weights/pickle_opcodes.h"

namespace xlstm {
namespace {

using namespace pickled;

Json json_of(const std::string& value) {
  const std::string bytes = file(value);
  const Pickle pickle = read_pickle(bytes, "p");
  return plain_json(*pickle.root, "p");
}

void expect_refused(const std::string& bytes, const std::vector<std::string>& pieces) {
  expect_error(ErrorKind::kFormat, pieces, [&] { read_pickle(bytes, "p"); });
}

TEST(Pickle, PlainValues) {
  EXPECT_EQ(json_of("N"), Json(nullptr));
  EXPECT_EQ(json_of("\x88"), Json(true));
  EXPECT_EQ(json_of("\x89"), Json(false));
  EXPECT_EQ(json_of("J\xFE\xFF\xFF\xFF"), Json(-2));
  EXPECT_EQ(json_of("K\xFE"), Json(254));
  EXPECT_EQ(json_of("M\xFE\xFF"), Json(65534));
  EXPECT_EQ(json_of(std::string("\x8A\x00", 2)), Json(0));
  EXPECT_EQ(json_of("\x8A\x01\xFF"), Json(-1));
  EXPECT_EQ(json_of(std::string("\x8A\x05\x00\x00\x00\x00\x01", 7)), Json(4294967296));
  EXPECT_EQ(json_of(real(1e-5)), Json(1e-5));
  EXPECT_EQ(json_of(real(std::numeric_limits<double>::infinity())), Json(nullptr));
  EXPECT_EQ(json_of(text("gr\xC3\xBC\xC3\x9F")), Json("gr\xC3\xBC\xC3\x9F"));
  EXPECT_EQ(json_of("\x8C\x02hi"), Json("hi"));
  EXPECT_EQ(json_of(global("torch", "bfloat16")), Json("torch.bfloat16"));
}

TEST(Pickle, Containers) {
  EXPECT_EQ(json_of(dict({text("a"), numbers({1, 2, 3}), number(7), "]", text("b"),
                          call(global("collections", "OrderedDict"), {})})),
            parse_json(R"({"a": [1, 2, 3], "7": [], "b": {}})", "wanted"));
  EXPECT_EQ(json_of("](K\1K\2eK\3a"), parse_json("[1, 2, 3]", "wanted"));
  EXPECT_EQ(json_of("K\1\x85K\1K\2\x86K\1K\2K\3\x87\x87"),
            parse_json("[[1], [1, 2], [1, 2, 3]]", "wanted"));
  EXPECT_EQ(json_of("}K\1K\2s"), parse_json(R"({"1": 2})", "wanted"));
  EXPECT_EQ(json_of(call(global("torch", "Size"), {numbers({4, 5})})),
            parse_json("[4, 5]", "wanted"));
}

TEST(Pickle, ProtocolFourNamesAndMemory) {
  const std::string of_four = std::string("\x80\x04\x95\0\0\0\0\0\0\0\0", 11);
  const std::string ordered =
      "\x8C\x0B"
      "collections"
      "\x94"
      "\x8C\x0B"
      "OrderedDict"
      "\x93";
  const std::string bytes = of_four + "]\x94(" + ordered + ")R" + "h" + std::string(1, '\0') +
                            "0N2e.";  // the list itself is got and dropped
  const Pickle pickle = read_pickle(bytes, "p");
  EXPECT_EQ(plain_json(*pickle.root, "p"), parse_json("[{}, null, null]", "wanted"));
}

// os.system and all its kin are names like any other: refused before anything could call them.
TEST(Pickle, NothingIsCalledThatIsNotKnown) {
  expect_refused(file(call(global("os", "system"), {text("true")})),
                 {"p, byte 2", "nothing is executed", "\"os.system\""});
  for (const char* name : {"eval", "exec", "getattr", "__import__", "set", "bytearray"}) {
    expect_refused(file(call(global("builtins", name), {text("1")})), {str("\"builtins.", name)});
  }
  expect_refused(file(global("torch", "load")), {"\"torch.load\""});
  expect_refused(file(global("collections", "OrderedDict.fromkeys")), {"fromkeys"});
  expect_refused("\x80\x04\x8C\x05posix\x8C\x06system\x93.", {"byte 17", "\"posix.system\""});
  expect_refused(file(call(global("torch", "FloatStorage"), {})),
                 {"a call that puts a tensor", "torch.FloatStorage"});
  expect_refused(file(call("N", {})), {"a function and its arguments"});
}

TEST(Pickle, InstructionsByName) {
  for (const auto& [bytes, name] : {std::pair<std::string, std::string>{"(ios\nsystem\n", "INST"},
                                    {"(o", "OBJ"},
                                    {"\x81", "NEWOBJ"},
                                    {"\x92", "NEWOBJ_EX"},
                                    {"\x82\1", "EXT1"},
                                    {"P1\n", "PERSID"},
                                    {"I1\n", "INT"},
                                    {"F1\n", "FLOAT"},
                                    {"S'a'\n", "STRING"},
                                    {"\x8F", "EMPTY_SET"},
                                    {"B", "BINBYTES"},
                                    {"\xFF", "no instruction (0xff)"}}) {
    expect_refused("\x80\x02" + bytes + ".", {"an instruction of a tensor dictionary", name});
  }
  EXPECT_EQ(name_of(Opcode::kReduce), "REDUCE");
}

TEST(Pickle, BrokenStacks) {
  expect_refused("\x80\x01N.", {"protocol 2 to 5", "got 1"});
  expect_refused("", {"1 bytes of PROTO"});
  expect_refused(file(""), {"byte 2", "a value for STOP", "an empty stack"});
  expect_refused(file("NN"), {"one value left", "2"});
  expect_refused(file("t"), {"a mark for TUPLE"});
  expect_refused(file("N(R"), {"a value for REDUCE"});
  expect_refused(file("N(K\1u"), {"a dictionary to set items of"});
  expect_refused(file("}(K\1u"), {"keys with a value each"});
  expect_refused(file("}K\1a"), {"a list to append to"});
  expect_refused(file("NNb"), {"a dictionary to set attributes of"});
  expect_refused(file("h\5"), {"a value that was remembered", "number 5"});
  expect_refused(file("cos"), {"a line of text"});
  expect_refused(file("X\xFF\xFF\xFF\x7F"), {"2147483647 bytes of BINUNICODE"});
  expect_refused(file("X" + little_endian(2, 4) + "\xC3\x28"), {"text in UTF-8"});
  expect_refused(file("\x8A\x09" + std::string(9, '1')), {"at most 64 bits", "72 bits"});
}

TEST(Pickle, WrongTensors) {
  expect_refused(file("N"
                      "Q"),
                 {"('storage', its type"});
  expect_refused(file(storage("Size", "0", 4)), {"a storage's type", "torch.Size"});
  expect_refused(file(storage("FloatStorage", "0", -1)), {"('storage'"});
  expect_refused(file(storage("FloatStorage", std::string(300, 'k'), 1)), {"('storage'"});
  const std::string some = storage("FloatStorage", "0", 4);
  expect_refused(file(tensor(some, -1, {2}, {1})), {"a storage, a start, a shape"});
  expect_refused(file(tensor(some, 0, {-2}, {1})), {"a storage, a start, a shape"});
  expect_refused(file(tensor(some, 0, {2}, {1, 1})), {"a storage, a start, a shape"});
  expect_refused(file(tensor(some, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1})),
                 {"at most 8 axes"});
  expect_refused(file(call(global("torch._utils", "_rebuild_parameter"), {"N", "\x89", "N"})),
                 {"a parameter of a tensor"});
}

// A list that holds itself, and one whose items double at each level.
TEST(Pickle, ValuesWithoutEnd) {
  expect_error(ErrorKind::kFormat, {"at most 64 levels"}, [] { json_of("]q\1h\1a"); });
  std::string doubling = "]";
  for (int level = 0; level < 40; ++level)
    doubling += "q" + std::string(1, static_cast<char>(level)) + "0](h" +
                std::string(1, static_cast<char>(level)) + "h" +
                std::string(1, static_cast<char>(level)) + "e";
  expect_error(ErrorKind::kFormat, {"1000000 in all"}, [&] { json_of(doubling); });
}

std::string repeated(std::string_view what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

// Few bytes that name much often, and such whose stack, marks or memory grow with each of them.
TEST(Pickle, MemoryThatGrowsWithoutEnd) {
  const std::string wanted = "values of at most 256000000 bytes";
  const std::string pairs =
      "](" + repeated("NN\x86", 1024) + "e\x85q\1" + global("collections", "OrderedDict") + "q\2";
  expect_refused(file(pairs + repeated("h\2h\1R0", 20'000)), {wanted});
  const std::string id = tuple({text("storage"), global("torch", "FloatStorage"),
                                text(std::string(256, 'k')), "N", number(1)});
  expect_refused(file(id + "q\1" + repeated("h\1Q0", 1'000'000)), {wanted});
  expect_refused(file("](" + std::string(20'000'000, 'N')), {wanted});
  expect_refused(file("]" + std::string(20'000'000, '\x94')), {wanted});
  expect_refused(file("N" + std::string(40'000'000, '2')), {wanted});
  expect_refused(file(std::string(40'000'000, '(')), {wanted});
  const std::string doubled = "]q\1(" + repeated("h\1", 1000) + "t";
  expect_refused(file(repeated(doubled + "0", 40'000)), {wanted});
  const std::string appended = repeated("(" + repeated("h\1", 1000) + "e", 20'000);
  expect_refused(file("]q\1" + appended), {wanted});
}

TEST(Pickle, EveryByteCutOrChanged) {
  const std::string whole =
      file(dict({text("w"), tensor(storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1}), text("lr"),
                 real(0.5), text("n"), number(3)}));
  const auto try_to_read = [](const std::string& bytes) {
    try {
      const Pickle pickle = read_pickle(bytes, "p");
      EXPECT_NE(pickle.root, nullptr);
      plain_json(*pickle.root, "p");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
    }
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    EXPECT_THROW(read_pickle(whole.substr(0, at), "p"), Error);
    for (int value = 0; value < 256; ++value) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(value);
      try_to_read(bytes);
    }
  }
}

}  // namespace
}  // namespace xlstm
