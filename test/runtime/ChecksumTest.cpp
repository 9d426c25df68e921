// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Checksum.h"

#include <gtest/gtest.h>

using namespace incept;

// XXH64 with seed 0 of texts whose values are published with the algorithm and its bindings.
TEST(Checksum, HasThePublishedValues) {
  EXPECT_EQ(Checksum().text(), "ef46db3751d8e999");
  EXPECT_EQ(Checksum().add("a").text(), "d24ec4f1a98c6e5b");
  EXPECT_EQ(Checksum().add("abc").text(), "44bc2cf5ad770999");
  EXPECT_EQ(Checksum().add("Nobody inspects the spammish repetition").text(), "fbcea83c8a378bf1");
}

TEST(Checksum, DoesNotSeeWhereBytesAreCut) {
  std::string bytes;
  for (int i = 0; i < 200; ++i)
    bytes += static_cast<char>(i * 37);
  for (size_t size : {1, 4, 7, 8, 31, 32, 33, 63, 64, 100, 200}) {
    std::string_view part = std::string_view(bytes).substr(0, size);
    uint64_t whole = Checksum().add(part).value();
    for (size_t cut = 0; cut <= size; ++cut)
      EXPECT_EQ(Checksum().add(part.substr(0, cut)).add("").add(part.substr(cut)).value(), whole) << size << ' ' << cut;
    Checksum single;
    for (char c : part)
      single.add({&c, 1});
    EXPECT_EQ(single.value(), whole) << size;
  }
}

TEST(Checksum, SeesEveryBit) {
  std::string bytes(75, '\x5a');
  uint64_t good = Checksum().add(bytes).value();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(Checksum().add(damaged).value(), good) << bit;
  }
  EXPECT_NE(Checksum().add(bytes + '\0').value(), good);
}
