// SPDX-License-Identifier: Apache-2.0
//
// One instruction against a formula of the host, over many operands: for a whole warp, and for some of its lanes.
#pragma once

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <random>

namespace incept::sim {

/// Bits of up to four operands; the result's bits. Operands above the widths are zero.
using Formula = std::function<uint64_t(const std::array<uint64_t, 4> &)>;

struct Operation {
  std::string name;
  /// A letter per row, the result first: p, h (16 bits), w (32), l (64).
  std::string rows;
  Formula formula;
};

/// Which numbers are interesting.
enum class Pool { Integers, Floats, Doubles, Halves, BFloats };

inline std::vector<uint64_t> interesting(Pool pool) {
  switch (pool) {
  case Pool::Integers:
    return {0,
            1,
            2,
            5,
            31,
            32,
            33,
            0x7f,
            0x80,
            0xff,
            0x7fff,
            0x8000,
            0xffff,
            0x7fffffff,
            0x80000000,
            0xffffffff,
            0x100000000,
            0x7fffffffffffffff,
            0x8000000000000000,
            0xffffffffffffffff};
  case Pool::Floats:
    return {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 1,
            0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3fc00000, 0x40200000, 0xc0200000, 0x4f000000,
            0x4f800000, 0xcf000000, 0x5f000000, 0x33800000, 0x477fe000, 0x477ff000, 0x42ff0000, 0x387fc000, 0x33000001};
  case Pool::Doubles:
    return {0,
            0x8000000000000000,
            0x3ff0000000000000,
            0xbff0000000000000,
            0x7ff0000000000000,
            0xfff0000000000000,
            0x7ff8000000000000,
            1,
            0x0010000000000000,
            0x7fefffffffffffff,
            0x3fe0000000000000,
            0x4004000000000000,
            0x41dfffffffc00000,
            0x41e0000000000000,
            0x43e0000000000000,
            0x3810000000000001,
            0x36a0000000000000,
            0x40effe0000000000,
            0x3e70000000000001};
  case Pool::Halves:
    return {0,      0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 1,
            0x83ff, 0x0400, 0x7bff, 0xfbff, 0x3800, 0x3e00, 0x1400};
  case Pool::BFloats:
    return {0,      0x8000, 0x3f80, 0xbf80, 0x7f80, 0xff80, 0x7fc0, 1,
            0x807f, 0x0080, 0x7f7f, 0xff7f, 0x3f00, 0x3fc0, 0x3b80};
  }
  return {};
}

inline uint64_t widthMask(char letter) {
  return letter == 'p' ? 1 : letter == 'h' ? 0xffff : letter == 'w' ? 0xffffffff : ~uint64_t(0);
}

class OperationTest {
public:
  explicit OperationTest(Pool pool) : special(interesting(pool)), pool(pool) {}

  /// Runs `operation` on 2,048 sets of operands and expects the formula's bits.
  void check(const Operation &operation) {
    constexpr uint32_t kCount = 2048;
    const size_t sources = operation.rows.size() - 1;
    std::vector<std::vector<uint64_t>> operands(4, std::vector<uint64_t>(kCount, 0));
    for (size_t s = 0; s < sources; ++s)
      for (uint64_t &value : operands[s])
        value = draw(operation.rows[s + 1]);
    for (bool divergent : {false, true}) {
      Simulator simulator;
      uint64_t result = simulator.upload(std::vector<uint64_t>(kCount, 0x55));
      std::vector<uint64_t> parameters = {result};
      for (const auto &values : operands)
        parameters.push_back(simulator.upload(values));
      Status status = simulator.run(text(operation, divergent), {kCount / 256, 1, 1}, {256, 1, 1}, parameters);
      ASSERT_TRUE(status.ok()) << operation.name << ": " << status.message();
      std::vector<uint64_t> got = simulator.download<uint64_t>(result, kCount);
      for (uint32_t i = 0; i < kCount; ++i) {
        std::array<uint64_t, 4> set = {operands[0][i], operands[1][i], operands[2][i], operands[3][i]};
        uint64_t want = divergent && i % 3 ? 1 : operation.formula(set) & widthMask(operation.rows[0]);
        ASSERT_EQ(got[i], want) << operation.name << (divergent ? " (some lanes)" : "") << std::hex << " of " << set[0]
                                << ", " << set[1] << ", " << set[2] << ", " << set[3] << ": got " << got[i]
                                << ", expected " << want;
      }
    }
  }

private:
  uint64_t draw(char letter) {
    uint64_t value = random() % 3 ? wide() : special[random() % special.size()];
    if (pool == Pool::Halves || pool == Pool::BFloats) {
      if (letter == 'w') // two of them
        value |= special[random() % special.size()] << 16;
      else if (letter != 'h')
        value = wide();
    }
    return value & widthMask(letter);
  }
  uint64_t wide() {
    // Small distances of exponents are what rounds.
    if (pool == Pool::Floats && random() % 2)
      return std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(random())) *
                                     std::ldexp(1.0f, static_cast<int>(random() % 8) - 31));
    if (pool == Pool::Integers && random() % 4 == 0)
      return random() % 70;
    return uint64_t(random()) << 32 | random();
  }

  static std::string text(const Operation &operation, bool divergent) {
    std::string body =
        R"(.visible .entry k(.param .u64 d, .param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3)
{
  .reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %w<16>; .reg .b64 %l<16>;
  mov.u32 %w8, %ctaid.x; mov.u32 %w9, %ntid.x; mov.u32 %w10, %tid.x;
  mad.lo.s32 %w8, %w8, %w9, %w10;
  mul.wide.u32 %l8, %w8, 8;
  rem.u32 %w11, %w8, 3; setp.eq.u32 %p7, %w11, 0;
)";
    std::string operands;
    for (size_t i = 0; i < operation.rows.size(); ++i) {
      char letter = operation.rows[i];
      std::string name = "%" + std::string(1, letter) + std::to_string(i);
      operands += (i ? ", " : " ") + name;
      if (i == 0) {
        body += letter == 'p' ? "  setp.eq.u32 %p0, 0, 0;\n"
                              : "  mov.b" +
                                    std::string(letter == 'h'   ? "16 "
                                                : letter == 'w' ? "32 "
                                                                : "64 ") +
                                    name + ", 1;\n";
        continue;
      }
      body += "  ld.param.u64 %l9, [p" + std::to_string(i - 1) + "]; add.s64 %l9, %l9, %l8;\n";
      if (letter == 'p')
        body += "  ld.global.u32 %w12, [%l9]; setp.ne.u32 " + name + ", %w12, 0;\n";
      else
        body += "  ld.global.b" +
                std::string(letter == 'h'   ? "16 "
                            : letter == 'w' ? "32 "
                                            : "64 ") +
                name + ", [%l9];\n";
    }
    body += "  " + std::string(divergent ? "@%p7 " : "") + operation.name + operands + ";\n";
    body += "  ld.param.u64 %l9, [d]; add.s64 %l9, %l9, %l8;\n";
    switch (operation.rows[0]) {
    case 'p':
      body += "  selp.u64 %l10, 1, 0, %p0;\n";
      break;
    case 'h':
      body += "  cvt.u64.u16 %l10, %h0;\n";
      break;
    case 'w':
      body += "  cvt.u64.u32 %l10, %w0;\n";
      break;
    default:
      body += "  mov.u64 %l10, %l0;\n";
    }
    return moduleText(body + "  st.global.u64 [%l9], %l10;\n  ret;\n}\n");
  }

  std::vector<uint64_t> special;
  Pool pool;
  std::mt19937 random{7};
};

inline float f32(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }
inline double f64(uint64_t bits) { return std::bit_cast<double>(bits); }
/// Bits of a result; every NaN of f32 is the same.
inline uint64_t bits(float x) { return x != x ? 0x7fffffff : std::bit_cast<uint32_t>(x); }
inline uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }

} // namespace incept::sim
