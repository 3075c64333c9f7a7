// What a shadow keeps of each cell against a memory that forgets nothing.
#include "tests/metal/emulator/shadow.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace xlstm::metal_emulator {
namespace {

enum class Kind { kRead, kWrite, kAtomic };

struct Access {
  Kind kind;
  Moment moment;
};

// As shadow.h says.
bool is_ordered(const Moment& a, const Moment& b) {
  if (a.threadgroup != b.threadgroup) return false;
  return a.thread == b.thread || a.group_epoch < b.group_epoch ||
         (a.thread / 32 == b.thread / 32 && a.simd_epoch < b.simd_epoch);
}

bool may_meet(Kind a, Kind b) {
  return a == b ? a != Kind::kWrite : false;
}

// Whether `now` meets any of all earlier accesses without order.
bool has_race(const std::vector<Access>& all, const Access& now) {
  for (const Access& earlier : all) {
    if (!may_meet(earlier.kind, now.kind) && !is_ordered(earlier.moment, now.moment)) return true;
  }
  return false;
}

bool shadow_finds(Shadow& shadow, const Access& now) {
  const Shadow::Finding found = now.kind == Kind::kRead ? shadow.read(0, 4, now.moment)
                                : now.kind == Kind::kWrite
                                    ? shadow.write(0, 4, now.moment)
                                    : shadow.change_atomically(0, 4, now.moment, true);
  return found.hazard != Hazard::kNone;
}

// Threadgroups run one after another, each with three SIMD groups of which few lanes do anything;
// accesses to one cell and barriers come in any order, up to the first race.
class Course {
 public:
  explicit Course(unsigned seed) : random_(seed), writes_(draw(6)) {}

  // The number of races: 0, or 1 where it ended with one.
  int run() {
    const unsigned threadgroups = 1 + draw(3);
    for (unsigned group = 1; group <= threadgroups; ++group) {
      epoch_ = 0;
      for (unsigned& simd : simd_epochs_) simd = 0;
      for (unsigned i = draw(20); i > 0; --i) {
        if (step(group)) return 1;
      }
    }
    return 0;
  }

 private:
  unsigned draw(unsigned n) { return static_cast<unsigned>(random_() % n); }

  bool step(unsigned group) {
    const unsigned what = draw(10), simd = draw(3);
    if (what == 0) {
      ++epoch_;
    } else if (what <= 3) {
      ++simd_epochs_[simd];
    } else {
      return access(group, simd);
    }
    return false;
  }
  bool access(unsigned group, unsigned simd) {
    const unsigned drawn = draw(6);
    const Kind kind =
        drawn < writes_ ? (drawn % 2 == 0 ? Kind::kWrite : Kind::kAtomic) : Kind::kRead;
    const Access now{kind,
                     {.threadgroup = group,
                      .thread = simd * 32 + draw(2),
                      .group_epoch = epoch_,
                      .simd_epoch = simd_epochs_[simd],
                      .pc = 0}};
    const bool wanted = has_race(all_, now), found = shadow_finds(shadow_, now);
    EXPECT_EQ(wanted, found) << "after " << all_.size() << " accesses";
    all_.push_back(now);
    return wanted || found;
  }

  std::mt19937 random_;
  unsigned writes_;
  unsigned epoch_ = 0, simd_epochs_[3] = {};
  std::vector<Access> all_;
  Shadow shadow_ = [] {
    Shadow shadow(4, 4);
    shadow.set_initialised();
    return shadow;
  }();
};

TEST(Shadow, FindsExactlyTheRacesThatThereAre) {
  constexpr int kCourses = 200000;
  int races = 0;
  for (unsigned seed = 0; seed < kCourses && !::testing::Test::HasFailure(); ++seed)
    races += Course(seed).run();
  EXPECT_GT(races, kCourses / 4);  // both kinds of course occur
  EXPECT_LT(races, kCourses * 3 / 4);
}

TEST(Shadow, CellsOfHalvesAreApart) {
  Shadow shadow(8, 2);
  const Moment one{1, 0, 0, 0, 0}, other{1, 40, 0, 0, 0};
  EXPECT_EQ(shadow.write(2, 2, one).hazard, Hazard::kNone);
  EXPECT_EQ(shadow.write(4, 2, other).hazard, Hazard::kNone);
  EXPECT_EQ(shadow.read(0, 2, one).hazard, Hazard::kUninitialised);
  EXPECT_EQ(shadow.write(0, 4, other).hazard,
            Hazard::kWriteAfterRead);  // of the first of two cells
  EXPECT_EQ(shadow.first_unwritten(8), 6U);
}

TEST(Shadow, ForgetsALife) {
  Shadow shadow(4, 4);
  EXPECT_EQ(shadow.write(0, 4, {1, 0, 0, 0, 0}).hazard, Hazard::kNone);
  shadow.forget();
  EXPECT_EQ(shadow.read(0, 4, {2, 5, 0, 0, 0}).hazard, Hazard::kUninitialised);
  EXPECT_EQ(shadow.write(0, 4, {2, 5, 0, 0, 0}).hazard, Hazard::kNone);
}

}  // namespace
}  // namespace xlstm::metal_emulator
