// SPDX-License-Identifier: Apache-2.0
//
// Control flow, barriers, lanes together, memory: what a kernel of several instructions does.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace incept::sim {
namespace {

/// %r0 = index of the thread in the grid, %rd0 = the address of its u32 of the first parameter.
const std::string kIndex = R"(
  .reg .pred %p<8>; .reg .b16 %rs<8>; .reg .b32 %r<32>; .reg .b64 %rd<32>; .reg .f32 %f<16>;
  mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x; mad.lo.s32 %r0, %r0, %r1, %r2;
  ld.param.u64 %rd0, [d]; mad.wide.u32 %rd0, %r0, 4, %rd0;
)";

std::string kernel(const std::string &body) {
  return moduleText(".entry k(.param .u64 d, .param .u64 n) {" + kIndex + body + "}\n");
}

/// One u32 per thread.
std::vector<uint32_t> resultOf(const std::string &body, uint32_t blocks, uint32_t threads, uint64_t n = 0,
                               unsigned hostThreads = 1) {
  Simulator simulator;
  simulator.options.threads = hostThreads;
  simulator.options.instructionLimit = 1000000;
  uint64_t d = simulator.allocate(uint64_t(blocks) * threads * 4);
  Status status = simulator.run(kernel(body), {blocks, 1, 1}, {threads, 1, 1}, {d, n});
  EXPECT_TRUE(status.ok()) << status.message();
  return simulator.download<uint32_t>(d, size_t(blocks) * threads);
}

TEST(Execution, NestedDivergenceMeetsAgain) {
  // Every lane takes its own way through two ifs; behind them all lanes vote.
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r3, %r0, 1; setp.eq.u32 %p1, %r3, 0; mov.u32 %r5, 0;
  @%p1 bra $even;
  and.b32 %r4, %r0, 2; setp.eq.u32 %p2, %r4, 0;
  @!%p2 bra $three;
  add.u32 %r5, %r5, 10; bra.uni $odd;
$three: add.u32 %r5, %r5, 30;
$odd: activemask.b32 %r6; popc.b32 %r6, %r6; add.u32 %r5, %r5, %r6; bra.uni $end;
$even: add.u32 %r5, %r5, 100;
$end: activemask.b32 %r7; popc.b32 %r7, %r7; mad.lo.u32 %r5, %r7, 1000, %r5;
  st.global.u32 [%rd0], %r5; ret;)",
                                       1, 64);
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(got[i], 32000 + (i % 2 == 0 ? 100u : (i % 4 == 1 ? 10u : 30u) + 16u)) << i;
}

// With two threads of the host the second block runs while the first waits for it; alone, a block would wait for ever.
TEST(Execution, BlocksRunAtTheSameTime) {
  const std::string wait = kernel(R"(
  ld.param.u64 %rd1, [n]; mov.u32 %r3, %ctaid.x; setp.ne.u32 %p1, %r3, 0; @%p1 bra $set;
$wait: ld.volatile.global.u32 %r4, [%rd1]; setp.eq.u32 %p2, %r4, 0; @%p2 bra $wait; bra.uni $end;
$set: st.volatile.global.u32 [%rd1], 5; mov.u32 %r4, 6;
$end: st.global.u32 [%rd0], %r4; ret;)");
  Simulator simulator;
  auto run = [&](unsigned threads, uint64_t limit) {
    simulator.options.threads = threads;
    simulator.options.instructionLimit = limit;
    uint64_t d = simulator.allocate(8), flag = simulator.upload<uint32_t>({0});
    Status status = simulator.run(wait, {2, 1, 1}, {1, 1, 1}, {d, flag});
    return status.ok() ? simulator.download<uint32_t>(d, 2) : std::vector<uint32_t>();
  };
  EXPECT_EQ(run(2, uint64_t(1) << 26), (std::vector<uint32_t>{5, 6}));
  EXPECT_TRUE(run(1, 10000).empty());
}

TEST(Execution, LoopsOfDifferentLength) {
  // The sum of 0..i for each lane, with an early exit for every fifth.
  std::vector<uint32_t> got = resultOf(R"(
  mov.u32 %r3, 0; mov.u32 %r4, 0; mov.u32 %r6, 5; rem.u32 %r5, %r0, %r6; setp.eq.u32 %p1, %r5, 3;
$loop: add.u32 %r3, %r3, %r4;
  setp.gt.and.u32 %p2, %r4, 20, %p1; @%p2 bra $early;
  add.u32 %r4, %r4, 1; setp.le.u32 %p3, %r4, %r0; @%p3 bra $loop;
  activemask.b32 %r8; st.global.u32 [%rd0], %r3; ret;
$early: st.global.u32 [%rd0], 7; exit;)",
                                       1, 96);
  for (uint32_t i = 0; i < 96; ++i)
    EXPECT_EQ(got[i], i % 5 == 3 && i > 20 ? 7u : i * (i + 1) / 2) << i;
}

// Values that are not needed at one time share a place in the register file.
TEST(Execution, ValuesOfSidesAndLoops) {
  // %r5 is not written on one side and counts as 0 there; %r6 lives across a loop whose own values come and go; %r9 of
  // an even lane waits while the odd ones compute.
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r3, %r0, 1; setp.eq.u32 %p1, %r3, 0; add.u32 %r6, %r0, 1000;
  @%p1 bra $even;
  mul.lo.u32 %r4, %r0, 3; add.u32 %r5, %r4, 1; mul.lo.u32 %r7, %r5, 2; mov.u32 %r9, %r7; bra.uni $meet;
$even: shl.b32 %r8, %r0, 4; or.b32 %r9, %r8, 5;
$meet: mov.u32 %r10, 0; mov.u32 %r11, 0;
$loop: mul.lo.u32 %r12, %r10, %r10; add.u32 %r13, %r12, %r0; add.u32 %r11, %r11, %r13;
  add.u32 %r10, %r10, 1; setp.lt.u32 %p2, %r10, 7; @%p2 bra $loop;
  add.u32 %r14, %r5, %r6; add.u32 %r15, %r14, %r9; add.u32 %r16, %r15, %r11;
  setp.gt.u32 %p3, %r0, 40; @%p3 mov.u32 %r16, %r6;
  st.global.u32 [%rd0], %r16;)",
                                       2, 48);
  for (uint32_t i = 0; i < 96; ++i) {
    uint32_t five = i % 2 ? 3 * i + 1 : 0, nine = i % 2 ? 2 * five : (i * 16) | 5, sum = 91 + 7 * i;
    EXPECT_EQ(got[i], i > 40 ? i + 1000 : five + i + 1000 + nine + sum) << i;
  }
}

TEST(Execution, IndexedBranch) {
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r3, %r0, 3;
  table: .branchtargets $a, $b, $a, $c;
  brx.idx %r3, table;
$a: mov.u32 %r4, 1; bra $end;
$b: mov.u32 %r4, 2; bra $end;
$c: mov.u32 %r4, 3;
$end: activemask.b32 %r5; popc.b32 %r5, %r5; add.u32 %r4, %r4, %r5; st.global.u32 [%rd0], %r4;)",
                                       1, 32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], 32 + (i % 4 == 1 ? 2u : i % 4 == 3 ? 3u : 1u));
}

TEST(Execution, GuardsOfInstructionsThatWriteThem) {
  // The guard is also a destination, and an operand.
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r3, %r0, 1; setp.eq.u32 %p1, %r3, 0; setp.eq.u32 %p2, 0, 0;
  @%p1 setp.lt.and.u32 %p1|%p2, %r0, 16, %p1;
  selp.u32 %r4, 1, 0, %p1; selp.u32 %r5, 2, 0, %p2; add.u32 %r4, %r4, %r5; st.global.u32 [%rd0], %r4;)",
                                       1, 32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], i % 2 ? 2u : i < 16 ? 1u : 2u) << i;
}

TEST(Execution, SharedReductionThroughBarriers) {
  std::vector<uint32_t> got = resultOf(R"(
  .shared .align 4 .b8 tile[1024];
  shl.b32 %r3, %r2, 2; mov.u32 %r4, tile; add.u32 %r4, %r4, %r3; st.shared.u32 [%r4], %r0;
  mov.u32 %r5, 128;
$loop: bar.sync 0;
  setp.ge.u32 %p1, %r2, %r5; @%p1 bra $skip;
  shl.b32 %r6, %r5, 2; add.u32 %r6, %r4, %r6; ld.shared.u32 %r7, [%r6]; ld.shared.u32 %r8, [%r4];
  add.u32 %r8, %r7, %r8; st.shared.u32 [%r4], %r8;
$skip: shr.u32 %r5, %r5, 1; setp.ne.u32 %p2, %r5, 0; @%p2 bra $loop;
  bar.sync 0; ld.shared.u32 %r9, [tile]; st.global.u32 [%rd0], %r9;)",
                                       3, 256);
  for (uint32_t i = 0; i < 768; ++i)
    EXPECT_EQ(got[i], 256 * (i / 256 * 256) + 255 * 128);
}

// What a block had in shared memory is gone for the next one: to read it is the mistake that reading anything unwritten
// is, also where one thread of the host runs all blocks.
TEST(Execution, SharedMemoryOfTheBlockBeforeIsGone) {
  auto status = [](const std::string &body) {
    Simulator simulator;
    simulator.options.threads = 1;
    uint64_t d = simulator.allocate(3 * 32 * 4);
    return simulator.run(kernel(body), {3, 1, 1}, {32, 1, 1}, {d, 0});
  };
  const std::string head = R"(
  .shared .align 4 .b8 tile[128];
  shl.b32 %r3, %r2, 2; mov.u32 %r4, tile; add.u32 %r4, %r4, %r3; mov.u32 %r5, %ctaid.x;)";
  const std::string tail = "ld.shared.u32 %r6, [%r4]; st.global.u32 [%rd0], %r6;";
  EXPECT_TRUE(status(head + "st.shared.u32 [%r4], %r0;" + tail).ok());
  for (const char *writer : {"0", "1"}) {
    Status wrong = status(head + "setp.eq.u32 %p1, %r5, " + writer + "; @%p1 st.shared.u32 [%r4], 7;" + tail);
    EXPECT_FALSE(wrong.ok()) << writer;
    EXPECT_NE(wrong.message().find("never written"), std::string::npos) << wrong.message();
  }
}

TEST(Execution, ThreadsMayExitBeforeABarrier) {
  std::vector<uint32_t> got = resultOf(R"(
  .shared .b32 flag;
  st.global.u32 [%rd0], 1;
  ld.param.u32 %r3, [n]; setp.ge.u32 %p1, %r2, %r3; @%p1 bra $out;
  setp.eq.u32 %p2, %r2, 0; @%p2 st.shared.u32 [flag], 5;
  bar.sync 0; ld.shared.u32 %r4, [flag]; st.global.u32 [%rd0], %r4;
$out: ret;)",
                                       1, 128, 40);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(got[i], i < 40 ? 5u : 1u);
  // The side that waits runs first here.
  got = resultOf(R"(
  st.global.u32 [%rd0], 1;
  ld.param.u32 %r3, [n]; setp.lt.u32 %p1, %r2, %r3; @%p1 bra $in; ret;
$in: bar.sync 0; st.global.u32 [%rd0], 2; ret;)",
                 1, 128, 40);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(got[i], i < 40 ? 2u : 1u);
}

TEST(Execution, NamedBarriersOfHalfABlock) {
  // Two warps each meet at their own barrier.
  std::vector<uint32_t> got = resultOf(R"(
  .shared .b32 cells[4];
  shr.u32 %r3, %r2, 6; add.u32 %r4, %r3, 1; mov.u32 %r5, cells; mad.lo.u32 %r5, %r3, 4, %r5;
  and.b32 %r6, %r2, 63; setp.eq.u32 %p1, %r6, 63; @%p1 st.shared.u32 [%r5], %r4;
  bar.sync %r4, 64; ld.shared.u32 %r7, [%r5]; st.global.u32 [%rd0], %r7;)",
                                       1, 128);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(got[i], i / 64 + 1);
}

TEST(Execution, Shuffles) {
  struct {
    const char *mode;
    uint32_t b, c;
  } cases[] = {{"bfly", 5, 31},     {"down", 3, 31},   {"up", 3, 0},      {"idx", 9, 31},
               {"down", 3, 0x181f}, {"up", 2, 0x1800}, {"idx", 2, 0x1c1f}};
  for (auto [mode, b, c] : cases) {
    std::vector<uint32_t> got = resultOf("  shfl.sync." + std::string(mode) + ".b32 %r3|%p1, %r2, " +
                                             std::to_string(b) + ", " + std::to_string(c) +
                                             ", -1; selp.u32 %r4, 100, 0, %p1; add.u32 %r3, %r3, %r4; "
                                             "st.global.u32 [%rd0], %r3;",
                                         1, 32);
    for (int i = 0; i < 32; ++i) {
      int segment = static_cast<int>(c >> 8 & 31), clamp = static_cast<int>(c & 31), first = i & segment,
          last = first | (clamp & ~segment), by = static_cast<int>(b);
      std::string_view m = mode;
      int from = m == "bfly" ? i ^ by : m == "down" ? i + by : m == "up" ? i - by : first | (by & ~segment);
      bool valid = m == "up" ? from >= last : from <= last;
      EXPECT_EQ(got[static_cast<size_t>(i)], static_cast<uint32_t>(valid ? from + 100 : i)) << mode << i;
    }
  }
}

TEST(Execution, Votes) {
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r3, %r2, 3; setp.eq.u32 %p1, %r3, 1;
  vote.sync.ballot.b32 %r4, %p1, -1; vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, !%p1, -1;
  vote.sync.uni.pred %p4, %p1, -1; redux.sync.add.u32 %r5, %r2, -1; redux.sync.max.s32 %r6, %r2, -1;
  selp.u32 %r7, 1, 0, %p2; selp.u32 %r8, 2, 0, %p3; selp.u32 %r9, 4, 0, %p4;
  add.u32 %r4, %r4, %r5; add.u32 %r4, %r4, %r6; add.u32 %r4, %r4, %r7; add.u32 %r4, %r4, %r8; add.u32 %r4, %r4, %r9;
  bar.warp.sync -1; st.global.u32 [%rd0], %r4;)",
                                       1, 32);
  EXPECT_EQ(got, std::vector<uint32_t>(32, 0x22222222 + 31 * 16 + 31 + 1));
}

TEST(Execution, SpecialRegistersInThreeDimensions) {
  Simulator simulator;
  constexpr uint32_t kBlocks = 2 * 3 * 2, kThreads = 5 * 3 * 4;
  uint64_t d = simulator.allocate(kBlocks * kThreads * 8);
  Status status = simulator.run(moduleText(R"(
.entry k(.param .u64 d) {
  .reg .b32 %r<16>; .reg .b64 %rd<4>;
  mov.u32 %r0, %tid.x; mov.u32 %r1, %tid.y; mov.u32 %r2, %tid.z; mov.u32 %r3, %ntid.x; mov.u32 %r4, %ntid.y;
  mad.lo.u32 %r5, %r2, %r4, %r1; mad.lo.u32 %r5, %r5, %r3, %r0;
  mov.u32 %r6, %ctaid.z; mov.u32 %r7, %nctaid.y; mov.u32 %r8, %ctaid.y; mad.lo.u32 %r6, %r6, %r7, %r8;
  mov.u32 %r7, %nctaid.x; mov.u32 %r8, %ctaid.x; mad.lo.u32 %r6, %r6, %r7, %r8;
  mov.u32 %r9, %ntid.z; mul.lo.u32 %r10, %r3, %r4; mul.lo.u32 %r10, %r10, %r9; mad.lo.u32 %r11, %r6, %r10, %r5;
  ld.param.u64 %rd0, [d]; mad.wide.u32 %rd0, %r11, 8, %rd0;
  mov.u32 %r12, %laneid; mov.u32 %r13, %warpid; shl.b32 %r13, %r13, 8; or.b32 %r12, %r12, %r13;
  st.global.v2.u32 [%rd0], {%r11, %r12}; })"),
                                {2, 3, 2}, {5, 3, 4}, {d});
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<uint32_t> got = simulator.download<uint32_t>(d, 2 * kBlocks * kThreads);
  for (uint32_t i = 0; i < kBlocks * kThreads; ++i) {
    uint32_t thread = i % kThreads;
    EXPECT_EQ(got[2 * i], i);
    EXPECT_EQ(got[2 * i + 1], thread % 32 | (thread / 32) << 8);
  }
}

TEST(Execution, VectorsOfEveryWidth) {
  for (auto [loads, bytes] : {std::pair{"v2.b32 {%r3, %r4}", 8},
                              {"v4.b32 {%r3, %r4, %r5, %r6}", 16},
                              {"v4.b16 {%rs1, %rs2, %rs3, %rs4}", 8},
                              {"v2.b64 {%rd3, %rd4}", 16},
                              {"v4.b64 {%rd3, %rd4, %rd5, %rd6}", 32},
                              {"v8.b32 {%r3, %r4, %r5, %r6, %r7, %r8, %r9, %r10}", 32},
                              {"b64 %rd3", 8},
                              {"v2.b8 {%rs1, %rs2}", 2},
                              {"b8 %r3", 1},
                              {"u16 %rs1", 2}}) {
    std::string_view text = loads;
    std::string type(text.substr(0, text.find(' '))), registers(text.substr(text.find(' ')));
    for (uint32_t stride : {uint32_t(bytes), uint32_t(2 * bytes)}) { // neighbouring, and with gaps
      Simulator simulator;
      std::vector<uint8_t> from(64 * stride);
      std::iota(from.begin(), from.end(), uint8_t(3));
      uint64_t a = simulator.upload(from), d = simulator.upload(std::vector<uint8_t>(64 * stride, 0));
      Status status =
          simulator.run(moduleText(".entry k(.param .u64 d, .param .u64 a) {" + kIndex +
                                   "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [d]; mad.wide.u32 %rd1, %r0, " +
                                   std::to_string(stride) + ", %rd1; mad.wide.u32 %rd2, %r0, " +
                                   std::to_string(stride) + ", %rd2; ld.global.nc.L1::no_allocate." + type + registers +
                                   ", [%rd1]; st.global." + type + " [%rd2]," + registers + "; }"),
                        {1, 1, 1}, {64, 1, 1}, {d, a});
      ASSERT_TRUE(status.ok()) << status.message();
      std::vector<uint8_t> got = simulator.download<uint8_t>(d, from.size());
      for (uint32_t i = 0; i < from.size(); ++i)
        ASSERT_EQ(got[i], i % stride < uint32_t(bytes) ? from[i] : 0) << loads << " byte " << i;
    }
  }
}

TEST(Execution, GenericAddressesOfEverySpace) {
  std::vector<uint32_t> got = resultOf(R"(
  .shared .align 8 .b8 tile[256]; .local .align 8 .b8 depot[8];
  mov.u64 %rd1, tile; cvta.shared.u64 %rd1, %rd1; mad.wide.u32 %rd1, %r2, 4, %rd1;
  mov.u64 %rd2, depot; cvta.local.u64 %rd3, %rd2; cvta.to.local.u64 %rd4, %rd3;
  st.u32 [%rd1], %r0; st.u32 [%rd3+4], 100; st.local.u32 [%rd4], 1000;
  and.b32 %r3, %r0, 1; setp.eq.u32 %p1, %r3, 0; selp.b64 %rd5, %rd1, %rd3, %p1;
  ld.u32 %r4, [%rd5]; ld.u32 %r5, [%rd3+4]; ld.local.u32 %r6, [depot+4]; add.u32 %r4, %r4, %r5;
  mov.b64 %rd6, n; cvta.param.u64 %rd6, %rd6; ld.u32 %r7, [%rd6]; add.u32 %r4, %r4, %r7;
  isspacep.shared %p2, %rd1; selp.u32 %r8, 10000, 0, %p2; add.u32 %r4, %r4, %r8;
  isspacep.global %p3, %rd1; selp.u32 %r8, 20000, 0, %p3; add.u32 %r4, %r4, %r8;
  st.global.u32 [%rd0], %r4;)",
                                       1, 64, 7);
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(got[i], 10107 + (i % 2 ? 1000u : i));
}

TEST(Execution, VariablesAndAtomics) {
  Simulator simulator;
  uint64_t d = simulator.upload(std::vector<uint32_t>(3, 0));
  simulator.options.threads = 2;
  Status status = simulator.run(moduleText(R"(
.const .align 4 .u32 step[2] = {3, 4};
.global .align 4 .u32 total = 5;
.entry k(.param .u64 d) {
  .reg .b32 %r<8>; .reg .b64 %rd<8>;
  ld.const.u32 %r1, [step+4]; atom.global.add.u32 %r2, [total], %r1;
  ld.param.u64 %rd1, [d]; red.global.add.u32 [%rd1], %r1; mov.u64 %rd2, total; ld.global.u32 %r3, [%rd2];
  atom.global.max.u32 %r4, [%rd1+4], %r3; atom.relaxed.gpu.global.inc.u32 %r5, [%rd1+8], 9; })"),
                                {64, 1, 1}, {96, 1, 1}, {d});
  ASSERT_TRUE(status.ok()) << status.message();
  // inc counts to 9 and begins again.
  EXPECT_EQ(simulator.download<uint32_t>(d, 3), (std::vector<uint32_t>{4 * 64 * 96, 5 + 4 * 64 * 96, 64 * 96 % 10}));
}

TEST(Execution, ResultsDoNotDependOnThreads) {
  const std::string body = R"(
  .shared .align 4 .b8 tile[512];
  cvt.rn.f32.u32 %f1, %r0; add.f32 %f1, %f1, 0f3F800000; lg2.approx.f32 %f2, %f1; rcp.rn.f32 %f3, %f1;
  fma.rn.f32 %f2, %f2, %f3, %f1; shfl.sync.bfly.b32 %r3, %f2, 1, 31, -1; mov.b32 %f4, %r3; add.f32 %f2, %f2, %f4;
  mov.u32 %r4, tile; mad.lo.u32 %r5, %r2, 4, %r4; st.shared.f32 [%r5], %f2; bar.sync 0;
  xor.b32 %r6, %r2, 77; mad.lo.u32 %r6, %r6, 4, %r4; ld.shared.f32 %f5, [%r6]; add.f32 %f5, %f5, %f2;
  st.global.f32 [%rd0], %f5;)";
  std::vector<uint32_t> one = resultOf(body, 50, 128, 0, 1);
  for (unsigned threads : {2u, 3u, 8u})
    EXPECT_EQ(resultOf(body, 50, 128, 0, threads), one) << threads;
}

TEST(Execution, CountersAddUp) {
  for (unsigned threads : {1u, 4u}) {
    Simulator simulator;
    simulator.options.threads = threads;
    uint64_t d = simulator.allocate(48 * 4 * 10);
    ASSERT_TRUE(
        simulator
            .run(kernel("st.global.u32 [%rd0], 1; ld.global.u32 %r3, [%rd0]; ret;"), {10, 1, 1}, {48, 1, 1}, {d, 0})
            .ok());
    const ptx::Counters &counters = simulator.outcome.counters;
    EXPECT_EQ(counters.warpInstructions, 10u * 2 * 9);
    EXPECT_EQ(counters.laneInstructions, 10u * 48 * 9);
    EXPECT_EQ(counters.globalBytesRead, 10u * 48 * 4);
    EXPECT_EQ(counters.globalBytesWritten, 10u * 48 * 4);
  }
}

} // namespace
} // namespace incept::sim
