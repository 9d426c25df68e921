// SPDX-License-Identifier: Apache-2.0
//
// Wrong kernels: each mistake has a report that says where and what.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

namespace incept::sim {
namespace {

const std::string kHead = R"(
.entry planted(.param .u64 a, .param .u64 d, .param .u64 n) {
  .reg .pred %p<4>; .reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<8>; .shared .align 16 .b8 tile[256];
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.s32 %r4, %r1, %r2, %r3;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [d]; ld.param.u32 %r5, [n];
  mad.wide.s32 %rd3, %r4, 4, %rd1; mad.wide.s32 %rd4, %r4, 4, %rd2; shl.b32 %r6, %r3, 2;
)";

/// Two blocks of 64 threads; a and d have 100 floats, a is written. Line 10 is the first of the body.
struct Planted : Simulator {
  uint64_t a = upload(std::vector<float>(100, 1.0f)), d = allocate(400);

  Planted() {
    options.launch = 12;
    options.label = "specs/x.json:41: stem.conv1.bn";
  }
  Status runBody(const std::string &body, uint64_t n = 100) {
    return run(moduleText(kHead + body + "\n}\n"), {2, 1, 1}, {64, 1, 1}, {a, d, n});
  }
};

/// The one report of a launch, without what every report begins with.
std::string reportOf(const std::string &body, uint64_t n = 100) {
  Planted planted;
  Status status = planted.runBody(body, n);
  if (status.ok() || planted.outcome.reports.empty())
    return "no report: " + status.message();
  EXPECT_EQ(status.message(), planted.outcome.reports.front());
  const std::string begin = "kernel 'planted', launch 12 (specs/x.json:41: stem.conv1.bn), ";
  EXPECT_TRUE(status.message().starts_with(begin)) << status.message();
  return status.message().substr(std::min(begin.size(), status.message().size()));
}

/// Without the digits of addresses.
std::string plain(std::string text) {
  for (size_t at = 0; (at = text.find("0x", at)) != std::string::npos; ++at)
    text.erase(at + 2, text.find_first_not_of("0123456789abcdef", at + 2) - at - 2);
  return text;
}

const std::string kTail = "setp.ge.s32 %p1, %r4, %r5; @%p1 ret;\n";

TEST(Reports, AGoodKernelHasNone) {
  Planted planted;
  Status status =
      planted.runBody(kTail + "ld.global.f32 %f1, [%rd3]; add.f32 %f1, %f1, %f1; st.global.f32 [%rd4], %f1;");
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(planted.outcome.reports.empty());
  EXPECT_EQ(planted.download<float>(planted.d, 100), std::vector<float>(100, 2.0f));
}

TEST(Reports, OutOfBoundsRead) {
  EXPECT_EQ(plain(reportOf("ld.global.f32 %f1, [%rd3];")),
            "block (1, 0, 0), thread (36, 0, 0) and 27 more, ptx:10: read of 4 bytes at 0x, 0 bytes past the end of "
            "allocation 1 of 400 bytes: out of bounds");
}

TEST(Reports, OutOfBoundsWrite) {
  EXPECT_EQ(plain(reportOf(kTail + "st.global.f32 [%rd4+-8], 0f00000000;")),
            "block (0, 0, 0), thread (0, 0, 0) and 1 more, ptx:11: write of 4 bytes at 0x, 8 bytes before the begin of "
            "allocation 2 of 400 bytes: out of bounds");
}

TEST(Reports, OffByOneAtTheTail) {
  EXPECT_EQ(
      plain(reportOf("setp.gt.s32 %p1, %r4, %r5; @%p1 ret;\nst.global.f32 [%rd4], 0f00000000;")),
      "block (1, 0, 0), thread (36, 0, 0), ptx:11: write of 4 bytes at 0x, 0 bytes past the end of allocation 2 of "
      "400 bytes: out of bounds");
}

TEST(Reports, MisalignedVector) {
  EXPECT_EQ(plain(reportOf("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd3];")),
            "block (0, 0, 0), thread (1, 0, 0) and 23 more, ptx:10: read of 16 bytes at 0x, byte 4 of allocation 1 of "
            "400 bytes: misaligned");
}

TEST(Reports, UseAfterFree) {
  Planted planted;
  ASSERT_TRUE(planted.memory.free(planted.a).ok());
  Status status = planted.runBody(kTail + "ld.global.f32 %f1, [%rd3];");
  EXPECT_NE(plain(status.message())
                .find("block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:11: read of 4 bytes at 0x, "
                      "byte 0 of freed allocation 1 of 400 bytes: use after free"),
            std::string::npos)
      << status.message();
}

TEST(Reports, UnwrittenGlobal) {
  EXPECT_EQ(
      plain(reportOf(kTail + "ld.global.f32 %f1, [%rd4];")),
      "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:11: read of 4 bytes at 0x, byte 0 of allocation 2 of 400 "
      "bytes: never written");
}

TEST(Reports, UnwrittenShared) {
  EXPECT_EQ(reportOf("st.shared.u32 [%r6], 1; bar.sync 0;\nld.shared.u32 %r7, [%r6+-4];\n").find("block"), 0u);
  EXPECT_EQ(reportOf("setp.ne.s32 %p1, %r3, 40; @%p1 st.shared.u32 [%r6], 1;\nbar.sync 0; ld.shared.u32 %r7, [%r6];"),
            "block (0, 0, 0), thread (40, 0, 0), ptx:11: read of 4 bytes at shared address 160 of 256: never written");
}

TEST(Reports, NullPointer) {
  EXPECT_EQ(reportOf("mov.u64 %rd5, 0;\nld.global.v2.f32 {%f1, %f2}, [%rd5+16];"),
            "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:11: read of 8 bytes at 0x10, byte 16 from the null "
            "pointer: null pointer");
}

TEST(Reports, PastASharedArray) {
  EXPECT_EQ(reportOf("st.shared.u32 [%r6+4], 1;"),
            "block (0, 0, 0), thread (63, 0, 0), ptx:10: write of 4 bytes at shared address 256 of 256: out of bounds");
}

TEST(Reports, BarrierInDivergentCode) {
  EXPECT_EQ(
      reportOf("setp.lt.s32 %p1, %r3, 16; @%p1 bra $side;\nst.shared.u32 [%r6], 1; bra $end;\n$side:\nbar.sync 0;\n"
               "$end: st.shared.u32 [%r6], 2;"),
      "block (0, 0, 0), thread (0, 0, 0) and 15 more, ptx:13: barrier in divergent code: 16 of 32 threads of the "
      "warp are there");
  EXPECT_EQ(reportOf("setp.lt.s32 %p1, %r3, 16; @%p1 bar.sync 0;").substr(0, 50),
            "block (0, 0, 0), thread (0, 0, 0) and 15 more, ptx");
}

TEST(Reports, Deadlock) {
  EXPECT_EQ(reportOf("setp.lt.s32 %p1, %r3, 32; @%p1 bra $first;\nbar.sync 1; ret;\n$first: bar.sync 2; ret;"),
            "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:12: deadlock: threads wait at barrier 2, others at "
            "barrier 1 (ptx:11)");
  EXPECT_EQ(
      reportOf("setp.lt.s32 %p1, %r3, 32; @%p1 bra $first;\nret;\n$first: bar.sync 2, 64; ret;"),
      "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:12: deadlock: threads wait at barrier 2, and fewer arrive "
      "than it wants (64)");
}

TEST(Reports, LanesThatAreNotThere) {
  EXPECT_EQ(reportOf("setp.lt.s32 %p1, %r3, 16; @%p1 bra $side; ret;\n$side: bar.warp.sync -1;\n"
                     "shfl.sync.idx.b32 %r7, %r3, 20, 31, -1;"),
            "block (0, 0, 0), thread (0, 0, 0) and 15 more, ptx:12: a lane reads from one that is not there");
  EXPECT_EQ(reportOf("setp.lt.s32 %p1, %r3, 16; @%p1 shfl.sync.bfly.b32 %r7, %r3, 1, 31, -1;"),
            "block (0, 0, 0), thread (0, 0, 0) and 15 more, ptx:10: the membermask names lanes that are not there");
}

TEST(Reports, ReadOnlyMemory) {
  Planted planted;
  Status status =
      planted.run(moduleText(".const .b32 table[4] = {1, 2};\n.entry k { .reg .b64 %rd<2>; mov.u64 %rd1, table; "
                             "st.global.u32 [%rd1], 1; }"),
                  {1, 1, 1}, {1, 1, 1}, {});
  EXPECT_NE(status.message().find("byte 0 of allocation 3 of 16 bytes (table): read-only memory"), std::string::npos)
      << status.message();
  EXPECT_NE(reportOf("mov.u64 %rd5, a; cvta.param.u64 %rd5, %rd5; st.u64 [%rd5], 0;")
                .find("parameter address 0 of 24: "
                      "read-only memory"),
            std::string::npos);
  EXPECT_NE(
      reportOf("mov.u64 %rd5, a; ld.param.u64 %rd6, [%rd5+24];").find("parameter address 24 of 24: out of bounds"),
      std::string::npos);
}

TEST(Reports, EndlessKernels) {
  Planted planted;
  planted.options.instructionLimit = 10000;
  EXPECT_NE(planted.runBody("$loop: bra $loop;").message().find("a warp has run 10,000 instructions"),
            std::string::npos);
}

TEST(Reports, TrapAndBranchTables) {
  EXPECT_EQ(reportOf("setp.eq.s32 %p1, %r4, 70; @%p1 trap;"), "block (1, 0, 0), thread (6, 0, 0), ptx:10: trap");
  EXPECT_EQ(reportOf("ts: .branchtargets $a, $a;\nmov.u32 %r7, 2; brx.idx %r7, ts;\n$a: ret;"),
            "block (0, 0, 0), thread (0, 0, 0), ptx:11: index 2 of brx is out of range");
}

TEST(Reports, SeveralAndLimited) {
  Planted planted;
  planted.options.maxReports = 2;
  Status status = planted.runBody("ld.global.f32 %f1, [%rd4];\nld.global.f32 %f2, [%rd4];\nld.global.f32 %f3, [%rd4];");
  EXPECT_FALSE(status.ok());
  ASSERT_EQ(planted.outcome.reports.size(), 2u);
  EXPECT_NE(planted.outcome.reports[1].find("ptx:11:"), std::string::npos);
}

TEST(Reports, TheSameForAnyNumberOfThreads) {
  std::vector<std::string> first;
  for (unsigned threads : {1u, 2u, 4u, 4u, 4u}) {
    Planted planted;
    planted.options.threads = threads;
    Status status = planted.run(moduleText(kHead + "setp.lt.u32 %p1, %r1, 17; @%p1 ret;\nld.global.f32 %f1, [%rd4];}"),
                                {200, 1, 1}, {64, 1, 1}, {planted.a, planted.d, 100});
    for (std::string &report : planted.outcome.reports)
      report = plain(report);
    if (first.empty())
      first = planted.outcome.reports;
    EXPECT_EQ(planted.outcome.reports, first);
    EXPECT_NE(status.message().find("block (17, 0, 0)"), std::string::npos) << status.message();
  }
}

TEST(Reports, LaunchesThatAKernelDoesNotAdmit) {
  Expected<ptx::Module> module = ptx::Module::parse(
      moduleText(".extern .shared .b8 d[];\n.global .b32 g;\n.entry a(.param .u64 x) .maxntid 64, 1, 1 { ret; }\n"
                 ".entry b .reqntid 8, 4, 1 { ret; }\n.entry c { .reg .b64 %rd<2>; mov.u64 %rd1, g; }"));
  ASSERT_TRUE(module) << module.status().message();
  memory::Memory memory(1 << 20);
  std::vector<std::byte> eight(8);
  auto message = [&](const char *name, ptx::Dim3 grid, ptx::Dim3 block, std::span<const std::byte> parameters,
                     ptx::Options options = {}) {
    return ptx::run(*module->find(name), grid, block, parameters, memory, options).message();
  };
  EXPECT_EQ(message("a", {1, 1, 1}, {65, 1, 1}, eight),
            "kernel 'a': expected a block of 1 to 64 threads, but got (65, 1, 1)");
  EXPECT_EQ(message("a", {0, 1, 1}, {1, 1, 1}, eight),
            "kernel 'a': the grid (0, 1, 1) is empty or larger than a device allows");
  EXPECT_EQ(message("a", {1, 1, 1}, {1, 1, 1}, {}), "kernel 'a': expected 8 bytes of parameters, but got 0");
  EXPECT_EQ(message("b", {1, 1, 1}, {4, 8, 1}, {}),
            "kernel 'b': expected a block of (8, 4, 1) threads, but got (4, 8, 1)");
  EXPECT_EQ(message("b", {1, 1, 1}, {8, 4, 1}, {}), "");
  EXPECT_EQ(message("c", {1, 1, 1}, {1, 1, 1}, {}), "kernel 'c': the module's variables have no memory yet");
  ptx::Options options;
  options.dynamicSharedBytes = 1 << 20;
  EXPECT_EQ(message("b", {1, 1, 1}, {8, 4, 1}, {}, options),
            "kernel 'b': expected at most 232,448 bytes of shared memory, but got 1,048,576");
  EXPECT_EQ(message("a", {1, 1, 1}, {UINT32_MAX, UINT32_MAX, 2}, eight).find("kernel 'a': expected a block"), 0u);
}

// What a device takes at most, and the kernel.
TEST(Reports, LargestLaunches) {
  Expected<ptx::Module> module =
      ptx::Module::parse(moduleText(".entry k { trap; }\n.entry s { .shared .b8 x[8]; trap; }"));
  ASSERT_TRUE(module) << module.status().message();
  memory::Memory memory(1 << 20);
  auto message = [&](ptx::Dim3 grid, ptx::Dim3 block, uint32_t dynamicBytes = 0, const char *name = "k") {
    ptx::Options options;
    options.dynamicSharedBytes = dynamicBytes;
    std::string text = ptx::run(*module->find(name), grid, block, {}, memory, options).message();
    return text.ends_with(": trap") ? "taken" : text;
  };
  const std::string grid = " is empty or larger than a device allows",
                    block = "kernel 'k': expected a block of 1 to 1024 threads, but got ";
  EXPECT_EQ(message({0x7fffffff, 65535, 65535}, {1, 1, 1}), "taken");
  EXPECT_EQ(message({0x80000000, 1, 1}, {1, 1, 1}), "kernel 'k': the grid (2147483648, 1, 1)" + grid);
  EXPECT_EQ(message({1, 65536, 1}, {1, 1, 1}), "kernel 'k': the grid (1, 65536, 1)" + grid);
  EXPECT_EQ(message({1, 1, 65536}, {1, 1, 1}), "kernel 'k': the grid (1, 1, 65536)" + grid);
  EXPECT_EQ(message({1, 0, 1}, {1, 1, 1}), "kernel 'k': the grid (1, 0, 1)" + grid);
  EXPECT_EQ(message({1, 1, 0}, {1, 1, 1}), "kernel 'k': the grid (1, 1, 0)" + grid);
  for (ptx::Dim3 good : {ptx::Dim3{1024, 1, 1}, {1, 1024, 1}, {1, 1, 64}, {16, 1, 64}, {2, 512, 1}})
    EXPECT_EQ(message({1, 1, 1}, good), "taken");
  EXPECT_EQ(message({1, 1, 1}, {1025, 1, 1}), block + "(1025, 1, 1)");
  EXPECT_EQ(message({1, 1, 1}, {1, 1025, 1}), block + "(1, 1025, 1)");
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 65}), block + "(1, 1, 65)");
  EXPECT_EQ(message({1, 1, 1}, {25, 41, 1}), block + "(25, 41, 1)");
  EXPECT_EQ(message({1, 1, 1}, {0, 1, 1}), block + "(0, 1, 1)");
  EXPECT_EQ(message({1, 1, 1}, {1, 0, 1}), block + "(1, 0, 1)");
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 0}), block + "(1, 1, 0)");
  // The dynamic array begins at a multiple of 16 behind the eight bytes.
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 1}, 232448), "taken");
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 1}, 232449),
            "kernel 'k': expected at most 232,448 bytes of shared memory, but got 232,449");
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 1}, 232432, "s"), "taken");
  EXPECT_EQ(message({1, 1, 1}, {1, 1, 1}, 232433, "s"),
            "kernel 's': expected at most 232,448 bytes of shared memory, but got 232,449");
}

TEST(Reports, PlacesInThreeDimensions) {
  Simulator simulator;
  simulator.options.launch = 3;
  // Block 17 of (2, 3, 4) is (1, 2, 2); thread 50 of (4, 5, 3) is (2, 2, 2).
  Status status = simulator.run(moduleText(R"(.entry k(.param .u64 d) {
  .reg .pred %p; .reg .b32 %r<4>;
  mov.u32 %r0, %ctaid.z; mad.lo.u32 %r0, %r0, 3, 2; mad.lo.u32 %r0, %r0, 2, 1; setp.ne.u32 %p, %r0, 17; @%p ret;
  mov.u32 %r0, %ctaid.x; setp.ne.u32 %p, %r0, 1; @%p ret; mov.u32 %r0, %ctaid.y; setp.ne.u32 %p, %r0, 2; @%p ret;
  mov.u32 %r0, %tid.z; mov.u32 %r1, %tid.y; mov.u32 %r2, %tid.x;
  mad.lo.u32 %r0, %r0, 5, %r1; mad.lo.u32 %r0, %r0, 4, %r2; setp.lt.u32 %p, %r0, 50; @%p ret;
  trap;
})"),
                                {2, 3, 4}, {4, 5, 3}, {0});
  EXPECT_EQ(status.message(), "kernel 'k', launch 3, block (1, 2, 2), thread (2, 2, 2) and 9 more, ptx:10: trap");
  EXPECT_EQ(simulator.outcome.reports, (std::vector<std::string>{status.message()}));
}

// Each memory has its words.
TEST(Reports, AccessesOfEveryKind) {
  const std::string all = "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:10: ";
  EXPECT_EQ(reportOf(".local .b32 x[4]; st.local.u32 [x+16], 0;"),
            all + "write of 4 bytes at local address 16 of 16: out of bounds");
  EXPECT_EQ(reportOf(".local .b32 x[4]; ld.local.u32 %r7, [x+2];"),
            all + "read of 4 bytes at local address 2 of 16: misaligned");
  EXPECT_EQ(reportOf("atom.shared.add.u32 %r7, [tile+256], 1;"),
            all + "atomic access to 4 bytes at shared address 256 of 256: out of bounds");
  EXPECT_EQ(reportOf("atom.shared.add.u32 %r7, [tile], 1;"),
            all + "atomic access to 4 bytes at shared address 0 of 256: never written");
  EXPECT_EQ(reportOf("red.global.add.u32 [4095], 1;"),
            all + "atomic access to 4 bytes at 0xfff, byte 4,095 from the null pointer: null pointer");
  EXPECT_EQ(reportOf("ld.global.u32 %r7, [4096];"), all + "read of 4 bytes at 0x1000, no device memory: out of bounds");
  EXPECT_EQ(reportOf("st.shared.u64 [tile+12], 0;"), all + "write of 8 bytes at shared address 12 of 256: misaligned");
  EXPECT_EQ(reportOf("st.shared.v4.u32 [tile+248], {0, 0, 0, 0};"),
            all + "write of 16 bytes at shared address 248 of 256: out of bounds");
  EXPECT_EQ(reportOf("ld.shared.u8 %r7, [tile+1000];"),
            all + "read of 1 bytes at shared address 1,000 of 256: out of bounds");
  EXPECT_EQ(reportOf("mov.u64 %rd5, tile; cvta.shared.u64 %rd5, %rd5; ld.u32 %r7, [%rd5+256];"),
            all + "read of 4 bytes at shared address 256 of 256: out of bounds");
  Planted planted;
  planted.memory.markWritten(planted.d, 400);
  planted.memory.markEnded(planted.d + 8, 4);
  EXPECT_EQ(plain(planted.runBody(kTail + "ld.global.u32 %r7, [%rd4];").message()),
            "kernel 'planted', launch 12 (specs/x.json:41: stem.conv1.bn), block (0, 0, 0), thread (2, 0, 0), ptx:11: "
            "read of "
            "4 bytes at 0x, byte 8 of allocation 2 of 400 bytes: the life of this value has ended");
}

// One report per line of the text, four in all unless more are asked for; zero is one.
TEST(Reports, HowMany) {
  std::string body;
  for (int i = 0; i < 6; ++i)
    body += "ld.shared.u32 %r7, [tile]; ld.shared.u32 %r7, [tile+4];\n";
  for (auto [most, wanted] : {std::pair{4u, 4u}, {5u, 5u}, {9u, 6u}, {1u, 1u}, {0u, 1u}}) {
    Planted planted;
    planted.options.maxReports = most;
    EXPECT_FALSE(planted.runBody(body).ok());
    ASSERT_EQ(planted.outcome.reports.size(), wanted);
    for (uint32_t i = 0; i < wanted; ++i)
      EXPECT_NE(planted.outcome.reports[i].find("ptx:" + std::to_string(10 + i) + ": read"), std::string::npos);
  }
  EXPECT_EQ(ptx::Options().maxReports, 4u);
}

// A limit of instructions is that of a warp: one more is too many.
TEST(Reports, InstructionsOfAWarp) {
  Planted planted;
  planted.options.instructionLimit = 11; // ten of the head, and the end
  EXPECT_TRUE(planted.runBody("").ok());
  planted.options.instructionLimit = 10;
  EXPECT_EQ(planted.runBody("").message(), "kernel 'planted', launch 12 (specs/x.json:41: stem.conv1.bn), block (0, 0, "
                                           "0), thread (0, 0, 0) and 31 more, ptx:5: "
                                           "the kernel does not end: a warp has run 10 instructions");
}

TEST(Reports, UncheckedRunsSeeOnlyTheBlock) {
  Planted planted;
  planted.options.check = false;
  EXPECT_TRUE(planted.runBody(kTail + "ld.global.f32 %f1, [%rd4]; st.global.f32 [%rd4], %f1;").ok());
  EXPECT_FALSE(planted.runBody("st.shared.u32 [%r6+4], 1;").ok());
}

} // namespace
} // namespace incept::sim
