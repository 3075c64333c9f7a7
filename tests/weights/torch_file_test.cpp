// Torch's ZIP files: state dicts wherever they stand, tensors in any order of axes.
#include "xlstm/weights/torch_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "tests/support/expect_error.h"
#include "tests/support/pickle_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/weights/damaged_file.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {

using namespace pickled;

std::string floats(const std::vector<float>& values) {
  std::string out(4 * values.size(), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

std::vector<float> values_of(const TensorSource& source, const char* name) {
  const std::size_t index = source.find(name);
  EXPECT_NE(index, TensorSource::npos) << name;
  const std::vector<std::byte> bytes = source.read_all(index);
  std::vector<float> out(bytes.size() / 4);
  std::ranges::copy(bytes, std::as_writable_bytes(std::span(out)).begin());
  return out;
}

const std::string kSix = floats({0, 1, 2, 3, 4, 5});

std::string of_six(std::int64_t start, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides) {
  return tensor(storage("FloatStorage", "0", 6), start, shape, strides);
}

class TorchFile : public ::testing::Test {
 protected:
  std::unique_ptr<TensorSource> open(const std::string& value,
                                     const std::vector<std::string>& storages = {kSix}) const {
    return open_weights(folder_.file("m.pt", torch_zip(file(value), storages)));
  }
  void expect_refused(ErrorKind kind, const std::string& bytes,
                      const std::vector<std::string>& pieces) const {
    expect_error(kind, pieces, [&] { open_weights(folder_.file("m.pt", bytes)); });
  }

  TemporaryFolder folder_;
};

TEST_F(TorchFile, TensorsInAnyOrderOfAxes) {
  const auto source = open(
      dict({text("plain"), of_six(0, {2, 3}, {3, 1}), text("transposed"), of_six(0, {3, 2}, {1, 3}),
            text("view"), of_six(4, {2}, {1}), text("every_second"), of_six(1, {3}, {2}),
            text("scalar"), of_six(5, {}, {}), text("none"), of_six(0, {0, 9}, {9, 1})}));
  ASSERT_EQ(source->tensors().size(), 6u);
  EXPECT_EQ(values_of(*source, "plain"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of(*source, "transposed"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values_of(*source, "view"), (std::vector<float>{4, 5}));
  EXPECT_EQ(values_of(*source, "every_second"), (std::vector<float>{1, 3, 5}));
  EXPECT_EQ(values_of(*source, "scalar"), (std::vector<float>{5}));
  EXPECT_EQ(values_of(*source, "none"), (std::vector<float>{}));
  std::vector<float> piece(2);
  source->read(source->find("transposed"), 12, std::as_writable_bytes(std::span(piece)));
  EXPECT_EQ(piece, (std::vector<float>{4, 2}));
}

TEST_F(TorchFile, TypesOfStorages) {
  const std::string eight(8, '\1');
  for (const auto& [type, dtype] : {std::pair{"FloatStorage", DType::kF32},
                                    {"DoubleStorage", DType::kF64},
                                    {"HalfStorage", DType::kF16},
                                    {"BFloat16Storage", DType::kBF16},
                                    {"LongStorage", DType::kI64},
                                    {"IntStorage", DType::kI32},
                                    {"ShortStorage", DType::kI16},
                                    {"CharStorage", DType::kI8},
                                    {"ByteStorage", DType::kU8},
                                    {"BoolStorage", DType::kBool}}) {
    const auto count = static_cast<std::int64_t>(8 / size_of(dtype));
    const auto source =
        open(dict({text("t"), tensor(storage(type, "0", count), 0, {count}, {1})}), {eight});
    EXPECT_EQ(source->tensors()[0].dtype, dtype) << type;
    EXPECT_EQ(source->tensors()[0].bytes, 8u);
  }
}

TEST_F(TorchFile, StateDictsWhereverTheyStand) {
  const std::string state = dict({text("w"), of_six(0, {6}, {1})});
  for (const char* name : {"state_dict", "model", "model_state_dict", "module", "params"}) {
    const auto source =
        open(dict({text("epoch"), number(3), text("optimizer_states"),
                   dict({text("exp_avg"), of_six(0, {6}, {1})}), text(name), state}));
    ASSERT_EQ(source->tensors().size(), 1u) << name;
    EXPECT_EQ(source->tensors()[0].name, "w");
  }
  const auto beside_a_loss =
      open(dict({text("loss"), of_six(0, {}, {}), text("model_state_dict"), state}));
  ASSERT_EQ(beside_a_loss->tensors().size(), 1u);
  EXPECT_EQ(beside_a_loss->tensors()[0].name, "w");
  const auto flat = open(dict({text("w"), of_six(0, {6}, {1}), text("model"),
                               dict({text("layers"), number(3)}), text("params"), number(6)}));
  ASSERT_EQ(flat->tensors().size(), 1u);
  EXPECT_EQ(flat->tensors()[0].name, "w") << "no entry of a known name holds tensors";
  const std::string ordered = call(global("collections", "OrderedDict"), {}) + "(" + text("w") +
                              of_six(0, {6}, {1}) + "u}(" + text("_metadata") + "Nub";
  EXPECT_EQ(open(ordered)->tensors()[0].name, "w") << "with attributes";
  const std::string parameter =
      call(global("torch._utils", "_rebuild_parameter"), {of_six(0, {6}, {1}), "\x88", "N"});
  EXPECT_EQ(open(dict({text("p"), parameter}))->tensors()[0].bytes, 24u);
  expect_refused(ErrorKind::kFormat, torch_zip(file(dict({text("epoch"), number(1)})), {}),
                 {"m.pt, member \"m/data.pkl\"", "tensors, or an entry state_dict", "without"});
  expect_refused(ErrorKind::kFormat, torch_zip(file("]"), {}), {"a dictionary of tensors"});
}

TEST_F(TorchFile, HyperParametersAreTheConfig) {
  const std::string state = dict({text("w"), of_six(0, {6}, {1})});
  const auto source =
      open(dict({text("state_dict"), state, text("hyper_parameters"),
                 dict({text("model_config"), dict({text("patch"), number(32), text("qs"),
                                                   "](" + real(0.1) + real(0.9) + "e"})})}));
  EXPECT_EQ(parse_json(source->config(), "config"),
            parse_json(R"({"model_config": {"patch": 32, "qs": [0.1, 0.9]}})", "wanted"));
  EXPECT_EQ(open(state)->config(), "");
}

TEST_F(TorchFile, TensorsThatDoNotFitTheirStorage) {
  for (const std::string& value :
       {of_six(0, {7}, {1}), of_six(1, {6}, {1}), of_six(0, {2, 2}, {5, 1}), of_six(7, {0}, {1}),
        of_six(0, {4, 4}, {1, 0}), of_six(0, {7}, {0})}) {
    expect_refused(ErrorKind::kFormat, torch_zip(file(dict({text("w"), value})), {kSix}),
                   {"m.pt", "tensor \"w\"", "within a storage of 6 elements"});
  }
  const std::string huge =
      tensor(storage("FloatStorage", "0", 6), 0, {2147483647, 2147483647, 2147483647}, {1, 1, 1});
  expect_refused(ErrorKind::kFormat, torch_zip(file(dict({text("w"), huge})), {kSix}),
                 {"within a storage"});
  expect_refused(ErrorKind::kFormat,
                 torch_zip(file(dict({text("w"), of_six(0, {6}, {1})})), {"1234"}),
                 {"the 6 elements of F32", "\"m/data/0\"", "4 bytes"});
  expect_refused(ErrorKind::kFormat, torch_zip(file(dict({text("w"), of_six(0, {6}, {1})})), {}),
                 {"a member \"m/data/0\"", "none"});
  expect_refused(
      ErrorKind::kFormat,
      torch_zip(file(dict({text("w"), of_six(0, {6}, {1}), text("w"), of_six(0, {6}, {1})})),
                {kSix}),
      {"tensor \"w\" once"});
  expect_refused(ErrorKind::kFormat,
                 torch_zip(file(dict({number(1), of_six(0, {6}, {1})})), {kSix}),
                 {"text as names"});
}

TEST_F(TorchFile, OtherKindsOfArchives) {
  const std::string pickle = file(dict({text("w"), of_six(0, {6}, {1})}));
  const auto zip = [&](std::vector<RawMember> more) {
    more.push_back(RawMember::stored("m/data.pkl", pickle));
    more.push_back(RawMember::stored("m/data/0", kSix));
    return raw_zip(more);
  };
  expect_refused(ErrorKind::kModel, zip({RawMember::stored("m/byteorder", "big")}),
                 {"m/byteorder", "wanted little", "\"big\""});
  expect_refused(ErrorKind::kModel, zip({RawMember::stored("m/constants.pkl", "x")}),
                 {"a TorchScript program"});
  expect_refused(ErrorKind::kFormat, zip({RawMember::stored("n/data.pkl", "x")}),
                 {"one member data.pkl", "n/data.pkl"});
}

TEST_F(TorchFile, DeflatedMembersAreReadToo) {
  const std::string pickle = file(dict({text("w"), of_six(0, {3, 2}, {1, 3})}));
  const auto source = open_weights(folder_.file(
      "d.ckpt",
      raw_zip({RawMember::deflate("m/data.pkl", pickle), RawMember::deflate("m/data/0", kSix)})));
  EXPECT_EQ(values_of(*source, "w"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

// A name of megabytes, many times: refused before it is copied for each.
TEST_F(TorchFile, NamesThatRepeat) {
  const std::string name(1'000'000, 'n');
  std::string items = text(name) + "q\1" + of_six(0, {6}, {1}) + "q\2";
  for (int i = 0; i < 100'000; ++i) items += "h\1h\2";
  expect_refused(ErrorKind::kFormat, torch_zip(file("}(" + items + "u"), {kSix}),
                 {"once", "it twice"});
  for (int i = 0; i < 100'000; ++i) items += "h\1h\2";
  expect_refused(ErrorKind::kFormat, torch_zip(file("}(" + items + "u"), {kSix}),
                 {"at most 200000 tensors"});
}

// A deflated member is unpacked from its start: what is read of it is all of it, at once.
TEST_F(TorchFile, PartsOfDeflatedMembersAreRefused) {
  const auto open_deflated = [&](const std::string& value) {
    return open_weights(
        folder_.file("d.ckpt", raw_zip({RawMember::stored("m/data.pkl", file(value)),
                                        RawMember::deflate("m/data/0", kSix)})));
  };
  for (const std::string& part :
       {of_six(1, {5}, {1}), of_six(0, {5}, {1}), of_six(0, {2}, {5}), of_six(1, {3}, {2})}) {
    expect_error(
        ErrorKind::kModel,
        {"d.ckpt", "tensor \"w\", in the deflated member \"m/data/0\"", "all of it", "of 24 bytes"},
        [&] {
          open_deflated(dict({text("w"), part}));
        });
  }
  EXPECT_NO_THROW(open_deflated(dict({text("none"), of_six(2, {0}, {1})})));
  constexpr std::int64_t kMany = 300'000'000;  // of elements that are in no file: headers decide
  RawMember large = RawMember::deflate("m/data/0", std::string(4'000'000, '\0'));
  large.bytes = 4 * kMany;
  large.packed.resize(large.bytes / 1000, '\0');
  large.said_packed = large.packed.size();
  const std::string turned = tensor(storage("FloatStorage", "0", kMany), 0, {2, kMany / 2}, {1, 2});
  expect_error(ErrorKind::kModel, {"at most 1000000000 bytes in another order", "1200000000"}, [&] {
    open_weights(folder_.file(
        "l.ckpt",
        raw_zip({RawMember::stored("m/data.pkl", file(dict({text("w"), turned}))), large})));
  });
}

TEST_F(TorchFile, EveryByteCutOrChanged) {
  const std::string whole = torch_zip(file(dict({text("w"), of_six(0, {3, 2}, {1, 3})})), {kSix});
  expect_damage_is_refused(folder_, "b.pt", whole);
}

}  // namespace
}  // namespace xlstm
