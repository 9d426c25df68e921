// SPDX-License-Identifier: Apache-2.0
//
// Races: kernels that give the right result here and need not on a GPU, and beside each the kernel that is right.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace incept::sim {
namespace {

/// %r3 the thread, %r4 the thread of the grid, %r6 its place in `tile`, %rd4 its place in d; line 10 is the body's
/// first.
const std::string kHead = R"(
.entry planted(.param .u64 a, .param .u64 d, .param .u64 n) {
  .reg .pred %p<8>; .reg .b16 %rs<4>; .reg .b32 %r<16>; .reg .b64 %rd<16>; .shared .align 16 .b8 tile[512];
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.s32 %r4, %r1, %r2, %r3;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [d]; ld.param.u32 %r5, [n];
  mad.wide.s32 %rd3, %r4, 4, %rd1; mad.wide.s32 %rd4, %r4, 4, %rd2; shl.b32 %r6, %r3, 2;
)";

/// What is found in a launch of `blocks` blocks of 64 threads; d has 1024 zeros, a as many that are written.
std::string reportOf(const std::string &body, uint32_t blocks = 1, unsigned threads = 1, bool races = true) {
  Simulator simulator(/*cells=*/true);
  simulator.options.races = races;
  simulator.options.threads = threads;
  uint64_t a = simulator.upload(std::vector<uint32_t>(1024, 0)), d = simulator.upload(std::vector<uint32_t>(1024, 0));
  Status status = simulator.run(moduleText(kHead + body + "\n}\n"), {blocks, 1, 1}, {64, 1, 1}, {a, d, 64});
  const std::string begin = "kernel 'planted', launch 0, ";
  std::string text = status.message();
  if (text.starts_with(begin))
    text.erase(0, begin.size());
  for (size_t at = 0; (at = text.find("0x", at)) != std::string::npos; ++at)
    text.erase(at + 2, text.find_first_not_of("0123456789abcdef", at + 2) - at - 2);
  return text;
}

/// The wrong kernel is reported, by races alone, and the right one is not.
void expectRace(const std::string &wrong, const std::string &right, const std::string &report, uint32_t blocks = 1) {
  EXPECT_EQ(reportOf(wrong, blocks), report);
  EXPECT_EQ(reportOf(wrong, blocks, 1, /*races=*/false), "");
  EXPECT_EQ(reportOf(right, blocks), "");
  EXPECT_NE(reportOf(wrong, blocks, 4).find("race: "), std::string::npos) << reportOf(wrong, blocks, 4);
  EXPECT_EQ(reportOf(right, blocks, 4), "");
}

// Every thread reads what the thread half a block away has written. In order of their warps the first has nothing to
// read.
const std::string kStoreOwn = "st.shared.u32 [%r6], %r3;\n";
const std::string kLoadOther = "xor.b32 %r7, %r6, 128; ld.shared.u32 %r8, [%r7];\n";

TEST(SharedRaces, ReadsWhatIsWrittenWithoutABarrier) {
  expectRace(kStoreOwn + "bar.sync 0;\n" + kLoadOther + "st.shared.u32 [%r6], %r8;",
             kStoreOwn + "bar.sync 0;\n" + kLoadOther + "bar.sync 0;\nst.shared.u32 [%r6], %r8;",
             "block (0, 0, 0), thread (32, 0, 0), ptx:12: read of 4 bytes at shared address 0 of 512: race: thread "
             "(0, 0, 0) has written it, and no barrier lies between");
  expectRace(kStoreOwn + "bar.sync 0;\n" + kLoadOther + "setp.ge.u32 %p1, %r3, 32; @%p1 st.shared.u32 [%r6], %r8;",
             kStoreOwn + "bar.sync 0;\n" + kLoadOther + "bar.sync 0; st.shared.u32 [%r6], %r8;",
             "block (0, 0, 0), thread (32, 0, 0), ptx:13: write of 4 bytes at shared address 128 of 512: race: thread "
             "(0, 0, 0) has read it, and no barrier lies between");
}

TEST(SharedRaces, WritesWhatIsWrittenWithoutABarrier) {
  expectRace("and.b32 %r7, %r6, 124; st.shared.u32 [%r7], 1;",
             "setp.lt.u32 %p1, %r3, 32; @%p1 st.shared.u32 [%r6], 1;\nbar.sync 0; @!%p1 st.shared.u32 [%r6+-128], 1;",
             "block (0, 0, 0), thread (32, 0, 0), ptx:10: write of 4 bytes at shared address 0 of 512: race: thread "
             "(0, 0, 0) has written it, and no barrier lies between");
}

TEST(SharedRaces, AReductionWithoutItsLastBarrier) {
  auto tree = [](const std::string &last) {
    return "st.shared.u32 [%r6], %r3; mov.u32 %r9, 128;\n$loop: bar.sync 0; setp.ge.u32 %p1, %r6, %r9; @%p1 bra "
           "$skip;\n"
           "add.u32 %r7, %r6, %r9; ld.shared.u32 %r8, [%r7]; ld.shared.u32 %r10, [%r6]; add.u32 %r8, %r8, %r10;\n"
           "st.shared.u32 [%r6], %r8;\n$skip: shr.u32 %r9, %r9, 1; setp.gt.u32 %p2, %r9, 2; @%p2 bra $loop;\n" +
           last + "ld.shared.u32 %r11, [tile]; st.global.u32 [%rd4], %r11;";
  };
  expectRace(tree(""), tree("bar.sync 0;\n"),
             "block (0, 0, 0), thread (1, 0, 0), ptx:15: read of 4 bytes at shared address 0 of 512: race: thread "
             "(0, 0, 0) has written it, and no barrier lies between");
}

// Lanes run in lockstep here; a GPU promises that only to those that meet at bar.warp.sync.
TEST(SharedRaces, LanesOfAWarp) {
  const std::string half = "setp.lt.u32 %p1, %r3, 16; @%p1 st.shared.u32 [%r6], 1;\n";
  const std::string other = "@%p1 xor.b32 %r7, %r6, 4; @%p1 ld.shared.u32 %r8, [%r7];";
  expectRace(half + other, half + "bar.warp.sync -1;" + other,
             "block (0, 0, 0), thread (0, 0, 0), ptx:11: read of 4 bytes at shared address 4 of 512: race: thread "
             "(1, 0, 0) has written it, and no barrier lies between");
}

TEST(SharedRaces, WarpSyncOrdersNoOtherWarps) {
  EXPECT_NE(reportOf(kStoreOwn + "bar.warp.sync -1; setp.ge.u32 %p1, %r3, 32;\n@%p1 ld.shared.u32 %r8, [%r6+-128];")
                .find("ptx:12: read of 4 bytes at shared address 0 of 512: race: thread (0, 0, 0) has written it"),
            std::string::npos);
}

TEST(SharedRaces, SeveralReadersAndAWriter) {
  const std::string readAll = "setp.eq.u32 %p1, %r3, 0; @%p1 st.shared.u32 [tile], 5; bar.sync 0;\n"
                              "ld.shared.u32 %r8, [tile];\n";
  const std::string write = "setp.eq.u32 %p2, %r3, 63; @%p2 st.shared.u32 [tile], 6;";
  expectRace(readAll + write, readAll + "bar.sync 0;" + write,
             "block (0, 0, 0), thread (63, 0, 0), ptx:12: write of 4 bytes at shared address 0 of 512: race: other "
             "threads have read it, and no barrier lies between");
}

TEST(SharedRaces, BarriersOfSomeWarpsOrderTheseAlone) {
  // 128 bytes of each warp; the first warp hands over to the second at barrier 1, or tells nobody.
  auto handOver = [](const std::string &first) {
    return "setp.ge.u32 %p1, %r3, 32; @%p1 bra $second;\nst.shared.u32 [%r6], 1; " + first +
           " ret;\n$second: bar.sync 1, 64; ld.shared.u32 %r8, [%r6+-128];";
  };
  EXPECT_EQ(reportOf(handOver("bar.sync 1, 64;")), "");
}

TEST(SharedRaces, AtomicAccesses) {
  const std::string clear = "setp.eq.u32 %p1, %r3, 0; @%p1 st.shared.u32 [tile], 0; bar.sync 0;\n";
  const std::string add = "atom.shared.add.u32 %r8, [tile], 1;\n";
  expectRace(clear + add + "ld.shared.u32 %r9, [tile];", clear + add + "bar.sync 0; ld.shared.u32 %r9, [tile];",
             "block (0, 0, 0), thread (0, 0, 0), ptx:12: read of 4 bytes at shared address 0 of 512: race: other "
             "threads have written it, and no barrier lies between");
}

TEST(SharedRaces, NeighboursOfTwoBytes) {
  EXPECT_EQ(reportOf("shl.b32 %r7, %r3, 1; mov.u16 %rs1, 1; st.shared.u16 [%r7], %rs1;"), "");
}

TEST(SharedRaces, BlocksDoNotMeet) { EXPECT_EQ(reportOf(kStoreOwn + "bar.sync 0;\n" + kLoadOther, 5), ""); }

//===--- Blocks
//-----------------------------------------------------------------------------------------------------===//

TEST(GlobalRaces, TwoBlocksWriteOnePlace) {
  expectRace(
      "mad.wide.u32 %rd5, %r3, 4, %rd2; st.global.u32 [%rd5], 1;", "st.global.u32 [%rd4], 1;",
      "block (1, 0, 0), thread (0, 0, 0), ptx:10: write of 4 bytes at 0x, byte 0 of allocation 2 of 4,096 bytes: "
      "race: block (0, 0, 0) has written it in the same launch, and nothing orders the two",
      3);
}

TEST(GlobalRaces, ABlockReadsWhatAnotherWrites) {
  // Each block also reads the first element of the next one's part, in place or out of it.
  expectRace("ld.global.u32 %r8, [%rd4+256]; st.global.u32 [%rd4], %r8;",
             "ld.global.u32 %r8, [%rd3+256]; st.global.u32 [%rd4], %r8;",
             "block (1, 0, 0), thread (0, 0, 0), ptx:10: write of 4 bytes at 0x, byte 256 of allocation 2 of 4,096 "
             "bytes: race: block (0, 0, 0) has read it in the same launch, and nothing orders the two",
             2);
  EXPECT_NE(
      reportOf("st.global.u32 [%rd4], 1;\nsetp.ge.u32 %p1, %r4, 64; @%p1 ld.global.u32 %r8, [%rd4+-256];", 2)
          .find("read of 4 bytes at 0x, byte 0 of allocation 2 of 4,096 bytes: race: block (0, 0, 0) has written"),
      std::string::npos);
}

TEST(GlobalRaces, ManyReadersAndAWriter) {
  expectRace("ld.global.u32 %r8, [%rd2+12]; setp.eq.u32 %p1, %r4, 195;\n@%p1 st.global.u32 [%rd2+12], 1;",
             "ld.global.u32 %r8, [%rd2+12]; setp.eq.u32 %p1, %r4, 195;\n@%p1 st.global.u32 [%rd2+16], 1;",
             "block (3, 0, 0), thread (3, 0, 0), ptx:11: write of 4 bytes at 0x, byte 12 of allocation 2 of 4,096 "
             "bytes: race: other blocks have read it in the same launch, and nothing orders the two",
             4);
}

TEST(GlobalRaces, NeighboursOfOneAndTwoBytes) {
  EXPECT_EQ(reportOf("cvt.u64.u32 %rd5, %r4; add.s64 %rd5, %rd5, %rd2; mov.u16 %rs1, 1; st.global.u8 [%rd5], %rs1;", 3),
            "");
  EXPECT_EQ(reportOf("mad.wide.u32 %rd5, %r4, 2, %rd2; mov.u16 %rs1, 1; st.global.u16 [%rd5], %rs1;", 3), "");
  EXPECT_NE(
      reportOf("and.b32 %r8, %r4, 63; mad.wide.u32 %rd5, %r8, 2, %rd2; mov.u16 %rs1, 1; st.global.u16 [%rd5], %rs1;", 2)
          .find("race: "),
      std::string::npos);
}

// Whole chunks have one mark, until somebody touches a part of one.
TEST(GlobalRaces, PartsOfChunks) {
  const std::string whole = "st.global.u32 [%rd4], 1;\n";
  auto reads = [](uint32_t thread, int32_t byte) {
    return "setp.eq.u32 %p1, %r4, " + std::to_string(thread) + "; @%p1 ld.global.u32 %r8, [%rd2+" +
           std::to_string(byte) + "];\n";
  };
  // A thread of the last of three blocks reads its own block's, and one of the first's.
  expectRace(
      whole + reads(130, 20), whole + reads(130, 512),
      "block (2, 0, 0), thread (2, 0, 0), ptx:11: read of 4 bytes at 0x, byte 20 of allocation 2 of 4,096 bytes: "
      "race: block (0, 0, 0) has written it in the same launch, and nothing orders the two",
      3);
  // Halves of a chunk belong to two blocks: 16 numbers further.
  const std::string moved = "st.global.u32 [%rd4+64], 1;\n";
  EXPECT_EQ(reportOf(moved, 3), "");
  EXPECT_EQ(reportOf(moved, 3, 4), "");
  EXPECT_EQ(reportOf(moved + reads(3, 64) + reads(70, 320), 3), "");
  EXPECT_NE(reportOf(moved + reads(70, 316), 3).find("byte 316 of allocation 2 of 4,096 bytes: race: block (0, 0, 0)"),
            std::string::npos);
  // Everybody has read a whole chunk before somebody writes a part of it.
  const std::string all = "mad.wide.u32 %rd5, %r3, 4, %rd2; ld.global.u32 %r8, [%rd5];\n";
  EXPECT_EQ(reportOf(all, 3, 4), "");
  EXPECT_NE(reportOf(all + "setp.eq.u32 %p1, %r4, 150; @%p1 st.global.u32 [%rd2+40], 1;", 3)
                .find("byte 40 of allocation 2 of 4,096 bytes: race: other blocks have read it"),
            std::string::npos);
}

TEST(GlobalRaces, CountsEachByteOnce) {
  Simulator simulator(/*cells=*/true);
  simulator.options.races = true;
  uint64_t a = simulator.upload(std::vector<uint32_t>(1024, 0)), d = simulator.upload(std::vector<uint32_t>(1024, 0));
  // All blocks read the first 65 numbers of a, and each writes 64 of d twice, 16 numbers further.
  const std::string body = "mad.wide.u32 %rd5, %r3, 4, %rd1; ld.global.u32 %r8, [%rd5]; ld.global.u32 %r8, [%rd5+4];\n"
                           "st.global.u32 [%rd4+64], 1; st.global.u32 [%rd4+64], 2;\n}\n";
  for (unsigned threads : {1u, 4u}) {
    simulator.options.threads = threads;
    ASSERT_TRUE(simulator.run(moduleText(kHead + body), {3, 1, 1}, {64, 1, 1}, {a, d, 64}).ok());
    EXPECT_EQ(simulator.outcome.counters.distinctBytesRead, 65u * 4);
    EXPECT_EQ(simulator.outcome.counters.distinctBytesWritten, 3u * 64 * 4);
  }
}

TEST(GlobalRaces, AtomicAccesses) {
  const std::string add = "red.global.add.u32 [%rd2], 1;\n";
  EXPECT_EQ(reportOf(add, 4, 2), "");
  EXPECT_NE(reportOf(add + "ld.global.u32 %r8, [%rd2];", 4)
                .find("ptx:11: read of 4 bytes at 0x, byte 0 of allocation 2 "
                      "of 4,096 bytes: race: other blocks have written it"),
            std::string::npos);
  EXPECT_NE(reportOf("st.global.u32 [%rd2], 0;\n" + add, 2).find("race: "), std::string::npos);
  // A counter of a block's own.
  EXPECT_EQ(reportOf("mad.wide.u32 %rd5, %r1, 4, %rd2; red.global.add.u32 [%rd5], 1;\nld.global.u32 %r8, [%rd5];", 4),
            "");
}

// The last block to take a ticket reads what all have written, and sets the counter back.
TEST(GlobalRaces, TicketsAndFences) {
  auto tickets = [](const std::string &fence, const std::string &ticket) {
    return "st.global.u32 [%rd4], 1; " + fence + "\nbar.sync 0; setp.ne.u32 %p1, %r3, 0; @%p1 bra $wait;\n" + ticket +
           "st.shared.u32 [tile], %r8;\n$wait: bar.sync 0; ld.shared.u32 %r9, [tile]; setp.ne.u32 %p2, %r9, 3; @%p2 "
           "ret;\n"
           "ld.global.u32 %r10, [%rd2]; ld.global.u32 %r10, [%rd2+256]; ld.global.u32 %r10, [%rd2+512];\n"
           "@!%p1 st.global.u32 [%rd1], 0;";
  };
  const std::string ticket = "atom.global.add.u32 %r8, [%rd1], 1; ";
  EXPECT_EQ(reportOf(tickets("membar.gl;", ticket), 4), "");
  EXPECT_EQ(reportOf(tickets("fence.acq_rel.gpu;", ticket), 4, 4), "");
  EXPECT_EQ(reportOf(tickets("", "atom.acq_rel.gpu.global.add.u32 %r8, [%rd1], 1; "), 4), "");
  EXPECT_NE(reportOf(tickets("", ticket), 4).find("race: block (0, 0, 0) has written"), std::string::npos);
  EXPECT_NE(reportOf(tickets("membar.cta;", ticket), 4).find("race: "), std::string::npos);
}

// Launches are ordered: marks of the one before mean nothing, also where the mark's number comes round again.
TEST(GlobalRaces, LaunchesAreOrdered) {
  Simulator simulator(/*cells=*/true);
  simulator.options.races = true;
  uint64_t d = simulator.upload(std::vector<uint32_t>(256, 0));
  auto run = [&](const std::string &shift) {
    return simulator.run(moduleText(kHead + "add.u32 %r7, %r4, " + shift +
                                    "; and.b32 %r7, %r7, 127; mad.wide.u32 %rd5, %r7, 4, %rd2; "
                                    "st.global.u32 [%rd5], 1;\n}\n"),
                         {2, 1, 1}, {64, 1, 1}, {d, d, 0});
  };
  EXPECT_EQ(run("0").message(), "");
  EXPECT_EQ(run("64").message(), "");
  for (int i = 0; i < 65533; ++i)
    simulator.memory.nextEpoch();
  EXPECT_EQ(run("0").message(), "");
}

//===--- At random
//--------------------------------------------------------------------------------------------------===//

/// Accesses of threads, step by step: in a step first all loads, then all stores.
struct Plan {
  std::vector<uint32_t> operations, places; ///< 0 none, 1 load, 2 store; of step * threads + thread
};

/// Code of a step that makes the access of thread %r4 of all.
std::string stepOf(uint32_t step, uint32_t threads, const std::string &load, const std::string &store) {
  return "ld.global.u32 %r7, [%rd3+" + std::to_string(4 * step * threads) + "]; ld.global.u32 %r8, [%rd4+" +
         std::to_string(4 * step * threads) +
         "];\nsetp.eq.u32 %p1, %r7, 1; setp.eq.u32 %p2, %r7, 2; shl.b32 %r8, %r8, 2; "
         "cvt.u64.u32 %rd5, %r8; add.u64 %rd5, %rd5, %rd6;\n@%p1 " +
         load + "\n@%p2 " + store + "\n";
}

/// a has the operations, d the places, n the memory that they are of.
Status runPlan(const Plan &plan, const std::string &body, uint32_t blocks, uint32_t threads, ptx::Counters &counters) {
  Simulator simulator(/*cells=*/true);
  simulator.options.races = true;
  uint64_t a = simulator.upload(plan.operations), d = simulator.upload(plan.places),
           n = simulator.upload(std::vector<uint32_t>(1024, 0));
  Status status = simulator.run(moduleText(kHead + "ld.param.u64 %rd6, [n];\n" + body + "}\n"), {blocks, 1, 1},
                                {threads, 1, 1}, {a, d, n});
  counters = simulator.outcome.counters;
  return status;
}

// Two blocks race where one writes what the other touches, and bytes are counted once, whatever chunks and cells do.
TEST(GlobalRaces, AgreeWithSets) {
  constexpr uint32_t kBlocks = 4, kThreads = 32, kSteps = 4, kAll = kBlocks * kThreads;
  std::mt19937 random(11);
  std::string body;
  for (uint32_t step = 0; step < kSteps; ++step)
    body += stepOf(step, kAll, "ld.global.u32 %r9, [%rd5];", "st.global.u32 [%rd5], 7;");
  int raced = 0;
  for (int round = 0; round < 200; ++round) {
    // Each block has 40 numbers of its own, 200 are read by all, and now and then a thread is wrong.
    Plan plan;
    const uint32_t oneIn = 1u << (4 + random() % 10);
    for (uint32_t i = 0; i < kSteps * kAll; ++i) {
      const uint32_t block = i % kAll / kThreads, operation = random() % 3;
      const bool isCommon = operation == 1 && random() % 2, isWrong = random() % oneIn == 0;
      plan.operations.push_back(operation);
      plan.places.push_back(isWrong ? random() % 360 : isCommon ? 160 + random() % 200 : block * 40 + random() % 40);
    }
    std::map<uint32_t, std::set<uint32_t>> readers, writers;
    uint64_t read = 0, written = 0;
    for (uint32_t block = 0; block < kBlocks; ++block)
      for (uint32_t step = 0; step < kSteps; ++step)
        for (uint32_t operation : {1u, 2u})
          for (uint32_t i = step * kAll + block * kThreads; i < step * kAll + (block + 1) * kThreads; ++i) {
            const uint32_t place = plan.places[i];
            if (plan.operations[i] != operation)
              continue;
            if (operation == 1) {
              read += readers[place].empty() && writers[place].empty();
              readers[place].insert(block);
            } else {
              written += writers[place].empty();
              writers[place].insert(block);
            }
          }
    bool races = false;
    for (auto &[place, blocks] : writers) {
      std::set<uint32_t> all = readers[place];
      all.insert(blocks.begin(), blocks.end());
      races |= !blocks.empty() && all.size() > 1;
    }
    ptx::Counters counters;
    Status status = runPlan(plan, body, kBlocks, kThreads, counters);
    EXPECT_EQ(status.ok(), !races) << round << ": " << status.message();
    raced += races;
    if (races) {
      EXPECT_NE(status.message().find("race: "), std::string::npos) << status.message();
      continue;
    }
    EXPECT_EQ(counters.distinctBytesRead, 4 * (read + 2 * kSteps * kAll)) << round; // and the plan
    EXPECT_EQ(counters.distinctBytesWritten, 4 * written) << round;
  }
  EXPECT_GT(raced, 50);
  EXPECT_LT(raced, 150);
}

// Two threads race where one writes what the other touches, and no barrier lies between.
TEST(SharedRaces, AgreeWithSets) {
  constexpr uint32_t kThreads = 64, kSteps = 4;
  std::mt19937 random(12);
  auto step = [](uint32_t i) { return stepOf(i, kThreads, "ld.shared.u32 %r9, [%r8];", "st.shared.u32 [%r8], 7;"); };
  const std::string body = "st.shared.u32 [%r6], 1; st.shared.u32 [%r6+256], 1; bar.sync 0;\n" + step(0) + step(1) +
                           "bar.sync 0;\n" + step(2) + step(3);
  int raced = 0;
  for (int round = 0; round < 200; ++round) {
    Plan plan;
    const uint32_t oneIn = 1u << (3 + random() % 10);
    for (uint32_t i = 0; i < kSteps * kThreads; ++i) {
      // A place of the thread's own, another one behind the barrier, or one that nobody writes.
      const uint32_t thread = i % kThreads, own = i < 2 * kThreads ? thread : (thread * 5 + 3) % kThreads,
                     operation = random() % 3;
      const bool isCommon = operation == 1 && random() % 2, isWrong = random() % oneIn == 0;
      plan.operations.push_back(operation);
      plan.places.push_back(isWrong ? random() % 128 : isCommon ? 64 + random() % 64 : own);
    }
    bool races = false;
    for (uint32_t phase : {0u, 1u})
      for (uint32_t place = 0; place < 128; ++place) {
        std::set<uint32_t> all, writers;
        for (uint32_t i = phase * 2 * kThreads; i < (phase + 1) * 2 * kThreads; ++i)
          if (plan.operations[i] && plan.places[i] == place) {
            all.insert(i % kThreads);
            if (plan.operations[i] == 2)
              writers.insert(i % kThreads);
          }
        races |= !writers.empty() && all.size() > 1;
      }
    ptx::Counters counters;
    Status status = runPlan(plan, body, 1, kThreads, counters);
    EXPECT_EQ(status.ok(), !races) << round << ": " << status.message();
    raced += races;
    EXPECT_EQ(status.message().find("shared address") != std::string::npos, races) << status.message();
  }
  EXPECT_GT(raced, 50);
  EXPECT_LT(raced, 150);
}

} // namespace
} // namespace incept::sim
