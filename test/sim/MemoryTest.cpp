// SPDX-License-Identifier: Apache-2.0
//
// The simulated device's memory: what is found, and how it is told.

#include "tools/incept-sim/memory/Memory.h"

#include <gtest/gtest.h>

#include <thread>

namespace incept::sim::memory {
namespace {

TEST(Memory, HostAddressesThatReadAsZero) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(1000), b = *memory.allocate(1);
  EXPECT_EQ(a % 256, 0u);
  EXPECT_EQ(b % 256, 0u);
  EXPECT_EQ(memory.usedBytes(), 1001u);
  EXPECT_EQ(memory.count(), 2u);
  const auto *bytes = reinterpret_cast<const uint8_t *>(a);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(bytes[i], 0);
}

TEST(Memory, Checks) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(100);
  EXPECT_EQ(memory.check(a, 100, Access::Write), Fault::None);
  EXPECT_EQ(memory.check(a, 4, Access::Read), Fault::Unwritten);
  memory.markWritten(a, 10);
  EXPECT_EQ(memory.check(a, 10, Access::Read), Fault::None);
  EXPECT_EQ(memory.check(a + 9, 2, Access::Read), Fault::Unwritten);
  EXPECT_EQ(memory.firstBad(a + 3, 20, Access::Read), a + 10);
  EXPECT_EQ(memory.check(a + 97, 4, Access::Write), Fault::OutOfBounds);
  EXPECT_EQ(memory.firstBad(a + 97, 4, Access::Write), a + 100);
  EXPECT_EQ(memory.check(a - 1, 1, Access::Write), Fault::OutOfBounds);
  EXPECT_EQ(memory.check(0, 1, Access::Read), Fault::Null);
  EXPECT_EQ(memory.check(a, UINT64_MAX, Access::Write), Fault::OutOfBounds);
  EXPECT_EQ(memory.check(UINT64_MAX, UINT64_MAX, Access::Read), Fault::OutOfBounds);
  memory.markReadOnly(a);
  EXPECT_EQ(memory.check(a, 4, Access::Write), Fault::ReadOnly);
}

TEST(Memory, FreedMemoryIsRemembered) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(4096);
  ASSERT_TRUE(memory.free(a).ok());
  EXPECT_EQ(memory.usedBytes(), 0u);
  EXPECT_EQ(memory.check(a + 8, 4, Access::Read), Fault::Freed);
  EXPECT_EQ(memory.describe(a + 8), "byte 8 of freed allocation 1 of 4,096 bytes");
  Status twice = memory.free(a);
  EXPECT_NE(twice.message().find("it is free already"), std::string::npos) << twice.message();
  EXPECT_NE(*memory.allocate(4096), a);
}

TEST(Memory, FreeOfWhatIsNoBegin) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(64);
  Status status = memory.free(a + 8);
  EXPECT_NE(status.message().find("byte 8 of allocation 1 of 64 bytes: expected the begin of an allocation"),
            std::string::npos)
      << status.message();
  EXPECT_FALSE(memory.free(0).ok());
}

TEST(Memory, Descriptions) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(4096);
  memory.label(a + 16, 32, "specs/x.json:4: conv1.weight");
  EXPECT_EQ(memory.describe(a + 4108), "12 bytes past the end of allocation 1 of 4,096 bytes");
  EXPECT_EQ(memory.describe(a - 4), "4 bytes before the begin of allocation 1 of 4,096 bytes");
  EXPECT_EQ(memory.describe(a + 15), "byte 15 of allocation 1 of 4,096 bytes");
  EXPECT_EQ(memory.describe(a + 47), "byte 47 of allocation 1 of 4,096 bytes (specs/x.json:4: conv1.weight)");
  EXPECT_EQ(memory.describe(0), "the null pointer");
  EXPECT_EQ(memory.describe(16), "byte 16 from the null pointer");
  EXPECT_EQ(memory.describe(uint64_t(1) << 60), "no device memory");
  Status status = memory.checked(a + 4090, 16, Access::Write);
  EXPECT_NE(status.message().find("byte 4,090 of allocation 1 of 4,096 bytes; wrong from 0 bytes past the end"),
            std::string::npos)
      << status.message();
}

TEST(Memory, TheDeviceHasAnEnd) {
  Memory memory(1000);
  ASSERT_TRUE(memory.allocate(600));
  Expected<uint64_t> more = memory.allocate(401);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.status().message(), "out of device memory: 401 bytes requested, 400 of 1,000 free");
  EXPECT_FALSE(memory.allocate(0));
  EXPECT_FALSE(memory.allocate(UINT64_MAX));
  Memory large(UINT64_MAX);
  EXPECT_FALSE(large.allocate(UINT64_MAX));
  EXPECT_FALSE(large.allocate(uint64_t(1) << 60));
}

TEST(Memory, LargeZeroedRegionsAreCheap) {
  Memory memory(uint64_t(80) << 30);
  uint64_t bytes = uint64_t(64) << 30;
  Expected<uint64_t> a = memory.allocate(bytes);
  ASSERT_TRUE(a) << a.status().message();
  ASSERT_TRUE(memory.zero(*a, bytes).ok());
  EXPECT_EQ(memory.check(*a + bytes - 8, 8, Access::Read), Fault::None);
  EXPECT_EQ(memory.check(*a + bytes - 4, 8, Access::Read), Fault::OutOfBounds);
}

TEST(Memory, ZeroAndUnwritten) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(20000);
  std::memset(reinterpret_cast<void *>(a), 7, 20000);
  ASSERT_TRUE(memory.zero(a + 100, 15000).ok());
  const auto *bytes = reinterpret_cast<const uint8_t *>(a);
  for (int i = 0; i < 20000; ++i)
    ASSERT_EQ(bytes[i], i >= 100 && i < 15100 ? 0 : 7) << i;
  EXPECT_EQ(memory.check(a + 99, 1, Access::Read), Fault::Unwritten);
  EXPECT_EQ(memory.check(a + 100, 15000, Access::Read), Fault::None);
  EXPECT_EQ(memory.check(a + 100, 15001, Access::Read), Fault::Unwritten);
  EXPECT_FALSE(memory.zero(a, 20001).ok());
  memory.markWritten(a, 20000);
  memory.markUnwritten(a + 50, 10);
  EXPECT_EQ(memory.check(a, 50, Access::Read), Fault::None);
  EXPECT_EQ(memory.firstBad(a, 20000, Access::Read), a + 50);
  EXPECT_EQ(memory.check(a + 60, 19940, Access::Read), Fault::None);
}

TEST(Memory, ThreadsAllocateAndFree) {
  Memory memory(1 << 30);
  auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      uint64_t a = *memory.allocate(1000 + i);
      memory.markWritten(a, 500);
      EXPECT_EQ(memory.check(a, 501, Access::Read), Fault::Unwritten);
      EXPECT_TRUE(memory.free(a).ok());
    }
  };
  std::thread one(work), two(work);
  one.join();
  two.join();
  EXPECT_EQ(memory.usedBytes(), 0u);
}

} // namespace
} // namespace incept::sim::memory
