// SPDX-License-Identifier: Apache-2.0
//
// The instructions that the other suites leave: f64, .ftz, the rarer types and modes, and what packs and selects.

#include "test/sim/Operations.h"

#include <cfenv>

namespace incept::sim {
namespace {

using Set = const std::array<uint64_t, 4> &;

float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

/// The smaller of two numbers, or the larger: -0 is less than +0, and one NaN loses, or wins where `nan`. Null: a NaN.
template <typename T>
const T *extreme(const T &a, const T &b, bool largest, bool nan) {
  if (std::isnan(a) || std::isnan(b))
    return nan || (std::isnan(a) && std::isnan(b)) ? nullptr : std::isnan(a) ? &b : &a;
  bool less = a < b || (a == b && std::signbit(a) && !std::signbit(b));
  return less == largest ? &b : &a;
}

TEST(Forms, Doubles) {
  OperationTest test(Pool::Doubles);
  constexpr uint64_t kSign = uint64_t(1) << 63, kNaN = 0x7ff8000000000000;
  for (bool largest : {false, true})
    test.check({largest ? "max.f64" : "min.f64", "lll", [=](Set s) {
                  const double a = f64(s[0]), b = f64(s[1]), *result = extreme(a, b, largest, false);
                  return result ? bits(*result) : kNaN;
                }});
  test.check({"abs.f64", "ll", [](Set s) { return s[0] & ~kSign; }});
  test.check({"copysign.f64", "lll", [](Set s) { return (s[0] & kSign) | (s[1] & ~kSign); }});
  test.check({"rcp.rn.f64", "ll", [](Set s) { return bits(1 / f64(s[0])); }});
  test.check({"rcp.approx.ftz.f64", "ll", [](Set s) { return bits(1 / f64(s[0])); }});
  test.check({"rsqrt.approx.f64", "ll", [](Set s) { return bits(1 / std::sqrt(f64(s[0]))); }});
  auto classify = [&](const char *name, auto is) {
    test.check({std::string("testp.") + name + ".f64", "pl", [=](Set s) { return is(f64(s[0])) ? 1u : 0u; }});
  };
  classify("finite", [](double x) { return std::isfinite(x); });
  classify("infinite", [](double x) { return std::isinf(x); });
  classify("number", [](double x) { return !std::isnan(x); });
  classify("notanumber", [](double x) { return std::isnan(x); });
  classify("normal", [](double x) { return std::isnormal(x); });
  classify("subnormal", [](double x) { return std::fpclassify(x) == FP_SUBNORMAL; });
  for (auto [name, mode] :
       {std::pair{"rni", FE_TONEAREST}, {"rzi", FE_TOWARDZERO}, {"rmi", FE_DOWNWARD}, {"rpi", FE_UPWARD}}) {
    const int m = mode;
    test.check({"cvt." + std::string(name) + ".f64.f64", "ll", [=](Set s) {
                  volatile double x = f64(s[0]);
                  std::fesetround(m);
                  double result = std::rint(x);
                  std::fesetround(FE_TONEAREST);
                  return bits(result);
                }});
  }
}

// Every relation of floats, with NaN on either side.
TEST(Forms, Relations) {
  OperationTest doubles(Pool::Doubles), floats(Pool::Floats);
  auto add = [&](const std::string &name, auto relation) {
    for (bool unordered : {false, true}) {
      auto holds = [=](auto a, auto b) {
        return uint64_t(std::isnan(a) || std::isnan(b) ? unordered : relation(a, b));
      };
      const std::string setp = "setp." + name + (unordered ? "u" : "");
      doubles.check({setp + ".f64", "pll", [=](Set s) { return holds(f64(s[0]), f64(s[1])); }});
      floats.check({setp + ".ftz.f32", "pww", [=](Set s) { return holds(flush(f32(s[0])), flush(f32(s[1]))); }});
    }
  };
  add("eq", std::equal_to<>());
  add("ne", std::not_equal_to<>());
  add("lt", std::less<>());
  add("le", std::less_equal<>());
  add("gt", std::greater<>());
  add("ge", std::greater_equal<>());
  for (bool wanted : {false, true})
    doubles.check({wanted ? "setp.nan.f64" : "setp.num.f64", "pll",
                   [=](Set s) { return uint64_t((std::isnan(f64(s[0])) || std::isnan(f64(s[1]))) == wanted); }});
}

TEST(Forms, Flushed) {
  OperationTest test(Pool::Floats);
  auto one = [&](const std::string &name, auto f) {
    test.check({name, "ww", [=](Set s) { return bits(flush(f(flush(f32(s[0]))))); }});
  };
  auto two = [&](const std::string &name, auto f) {
    test.check({name, "www", [=](Set s) { return bits(flush(f(flush(f32(s[0])), flush(f32(s[1]))))); }});
  };
  auto viaDouble = [](double (*f)(double)) { return [=](float x) { return static_cast<float>(f(x)); }; };
  one("rcp.rn.ftz.f32", [](float x) { return 1 / x; });
  one("rcp.approx.ftz.f32", [](float x) { return 1 / x; });
  one("sqrt.rn.ftz.f32", [](float x) { return std::sqrt(x); });
  one("sqrt.approx.ftz.f32", [](float x) { return std::sqrt(x); });
  one("rsqrt.approx.ftz.f32", viaDouble([](double x) { return 1 / std::sqrt(x); }));
  one("lg2.approx.ftz.f32", viaDouble(std::log2));
  one("sin.approx.ftz.f32", viaDouble(std::sin));
  one("cos.approx.ftz.f32", viaDouble(std::cos));
  two("sub.rn.ftz.f32", std::minus<float>());
  two("div.rn.ftz.f32", std::divides<float>());
  two("div.full.ftz.f32", std::divides<float>());
  // The sign of a NaN is that of the operand here.
  test.check({"neg.ftz.f32", "ww", [](Set s) {
                return std::isnan(f32(s[0])) ? s[0] ^ 0x80000000 : std::bit_cast<uint32_t>(-flush(f32(s[0])));
              }});
  test.check({"abs.ftz.f32", "ww", [](Set s) {
                return std::isnan(f32(s[0])) ? s[0] & 0x7fffffff : std::bit_cast<uint32_t>(std::fabs(flush(f32(s[0]))));
              }});
  test.check({"rcp.approx.f32", "ww", [](Set s) { return bits(1.0f / f32(s[0])); }});
  test.check({"div.approx.f32", "www", [](Set s) { return bits(f32(s[0]) / f32(s[1])); }});
  test.check({"mad.rn.f32", "wwww", [](Set s) { return bits(std::fma(f32(s[0]), f32(s[1]), f32(s[2]))); }});
}

// min and max of f32, in all their modes.
TEST(Forms, Extremes) {
  OperationTest test(Pool::Floats);
  for (bool largest : {false, true})
    for (bool nan : {false, true})
      for (bool sign : {false, true})
        for (bool ftz : {false, true})
          test.check({std::string(largest ? "max" : "min") + (nan ? ".NaN" : "") + (sign ? ".xorsign.abs" : "") +
                          (ftz ? ".ftz" : "") + ".f32",
                      "www", [=](Set s) -> uint64_t {
                        float a = ftz ? flush(f32(s[0])) : f32(s[0]), b = ftz ? flush(f32(s[1])) : f32(s[1]);
                        bool negative = sign && std::signbit(a) != std::signbit(b);
                        if (sign)
                          a = std::fabs(a), b = std::fabs(b);
                        const float *result = extreme(a, b, largest, nan);
                        return result ? std::bit_cast<uint32_t>(*result) | uint32_t(negative) << 31 : 0x7fffffff;
                      }});
}

TEST(Forms, DirectedSumsAndProducts) {
  OperationTest test(Pool::Floats);
  for (auto [name, mode] : {std::pair{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}}) {
    const int m = mode;
    auto rounded = [m](auto f) {
      std::fesetround(m);
      volatile float result = f();
      std::fesetround(FE_TONEAREST);
      return float(result);
    };
    const std::string suffix = "." + std::string(name);
    test.check({"sub" + suffix + ".f32", "www", [=](Set s) {
                  volatile float a = f32(s[0]), b = f32(s[1]);
                  return bits(rounded([&] { return a - b; }));
                }});
    test.check({"mad" + suffix + ".f32", "wwww", [=](Set s) {
                  volatile float a = f32(s[0]), b = f32(s[1]), c = f32(s[2]);
                  return bits(rounded([&] { return std::fma(a, b, c); }));
                }});
    test.check({"add" + suffix + ".ftz.f32", "www", [=](Set s) {
                  volatile float a = flush(f32(s[0])), b = flush(f32(s[1]));
                  return bits(flush(rounded([&] { return a + b; })));
                }});
    test.check({"mul" + suffix + ".ftz.f32", "www", [=](Set s) {
                  volatile float a = flush(f32(s[0])), b = flush(f32(s[1]));
                  return bits(flush(rounded([&] { return a * b; })));
                }});
  }
}

TEST(Forms, Integers) {
  OperationTest test(Pool::Integers);
  auto low24 = [](uint64_t x) { return static_cast<int64_t>((x & 0xffffff) ^ 0x800000) - 0x800000; };
  test.check({"mul24.hi.s32", "www", [=](Set s) { return static_cast<uint64_t>(low24(s[0]) * low24(s[1]) >> 16); }});
  test.check({"mad24.lo.s32", "wwww", [=](Set s) { return static_cast<uint64_t>(low24(s[0]) * low24(s[1])) + s[2]; }});
  test.check({"mad24.lo.u32", "wwww", [](Set s) { return (s[0] & 0xffffff) * (s[1] & 0xffffff) + s[2]; }});
  test.check({"dp4a.u32.s32", "wwww", [](Set s) {
                uint64_t sum = s[2];
                for (int i = 0; i < 32; i += 8)
                  sum += static_cast<uint64_t>(int64_t(s[0] >> i & 0xff) * static_cast<int8_t>(s[1] >> i));
                return sum;
              }});
  for (int width : {16, 32, 64}) {
    const char l = width == 16 ? 'h' : width == 32 ? 'w' : 'l';
    const std::string n = std::to_string(width);
    test.check({"setp.eq.b" + n, {'p', l, l}, [](Set s) { return s[0] == s[1] ? 1u : 0u; }});
    test.check({"setp.ne.b" + n, {'p', l, l}, [](Set s) { return s[0] != s[1] ? 1u : 0u; }});
    test.check({"shr.b" + n, {l, l, 'w'}, [](Set s) { return s[1] >= 64 ? 0 : s[0] >> s[1]; }});
    for (const char *type : {"u", "s"})
      test.check({"shl." + (type + n), {l, l, 'w'}, [](Set s) { return s[1] >= 64 ? 0 : s[0] << s[1]; }});
    for (const char *type : {"b", "u", "s", "f"}) {
      test.check({"selp." + (type + n), {l, l, l, 'p'}, [](Set s) { return s[2] ? s[0] : s[1]; }});
      test.check({"slct." + (type + n) + ".s32", {l, l, l, 'w'}, [](Set s) { return s[2] >> 31 ? s[1] : s[0]; }});
      // -0 and NaN are not negative: the second where the third is NaN.
      for (const char *ftz : {"", ".ftz"})
        test.check({"slct" + std::string(ftz) + "." + (type + n) + ".f32", {l, l, l, 'w'}, [=](Set s) {
                      float c = *ftz ? flush(f32(s[2])) : f32(s[2]);
                      return c >= 0 ? s[0] : s[1];
                    }});
    }
    if (width == 16)
      continue;
    test.check({"bfind.shiftamt.s" + n, {'w', l}, [=](Set s) -> uint64_t {
                  bool negative = s[0] >> (width - 1) & 1;
                  for (int i = width - 1; i >= 0; --i)
                    if ((s[0] >> i & 1) != uint64_t(negative))
                      return static_cast<uint64_t>(width - 1 - i);
                  return 0xffffffff;
                }});
  }
  // Bytes i, i + 1, ... of the eight, or i, i - 1, ..., the byte i, and the others of the manual's table.
  auto permute = [&](const std::string &mode, auto byteOf) {
    test.check({"prmt.b32." + mode, "wwww", [=](Set s) {
                  uint64_t from = s[1] << 32 | s[0], result = 0;
                  for (int i = 0; i < 4; ++i)
                    result |= (from >> (8 * (byteOf(i, static_cast<int>(s[2] & 3)) & 7)) & 0xff) << (8 * i);
                  return result;
                }});
  };
  permute("f4e", [](int i, int c) { return i + c; });
  permute("b4e", [](int i, int c) { return c - i; });
  permute("rc8", [](int, int c) { return c; });
  permute("ecl", [](int i, int c) { return std::max(i, c); });
  permute("ecr", [](int i, int c) { return std::min(i, c); });
  permute("rc16", [](int i, int c) { return i % 2 + c % 2 * 2; });
}

// Both numbers of a register: p of the low ones, q of the high ones.
TEST(Forms, RelationsOfPairs) {
  auto value = [](uint16_t bits, bool half) {
    if (!half)
      return std::bit_cast<float>(uint32_t(bits) << 16);
    int exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
    float magnitude = exponent == 31  ? (mantissa ? NAN : INFINITY)
                      : exponent == 0 ? std::ldexp(float(mantissa), -24)
                                      : std::ldexp(float(mantissa + 1024), exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
  };
  for (bool half : {true, false}) {
    const std::vector<uint64_t> pool = interesting(half ? Pool::Halves : Pool::BFloats);
    std::vector<uint32_t> a, b; // all pairs of numbers, the high ones in another order
    for (size_t i = 0; i < pool.size(); ++i)
      for (size_t j = 0; j < pool.size(); ++j) {
        a.push_back(static_cast<uint32_t>(pool[i] | pool[j] << 16));
        b.push_back(static_cast<uint32_t>(pool[j] | pool[(i + 1) % pool.size()] << 16));
      }
    a.resize(256), b.resize(256);
    const std::function<bool(float, float)> relations[] = {std::equal_to<>(), std::not_equal_to<>(),
                                                           std::less<>(),     std::less_equal<>(),
                                                           std::greater<>(),  std::greater_equal<>()};
    const char *const names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    for (size_t r = 0; r < 6; ++r)
      for (bool unordered : {false, true}) {
        const std::string name =
            std::string("setp.") + names[r] + (unordered ? "u" : "") + (half ? ".f16x2" : ".bf16x2");
        Simulator simulator;
        uint64_t pa = simulator.upload(a), pb = simulator.upload(b), d = simulator.allocate(4 * a.size());
        Status status = simulator.run(moduleText(R"(.entry k(.param .u64 a, .param .u64 b, .param .u64 d) {
  .reg .pred %p<3>; .reg .b32 %r<6>; .reg .b64 %d<5>;
  mov.u32 %r1, %tid.x; mul.wide.u32 %d1, %r1, 4;
  ld.param.u64 %d2, [a]; add.u64 %d2, %d2, %d1; ld.global.u32 %r2, [%d2];
  ld.param.u64 %d3, [b]; add.u64 %d3, %d3, %d1; ld.global.u32 %r3, [%d3];
  ld.param.u64 %d4, [d]; add.u64 %d4, %d4, %d1;
  )" + name + R"( %p1|%p2, %r2, %r3;
  selp.u32 %r4, 1, 0, %p1; selp.u32 %r5, 2, 0, %p2; or.b32 %r4, %r4, %r5; st.global.u32 [%d4], %r4; })"),
                                      {1, 1, 1}, {256, 1, 1}, {pa, pb, d});
        ASSERT_TRUE(status.ok()) << name << ": " << status.message();
        std::vector<uint32_t> got = simulator.download<uint32_t>(d, a.size());
        for (size_t i = 0; i < a.size(); ++i) {
          uint32_t wanted = 0;
          for (int part : {0, 1}) {
            float x = value(static_cast<uint16_t>(a[i] >> (16 * part)), half);
            float y = value(static_cast<uint16_t>(b[i] >> (16 * part)), half);
            wanted |= uint32_t(std::isnan(x) || std::isnan(y) ? unordered : relations[r](x, y)) << part;
          }
          EXPECT_EQ(got[i], wanted) << name << std::hex << " of " << a[i] << ", " << b[i];
        }
      }
  }
}

// Registers in pieces, and widths that are made larger or smaller.
TEST(Forms, PackingAndWidths) {
  Simulator simulator;
  uint64_t a = simulator.upload(std::vector<uint64_t>{0xfedcba9876543210}), d = simulator.allocate(13 * 8);
  Status status = simulator.run(moduleText(R"(.entry k(.param .u64 a, .param .u64 d) {
  .reg .b16 %h<5>; .reg .b32 %r<5>; .reg .b64 %x<16>;
  ld.param.u64 %x1, [a]; ld.param.u64 %x2, [d]; ld.global.u64 %x3, [%x1];
  mov.b64 {%h1, %h2, %h3, %h4}, %x3; mov.b64 %x4, {%h4, %h2, %h1, %h3}; st.global.u64 [%x2], %x4;
  mov.b64 {%r1, %r2}, %x3; mov.b64 %x4, {%r2, %r1}; st.global.u64 [%x2+8], %x4;
  mov.b32 {%h1, %h2}, %r2; mov.b32 %r3, {%h2, %h1}; cvt.u64.u32 %x4, %r3; st.global.u64 [%x2+16], %x4;
  mov.b64 {_, %r4}, %x3; mov.b64 %x4, {%r4, 7}; st.global.u64 [%x2+24], %x4;
  cvt.s8.s32 %x4, %r2; st.global.u64 [%x2+32], %x4;
  cvt.u8.u32 %x4, %r2; st.global.u64 [%x2+40], %x4;
  cvt.s32.s16 %x4, %h2; st.global.u64 [%x2+48], %x4;
  cvt.u32.u16 %x4, %x3; st.global.u64 [%x2+56], %x4;
  ld.global.s8 %x4, [%x1+7]; st.global.u64 [%x2+64], %x4;
  ld.global.u16 %x4, [%x1+6]; st.global.u64 [%x2+72], %x4;
  ld.global.s32 %x4, [%x1+4]; st.global.u64 [%x2+80], %x4;
  ld.global.s16 %r3, [%x1+4]; cvt.u64.u32 %x4, %r3; st.global.u64 [%x2+88], %x4;
  st.global.u64 [%x2+96], -1; st.global.u16 [%x2+96], %x3; st.global.u8 [%x2+99], %r2; st.global.u32 [%x2+100], %x3;
})"),
                                {1, 1, 1}, {1, 1, 1}, {a, d});
  ASSERT_TRUE(status.ok()) << status.message();
  // The pieces of 16 bits are 3210, 7654, ba98 and fedc.
  EXPECT_EQ(simulator.download<uint64_t>(d, 13),
            (std::vector<uint64_t>{0xba9832107654fedc, 0x76543210fedcba98, 0xba98fedc, 0x7fedcba98, 0xffffffffffffff98,
                                   0x98, 0xfffffffffffffedc, 0x3210, 0xfffffffffffffffe, 0xfedc, 0xfffffffffedcba98,
                                   0xffffba98, 0x7654321098ff3210}));
}

} // namespace
} // namespace incept::sim
