// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Philox.h"

#include <gtest/gtest.h>
#include <vector>

using namespace incept;

// The published answers of Random123 for philox4x32 with 10 rounds.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0, 0), (PhiloxWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
            (PhiloxWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (PhiloxWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, StreamsRepeatAndDiffer) {
  auto draw = [](uint64_t seed, const char *name) {
    PhiloxStream stream(seed, hashName(name));
    std::vector<uint32_t> words(9);
    for (uint32_t &word : words)
      word = stream.next();
    return words;
  };
  EXPECT_EQ(draw(1, "a"), draw(1, "a"));
  EXPECT_NE(draw(1, "a"), draw(2, "a"));
  EXPECT_NE(draw(1, "a"), draw(1, "b"));
}

TEST(Philox, UniformStaysInsideItsInterval) {
  PhiloxStream stream(7, hashName("uniform"));
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    double value = stream.uniform();
    ASSERT_GT(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005); // five standard errors
}

TEST(Philox, BelowIsEven) {
  PhiloxStream stream(7, hashName("below"));
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i)
    ++counts.at(stream.below(7));
  for (int count : counts)
    EXPECT_NEAR(count, 10000, 500);
}
