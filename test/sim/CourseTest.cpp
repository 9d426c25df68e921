// SPDX-License-Identifier: Apache-2.0
//
// Sets of bytes, by which the lives of values are found.
#include "tools/incept-sim/driver/Ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace incept::sim {
namespace {

// The same as sets of single numbers.
TEST(Ranges, AreSets) {
  std::mt19937 random(1);
  Ranges ranges;
  std::set<uint64_t> numbers;
  for (int i = 0; i < 2000; ++i) {
    uint64_t begin = random() % 60, end = begin + random() % 12;
    switch (random() % 3) {
    case 0:
      ranges.add(begin, end);
      for (uint64_t n = begin; n < end; ++n)
        numbers.insert(n);
      break;
    case 1:
      ranges.remove(begin, end);
      for (uint64_t n = begin; n < end; ++n)
        numbers.erase(n);
      break;
    default:
      std::set<uint64_t> missing;
      for (auto [first, last] : ranges.missing(begin, end)) {
        EXPECT_LT(first, last);
        for (uint64_t n = first; n < last; ++n)
          missing.insert(n);
      }
      std::set<uint64_t> expected;
      for (uint64_t n = begin; n < end; ++n)
        if (!numbers.count(n))
          expected.insert(n);
      ASSERT_EQ(missing, expected) << i;
    }
  }
}

} // namespace
} // namespace incept::sim
