// SPDX-License-Identifier: Apache-2.0
//
// Integer and bit instructions against formulas in 128 bits or bit by bit.

#include "test/sim/Operations.h"

namespace incept::sim {
namespace {

using Set = const std::array<uint64_t, 4> &;
__extension__ typedef __int128 Wide;

/// Value of an operand of a type such as "s32".
Wide value(const std::string &type, uint64_t bits) {
  int width = std::stoi(type.substr(1));
  if (width < 64)
    bits &= (uint64_t(1) << width) - 1;
  if (type[0] != 's' || !(bits >> (width - 1) & 1))
    return Wide(bits);
  return Wide(bits) - (Wide(1) << width);
}
int widthOf(const std::string &type) { return std::stoi(type.substr(1)); }
char letterOf(int width) { return width == 16 ? 'h' : width == 32 ? 'w' : 'l'; }

const std::vector<std::string> kTypes = {"u16", "s16", "u32", "s32", "u64", "s64"};

TEST(Integer, Arithmetic) {
  OperationTest test(Pool::Integers);
  for (const std::string &t : kTypes) {
    const char l = letterOf(widthOf(t));
    const std::string two = {l, l, l}, three = {l, l, l, l};
    auto v = [t](uint64_t bits) { return value(t, bits); };
    auto low = [](Wide x) { return static_cast<uint64_t>(x); };
    auto high = [t](Wide x) { return static_cast<uint64_t>(x >> widthOf(t)); };
    // A product of two u64 needs all 128 bits without a sign.
    auto product = [v, t](Set s) {
      return t == "u64" ? static_cast<Wide>(static_cast<unsigned __int128>(s[0]) * s[1]) : v(s[0]) * v(s[1]);
    };
    test.check({"add." + t, two, [=](Set s) { return low(v(s[0]) + v(s[1])); }});
    test.check({"sub." + t, two, [=](Set s) { return low(v(s[0]) - v(s[1])); }});
    test.check({"mul.lo." + t, two, [=](Set s) { return low(product(s)); }});
    test.check({"mul.hi." + t, two, [=](Set s) { return high(product(s)); }});
    test.check({"mad.lo." + t, three, [=](Set s) { return low(product(s)) + s[2]; }});
    test.check({"mad.hi." + t, three, [=](Set s) { return high(product(s)) + s[2]; }});
    test.check({"div." + t, two, [=](Set s) { return v(s[1]) == 0 ? ~uint64_t(0) : low(v(s[0]) / v(s[1])); }});
    test.check({"rem." + t, two, [=](Set s) { return v(s[1]) == 0 ? s[0] : low(v(s[0]) % v(s[1])); }});
    test.check({"min." + t, two, [=](Set s) { return low(std::min(v(s[0]), v(s[1]))); }});
    test.check({"max." + t, two, [=](Set s) { return low(std::max(v(s[0]), v(s[1]))); }});
    test.check({"sad." + t, three, [=](Set s) {
                  Wide d = v(s[0]) - v(s[1]);
                  return low(v(s[2]) + (d < 0 ? -d : d));
                }});
    if (t[0] == 's') {
      test.check({"neg." + t, {l, l}, [=](Set s) { return low(-v(s[0])); }});
      test.check({"abs." + t, {l, l}, [=](Set s) { return low(v(s[0]) < 0 ? -v(s[0]) : v(s[0])); }});
    }
    if (l == 'l')
      continue;
    const char twice = letterOf(2 * widthOf(t));
    test.check({"mul.wide." + t, {twice, l, l}, [=](Set s) { return low(product(s)); }});
    test.check({"mad.wide." + t, {twice, l, l, twice}, [=](Set s) { return low(product(s)) + s[2]; }});
  }
}

TEST(Integer, SaturationAndSmallProducts) {
  OperationTest test(Pool::Integers);
  auto s32 = [](uint64_t bits) { return static_cast<int64_t>(value("s32", bits)); };
  auto clamp = [](int64_t x) { return static_cast<uint64_t>(std::clamp<int64_t>(x, INT32_MIN, INT32_MAX)); };
  test.check({"add.sat.s32", "www", [=](Set s) { return clamp(s32(s[0]) + s32(s[1])); }});
  test.check({"sub.sat.s32", "www", [=](Set s) { return clamp(s32(s[0]) - s32(s[1])); }});
  auto low24 = [](uint64_t x) { return (x & 0xffffff) - ((x & 0x800000) << 1); };
  test.check({"mul24.lo.u32", "www", [](Set s) { return (s[0] & 0xffffff) * (s[1] & 0xffffff); }});
  test.check({"mul24.lo.s32", "www", [=](Set s) { return low24(s[0]) * low24(s[1]); }});
  test.check({"mul24.hi.u32", "www", [](Set s) { return (s[0] & 0xffffff) * (s[1] & 0xffffff) >> 16; }});
  auto dot = [](Set s, bool signedA, bool signedB) {
    uint64_t sum = s[2];
    for (int i = 0; i < 32; i += 8) {
      int64_t a = s[0] >> i & 0xff, b = s[1] >> i & 0xff;
      sum += static_cast<uint64_t>((signedA && a > 127 ? a - 256 : a) * (signedB && b > 127 ? b - 256 : b));
    }
    return sum;
  };
  test.check({"dp4a.u32.u32", "wwww", [=](Set s) { return dot(s, false, false); }});
  test.check({"dp4a.s32.u32", "wwww", [=](Set s) { return dot(s, true, false); }});
  test.check({"dp4a.s32.s32", "wwww", [=](Set s) { return dot(s, true, true); }});
}

TEST(Integer, Logic) {
  OperationTest test(Pool::Integers);
  for (int width : {16, 32, 64}) {
    const char l = letterOf(width);
    const std::string b = ".b" + std::to_string(width);
    test.check({"and" + b, {l, l, l}, [](Set s) { return s[0] & s[1]; }});
    test.check({"or" + b, {l, l, l}, [](Set s) { return s[0] | s[1]; }});
    test.check({"xor" + b, {l, l, l}, [](Set s) { return s[0] ^ s[1]; }});
    test.check({"not" + b, {l, l}, [](Set s) { return ~s[0]; }});
    test.check({"cnot" + b, {l, l}, [](Set s) { return s[0] == 0 ? 1u : 0u; }});
    test.check({"shl" + b, {l, l, 'w'}, [=](Set s) { return s[1] >= 64 ? 0 : s[0] << s[1]; }});
    test.check({"shr.u" + std::to_string(width), {l, l, 'w'}, [=](Set s) { return s[1] >= 64 ? 0 : s[0] >> s[1]; }});
    test.check({"shr.s" + std::to_string(width), {l, l, 'w'}, [=](Set s) {
                  return static_cast<uint64_t>(value("s" + std::to_string(width), s[0]) >>
                                               std::min<uint64_t>(s[1], 100));
                }});
    test.check({"selp" + b, {l, l, l, 'p'}, [](Set s) { return s[2] ? s[0] : s[1]; }});
  }
  test.check({"and.pred", "ppp", [](Set s) { return s[0] & s[1]; }});
  test.check({"or.pred", "ppp", [](Set s) { return s[0] | s[1]; }});
  test.check({"xor.pred", "ppp", [](Set s) { return s[0] ^ s[1]; }});
  test.check({"not.pred", "pp", [](Set s) { return s[0] ^ 1; }});
  test.check({"mov.pred", "pp", [](Set s) { return s[0]; }});
  test.check({"slct.b32.s32", "wwww", [](Set s) { return s[2] >> 31 ? s[1] : s[0]; }});
}

TEST(Integer, Bits) {
  OperationTest test(Pool::Integers);
  for (int width : {32, 64}) {
    const char l = letterOf(width);
    const std::string n = std::to_string(width);
    auto bit = [](uint64_t x, int i) { return x >> i & 1; };
    test.check({"popc.b" + n, {'w', l}, [=](Set s) {
                  uint64_t sum = 0;
                  for (int i = 0; i < width; ++i)
                    sum += bit(s[0], i);
                  return sum;
                }});
    auto highest = [=](uint64_t x) {
      int i = width - 1;
      while (i >= 0 && !bit(x, i))
        --i;
      return static_cast<uint64_t>(i);
    };
    test.check({"clz.b" + n, {'w', l}, [=](Set s) { return static_cast<uint64_t>(width - 1) - highest(s[0]); }});
    test.check({"bfind.u" + n, {'w', l}, [=](Set s) { return highest(s[0]); }});
    test.check({"bfind.shiftamt.u" + n, {'w', l}, [=](Set s) {
                  return highest(s[0]) == ~uint64_t(0) ? highest(s[0])
                                                       : static_cast<uint64_t>(width - 1) - highest(s[0]);
                }});
    test.check(
        {"bfind.s" + n, {'w', l}, [=](Set s) { return highest(bit(s[0], width - 1) ? ~s[0] & widthMask(l) : s[0]); }});
    test.check({"brev.b" + n, {l, l}, [=](Set s) {
                  uint64_t result = 0;
                  for (int i = 0; i < width; ++i)
                    result |= bit(s[0], i) << (width - 1 - i);
                  return result;
                }});
    for (bool sign : {false, true})
      test.check({std::string(sign ? "bfe.s" : "bfe.u") + n, {l, l, 'w', 'w'}, [=](Set s) {
                    uint64_t position = s[1] & 0xff, length = s[2] & 0xff, result = 0;
                    uint64_t top =
                        length == 0 || !sign ? 0 : bit(s[0], std::min<int>(position + length - 1, width - 1));
                    for (int i = 0; i < width; ++i) {
                      bool inside = uint64_t(i) < length && position + i < uint64_t(width);
                      result |= (inside ? bit(s[0], position + i) : top) << i;
                    }
                    return result;
                  }});
    test.check({"bfi.b" + n, {l, l, l, 'w', 'w'}, [=](Set s) {
                  uint64_t position = s[2] & 0xff, length = s[3] & 0xff, result = s[1];
                  for (uint64_t i = 0; i < length && position + i < uint64_t(width); ++i)
                    result = (result & ~(uint64_t(1) << (position + i))) | bit(s[0], i) << (position + i);
                  return result;
                }});
  }
  test.check({"prmt.b32", "wwww", [](Set s) {
                uint64_t from = s[1] << 32 | s[0], result = 0;
                for (int i = 0; i < 4; ++i) {
                  uint64_t select = s[2] >> (4 * i) & 15, byte = from >> (8 * (select & 7)) & 0xff;
                  result |= (select & 8 ? (byte >> 7) * 0xff : byte) << (8 * i);
                }
                return result;
              }});
  test.check({"shf.l.wrap.b32", "wwww", [](Set s) { return (s[1] << 32 | s[0]) << (s[2] & 31) >> 32; }});
  test.check({"shf.r.wrap.b32", "wwww", [](Set s) { return (s[1] << 32 | s[0]) >> (s[2] & 31); }});
  test.check({"shf.l.clamp.b32", "wwww", [](Set s) { return s[2] >= 32 ? s[0] : (s[1] << 32 | s[0]) << s[2] >> 32; }});
  test.check({"shf.r.clamp.b32", "wwww", [](Set s) { return (s[1] << 32 | s[0]) >> std::min<uint64_t>(s[2], 32); }});
  test.check({"lop3.b32", "wwwww", [](Set s) {
                uint64_t result = 0;
                for (int i = 0; i < 32; ++i)
                  result |= (s[3] >> ((s[0] >> i & 1) * 4 + (s[1] >> i & 1) * 2 + (s[2] >> i & 1)) & 1) << i;
                return result;
              }});
}

TEST(Integer, Compare) {
  OperationTest test(Pool::Integers);
  for (const std::string &t : kTypes) {
    const char l = letterOf(widthOf(t));
    auto add = [&](const std::string &name, auto relation) {
      test.check({"setp." + name + "." + t, {'p', l, l}, [=](Set s) {
                    return relation(value(t, s[0]), value(t, s[1])) ? 1u : 0u;
                  }});
    };
    add("eq", std::equal_to<>());
    add("ne", std::not_equal_to<>());
    add("lt", std::less<>());
    add("le", std::less_equal<>());
    add("gt", std::greater<>());
    add("ge", std::greater_equal<>());
    if (t[0] == 'u') {
      add("lo", std::less<>());
      add("ls", std::less_equal<>());
      add("hi", std::greater<>());
      add("hs", std::greater_equal<>());
    }
  }
  test.check({"setp.lt.and.s32", "pwwp", [](Set s) { return value("s32", s[0]) < value("s32", s[1]) && s[2]; }});
  test.check({"setp.lt.or.s32", "pwwp", [](Set s) { return value("s32", s[0]) < value("s32", s[1]) || s[2]; }});
  test.check(
      {"setp.lt.xor.s32", "pwwp", [](Set s) { return (value("s32", s[0]) < value("s32", s[1])) != bool(s[2]); }});
  test.check({"set.lt.u32.s32", "www", [](Set s) { return value("s32", s[0]) < value("s32", s[1]) ? 0xffffffff : 0; }});
  test.check({"set.gt.f32.u32", "www", [](Set s) { return s[0] > s[1] ? 0x3f800000 : 0; }});
}

TEST(Integer, Conversions) {
  OperationTest test(Pool::Integers);
  for (const std::string from : {"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"})
    for (const std::string to : {"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"}) {
      const char f = letterOf(std::max(16, widthOf(from))), t = letterOf(std::max(16, widthOf(to)));
      auto stored = [=](Wide x) { return static_cast<uint64_t>(value(to, static_cast<uint64_t>(x))); };
      test.check({"cvt." + to + "." + from, {t, f}, [=](Set s) { return stored(value(from, s[0])); }});
      test.check({"cvt.sat." + to + "." + from, {t, f}, [=](Set s) {
                    bool sign = to[0] == 's';
                    Wide top = (Wide(1) << (widthOf(to) - sign)) - 1, bottom = sign ? -top - 1 : Wide(0);
                    return stored(std::clamp(value(from, s[0]), bottom, top));
                  }});
    }
  // Registers may be wider than the types.
  test.check({"cvt.s32.s8", "ww", [](Set s) { return static_cast<uint64_t>(value("s8", s[0])); }});
  test.check({"cvt.u32.u16", "ww", [](Set s) { return s[0] & 0xffff; }});
  test.check({"cvt.s16.s8", "wh", [](Set s) { return static_cast<uint64_t>(value("s8", s[0])); }});
}

// 96 bits less 96 bits: a borrow comes in, passes through a word of equals, and goes out; without one none does.
TEST(Integer, BorrowChains) {
  using Words = std::vector<uint32_t>;
  const std::pair<Words, Words> cases[] = {
      {{0, 0, 5}, {1, 0, 2}},           {{1, 0, 5}, {1, 0, 2}},       {{0, 7, 5}, {1, 7, 2}}, {{0, 0, 0}, {1, 0, 0}},
      {{5, 3, 1}, {4, 3, 1}},           {{0, ~0u, 9}, {~0u, ~0u, 9}}, {{0, 0, 0}, {0, 0, 0}}, {{3, 1, 0}, {4, 0, 0}},
      {{~0u, ~0u, ~0u}, {0, ~0u, ~0u}}, {{0, 1, 0}, {~0u, ~0u, ~0u}}};
  for (const auto &[a, b] : cases) {
    Simulator simulator;
    uint64_t pa = simulator.upload(a), pb = simulator.upload(b), d = simulator.allocate(16);
    Status status = simulator.run(moduleText(R"(
.entry k(.param .u64 a, .param .u64 b, .param .u64 d) {
  .reg .b64 %rd<4>; .reg .b32 %r<8>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [d];
  ld.global.u32 %r0, [%rd1]; ld.global.u32 %r1, [%rd1+4]; ld.global.u32 %r2, [%rd1+8];
  ld.global.u32 %r3, [%rd2]; ld.global.u32 %r4, [%rd2+4]; ld.global.u32 %r5, [%rd2+8];
  sub.cc.u32 %r0, %r0, %r3; subc.cc.u32 %r1, %r1, %r4; subc.cc.u32 %r2, %r2, %r5; subc.u32 %r6, 0, 0;
  st.global.u32 [%rd3], %r0; st.global.u32 [%rd3+4], %r1; st.global.u32 [%rd3+8], %r2; st.global.u32 [%rd3+12], %r6;
  ret; })"),
                                  {1, 1, 1}, {1, 1, 1}, {pa, pb, d});
    ASSERT_TRUE(status.ok()) << status.message();
    auto wide = [](const Words &words) {
      return static_cast<unsigned __int128>(words[2]) << 64 | uint64_t(words[1]) << 32 | words[0];
    };
    unsigned __int128 difference = wide(a) - wide(b); // a borrow out of 96 bits fills the words above
    Words expected(4);
    for (int i = 0; i < 4; ++i)
      expected[i] = static_cast<uint32_t>(difference >> (32 * i));
    EXPECT_EQ(simulator.download<uint32_t>(d, 4), expected) << a[0] << " - " << b[0];
  }
}

TEST(Integer, CarryChains) {
  Simulator simulator;
  const std::vector<uint64_t> a = {~0ull, ~0ull, 5}, b = {1, 0, 7};
  uint64_t pa = simulator.upload(a), pb = simulator.upload(b), sum = simulator.allocate(24);
  Status status = simulator.run(moduleText(R"(
.entry k(.param .u64 a, .param .u64 b, .param .u64 d) {
  .reg .b64 %rd<16>; .reg .b32 %r<16>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [d];
  ld.global.v2.u32 {%r0, %r1}, [%rd1]; ld.global.v2.u32 {%r2, %r3}, [%rd1+8]; ld.global.v2.u32 {%r4, %r5}, [%rd1+16];
  ld.global.v2.u32 {%r6, %r7}, [%rd2]; ld.global.v2.u32 {%r8, %r9}, [%rd2+8]; ld.global.v2.u32 {%r10, %r11}, [%rd2+16];
  add.cc.u32 %r0, %r0, %r6; addc.cc.u32 %r1, %r1, %r7; addc.cc.u32 %r2, %r2, %r8;
  addc.cc.u32 %r3, %r3, %r9; addc.cc.u32 %r4, %r4, %r10; addc.u32 %r5, %r5, %r11;
  st.global.v2.u32 [%rd3], {%r0, %r1}; st.global.v2.u32 [%rd3+8], {%r2, %r3}; st.global.v2.u32 [%rd3+16], {%r4, %r5};
  ret; })"),
                                {1, 1, 1}, {1, 1, 1}, {pa, pb, sum});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(simulator.download<uint64_t>(sum, 3), (std::vector<uint64_t>{0, 0, 13}));

  // 64 x 64 -> 128 bits from products of 32 bits.
  uint64_t x = simulator.upload(std::vector<uint64_t>{0xfedcba9876543210, 0xf0f1f2f3f4f5f6f7});
  uint64_t product = simulator.allocate(16);
  status = simulator.run(moduleText(R"(
.entry k(.param .u64 a, .param .u64 d) {
  .reg .b64 %rd<16>; .reg .b32 %r<16>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd3, [d];
  ld.global.v2.u32 {%r0, %r1}, [%rd1]; ld.global.v2.u32 {%r2, %r3}, [%rd1+8];
  mul.lo.u32 %r4, %r0, %r2; mul.hi.u32 %r5, %r0, %r2;
  mad.lo.cc.u32 %r5, %r0, %r3, %r5; madc.hi.u32 %r6, %r0, %r3, 0;
  mad.lo.cc.u32 %r5, %r1, %r2, %r5; madc.hi.cc.u32 %r6, %r1, %r2, %r6; addc.u32 %r7, 0, 0;
  mad.lo.cc.u32 %r6, %r1, %r3, %r6; madc.hi.u32 %r7, %r1, %r3, %r7;
  st.global.v4.u32 [%rd3], {%r4, %r5, %r6, %r7}; ret; })"),
                         {1, 1, 1}, {1, 1, 1}, {x, product});
  ASSERT_TRUE(status.ok()) << status.message();
  unsigned __int128 want = static_cast<unsigned __int128>(0xfedcba9876543210) * 0xf0f1f2f3f4f5f6f7;
  EXPECT_EQ(simulator.download<uint64_t>(product, 2),
            (std::vector<uint64_t>{static_cast<uint64_t>(want), static_cast<uint64_t>(want >> 64)}));
}

} // namespace
} // namespace incept::sim
