// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic of PTX's number types where the host has none, or other rules: f16 and bf16, directed rounding, the NaN
// that a GPU returns. Everything is exact to the last bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace incept::sim::ptx {

enum class Rounding : uint8_t { Nearest, Zero, Down, Up };

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

constexpr uint32_t kNaN32 = 0x7fffffff;
constexpr uint16_t kNaN16 = 0x7fff;

/// A NaN as result of f32 arithmetic is always the same one.
inline float canonical(float x) { return x != x ? std::bit_cast<float>(kNaN32) : x; }
inline double canonical(double x) { return x; }

inline double nextToward(double x, bool up) {
  uint64_t bits = std::bit_cast<uint64_t>(x);
  return std::bit_cast<double>((x > 0) == up ? bits + 1 : bits - 1);
}

/// a + b rounded to odd: any later rounding to fewer bits gives what one rounding of the exact sum would.
inline double addToOdd(double a, double b) {
  double sum = a + b;
  if (!std::isfinite(sum) || sum == 0)
    return sum;
  double part = sum - a;
  double error = (a - (sum - part)) + (b - part);
  if (error == 0 || (std::bit_cast<uint64_t>(sum) & 1))
    return sum;
  return nextToward(sum, error > 0);
}

/// Rounds a number that is exact or rounded to odd.
inline float roundToFloat(double x, Rounding mode) {
  float nearest = static_cast<float>(x);
  if (mode == Rounding::Nearest || static_cast<double>(nearest) == x || x != x)
    return nearest;
  bool above = static_cast<double>(nearest) > x;
  bool wantBelow = mode == Rounding::Down || (mode == Rounding::Zero && x > 0);
  if (above == wantBelow)
    return std::nextafterf(nearest, wantBelow ? -INFINITY : INFINITY);
  return nearest;
}

/// The f16 or bf16 nearest to a number that is exact or rounded to odd.
template <int kExponentBits, int kMantissaBits>
uint16_t encode16(double x, Rounding mode) {
  if (x != x)
    return kNaN16;
  constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  constexpr uint16_t kInfinity = ((1 << kExponentBits) - 1) << kMantissaBits;
  const bool negative = std::signbit(x);
  const uint16_t sign = negative ? 0x8000 : 0;
  double magnitude = std::fabs(x);
  if (std::isinf(magnitude))
    return sign | kInfinity;
  int exponent = magnitude == 0 ? 1 - kBias : std::max(std::ilogb(magnitude), 1 - kBias);
  double units = exponent > 2 * kBias ? INFINITY : std::ldexp(magnitude, kMantissaBits - exponent);
  bool away = mode == Rounding::Up ? !negative : mode == Rounding::Down && negative;
  double whole = mode == Rounding::Nearest ? std::nearbyint(units) : away ? std::ceil(units) : std::floor(units);
  // A carry out of the mantissa goes into the exponent, as it should.
  double bits = std::ldexp(static_cast<double>(exponent + kBias - 1), kMantissaBits) + whole;
  if (bits >= kInfinity) {
    bool toInfinity = mode == Rounding::Nearest || away;
    return sign | (toInfinity ? kInfinity : kInfinity - 1);
  }
  return sign | static_cast<uint16_t>(bits);
}

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }

inline float widen(BFloat x) { return std::bit_cast<float>(uint32_t(x.bits) << 16); }

inline float widen(Half x) {
#ifdef __F16C__
  return _cvtsh_ss(x.bits);
#else
  uint32_t sign = uint32_t(x.bits & 0x8000) << 16, rest = x.bits & 0x7fff;
  if (rest >= 0x7c00)
    return std::bit_cast<float>(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  if (rest < 0x400)
    return std::copysign(static_cast<float>(rest) * 0x1p-24f, std::bit_cast<float>(sign));
  return std::bit_cast<float>(sign | ((rest << 13) + (112u << 23)));
#endif
}

/// narrow<T>: one rounding. From double: of a number that is exact or rounded to odd.
template <typename T>
T narrow(double x, Rounding mode) {
  if constexpr (std::is_same_v<T, Half>)
    return {encode16<5, 10>(x, mode)};
  else if constexpr (std::is_same_v<T, BFloat>)
    return {encode16<8, 7>(x, mode)};
  else if constexpr (std::is_same_v<T, float>)
    return roundToFloat(x, mode);
  else
    return x;
}

inline BFloat toBFloat(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return {static_cast<uint16_t>(x != x ? kNaN16 : rounded)};
}

inline Half toHalf(float x) {
#ifdef __F16C__
  uint16_t bits = _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
  return {x != x ? kNaN16 : bits};
#else
  return {encode16<5, 10>(x, Rounding::Nearest)};
#endif
}

template <typename T>
T nearest(float x) {
  if constexpr (std::is_same_v<T, Half>)
    return toHalf(x);
  else if constexpr (std::is_same_v<T, BFloat>)
    return toBFloat(x);
  else
    return x;
}

} // namespace incept::sim::ptx
