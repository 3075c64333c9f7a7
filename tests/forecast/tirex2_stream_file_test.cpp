// Files of TiRex-2 streams: what is saved goes on, and what does not fit is refused.
#include <cmath>
#include <fstream>
#include <limits>

#include "tests/forecast/tirex2_streams.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/forecast/stream_file.h"
#include "xlstm/forecast/tirex2/tirex2_stream.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

class Tirex2StreamFiles : public Tirex2LongStreams {};

TEST_P(Tirex2StreamFiles, SavedStreamsGoOn) {
  const TemporaryFolder folder;
  const std::vector<Values> rows = long_rows(context() + 9);
  for (const std::size_t length : {std::size_t{0}, std::size_t{11}, context(), context() + 3}) {
    SCOPED_TRACE(length);
    const auto stream = model_->stream(2, 1);
    if (length > 0) stream->append(part(rows, 0, length));
    const fs::path file = folder.path() / "a.stream";
    stream->save(file);
    const auto loaded = model_->load_stream(file);
    EXPECT_EQ(loaded->position(), length);
    EXPECT_EQ(loaded->targets(), 2U);
    EXPECT_EQ(loaded->past_covariates(), 1U);
    for (SeriesStream* each : {stream.get(), loaded.get()}) {
      each->append(part(rows, length, rows.front().size()));
    }
    EXPECT_EQ(as_golden(loaded->forecast({.horizon = 9})),
              as_golden(stream->forecast({.horizon = 9})));
  }
}

// Contents that save() would not write.
TEST_P(Tirex2StreamFiles, FilesThatDoNotFitAreRefused) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.stream";
  const auto save = [&](std::size_t length) {
    const auto stream = model_->stream(2, 1);
    stream->append(part(long_rows(length), 0, length));
    stream->save(file);
    return load_stream(file, model_->loaded());
  };
  const auto refused = [&](const StreamContents& contents, const std::string& wanted) {
    save_stream(file, contents, model_->loaded());
    expect_error(ErrorKind::kFormat, {file.string(), wanted}, [&] { model_->load_stream(file); });
  };
  const auto changed = [](StreamContents contents, auto change) {
    change(contents);
    return contents;
  };
  const StreamContents short_one = save(10), long_one = save(context() + 1);
  refused(changed(short_one, [](auto& c) { c.position = 11; }), "targets");
  refused(changed(short_one, [](auto& c) { c.position = ~std::uint64_t{0}; }), "targets");
  refused(changed(short_one, [](auto& c) { c.tensors["extra"] = {{1}, {0}}; }), "2 tensors");
  refused(changed(short_one, [](auto& c) { c.tensors["targets"] = {{0, 10}, {}}; }), "a target");
  refused(changed(long_one, [](auto& c) { c.tensors.erase("rows"); }), "rows");
  refused(changed(long_one, [](auto& c) { c.tensors.erase("output"); }), "output");
  refused(changed(long_one, [](auto& c) { c.tensors["rows"].values[3] = 0.5F; }), "flags");
  refused(changed(long_one,
                  [](auto& c) {
                    for (const std::size_t flag : {3, 4}) c.tensors["rows"].values[flag] = 0;
                  }),
          "targets first");
  refused(changed(long_one,
                  [](auto& c) {
                    for (auto& [name, numbers] : c.tensors) {
                      if (name.starts_with("row.1.")) numbers.values[0] = std::nanf("");
                    }
                  }),
          "finite numbers");
  refused(changed(long_one,
                  [](auto& c) {
                    c.tensors["patch"] = {{3, 40}, Values(120)};
                  }),
          "fewer than");
}

// Changed by someone who knows how files are hashed, or by a disk.
TEST_P(Tirex2StreamFiles, FilesWithOtherLengthsOrNumbersAreRefused) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.stream";
  const auto refused = [&](const StreamContents& contents, const std::string& wanted) {
    save_stream(file, contents, model_->loaded());
    expect_error(ErrorKind::kFormat, {file.string(), wanted}, [&] { model_->load_stream(file); });
  };
  model_->stream(2, 1)->save(file);
  StreamContents empty = load_stream(file, model_->loaded());
  empty.tensors["targets"].shape[0] = std::int64_t{1} << 40;
  refused(empty, "at most 65536 rows");

  const auto stream = model_->stream(2, 1);
  for (const std::size_t at : {std::size_t{0}, context()}) {  // the second in no whole patch
    stream->append(part(long_rows(context() + 1), at, at == 0 ? context() : at + 1));
  }
  stream->save(file);
  const StreamContents good = load_stream(file, model_->loaded());
  const auto with = [&](const std::string& tensor, std::size_t at, float value) {
    StreamContents out = good;
    out.tensors.at(tensor).values.at(at) = value;
    return out;
  };
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  refused(with("rows", 0, nan), "a scale above 0");  // its place
  refused(with("rows", 1, nan), "a scale above 0");
  refused(with("rows", 1, 0), "a scale above 0");
  refused(with("rows", 1, -1), "a scale above 0");
  refused(with("rows", 1, infinity), "finite values");
  refused(with("rows", 5, nan), "a last value");
  refused(with("rows", 6, infinity), "finite values");  // the value before
  refused(with("rows", 2 * 7 + 4, 1), "a covariate that is read as it is");
  refused(with("patch", 0, -infinity), "finite values");
  refused(with("output", 0, infinity), "finite values");
  refused(with("output", 0, nan), "output of finite numbers");
  StreamContents early = good;
  early.position = context() - 1;
  refused(early, "a position from");
}

TEST_P(Tirex2StreamFiles, ALengthThatIsChangedInTheHeaderIsDamage) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.stream";
  model_->stream(2, 1)->save(file);
  std::string bytes = whole_file(file);
  const std::size_t at = bytes.find("[2,0]");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = '3';
  std::ofstream(file, std::ios::binary) << bytes;
  expect_error(ErrorKind::kFormat, {file.string(), "damaged"}, [&] { model_->load_stream(file); });
}

// The positions of states count tokens, loaded or not, whether the values before the context came
// at once or not.
TEST_P(Tirex2StreamFiles, StatesAreWhereTheyWereSaved) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.stream";
  const auto P = static_cast<std::size_t>(tirex2_.spec().P);
  const std::vector<Values> rows = long_rows(context() + 2 * P + 3);
  for (const std::size_t first : {std::size_t{1}, context() + P + 1}) {
    tirex2::Tirex2Stream stream(tirex2_, 2, 1);
    stream.append(part(rows, 0, first));
    stream.append(part(rows, first, rows.front().size()));
    stream.save(file);
    const auto loaded = tirex2::Tirex2Stream::load(tirex2_, file);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::uint64_t position = stream.followed()[r].state.position;
      EXPECT_EQ(loaded.followed()[r].state.position, position);
      EXPECT_EQ(position, (stream.position() - stream.followed()[r].row.values.size() + P - 1) / P);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Tirex2StreamFiles, ::testing::ValuesIn(stream_cases()),
                         name_of_case);

}  // namespace
}  // namespace xlstm::testing
