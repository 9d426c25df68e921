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

TEST(Memory, WordsOfFaultsAndNumbers) {
  const std::pair<Fault, const char *> rows[] = {{Fault::None, "no fault"},
                                                 {Fault::Null, "null pointer"},
                                                 {Fault::OutOfBounds, "out of bounds"},
                                                 {Fault::Freed, "use after free"},
                                                 {Fault::Unwritten, "never written"},
                                                 {Fault::Ended, "the life of this value has ended"},
                                                 {Fault::ReadOnly, "read-only memory"}};
  for (auto [fault, words] : rows)
    EXPECT_EQ(text(fault), words);
  const std::pair<uint64_t, const char *> numbers[] = {
      {0, "0"},          {12, "12"},          {999, "999"},           {1000, "1,000"},
      {12345, "12,345"}, {123456, "123,456"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
  for (auto [number, words] : numbers)
    EXPECT_EQ(withCommas(number), words);
}

// Each wrong access as a sentence; 0x stands for an address.
TEST(Memory, Sentences) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(100), b = *memory.allocate(5000), c = *memory.allocate(16);
  memory.markWritten(a, 100);
  memory.markWritten(b, 5000);
  memory.markEnded(b + 4000, 10);
  memory.markReadOnly(a);
  ASSERT_TRUE(memory.free(c).ok());
  auto sentence = [&](uint64_t address, uint64_t bytes, Access access) {
    std::string text = memory.checked(address, bytes, access).message();
    size_t at = text.find("0x");
    return at == std::string::npos ? text : text.erase(at + 2, text.find(',', at) - at - 2);
  };
  EXPECT_EQ(sentence(a, 100, Access::Read), "");
  EXPECT_EQ(sentence(a, 0, Access::Write), "");
  EXPECT_EQ(sentence(a + 7, 1, Access::Write),
            "write of 1 bytes at 0x, byte 7 of allocation 1 of 100 bytes: read-only memory");
  EXPECT_EQ(sentence(0, 8, Access::Read), "read of 8 bytes at 0x, the null pointer: null pointer");
  EXPECT_EQ(sentence(4095, 1, Access::Read), "read of 1 bytes at 0x, byte 4,095 from the null pointer: null pointer");
  EXPECT_EQ(sentence(4096, 1, Access::Read), "read of 1 bytes at 0x, no device memory: out of bounds");
  EXPECT_EQ(sentence(a + 98, 3, Access::Read),
            "read of 3 bytes at 0x, byte 98 of allocation 1 of 100 bytes; wrong from 0 "
            "bytes past the end of allocation 1 of 100 bytes: out of bounds");
  EXPECT_EQ(sentence(b, 5000, Access::Read),
            "read of 5,000 bytes at 0x, byte 0 of allocation 2 of 5,000 bytes; wrong from byte "
            "4,000 of allocation 2 of 5,000 bytes: the life of this value has ended");
  EXPECT_EQ(sentence(b + 4010, 990, Access::Read), "");
  EXPECT_EQ(sentence(b, 5000, Access::Write), "");
  EXPECT_EQ(sentence(c + 3, 4, Access::Write),
            "write of 4 bytes at 0x, byte 3 of freed allocation 3 of 16 bytes: use after free");
  // The host's own writes ask nobody.
  EXPECT_FALSE(memory.zero(a, 1).ok());
  EXPECT_TRUE(memory.zero(a, 0).ok());
}

TEST(Memory, LivesEndAndAreTakenBack) {
  Memory memory(1 << 20);
  uint64_t a = *memory.allocate(64);
  memory.markWritten(a, 40);
  memory.markEnded(a + 8, 8);
  EXPECT_EQ(memory.check(a, 8, Access::Read), Fault::None);
  for (uint64_t i = 8; i < 16; ++i)
    EXPECT_EQ(memory.check(a + i, 1, Access::Read), Fault::Ended) << i;
  EXPECT_EQ(memory.check(a + 16, 24, Access::Read), Fault::None);
  EXPECT_EQ(memory.check(a + 40, 1, Access::Read), Fault::Unwritten);
  EXPECT_EQ(memory.firstBad(a, 64, Access::Read), a + 8);
  EXPECT_EQ(memory.check(a + 8, 8, Access::Write), Fault::None);
  memory.markWritten(a + 8, 4);
  EXPECT_EQ(memory.firstBad(a, 64, Access::Read), a + 12);
  // What was never written stays so.
  memory.revive(a + 63);
  EXPECT_EQ(memory.firstBad(a, 64, Access::Read), a + 40);
  // Of an allocation that was written at once, too; and beyond its end nothing is marked.
  uint64_t b = *memory.allocate(32);
  memory.markWritten(b, 1000);
  EXPECT_EQ(memory.check(b, 32, Access::Read), Fault::None);
  memory.markEnded(b + 30, 1000);
  EXPECT_EQ(memory.firstBad(b, 32, Access::Read), b + 30);
  memory.revive(b);
  EXPECT_EQ(memory.check(b, 32, Access::Read), Fault::None);
  memory.markUnwritten(b + 31, 1000);
  EXPECT_EQ(memory.firstBad(b, 32, Access::Read), b + 31);
  memory.markUnwritten(b, 32);
  EXPECT_EQ(memory.firstBad(b, 32, Access::Read), b);
}

TEST(Memory, LabelsAndNeighbours) {
  Memory memory(1 << 22);
  uint64_t a = *memory.allocate(1000);
  memory.label(a, 1000, "arena");
  memory.label(a + 100, 50, "weights");
  memory.label(a + 990, 1000, "tail");
  auto label = [&](uint64_t offset) {
    std::string text = memory.describe(a + offset);
    size_t at = text.find('(');
    return at == std::string::npos ? text : text.substr(at);
  };
  // The last one counts.
  EXPECT_EQ(label(0), "(arena)");
  EXPECT_EQ(label(99), "(arena)");
  EXPECT_EQ(label(100), "(weights)");
  EXPECT_EQ(label(149), "(weights)");
  EXPECT_EQ(label(150), "(arena)");
  EXPECT_EQ(label(990), "(tail)");
  EXPECT_EQ(label(999), "(tail)");
  EXPECT_EQ(label(1000), "0 bytes past the end of allocation 1 of 1,000 bytes");
  // A megabyte away is no neighbour any more. Nothing else is in this part of the address space of the Memory.
  EXPECT_EQ(memory.describe(a - (1 << 20)), "1,048,576 bytes before the begin of allocation 1 of 1,000 bytes");
  EXPECT_EQ(memory.describe(a - (1 << 20) - 1), "no device memory");
  EXPECT_EQ(memory.describe(a + 1000 + (1 << 20)), "1,048,576 bytes past the end of allocation 1 of 1,000 bytes");
  EXPECT_EQ(memory.describe(a + 1001 + (1 << 20)), "no device memory");
}

// Sizes are counted, numbers go on, and what is freed is there again.
TEST(Memory, CountsWhatIsTaken) {
  Memory memory(10000);
  EXPECT_EQ(memory.totalBytes(), 10000u);
  uint64_t a = *memory.allocate(3000), b = *memory.allocate(4000);
  EXPECT_EQ(memory.usedBytes(), 7000u);
  EXPECT_EQ(memory.allocate(3001).status().message(),
            "out of device memory: 3,001 bytes requested, 3,000 of 10,000 free");
  ASSERT_TRUE(memory.free(a).ok());
  EXPECT_EQ(memory.usedBytes(), 4000u);
  EXPECT_EQ(memory.count(), 1u);
  uint64_t c = *memory.allocate(6000);
  EXPECT_EQ(memory.count(), 2u);
  EXPECT_EQ(memory.find(b + 3999)->number, 2u);
  EXPECT_EQ(memory.find(c)->number, 3u);
  EXPECT_FALSE(memory.find(a)->live);
  EXPECT_EQ(memory.find(c + 6000), nullptr);
  EXPECT_EQ(memory.allocate(0).status().message(), "expected an allocation of at least one byte, but got zero");
  EXPECT_EQ(Memory(UINT64_MAX).allocate(uint64_t(1) << 60).status().message(),
            "the host cannot map an allocation of 1,152,921,504,606,846,976 bytes");
}

// 16,384 freed allocations are remembered; the oldest of one more is not.
TEST(Memory, TheOldestIsForgotten) {
  Memory memory(1 << 20);
  std::vector<uint64_t> freed;
  for (int i = 0; i < 16384; ++i) {
    freed.push_back(*memory.allocate(8));
    ASSERT_TRUE(memory.free(freed.back()).ok());
  }
  EXPECT_EQ(memory.check(freed[0], 8, Access::Read), Fault::Freed);
  EXPECT_EQ(memory.count(), 0u);
  ASSERT_TRUE(memory.free(*memory.allocate(8)).ok());
  EXPECT_EQ(memory.find(freed[0]), nullptr);
  EXPECT_EQ(memory.check(freed[1], 8, Access::Read), Fault::Freed);
  EXPECT_EQ(memory.count(), 0u);
}

TEST(Memory, EpochsStartAgain) {
  Memory memory(1 << 20, /*cells=*/true);
  uint64_t a = *memory.allocate(8);
  EXPECT_EQ(memory.nextEpoch(), 1u);
  memory.find(a)->cells()[0] = 5;
  for (int i = 2; i < 65536; ++i)
    ASSERT_EQ(memory.nextEpoch(), i);
  EXPECT_EQ(memory.find(a)->cells()[0], 5u);
  EXPECT_EQ(memory.nextEpoch(), 1u);
  EXPECT_EQ(memory.find(a)->cells()[0], 0u);
  EXPECT_EQ(Memory(1 << 20).find(a), nullptr);
}

} // namespace
} // namespace incept::sim::memory
