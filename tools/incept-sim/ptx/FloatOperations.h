// SPDX-License-Identifier: Apache-2.0
//
// What floating-point instructions compute, for each type that has them. f16 and bf16 go through f32 or f64 and are
// rounded once.
#pragma once

#include "tools/incept-sim/ptx/Lanes.h"

namespace incept::sim::ptx {

template <typename T>
constexpr bool kIsSmall = std::is_same_v<T, Half> || std::is_same_v<T, BFloat>;

/// The sign and everything else, as integers.
template <typename T>
struct Fields {
  using Bits = Stored<T>;
  static constexpr Bits kSign = Bits(Bits(1) << (8 * sizeof(T) - 1));
  static constexpr Bits kInfinity = std::is_same_v<T, Half>     ? Bits(0x7c00)
                                    : std::is_same_v<T, BFloat> ? Bits(0x7f80)
                                    : sizeof(T) == 4            ? Bits(0x7f800000)
                                                                : Bits(0x7ff0000000000000);
  static constexpr Bits kMantissa = std::is_same_v<T, Half>     ? Bits(0x3ff)
                                    : std::is_same_v<T, BFloat> ? Bits(0x7f)
                                    : sizeof(T) == 4            ? Bits(0x7fffff)
                                                                : Bits(0xfffffffffffff);
};

/// The one NaN that arithmetic gives.
template <typename T>
T canonicalNaN() {
  if constexpr (kIsSmall<T>)
    return T{kNaN16};
  else if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(kNaN32);
  else
    return std::numeric_limits<T>::quiet_NaN();
}

template <typename T>
T flushed(T x) {
  using F = Fields<T>;
  auto bits = std::bit_cast<Stored<T>>(x);
  return std::bit_cast<T>(Stored<T>((bits & F::kInfinity) == 0 ? bits & F::kSign : bits));
}

/// Subnormal operands and results become zero.
template <typename F>
struct Ftz {
  template <typename... T>
  static auto apply(T... x) {
    return flushed(F::apply(flushed(x)...));
  }
};

template <typename T>
struct FAdd {
  static T apply(T a, T b) {
    if constexpr (kIsSmall<T>)
      return nearest<T>(widen(a) + widen(b));
    else
      return canonical(a + b);
  }
};
template <typename T>
struct FSub {
  static T apply(T a, T b) {
    if constexpr (kIsSmall<T>)
      return nearest<T>(widen(a) - widen(b));
    else
      return canonical(a - b);
  }
};
template <typename T>
struct FMul {
  static T apply(T a, T b) {
    if constexpr (kIsSmall<T>)
      return nearest<T>(widen(a) * widen(b));
    else
      return canonical(a * b);
  }
};
template <typename T>
struct FFma {
  static T apply(T a, T b, T c) {
    if constexpr (kIsSmall<T>)
      return narrow<T>(addToOdd(double(widen(a)) * double(widen(b)), double(widen(c))), Rounding::Nearest);
    else if constexpr (sizeof(T) == 4)
      return canonical(__builtin_fmaf(a, b, c));
    else
      return __builtin_fma(a, b, c);
  }
};

template <typename T>
struct FNeg {
  static T apply(T a) { return std::bit_cast<T>(Stored<T>(std::bit_cast<Stored<T>>(a) ^ Fields<T>::kSign)); }
};
template <typename T>
struct FAbs {
  static T apply(T a) {
    return std::bit_cast<T>(Stored<T>(std::bit_cast<Stored<T>>(a) & Stored<T>(~Fields<T>::kSign)));
  }
};

/// One NaN loses against a number, unless kNaN; -0 is less than +0. kXorSign: of magnitudes, with the product's sign.
template <typename T, bool kMax, bool kNaN, bool kXorSign>
struct FMinMax {
  static T apply(T a, T b) {
    using Bits = Stored<T>;
    Bits sign = 0;
    if constexpr (kXorSign) {
      sign = Bits((std::bit_cast<Bits>(a) ^ std::bit_cast<Bits>(b)) & Fields<T>::kSign);
      a = FAbs<T>::apply(a);
      b = FAbs<T>::apply(b);
    }
    auto x = widen(a), y = widen(b);
    // Equal numbers differ at most in the sign of zero.
    bool takeB = kMax ? y > x || (x == y && std::bit_cast<Bits>(a) >> (8 * sizeof(T) - 1))
                      : y < x || (x == y && std::bit_cast<Bits>(b) >> (8 * sizeof(T) - 1));
    Bits result = takeB ? std::bit_cast<Bits>(b) : std::bit_cast<Bits>(a);
    const Bits nan = std::bit_cast<Bits>(canonicalNaN<T>());
    if constexpr (kNaN) {
      result = x != x || y != y ? nan : Bits(result | sign);
    } else {
      result = x != x ? std::bit_cast<Bits>(b) : result;
      result = x != x && y != y ? nan : Bits(result | sign);
    }
    return std::bit_cast<T>(result);
  }
};

/// Clamps to [0, 1]; a NaN becomes 0.
template <typename T>
struct Saturate {
  static T apply(T a) {
    auto x = widen(a);
    x = x > 0 ? x : 0; // also -0 and NaN
    x = x < 1 ? x : 1;
    if constexpr (kIsSmall<T>)
      return nearest<T>(x);
    else
      return x;
  }
};
/// Negative numbers become 0, NaN the canonical one.
template <typename T>
struct Relu {
  static T apply(T a) {
    auto x = widen(a);
    using Bits = Stored<T>;
    Bits bits = x > 0 ? std::bit_cast<Bits>(a) : Bits(0);
    return std::bit_cast<T>(x != x ? std::bit_cast<Bits>(canonicalNaN<T>()) : bits);
  }
};

/// Two 16-bit numbers in a 32-bit register.
template <typename T, typename F>
struct Packed {
  template <typename... X>
  static uint32_t apply(X... x) {
    uint32_t low = F::apply(T{static_cast<uint16_t>(x)}...).bits;
    uint32_t high = F::apply(T{static_cast<uint16_t>(x >> 16)}...).bits;
    return low | high << 16;
  }
};

} // namespace incept::sim::ptx
