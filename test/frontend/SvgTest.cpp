// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Svg.h"
#include "gtest/gtest.h"

namespace {

std::string own(double bytes) { return incept::formatBytes(bytes, bytes); }

TEST(FormatBytes, UnitsAndDigitsOnBothSidesOfEachThreshold) {
  EXPECT_EQ(own(0), "0 B");
  EXPECT_EQ(own(9999), "9999 B");
  EXPECT_EQ(own(10000), "10.0 kB");
  EXPECT_EQ(own(999949), "999.9 kB");
  EXPECT_EQ(own(1000000), "1.00 MB");
  EXPECT_EQ(own(9990000), "9.99 MB");
  EXPECT_EQ(own(10000000), "10.0 MB");
  EXPECT_EQ(own(999900000), "999.9 MB");
  EXPECT_EQ(own(1e9), "1.00 GB");
  EXPECT_EQ(own(9.99e9), "9.99 GB");
  EXPECT_EQ(own(1e10), "10.0 GB");
}

TEST(FormatBytes, MarksOfAnAxisHaveTheUnitOfItsEnd) {
  EXPECT_EQ(incept::formatBytes(0, 3e9), "0.00 GB");
  EXPECT_EQ(incept::formatBytes(5e8, 3e9), "0.50 GB");
  EXPECT_EQ(incept::formatBytes(500, 2e6), "0.00 MB");
  EXPECT_EQ(incept::formatBytes(2000, 20000), "2.0 kB");
}

} // namespace
