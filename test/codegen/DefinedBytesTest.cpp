// SPDX-License-Identifier: Apache-2.0
//
// What launches have written, compared with the bytes one by one.

#include "passes/DefinedBytes.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace incept::test {

namespace {

using exec::Footprint;

/// Bytes one by one.
class Bytes {
public:
  void write(int64_t offset, const Footprint &rows) {
    forEach(offset, rows, [&](int64_t byte) { known.insert(byte); });
  }
  void forget(int64_t offset, int64_t bytes) {
    for (int64_t byte = offset; byte < offset + bytes; ++byte)
      known.erase(byte);
  }
  bool covers(int64_t offset, const Footprint &rows) const {
    bool all = true;
    forEach(offset, rows, [&](int64_t byte) { all &= known.count(byte) > 0; });
    return all;
  }

private:
  template <typename Visit>
  static void forEach(int64_t offset, const Footprint &rows, Visit visit) {
    for (int64_t row = 0; row < rows.rows; ++row)
      for (int64_t byte = 0; byte < rows.rowBytes; ++byte)
        visit(offset + row * rows.pitch + byte);
  }

  std::set<int64_t> known;
};

} // namespace

// A buffer whose channels are written by several launches, in any order, is all there when the last has run, and each
// part of it before.
TEST(DefinedBytes, ChannelSlicesMakeABuffer) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::pair<int64_t, int64_t>> parts = {{0, 8}, {8, 4}, {12, 20}, {32, 4}};
    std::shuffle(parts.begin(), parts.end(), random);
    DefinedBytes defined;
    constexpr int64_t kBegin = 128, kPitch = 36, kRows = 7;
    Footprint whole{kPitch * kRows, 1, 0};
    for (auto [at, bytes] : parts) {
      EXPECT_FALSE(defined.covers(kBegin, whole));
      Footprint part{bytes, kRows, kPitch};
      EXPECT_FALSE(defined.covers(kBegin + at, part));
      EXPECT_FALSE(defined.covers(kBegin + at, {bytes, 1, 0}));
      defined.write(kBegin + at, part);
      EXPECT_TRUE(defined.covers(kBegin + at, part));
      EXPECT_TRUE(defined.covers(kBegin + at + 2, {bytes - 2, kRows, kPitch}));
      EXPECT_TRUE(defined.covers(kBegin + kPitch + at, {bytes, kRows - 1, kPitch}));
      EXPECT_TRUE(defined.covers(kBegin + kPitch + at, {bytes, 1, 0})); // a pixel
    }
    EXPECT_TRUE(defined.covers(kBegin, whole));
    EXPECT_FALSE(defined.covers(kBegin, {kPitch * kRows + 1, 1, 0}));
    EXPECT_TRUE(defined.covers(kBegin + 5, {9, kRows - 1, kPitch})); // across what were parts
  }
}

// A scratchpad in the middle leaves the rows before and behind it.
TEST(DefinedBytes, AreForgotten) {
  DefinedBytes defined;
  defined.write(100, {4, 10, 10});
  defined.write(300, {50, 1, 0});
  defined.forget(125, 20); // rows 3 and 4, and what lies between rows
  EXPECT_TRUE(defined.covers(100, {4, 3, 10}));
  EXPECT_FALSE(defined.covers(100, {4, 4, 10}));
  EXPECT_FALSE(defined.covers(140, {4, 2, 10}));
  EXPECT_TRUE(defined.covers(150, {4, 5, 10}));
  defined.forget(310, 10);
  EXPECT_TRUE(defined.covers(300, {10, 1, 0}) && defined.covers(320, {30, 1, 0}));
  EXPECT_FALSE(defined.covers(305, {10, 1, 0}));
  EXPECT_FALSE(defined.covers(319, {2, 1, 0}));
}

// Of stretches it knows all that is there, and nothing else.
TEST(DefinedBytes, OfStretchesAreExact) {
  std::mt19937 random(3);
  auto draw = [&](int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random); };
  for (int trial = 0; trial < 300; ++trial) {
    DefinedBytes defined;
    Bytes bytes;
    for (int step = 0; step < 40; ++step) {
      int64_t offset = draw(0, 40), count = draw(0, 12);
      if (draw(0, 2) == 0) {
        defined.forget(offset, count);
        bytes.forget(offset, count);
      } else {
        defined.write(offset, {count, 1, 0});
        bytes.write(offset, {count, 1, 0});
      }
      int64_t begin = draw(0, 50), size = draw(0, 6);
      EXPECT_EQ(defined.covers(begin, {size, 1, 0}), bytes.covers(begin, {size, 1, 0})) << trial << " " << step;
    }
  }
}

// So it is with columns of one buffer, in whatever order they are written.
TEST(DefinedBytes, OfColumnsAreExact) {
  std::mt19937 random(4);
  auto draw = [&](int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random); };
  constexpr int64_t kBegin = 64, kPitch = 12, kRows = 4;
  for (int trial = 0; trial < 300; ++trial) {
    DefinedBytes defined;
    Bytes bytes;
    for (int step = 0; step < 8; ++step) {
      int64_t first = draw(0, kPitch - 1);
      Footprint column{draw(1, kPitch - first), kRows, kPitch};
      defined.write(kBegin + first, column);
      bytes.write(kBegin + first, column);
      for (int64_t row = 0; row < kRows; ++row)
        for (int64_t at = 0; at < kPitch; ++at) {
          int64_t offset = kBegin + row * kPitch + at, rows = draw(1, kRows - row), width = draw(1, kPitch - at);
          Footprint asked{width, rows, rows == 1 ? 0 : kPitch};
          EXPECT_EQ(defined.covers(offset, asked), bytes.covers(offset, asked)) << trial << " " << step;
        }
    }
  }
}

// Of a column, the rows go that lie in what is forgotten, with a byte or more, and no others.
TEST(DefinedBytes, RowsAreForgotten) {
  constexpr int64_t kBegin = 100, kWidth = 4, kPitch = 10, kRows = 5;
  for (int64_t offset = 90; offset < 160; ++offset)
    for (int64_t bytes = 0; bytes <= 40; ++bytes) {
      DefinedBytes defined;
      defined.write(kBegin, {kWidth, kRows, kPitch});
      defined.forget(offset, bytes);
      // `count` rows from `row` on lie before what is forgotten or behind it, all of them.
      auto areThere = [&](int64_t row, int64_t count) {
        int64_t begin = kBegin + row * kPitch, end = begin + (count - 1) * kPitch + kWidth;
        return bytes == 0 || end <= offset || offset + bytes <= begin;
      };
      for (int64_t row = 0; row < kRows; ++row) {
        EXPECT_EQ(defined.covers(kBegin + row * kPitch, {kWidth, 1, 0}), areThere(row, 1)) << offset << " " << bytes;
        for (int64_t count = 2; count <= kRows - row; ++count)
          EXPECT_EQ(defined.covers(kBegin + row * kPitch, {kWidth, count, kPitch}), areThere(row, count))
              << offset << " " << bytes;
        EXPECT_FALSE(defined.covers(kBegin + row * kPitch, {kWidth + 1, 1, 0}));
      }
    }
}

// What it says is there, is there.
TEST(DefinedBytes, AreNeverTooMany) {
  std::mt19937 random(7);
  auto draw = [&](int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random); };
  int covered = 0;
  for (int trial = 0; trial < 300; ++trial) {
    DefinedBytes defined;
    Bytes bytes;
    for (int step = 0; step < 30; ++step) {
      int64_t offset = draw(0, 60), pitch = draw(1, 3) * 6, rows = draw(1, 4);
      Footprint footprint{rows == 1 ? draw(1, 40) : draw(1, pitch - 1), rows, rows == 1 ? 0 : pitch};
      switch (draw(0, 3)) {
      case 0:
        defined.forget(offset, footprint.rowBytes);
        bytes.forget(offset, footprint.rowBytes);
        break;
      case 1: {
        bool expected = bytes.covers(offset, footprint), actual = defined.covers(offset, footprint);
        EXPECT_TRUE(expected || !actual) << trial << " " << step;
        covered += actual;
        break;
      }
      default:
        defined.write(offset, footprint);
        bytes.write(offset, footprint);
      }
    }
  }
  EXPECT_GT(covered, 200);
}

} // namespace incept::test
