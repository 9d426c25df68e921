// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 against a search among all their 65,536 values.

#include "test/sim/Operations.h"

namespace incept::sim {
namespace {

using Set = const std::array<uint64_t, 4> &;
__extension__ typedef __float128 Exact;

/// a + b, or a number that rounds to as few bits as a + b does: a part that is too small for the sum still breaks ties.
Exact exactSum(Exact a, Exact b) {
  Exact result = a + b;
  if (!std::isfinite(static_cast<double>(a)) || !std::isfinite(static_cast<double>(b)))
    return result;
  if (result == a && b != 0)
    result += (a > 0 ? a : -a) * 0x1p-60 * (b > 0 ? 1 : -1);
  else if (result == b && a != 0)
    result += (b > 0 ? b : -b) * 0x1p-60 * (a > 0 ? 1 : -1);
  return result;
}

struct Format {
  const char *name;
  int exponentBits, mantissaBits;
  Pool pool;

  Exact value(uint64_t bits) const {
    int exponent = static_cast<int>(bits >> mantissaBits) & ((1 << exponentBits) - 1),
        bias = (1 << (exponentBits - 1)) - 1;
    uint64_t mantissa = bits & ((uint64_t(1) << mantissaBits) - 1);
    double magnitude =
        exponent == 0 ? std::ldexp(double(mantissa), 1 - bias - mantissaBits)
                      : std::ldexp(double(mantissa + (uint64_t(1) << mantissaBits)), exponent - bias - mantissaBits);
    if (exponent == (1 << exponentBits) - 1)
      magnitude = mantissa ? NAN : INFINITY;
    return bits & 0x8000 ? -magnitude : magnitude;
  }
  uint64_t infinity() const { return ((uint64_t(1) << exponentBits) - 1) << mantissaBits; }

  enum class Mode { Nearest, Zero, Down, Up };
  uint64_t round(Exact x, bool negativeZero = false, Mode mode = Mode::Nearest) const {
    if (x != x)
      return 0x7fff;
    uint64_t sign = x < 0 || (x == 0 && negativeZero) ? 0x8000 : 0;
    Exact magnitude = x < 0 ? -x : x;
    // The largest value that is not above; infinity counts as the next step of the exponent.
    uint64_t low = 0, high = infinity();
    while (high - low > 1) {
      uint64_t middle = (low + high) / 2;
      (value(middle) <= magnitude ? low : high) = middle;
    }
    if (mode == Mode::Nearest && magnitude > 1e300)
      return sign | infinity();
    Exact step = value(high < infinity() ? high : low) - value(high < infinity() ? low : low - 1);
    Exact rest = magnitude - value(low);
    bool up = mode == Mode::Nearest ? rest * 2 > step || (rest * 2 == step && (low & 1))
                                    : mode == (x < 0 ? Mode::Down : Mode::Up) && rest > 0;
    return sign | (low + (up ? 1 : 0));
  }
};

const Format kFormats[] = {{"f16", 5, 10, Pool::Halves}, {"bf16", 8, 7, Pool::BFloats}};

TEST(Half, Arithmetic) {
  for (const Format &f : kFormats) {
    OperationTest test(f.pool);
    const std::string t = std::string(".") + f.name;
    auto v = [f](uint64_t bits) { return f.value(bits & 0xffff); };
    // A zero's sign is that of the same operation in f64.
    auto add = [=](uint64_t a, uint64_t b) {
      return f.round(exactSum(v(a), v(b)), std::signbit(double(v(a)) + double(v(b))));
    };
    auto multiply = [=](uint64_t a, uint64_t b) {
      return f.round(v(a) * v(b), std::signbit(double(v(a)) * double(v(b))));
    };
    auto fma = [=](uint64_t a, uint64_t b, uint64_t c) {
      return f.round(exactSum(v(a) * v(b), v(c)), std::signbit(std::fma(double(v(a)), double(v(b)), double(v(c)))));
    };
    test.check({"add" + t, "hhh", [=](Set s) { return add(s[0], s[1]); }});
    test.check({"add.rn" + t, "hhh", [=](Set s) { return add(s[0], s[1]); }});
    test.check({"sub" + t, "hhh", [=](Set s) { return add(s[0], s[1] ^ 0x8000); }});
    test.check({"mul" + t, "hhh", [=](Set s) { return multiply(s[0], s[1]); }});
    test.check({"fma.rn" + t, "hhhh", [=](Set s) { return fma(s[0], s[1], s[2]); }});
    test.check({"neg" + t, "hh", [](Set s) { return s[0] ^ 0x8000; }});
    test.check({"abs" + t, "hh", [](Set s) { return s[0] & 0x7fff; }});
    auto relu = [](uint64_t x) { return x == 0x7fff ? x : x & 0x8000 ? 0 : x; };
    test.check({"fma.rn.relu" + t, "hhhh", [=](Set s) { return relu(fma(s[0], s[1], s[2])); }});
    auto maximum = [=](uint64_t a, uint64_t b, bool nan) -> uint64_t {
      bool an = v(a) != v(a), bn = v(b) != v(b);
      if (an || bn)
        return nan || (an && bn) ? 0x7fff : an ? b : a;
      return v(a) > v(b) || (v(a) == v(b) && b >> 15) ? a : b;
    };
    test.check({"max" + t, "hhh", [=](Set s) { return maximum(s[0], s[1], false); }});
    test.check({"max.NaN" + t, "hhh", [=](Set s) { return maximum(s[0], s[1], true); }});
    test.check({"setp.lt" + t, "phh", [=](Set s) { return v(s[0]) < v(s[1]) ? 1u : 0u; }});
    test.check({"setp.neu" + t, "phh", [=](Set s) { return !(v(s[0]) == v(s[1])) ? 1u : 0u; }});
    auto both = [](auto low, auto high) { return uint64_t(low) | uint64_t(high) << 16; };
    test.check({"add" + t + "x2", "www", [=](Set s) { return both(add(s[0], s[1]), add(s[0] >> 16, s[1] >> 16)); }});
    test.check({"mul.rn" + t + "x2", "www",
                [=](Set s) { return both(multiply(s[0], s[1]), multiply(s[0] >> 16, s[1] >> 16)); }});
    test.check({"fma.rn" + t + "x2", "wwww",
                [=](Set s) { return both(fma(s[0], s[1], s[2]), fma(s[0] >> 16, s[1] >> 16, s[2] >> 16)); }});
  }
}

TEST(Half, Conversions) {
  for (const Format &f : kFormats) {
    OperationTest halves(f.pool), floats(Pool::Floats), doubles(Pool::Doubles), integers(Pool::Integers);
    const std::string t = std::string(".") + f.name;
    auto round = [f](double x) { return f.round(x, std::signbit(x)); };
    auto toZero = [f](double x) {
      return std::isinf(x) ? f.round(x) : f.round(x, std::signbit(x), Format::Mode::Zero);
    };
    halves.check({"cvt.f32" + t, "wh", [=](Set s) { return bits(static_cast<float>(f.value(s[0]))); }});
    halves.check({"cvt.rzi.s32" + t, "wh", [=](Set s) {
                    double x = static_cast<double>(f.value(s[0]));
                    return std::isnan(x) ? 0
                                         : static_cast<uint64_t>(static_cast<int64_t>(
                                               std::clamp<double>(std::trunc(x), INT32_MIN, INT32_MAX)));
                  }});
    floats.check({"cvt.rn" + t + ".f32", "hw", [=](Set s) { return round(f32(s[0])); }});
    floats.check({"cvt.rz" + t + ".f32", "hw", [=](Set s) { return toZero(f32(s[0])); }});
    doubles.check({"cvt.rn" + t + ".f64", "hl", [=](Set s) { return round(f64(s[0])); }});
    integers.check({"cvt.rn" + t + ".s32", "hw", [=](Set s) { return round(static_cast<int32_t>(s[0])); }});
    integers.check({"cvt.rn" + t + ".u64", "hl", [=](Set s) { return f.round(Exact(s[0])); }});
    floats.check({"cvt.rn" + t + "x2.f32", "www", [=](Set s) { return round(f32(s[0])) << 16 | round(f32(s[1])); }});
    auto positive = [](float x) { return std::isnan(x) ? x : x > 0 ? x : 0.0f; };
    floats.check({"cvt.rn.relu" + t + "x2.f32", "www",
                  [=](Set s) { return round(positive(f32(s[0]))) << 16 | round(positive(f32(s[1]))); }});
    floats.check({"cvt.rn.relu" + t + ".f32", "hw", [=](Set s) { return round(positive(f32(s[0]))); }});
  }
  OperationTest floats(Pool::Floats);
  floats.check({"cvt.rna.tf32.f32", "ww", [](Set s) {
                  float x = f32(s[0]);
                  if (!std::isfinite(x) || x == 0)
                    return bits(x);
                  int exponent = std::max(std::ilogb(x), -126);
                  return bits(
                      static_cast<float>(std::ldexp(std::round(std::ldexp(double(x), 10 - exponent)), exponent - 10)));
                }});
}

// What is left of the table: one operand and two, alone and in pairs, with and without .ftz.
TEST(Half, Others) {
  for (const Format &f : kFormats) {
    OperationTest test(f.pool);
    const std::string t = std::string(".") + f.name;
    auto check = [&](const std::string &name, size_t operands, auto apply) {
      auto pair = [=](Set s, bool ftz) {
        uint64_t low = apply(s[0] & 0xffff, s[1] & 0xffff, ftz), high = apply(s[0] >> 16, s[1] >> 16, ftz);
        return (low & 0xffff) | high << 16;
      };
      for (bool ftz : {false, true}) {
        const std::string full = name + (ftz ? ".ftz" : "") + t;
        test.check({full, std::string(operands + 1, 'h'), [=](Set s) { return apply(s[0], s[1], ftz); }});
        test.check({full + "x2", std::string(operands + 1, 'w'), [=](Set s) { return pair(s, ftz); }});
      }
    };
    // The bits of an operand, and of a result, that may have to be flushed.
    auto flushed = [f](uint64_t bits, bool ftz) { return ftz && (bits & f.infinity()) == 0 ? bits & 0x8000 : bits; };
    auto v = [f](uint64_t bits) { return static_cast<double>(f.value(bits)); };
    auto round = [f](double x) { return f.round(x, std::signbit(x)); };
    for (bool largest : {false, true})
      for (bool nan : {false, true})
        check(std::string(largest ? "max" : "min") + (nan ? ".NaN" : ""), 2,
              [=](uint64_t a, uint64_t b, bool ftz) -> uint64_t {
                a = flushed(a, ftz), b = flushed(b, ftz);
                bool an = std::isnan(v(a)), bn = std::isnan(v(b));
                if (an || bn)
                  return nan || (an && bn) ? 0x7fff : an ? b : a;
                bool less = v(a) < v(b) || (v(a) == v(b) && a >> 15 && !(b >> 15));
                return less == largest ? b : a;
              });
    check("neg", 1, [=](uint64_t a, uint64_t, bool ftz) { return flushed(a, ftz) ^ 0x8000; });
    check("abs", 1, [=](uint64_t a, uint64_t, bool ftz) { return flushed(a, ftz) & 0x7fff; });
    auto sum = [=](uint64_t a, uint64_t b, bool ftz) {
      a = flushed(a, ftz), b = flushed(b, ftz);
      return flushed(f.round(exactSum(v(a), v(b)), std::signbit(v(a) + v(b))), ftz);
    };
    check("add", 2, sum);
    check("sub", 2, [=](uint64_t a, uint64_t b, bool ftz) { return sum(a, b ^ 0x8000, ftz); });
    check("mul", 2, [=](uint64_t a, uint64_t b, bool ftz) {
      double product = v(flushed(a, ftz)) * v(flushed(b, ftz));
      return flushed(round(product), ftz);
    });
    // In f64, then f32, then rounded.
    auto via = [=](double (*function)(double)) {
      return [=](uint64_t a, uint64_t, bool ftz) {
        return flushed(round(static_cast<float>(function(v(flushed(a, ftz))))), ftz);
      };
    };
    check("ex2.approx", 1, via(std::exp2));
    check("tanh.approx", 1, via(std::tanh));
    test.check({"add.sat" + t, "hhh", [=](Set s) {
                  double x = v(sum(s[0], s[1], false));
                  return round(x > 1 ? 1 : x > 0 ? x : 0);
                }});
    test.check({"add.relu" + t, "hhh", [=](Set s) -> uint64_t {
                  uint64_t x = sum(s[0], s[1], false);
                  return std::isnan(v(x)) ? 0x7fff : v(x) > 0 ? x : 0;
                }});
    for (bool unordered : {false, true}) {
      auto relation = [&](const std::string &name, auto holds) {
        for (bool ftz : {false, true})
          if (!ftz || f.mantissaBits == 10)
            test.check({"setp." + name + (unordered ? "u" : "") + (ftz ? ".ftz" : "") + t, "phh", [=](Set s) {
                          double a = v(flushed(s[0], ftz)), b = v(flushed(s[1], ftz));
                          return uint64_t(std::isnan(a) || std::isnan(b) ? unordered : holds(a, b));
                        }});
      };
      relation("eq", std::equal_to<>());
      relation("ne", std::not_equal_to<>());
      relation("lt", std::less<>());
      relation("le", std::less_equal<>());
      relation("gt", std::greater<>());
      relation("ge", std::greater_equal<>());
    }
  }
}

TEST(Half, ConversionsInEveryMode) {
  for (const Format &f : kFormats) {
    OperationTest halves(f.pool), floats(Pool::Floats), doubles(Pool::Doubles);
    const std::string t = std::string(".") + f.name;
    struct {
      const char *name;
      Format::Mode mode;
      double (*whole)(double);
    } modes[] = {{"rn", Format::Mode::Nearest, std::nearbyint},
                 {"rz", Format::Mode::Zero, std::trunc},
                 {"rm", Format::Mode::Down, std::floor},
                 {"rp", Format::Mode::Up, std::ceil}};
    for (const auto &m : modes) {
      const Format::Mode mode = m.mode;
      auto round = [=](const Format &to, double x) {
        return std::isinf(x) ? to.round(x) : to.round(x, std::signbit(x), mode);
      };
      const std::string cvt = "cvt." + std::string(m.name);
      floats.check({cvt + t + ".f32", "hw", [=](Set s) { return round(f, f32(s[0])); }});
      doubles.check({cvt + t + ".f64", "hl", [=](Set s) { return round(f, f64(s[0])); }});
      const Format &other = kFormats[f.mantissaBits == 10 ? 1 : 0];
      halves.check(
          {cvt + "." + other.name + t, "hh", [=](Set s) { return round(other, static_cast<double>(f.value(s[0]))); }});
      auto whole = m.whole;
      halves.check({cvt + "i" + t + t, "hh", [=](Set s) {
                      double x = whole(static_cast<double>(f.value(s[0])));
                      return f.round(x, std::signbit(x));
                    }});
      if (mode != Format::Mode::Nearest && mode != Format::Mode::Zero)
        continue;
      floats.check({cvt + t + "x2.f32", "www", [=](Set s) { return round(f, f32(s[0])) << 16 | round(f, f32(s[1])); }});
      auto positive = [](float x) { return std::isnan(x) ? x : x > 0 ? x : 0.0f; };
      floats.check({cvt + ".relu" + t + "x2.f32", "www",
                    [=](Set s) { return round(f, positive(f32(s[0]))) << 16 | round(f, positive(f32(s[1]))); }});
    }
    halves.check({"cvt.f64" + t, "lh", [=](Set s) {
                    double x = static_cast<double>(f.value(s[0]));
                    return std::isnan(x) ? 0x7ff8000000000000 : bits(x);
                  }});
    halves.check({"cvt" + t + t, "hh", [=](Set s) { return f.value(s[0]) != f.value(s[0]) ? 0x7fff : s[0]; }});
  }
}

} // namespace
} // namespace incept::sim
