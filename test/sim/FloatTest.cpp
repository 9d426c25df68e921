// SPDX-License-Identifier: Apache-2.0
//
// f32 and f64 instructions. Directed rounding is compared with the host's rounding modes.

#include "test/sim/Operations.h"

#include <cfenv>

namespace incept::sim {
namespace {

using Set = const std::array<uint64_t, 4> &;

float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

/// f(...) under a rounding mode of the host.
template <typename F>
auto rounded(int mode, F f) {
  int before = std::fegetround();
  std::fesetround(mode);
  auto result = f();
  std::fesetround(before);
  return result;
}

TEST(Float, Arithmetic) {
  OperationTest test(Pool::Floats);
  test.check({"add.f32", "www", [](Set s) { return bits(f32(s[0]) + f32(s[1])); }});
  test.check({"add.rn.f32", "www", [](Set s) { return bits(f32(s[0]) + f32(s[1])); }});
  test.check({"sub.rn.f32", "www", [](Set s) { return bits(f32(s[0]) - f32(s[1])); }});
  test.check({"mul.rn.f32", "www", [](Set s) { return bits(f32(s[0]) * f32(s[1])); }});
  test.check({"fma.rn.f32", "wwww", [](Set s) { return bits(std::fma(f32(s[0]), f32(s[1]), f32(s[2]))); }});
  test.check({"div.rn.f32", "www", [](Set s) { return bits(f32(s[0]) / f32(s[1])); }});
  test.check({"rcp.rn.f32", "ww", [](Set s) { return bits(1.0f / f32(s[0])); }});
  test.check({"sqrt.rn.f32", "ww", [](Set s) { return bits(std::sqrt(f32(s[0]))); }});
  test.check({"neg.f32", "ww", [](Set s) { return s[0] ^ 0x80000000; }});
  test.check({"abs.f32", "ww", [](Set s) { return s[0] & 0x7fffffff; }});
  test.check({"copysign.f32", "www", [](Set s) { return (s[0] & 0x80000000) | (s[1] & 0x7fffffff); }});
  test.check({"add.ftz.f32", "www", [](Set s) { return bits(flush(flush(f32(s[0])) + flush(f32(s[1])))); }});
  test.check({"mul.rn.ftz.f32", "www", [](Set s) { return bits(flush(flush(f32(s[0])) * flush(f32(s[1])))); }});
  test.check({"fma.rn.ftz.f32", "wwww",
              [](Set s) { return bits(flush(std::fma(flush(f32(s[0])), flush(f32(s[1])), flush(f32(s[2]))))); }});
  test.check({"add.sat.f32", "www", [](Set s) {
                float sum = f32(s[0]) + f32(s[1]);
                return bits(sum > 1 ? 1.0f : sum > 0 ? sum : 0.0f);
              }});
}

TEST(Float, DirectedRounding) {
  OperationTest test(Pool::Floats);
  struct {
    const char *name;
    int mode;
  } modes[] = {{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
  for (auto [name, mode] : modes) {
    const std::string m = name;
    test.check({"add." + m + ".f32", "www", [=](Set s) {
                  volatile float a = f32(s[0]), b = f32(s[1]);
                  return bits(rounded(mode, [&]() -> float { return a + b; }));
                }});
    test.check({"mul." + m + ".f32", "www", [=](Set s) {
                  volatile float a = f32(s[0]), b = f32(s[1]);
                  return bits(rounded(mode, [&]() -> float { return a * b; }));
                }});
    test.check({"fma." + m + ".f32", "wwww", [=](Set s) {
                  volatile float a = f32(s[0]), b = f32(s[1]), c = f32(s[2]);
                  return bits(rounded(mode, [&]() -> float { return std::fma(a, b, c); }));
                }});
  }
}

TEST(Float, Minimum) {
  OperationTest test(Pool::Floats);
  // -0 is less than +0; a NaN loses, or wins.
  auto less = [](float a, float b) { return a < b || (a == b && std::signbit(a) && !std::signbit(b)); };
  auto minimum = [=](Set s, bool nan) {
    float a = f32(s[0]), b = f32(s[1]);
    if (std::isnan(a) || std::isnan(b))
      return nan || (std::isnan(a) && std::isnan(b)) ? uint64_t(0x7fffffff) : std::isnan(a) ? s[1] : s[0];
    return less(a, b) ? s[0] : s[1];
  };
  auto maximum = [=](Set s, bool nan) {
    float a = f32(s[0]), b = f32(s[1]);
    if (std::isnan(a) || std::isnan(b))
      return minimum(s, nan);
    return less(a, b) ? s[1] : s[0];
  };
  test.check({"min.f32", "www", [=](Set s) { return minimum(s, false); }});
  test.check({"max.f32", "www", [=](Set s) { return maximum(s, false); }});
  test.check({"min.NaN.f32", "www", [=](Set s) { return minimum(s, true); }});
  test.check({"max.NaN.f32", "www", [=](Set s) { return maximum(s, true); }});
  test.check({"max.xorsign.abs.f32", "www", [=](Set s) {
                std::array<uint64_t, 4> magnitudes = {s[0] & 0x7fffffff, s[1] & 0x7fffffff, 0, 0};
                uint64_t result = maximum(magnitudes, false), sign = (s[0] ^ s[1]) & 0x80000000;
                return std::isnan(f32(s[0])) && std::isnan(f32(s[1])) ? 0x7fffffff : result | sign;
              }});
}

TEST(Float, Compare) {
  OperationTest test(Pool::Floats);
  auto add = [&](const std::string &name, auto relation) {
    for (bool unordered : {false, true})
      test.check({"setp." + name + (unordered ? "u" : "") + ".f32", "pww", [=](Set s) {
                    float a = f32(s[0]), b = f32(s[1]);
                    return (std::isnan(a) || std::isnan(b) ? unordered : relation(a, b)) ? 1u : 0u;
                  }});
  };
  add("eq", std::equal_to<>());
  add("ne", std::not_equal_to<>());
  add("lt", std::less<>());
  add("le", std::less_equal<>());
  add("gt", std::greater<>());
  add("ge", std::greater_equal<>());
  auto nan = [](Set s) { return std::isnan(f32(s[0])) || std::isnan(f32(s[1])) ? 1u : 0u; };
  test.check({"setp.nan.f32", "pww", nan});
  test.check({"setp.num.f32", "pww", [=](Set s) { return 1 - nan(s); }});
  test.check({"setp.eq.ftz.f32", "pww", [](Set s) { return flush(f32(s[0])) == flush(f32(s[1])) ? 1u : 0u; }});
  auto classify = [&](const char *name, auto is) {
    test.check({std::string("testp.") + name + ".f32", "pw", [=](Set s) { return is(f32(s[0])) ? 1u : 0u; }});
  };
  classify("finite", [](float x) { return std::isfinite(x); });
  classify("infinite", [](float x) { return std::isinf(x); });
  classify("number", [](float x) { return !std::isnan(x); });
  classify("notanumber", [](float x) { return std::isnan(x); });
  classify("normal", [](float x) { return std::isnormal(x); });
  classify("subnormal", [](float x) { return std::fpclassify(x) == FP_SUBNORMAL; });
}

TEST(Float, Approximations) {
  OperationTest test(Pool::Floats);
  // Better than PTX asks: the double result, rounded.
  auto add = [&](const std::string &name, double (*f)(double)) {
    test.check({name + ".approx.f32", "ww", [=](Set s) { return bits(static_cast<float>(f(f32(s[0])))); }});
  };
  add("ex2", std::exp2);
  add("lg2", std::log2);
  add("sin", std::sin);
  add("cos", std::cos);
  add("tanh", std::tanh);
  add("sqrt", std::sqrt);
  add("rsqrt", [](double x) { return 1 / std::sqrt(x); });
  test.check({"ex2.approx.ftz.f32", "ww",
              [](Set s) { return bits(flush(static_cast<float>(std::exp2(double(flush(f32(s[0]))))))); }});
  test.check({"div.full.f32", "www", [](Set s) { return bits(f32(s[0]) / f32(s[1])); }});
  test.check({"div.approx.ftz.f32", "www", [](Set s) { return bits(flush(flush(f32(s[0])) / flush(f32(s[1])))); }});
}

TEST(Float, Doubles) {
  OperationTest test(Pool::Doubles);
  test.check({"add.rn.f64", "lll", [](Set s) { return bits(f64(s[0]) + f64(s[1])); }});
  test.check({"sub.f64", "lll", [](Set s) { return bits(f64(s[0]) - f64(s[1])); }});
  test.check({"mul.rn.f64", "lll", [](Set s) { return bits(f64(s[0]) * f64(s[1])); }});
  test.check({"fma.rn.f64", "llll", [](Set s) { return bits(std::fma(f64(s[0]), f64(s[1]), f64(s[2]))); }});
  test.check({"div.rn.f64", "lll", [](Set s) { return bits(f64(s[0]) / f64(s[1])); }});
  test.check({"sqrt.rn.f64", "ll", [](Set s) { return bits(std::sqrt(f64(s[0]))); }});
  test.check({"neg.f64", "ll", [](Set s) { return s[0] ^ (uint64_t(1) << 63); }});
  test.check({"setp.ltu.f64", "pll", [](Set s) { return !(f64(s[0]) >= f64(s[1])) ? 1u : 0u; }});
}

/// A rounded number as an integer, as PTX defines it.
uint64_t toInteger(double x, bool sign, int width, bool wideSource) {
  const double top = std::ldexp(1.0, width - sign), bottom = sign ? -top : 0.0;
  if (std::isnan(x))
    return wideSource || width == 64 ? uint64_t(1) << (width - 1) : 0;
  if (x >= top)
    return (sign ? (uint64_t(1) << (width - 1)) : width == 64 ? 0 : uint64_t(1) << width) - 1;
  if (x <= bottom)
    return sign ? uint64_t(1) << (width - 1) : 0;
  return sign ? static_cast<uint64_t>(static_cast<int64_t>(x)) : static_cast<uint64_t>(x);
}

TEST(Float, ConversionsToAndFromIntegers) {
  struct {
    const char *whole, *name;
    int mode;
  } modes[] = {
      {"rni", "rn", FE_TONEAREST}, {"rzi", "rz", FE_TOWARDZERO}, {"rmi", "rm", FE_DOWNWARD}, {"rpi", "rp", FE_UPWARD}};
  for (auto [whole, name, m] : modes) {
    const int mode = m;
    auto toWhole = [mode](double x) { return rounded(mode, [&] { return std::rint(x); }); };
    for (int width : {16, 32, 64})
      for (bool sign : {false, true}) {
        const std::string t = (sign ? "s" : "u") + std::to_string(width);
        const char l = width == 16 ? 'h' : width == 32 ? 'w' : 'l';
        OperationTest floats(Pool::Floats), doubles(Pool::Doubles), integers(Pool::Integers);
        floats.check({"cvt." + std::string(whole) + "." + t + ".f32", {l, 'w'}, [=](Set s) {
                        return toInteger(toWhole(f32(s[0])), sign, width, false);
                      }});
        doubles.check({"cvt." + std::string(whole) + "." + t + ".f64", {l, 'l'}, [=](Set s) {
                         return toInteger(toWhole(f64(s[0])), sign, width, true);
                       }});
        auto from = [=]<typename F>(uint64_t x, F) {
          volatile int64_t asSigned = width == 16   ? static_cast<int16_t>(x)
                                      : width == 32 ? static_cast<int32_t>(x)
                                                    : static_cast<int64_t>(x);
          volatile uint64_t asUnsigned = x;
          return rounded(mode, [&] { return bits(sign ? static_cast<F>(asSigned) : static_cast<F>(asUnsigned)); });
        };
        integers.check({"cvt." + std::string(name) + ".f32." + t, {'w', l}, [=](Set s) { return from(s[0], 0.0f); }});
        if (mode == FE_TONEAREST || width < 64)
          integers.check({"cvt." + std::string(name) + ".f64." + t, {'l', l}, [=](Set s) { return from(s[0], 0.0); }});
      }
  }
}

TEST(Float, ConversionsBetweenFloats) {
  OperationTest floats(Pool::Floats), doubles(Pool::Doubles);
  floats.check({"cvt.f64.f32", "lw", [](Set s) {
                  return std::isnan(f32(s[0])) ? 0x7ff8000000000000 : bits(static_cast<double>(f32(s[0])));
                }});
  struct {
    const char *whole, *name;
    int mode;
  } modes[] = {
      {"rni", "rn", FE_TONEAREST}, {"rzi", "rz", FE_TOWARDZERO}, {"rmi", "rm", FE_DOWNWARD}, {"rpi", "rp", FE_UPWARD}};
  for (auto [whole, name, m] : modes) {
    const int mode = m;
    doubles.check({"cvt." + std::string(name) + ".f32.f64", "wl", [=](Set s) {
                     volatile double x = f64(s[0]);
                     return bits(rounded(mode, [&] { return static_cast<float>(x); }));
                   }});
    floats.check({"cvt." + std::string(whole) + ".f32.f32", "ww",
                  [=](Set s) { return bits(rounded(mode, [&] { return std::rint(f32(s[0])); })); }});
  }
  floats.check({"cvt.sat.f32.f32", "ww", [](Set s) {
                  return bits(f32(s[0]) > 1 ? 1.0f : f32(s[0]) > 0 ? f32(s[0]) : 0.0f);
                }});
  floats.check(
      {"cvt.rn.ftz.f32.s32", "ww", [](Set s) { return bits(static_cast<float>(static_cast<int32_t>(s[0]))); }});
  floats.check({"cvt.rzi.ftz.s32.f32", "ww", [](Set s) { return toInteger(std::trunc(f32(s[0])), true, 32, false); }});
}

} // namespace
} // namespace incept::sim
