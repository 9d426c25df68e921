// SPDX-License-Identifier: Apache-2.0
//
// What lanes do together, atomic accesses, special registers, and what accesses of memory count.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <random>

namespace incept::sim {
namespace {

/// %r0 is the thread, %r1 its number of `a`, and %d0 its u32 of `d`.
const std::string kHead = R"(.entry k(.param .u64 d, .param .u64 a) {
  .reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %d<16>; .reg .f32 %f<4>;
  mov.u32 %r0, %tid.x; ld.param.u64 %d0, [d]; ld.param.u64 %d1, [a];
  mad.wide.u32 %d0, %r0, 4, %d0; mad.wide.u32 %d1, %r0, 4, %d1; ld.global.u32 %r1, [%d1];
)";

/// One u32 of each of 64 threads; lanes that write nothing have 77.
std::vector<uint32_t> resultOf(const std::string &body, const std::vector<uint32_t> &a) {
  Simulator simulator;
  uint64_t d = simulator.upload(std::vector<uint32_t>(64, 77)), from = simulator.upload(a);
  Status status = simulator.run(moduleText(kHead + body + "}\n"), {1, 1, 1}, {64, 1, 1}, {d, from});
  EXPECT_TRUE(status.ok()) << body << ": " << status.message();
  return simulator.download<uint32_t>(d, 64);
}

std::vector<uint32_t> randomNumbers(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> numbers(64);
  std::generate(numbers.begin(), numbers.end(), random);
  return numbers;
}

// Of whole warps, and of every third lane: 0, 3, ... 30 of the first warp, 1, 4, ... of the second.
TEST(Warp, Reductions) {
  const std::vector<uint32_t> a = randomNumbers(3);
  using Function = uint32_t (*)(uint32_t, uint32_t);
  const std::pair<const char *, Function> rows[] = {
      {"add.u32", [](uint32_t x, uint32_t y) { return x + y; }},
      {"add.s32", [](uint32_t x, uint32_t y) { return x + y; }},
      {"min.u32", [](uint32_t x, uint32_t y) { return x < y ? x : y; }},
      {"max.u32", [](uint32_t x, uint32_t y) { return x < y ? y : x; }},
      {"min.s32", [](uint32_t x, uint32_t y) { return int32_t(x) < int32_t(y) ? x : y; }},
      {"max.s32", [](uint32_t x, uint32_t y) { return int32_t(x) < int32_t(y) ? y : x; }},
      {"and.b32", [](uint32_t x, uint32_t y) { return x & y; }},
      {"or.b32", [](uint32_t x, uint32_t y) { return x | y; }},
      {"xor.b32", [](uint32_t x, uint32_t y) { return x ^ y; }}};
  for (auto [name, function] : rows) {
    // and, or and xor of three lanes say more than those of 32, which are nearly all zeros or ones.
    for (uint32_t every : {1u, 3u, 15u}) {
      std::vector<uint32_t> got = resultOf("rem.u32 %r2, %r0, " + std::to_string(every) +
                                               "; setp.eq.u32 %p1, %r2, 0; vote.sync.ballot.b32 %r4, %p1, -1;\n"
                                               "@%p1 redux.sync." +
                                               name + " %r3, %r1, %r4; @%p1 st.global.u32 [%d0], %r3;",
                                           a);
      for (uint32_t warp : {0u, 32u}) {
        std::vector<uint32_t> members;
        for (uint32_t i = warp; i < warp + 32; ++i)
          if (i % every == 0)
            members.push_back(a[i]);
        uint32_t wanted = std::accumulate(members.begin() + 1, members.end(), members[0], function);
        for (uint32_t i = warp; i < warp + 32; ++i)
          EXPECT_EQ(got[i], i % every ? 77 : wanted) << name << " " << i;
      }
    }
  }
}

TEST(Warp, Votes) {
  // Which lanes say yes, and which ask: the mask of a lane that asks names those that do.
  for (uint32_t yes : {0u, 1u, 0x80000000u, 0x00ff00f0u, 0xfffffffeu, ~0u})
    for (uint32_t ask : {~0u, 0x0000ffffu, 0xf0u, 1u, 0x80000001u}) {
      const std::string body = "mov.u32 %r2, " + std::to_string(yes) + "; mov.u32 %r3, " + std::to_string(ask) + R"(;
  mov.u32 %r4, %laneid; shr.u32 %r5, %r2, %r4; and.b32 %r5, %r5, 1; setp.eq.u32 %p1, %r5, 1;
  shr.u32 %r6, %r3, %r4; and.b32 %r6, %r6, 1; setp.eq.u32 %p2, %r6, 1; @!%p2 bra $end;
)";
      auto check = [&](const std::string &vote, uint32_t wanted) {
        std::vector<uint32_t> got = resultOf(body + vote + " st.global.u32 [%d0], %r7;\n$end: ret;", randomNumbers(1));
        for (uint32_t i = 0; i < 64; ++i)
          EXPECT_EQ(got[i], ask >> i % 32 & 1 ? wanted : 77) << vote << std::hex << yes << " " << ask;
      };
      const std::string select = " selp.u32 %r7, 1, 0, %p3;";
      check("vote.sync.ballot.b32 %r7, %p1, %r3;", yes & ask);
      check("vote.sync.any.pred %p3, %p1, %r3;" + select, (yes & ask) != 0);
      check("vote.sync.all.pred %p3, %p1, %r3;" + select, (yes & ask) == ask);
      check("vote.sync.uni.pred %p3, %p1, %r3;" + select, (yes & ask) == ask || (yes & ask) == 0);
      check("activemask.b32 %r7;", ask);
    }
}

// Lanes that are not asked keep what they had, also the predicate.
TEST(Warp, ShufflesOfSomeLanes) {
  std::vector<uint32_t> a(64);
  std::iota(a.begin(), a.end(), 100);
  std::vector<uint32_t> got = resultOf(R"(
  mov.u32 %r2, %laneid; setp.lt.u32 %p1, %r2, 8; mov.u32 %r3, 5; setp.eq.u32 %p2, 0, 0;
  @%p1 shfl.sync.up.b32 %r3|%p2, %r1, 3, 0, 255;
  selp.u32 %r4, 1000, 0, %p2; add.u32 %r3, %r3, %r4; st.global.u32 [%d0], %r3;)",
                                       a);
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t lane = i % 32;
    EXPECT_EQ(got[i], lane >= 8 ? 1005 : lane >= 3 ? 1000 + a[i - 3] : a[i]) << i;
  }
}

TEST(Warp, WrongMasks) {
  auto fault = [](const std::string &body) {
    Simulator simulator;
    uint64_t d = simulator.upload(std::vector<uint32_t>(64, 77));
    std::string message = simulator.run(moduleText(kHead + body + "}\n"), {1, 1, 1}, {64, 1, 1}, {d, d}).message();
    size_t at = message.find("block ");
    return at == std::string::npos ? message : message.substr(at);
  };
  const std::string whole = "block (0, 0, 0), thread (0, 0, 0) and 31 more, ptx:8: ";
  for (const char *together :
       {"vote.sync.any.pred %p1, %p2, %r2;", "vote.sync.ballot.b32 %r3, %p2, %r2;", "bar.warp.sync %r2;",
        "redux.sync.add.u32 %r3, %r1, %r2;", "shfl.sync.idx.b32 %r3, %r1, 0, 31, %r2;"}) {
    EXPECT_EQ(fault("mov.u32 %r2, %lanemask_le; " + std::string(together)), whole + "lanes give different membermasks");
    EXPECT_EQ(fault("mov.u32 %r2, -2; " + std::string(together)), whole + "a lane is not in its membermask");
    EXPECT_EQ(fault("mov.u32 %r2, -1; setp.ne.u32 %p3, %r0, 33; @%p3 " + std::string(together)),
              "block (0, 0, 0), thread (32, 0, 0) and 30 more, ptx:8: the membermask names lanes that are not there");
    EXPECT_EQ(fault("mov.u32 %r2, -1; " + std::string(together)), "");
  }
}

// Every lane reads, changes and writes the same number, or its own; in order of lanes here.
template <typename T>
void checkAtomic(const std::string &operation, const std::string &type, T (*function)(T, T)) {
  std::mt19937_64 random(5);
  const std::string b = sizeof(T) == 4 ? "b32" : "b64", r = sizeof(T) == 4 ? "%r" : "%d";
  for (const char *space : {".global", ".shared", ""})
    for (bool own : {false, true}) {
      std::vector<T> before(32), with(32);
      for (size_t i = 0; i < 32; ++i)
        before[i] = static_cast<T>(random()), with[i] = static_cast<T>(random());
      if (type[0] == 'f') // of about the same size, and exact
        for (size_t i = 0; i < 32; ++i) {
          double x = double(int64_t(before[i] % 4096)) - 2000, y = double(int64_t(with[i] % 4096)) - 2000;
          before[i] = sizeof(T) == 4 ? T(std::bit_cast<uint32_t>(float(x))) : T(std::bit_cast<uint64_t>(x));
          with[i] = sizeof(T) == 4 ? T(std::bit_cast<uint32_t>(float(y))) : T(std::bit_cast<uint64_t>(y));
        }
      if (operation == "inc")
        for (size_t i = 0; i < 32; ++i)
          before[i] %= 5, with[i] %= 5;
      Simulator simulator;
      uint64_t a = simulator.upload(before), w = simulator.upload(with), old = simulator.allocate(32 * sizeof(T)),
               after = simulator.allocate(32 * sizeof(T));
      const bool shared = std::string(space) == ".shared", generic = !*space;
      const std::string text =
          R"(.entry k(.param .u64 a, .param .u64 w, .param .u64 old, .param .u64 after) {
  .reg .b32 %r<8>; .reg .b64 %d<16>; .shared .align 8 .b8 tile[256];
  mov.u32 %r7, %tid.x; mul.wide.u32 %d9, %r7, )" +
          std::to_string(sizeof(T)) + R"(;
  ld.param.u64 %d10, [a]; add.u64 %d11, %d10, %d9; ld.param.u64 %d12, [w]; add.u64 %d12, %d12, %d9;
  ld.param.u64 %d13, [old]; add.u64 %d13, %d13, %d9; ld.param.u64 %d14, [after]; add.u64 %d14, %d14, %d9;
  ld.global.)" +
          b + " " + r + "1, [%d11]; ld.global." + b + " " + r + "2, [%d12];\n" +
          (shared ? "  mov.u64 %d10, tile; add.u64 %d11, %d10, %d9; st.shared." + b + " [%d11], " + r + "1;\n" : "") +
          "  atom" + space + "." + operation + "." + type + " " + r + "3, [" + (own ? "%d11" : "%d10") + "], " + r +
          "2;\n  st.global." + b + " [%d13], " + r + "3;\n  ld" + space + "." + b + " " + r + "4, [%d11]; st.global." +
          b + " [%d14], " + r + "4;\n" +
          // The same without the old value, on what has not been touched.
          (generic || shared ? ""
                             : "  red" + std::string(space) + "." + operation + "." + type + " [%d12], " + r + "1;\n") +
          "}\n";
      Status status = simulator.run(moduleText(text), {1, 1, 1}, {32, 1, 1}, {a, w, old, after});
      ASSERT_TRUE(status.ok()) << text << status.message();
      std::vector<T> wantedOld(32), wanted = before;
      for (size_t i = 0; i < 32; ++i) {
        T &place = wanted[own ? i : 0];
        wantedOld[i] = place;
        place = function(place, with[i]);
      }
      const std::string what = operation + "." + type + space;
      EXPECT_EQ(simulator.download<T>(old, 32), wantedOld) << what;
      EXPECT_EQ(simulator.download<T>(after, 32), wanted) << what;
      if (generic || shared)
        continue;
      for (size_t i = 0; i < 32; ++i)
        with[i] = function(with[i], before[i]);
      EXPECT_EQ(simulator.download<T>(w, 32), with) << what;
    }
}

template <typename T>
void checkAtomics(const std::string &bits) {
  using S = std::make_signed_t<T>;
  for (const char *type : {"u", "s"})
    checkAtomic<T>("add", type + bits, [](T a, T b) { return T(a + b); });
  checkAtomic<T>("min", "u" + bits, [](T a, T b) { return a < b ? a : b; });
  checkAtomic<T>("max", "u" + bits, [](T a, T b) { return a < b ? b : a; });
  checkAtomic<T>("min", "s" + bits, [](T a, T b) { return S(a) < S(b) ? a : b; });
  checkAtomic<T>("max", "s" + bits, [](T a, T b) { return S(a) < S(b) ? b : a; });
  checkAtomic<T>("and", "b" + bits, [](T a, T b) { return T(a & b); });
  checkAtomic<T>("or", "b" + bits, [](T a, T b) { return T(a | b); });
  checkAtomic<T>("xor", "b" + bits, [](T a, T b) { return T(a ^ b); });
  checkAtomic<T>("exch", "b" + bits, [](T, T b) { return b; });
}

TEST(Atomics, EveryOperation) {
  checkAtomics<uint32_t>("32");
  checkAtomics<uint64_t>("64");
  checkAtomic<uint32_t>("inc", "u32", [](uint32_t a, uint32_t b) { return a >= b ? 0 : a + 1; });
  checkAtomic<uint32_t>("add", "f32", [](uint32_t a, uint32_t b) {
    return std::bit_cast<uint32_t>(std::bit_cast<float>(a) + std::bit_cast<float>(b));
  });
  checkAtomic<uint64_t>("add", "f64", [](uint64_t a, uint64_t b) {
    return std::bit_cast<uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
  });
}

// a is written where it is what is expected: by the even lanes.
TEST(Atomics, CompareAndSwap) {
  std::vector<uint32_t> a(64);
  std::iota(a.begin(), a.end(), 1000);
  std::vector<uint32_t> got = resultOf(R"(
  and.b32 %r2, %r0, 1; add.u32 %r3, %r1, %r2; mul.lo.u32 %r4, %r0, 3;
  atom.global.cas.b32 %r5, [%d1], %r3, %r4; ld.global.u32 %r6, [%d1]; mad.lo.u32 %r6, %r6, 10000, %r5;
  st.global.u32 [%d0], %r6;)",
                                       a);
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(got[i], (i % 2 ? a[i] : 3 * i) * 10000 + a[i]) << i;
}

TEST(Warp, SpecialRegisters) {
  // Of lane 5 of the second of two warps, the last of 38 threads.
  const std::pair<const char *, uint32_t> rows[] = {{"%tid.x", 37},
                                                    {"%tid.y", 0},
                                                    {"%tid.z", 0},
                                                    {"%ntid.x", 38},
                                                    {"%ntid.y", 1},
                                                    {"%ntid.z", 1},
                                                    {"%ctaid.x", 1},
                                                    {"%ctaid.y", 2},
                                                    {"%ctaid.z", 3},
                                                    {"%nctaid.x", 2},
                                                    {"%nctaid.y", 3},
                                                    {"%nctaid.z", 4},
                                                    {"%laneid", 5},
                                                    {"%warpid", 1},
                                                    {"%nwarpid", 2},
                                                    {"%lanemask_eq", 32},
                                                    {"%lanemask_lt", 31},
                                                    {"%lanemask_le", 63},
                                                    {"%lanemask_gt", ~63u},
                                                    {"%lanemask_ge", ~31u},
                                                    {"%smid", 0},
                                                    {"%nsmid", 1},
                                                    {"%gridid", 0},
                                                    {"%dynamic_smem_size", 0},
                                                    {"%total_smem_size", 48},
                                                    {"WARP_SZ", 32}};
  for (auto [name, wanted] : rows) {
    Simulator simulator;
    uint64_t d = simulator.upload(std::vector<uint32_t>{77});
    Status status = simulator.run(moduleText(R"(.entry k(.param .u64 d) {
  .reg .pred %p; .reg .b32 %r<3>; .reg .b64 %d; .shared .b8 tile[48];
  ld.param.u64 %d, [d]; mov.u32 %r1, %tid.x; setp.eq.u32 %p, %r1, 37; @!%p ret;
  mov.u32 %r2, %ctaid.z; setp.eq.u32 %p, %r2, 3; @!%p ret; mov.u32 %r2, %ctaid.y; setp.eq.u32 %p, %r2, 2; @!%p ret;
  mov.u32 %r2, %ctaid.x; setp.eq.u32 %p, %r2, 1; @!%p ret; mov.u32 %r2, )" +
                                             std::string(name) + "; st.global.u32 [%d], %r2; }"),
                                  {2, 3, 4}, {38, 1, 1}, {d});
    ASSERT_TRUE(status.ok()) << name << ": " << status.message();
    EXPECT_EQ(simulator.download<uint32_t>(d, 1)[0], wanted) << name;
  }
  std::vector<uint32_t> masks = resultOf("mov.u32 %r2, %lanemask_le; mov.u32 %r3, %lanemask_gt; sub.u32 %r2, %r2, %r3; "
                                         "st.global.u32 [%d0], %r2;",
                                         randomNumbers(1));
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t below = static_cast<uint32_t>((uint64_t(2) << i % 32) - 1);
    EXPECT_EQ(masks[i], below - ~below) << i;
  }
}

/// What a launch of one warp counts.
ptx::Counters countsOf(const std::string &body, bool count = true) {
  Simulator simulator;
  simulator.options.countAccesses = count;
  std::vector<uint32_t> numbers(2048, 0);
  uint64_t a = simulator.upload(numbers);
  Status status = simulator.run(moduleText(R"(.entry k(.param .u64 a) {
  .reg .pred %p<2>; .reg .b16 %h<2>; .reg .b32 %r<8>; .reg .b64 %d<8>;
  .shared .align 16 .b8 tile[8192]; .local .align 8 .b8 depot[16];
  mov.u32 %r0, %tid.x; ld.param.u64 %d0, [a];
)" + body + "}\n"),
                                {1, 1, 1}, {32, 1, 1}, {a});
  EXPECT_TRUE(status.ok()) << body << ": " << status.message();
  return simulator.outcome.counters;
}

// 32 lanes, sectors of 32 bytes.
TEST(Counters, SectorsOfGlobalAccesses) {
  struct {
    const char *body;
    uint64_t requests, sectors, read, written;
  } rows[] = {
      {"mad.wide.u32 %d1, %r0, 4, %d0; ld.global.u32 %r1, [%d1];", 1, 4, 128, 0},
      {"mad.wide.u32 %d1, %r0, 4, %d0; ld.u32 %r1, [%d1];", 1, 4, 128, 0},
      {"mad.wide.u32 %d1, %r0, 4, %d0; ld.global.u32 %r1, [%d1+4];", 1, 5, 128, 0},
      {"mad.wide.u32 %d1, %r0, 16, %d0; st.global.v4.u32 [%d1], {0, 0, 0, 0};", 1, 16, 0, 512},
      {"mad.wide.u32 %d1, %r0, 64, %d0; ld.global.u8 %h1, [%d1];", 1, 32, 32, 0},
      {"mad.wide.u32 %d1, %r0, 16, %d0; st.global.u16 [%d1], 0;", 1, 16, 0, 64},
      {"ld.global.u64 %d1, [%d0];", 1, 1, 256, 0},
      {"setp.lt.u32 %p1, %r0, 9; mad.wide.u32 %d1, %r0, 4, %d0; @%p1 ld.global.u32 %r1, [%d1];", 1, 2, 36, 0},
      {"setp.gt.u32 %p1, %r0, 99; @%p1 ld.global.u32 %r1, [%d0];", 0, 0, 0, 0},
      {"red.global.add.u32 [%d0], 1;", 1, 1, 128, 128},
      {"xor.b32 %r1, %r0, 31; mad.wide.u32 %d1, %r1, 4, %d0; st.global.u32 [%d1], 1; ld.global.u32 %r2, [%d1];", 2, 8,
       128, 128},
  };
  for (const auto &row : rows) {
    ptx::Counters counts = countsOf(row.body), plain = countsOf(row.body, false);
    EXPECT_EQ(counts.globalRequests, row.requests) << row.body;
    EXPECT_EQ(counts.globalSectors, row.sectors) << row.body;
    EXPECT_EQ(counts.sharedBytes + counts.localBytes + counts.bankConflicts, 0u) << row.body;
    EXPECT_EQ(plain.globalRequests + plain.globalSectors, 0u) << row.body;
    for (const ptx::Counters &both : {counts, plain}) {
      EXPECT_EQ(both.globalBytesRead, row.read) << row.body;
      EXPECT_EQ(both.globalBytesWritten, row.written) << row.body;
    }
  }
}

// 32 banks of 4 bytes. Lanes that want one word share it; a turn has 128 bytes.
TEST(Counters, BanksOfSharedAccesses) {
  auto stride = [](uint32_t bytes, const std::string &store) {
    return "mul.lo.u32 %r1, %r0, " + std::to_string(bytes) + "; " + store;
  };
  const std::string word = "st.shared.u32 [%r1], 0;", pair = "st.shared.u64 [%r1], 0;",
                    four = "st.shared.v4.u32 [%r1], {0, 0, 0, 0};";
  struct {
    std::string body;
    uint64_t conflicts, bytes;
  } rows[] = {{stride(4, word), 0, 128},
              {stride(0, word), 0, 128},
              {stride(8, word), 1, 128},
              {stride(12, word), 0, 128},
              {stride(16, word), 3, 128},
              {stride(128, word), 31, 128},
              {stride(132, word), 0, 128},
              {stride(2, "st.shared.u16 [%r1], 0;"), 0, 64},
              {stride(64, "st.shared.u8 [%r1], 0;"), 15, 32},
              {stride(8, pair), 0, 256},
              {stride(16, pair), 2, 256},   // in each of two halves a word's bank is wanted by two
              {stride(128, pair), 30, 256}, // by 16
              {stride(16, four), 0, 512},
              {stride(32, four), 4, 512}, // four quarters of eight lanes, two turns each
              {stride(128, four), 28, 512},
              {"setp.lt.u32 %p1, %r0, 4; shl.b32 %r1, %r0, 7; @%p1 st.shared.u32 [%r1], 0;", 3, 16},
              {stride(4, word) + " ld.shared.u32 %r2, [%r1];", 0, 256}};
  for (const auto &row : rows) {
    ptx::Counters counts = countsOf(row.body);
    EXPECT_EQ(counts.bankConflicts, row.conflicts) << row.body;
    EXPECT_EQ(counts.sharedBytes, row.bytes) << row.body;
    EXPECT_EQ(counts.globalRequests + counts.localBytes, 0u) << row.body;
    EXPECT_EQ(countsOf(row.body, false).sharedBytes, 0u);
  }
  ptx::Counters local = countsOf("setp.lt.u32 %p1, %r0, 5; st.local.u64 [depot], 0; @%p1 ld.local.u32 %r1, [depot+4];");
  EXPECT_EQ(local.localBytes, 32u * 8 + 5 * 4);
  EXPECT_EQ(local.sharedBytes + local.globalRequests + local.globalSectors, 0u);
  EXPECT_EQ(local.warpInstructions, 6u); // with the two before, and the end
  EXPECT_EQ(local.laneInstructions, 5u * 32 + 5);
}

} // namespace
} // namespace incept::sim
