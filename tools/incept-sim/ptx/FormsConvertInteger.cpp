// SPDX-License-Identifier: Apache-2.0
//
// cvt from or to integers, under "cvt.MODE.DST.SRC". Bytes lie in 16-bit registers. "odd.f64.SRC" is a step of the
// decoder on the way to f16 and bf16.

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

using Integers = Types<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>;
/// f16 and bf16 go through these, and bytes through wider integers.
using Floats = Types<float, double>;
using WideIntegers = Types<uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>;

template <typename D, typename S>
struct IntegerToInteger {
  static D apply(S a) { return static_cast<D>(a); }
};

template <typename D, typename S>
struct IntegerSaturated {
  static D apply(S a) {
    if (std::cmp_less(a, std::numeric_limits<D>::min()))
      return std::numeric_limits<D>::min();
    if (std::cmp_greater(a, std::numeric_limits<D>::max()))
      return std::numeric_limits<D>::max();
    return static_cast<D>(a);
  }
};

template <Rounding kMode, typename T>
T roundToWhole(T x) {
  switch (kMode) {
  case Rounding::Nearest:
    return std::nearbyint(x);
  case Rounding::Zero:
    return std::trunc(x);
  case Rounding::Down:
    return std::floor(x);
  case Rounding::Up:
    return std::ceil(x);
  }
  return x;
}

/// Out of range: the nearest integer. NaN: zero; to 64 bits, and from f64, the top bit alone.
template <typename D, typename S, Rounding kMode>
struct FloatToInteger {
  static D apply(S a) {
    auto x = widen(a);
    using F = decltype(x);
    x = roundToWhole<kMode>(x);
    // 2^n is exact in every type, the largest integer is not.
    constexpr F kEnd = static_cast<F>(std::numeric_limits<D>::max() / 2 + 1) * 2;
    constexpr F kBegin = static_cast<F>(std::numeric_limits<D>::min());
    if (x != x)
      return sizeof(D) == 8 || sizeof(F) == 8 ? static_cast<D>(uint64_t(1) << (8 * sizeof(D) - 1)) : D(0);
    if (x < kBegin)
      return std::numeric_limits<D>::min();
    if (x >= kEnd)
      return std::numeric_limits<D>::max();
    return static_cast<D>(x);
  }
};

/// An integer as f64, rounded to odd where it has more than 53 bits.
template <typename S>
double toDoubleOdd(S a) {
  if constexpr (sizeof(S) < 8)
    return static_cast<double>(a);
  else
    return addToOdd(static_cast<double>(a >> 32) * 0x1p32, static_cast<double>(static_cast<uint32_t>(a)));
}

template <typename D, typename S, Rounding kMode>
struct IntegerToFloat {
  static D apply(S a) {
    if constexpr (kMode == Rounding::Nearest)
      return static_cast<D>(a);
    else
      return narrow<D>(toDoubleOdd(a), kMode);
  }
};

template <typename S>
struct IntegerToDoubleOdd {
  static double apply(S a) { return toDoubleOdd(a); }
};

/// A directed f64 of 64 bits needs more than 53 bits on the way: not supported.
template <typename I, typename F, Rounding kMode>
void addBoth(FormTable &table, const std::string &mode) {
  const std::string i = "." + typeName<I>(), f = "." + typeName<F>();
  addMap<FloatToInteger<I, F, kMode>, I, F>(table, "cvt." + mode + "i" + i + f);
  if constexpr (kMode == Rounding::Nearest || !std::is_same_v<F, double> || sizeof(I) < 8)
    addMap<IntegerToFloat<F, I, kMode>, F, I>(table, "cvt." + mode + f + i);
}

} // namespace

void addIntegerConversions(FormTable &table) {
  forEach(Integers(), [&]<typename D>() {
    forEach(Integers(), [&]<typename S>() {
      const std::string types = "." + typeName<D>() + "." + typeName<S>();
      addMap<IntegerToInteger<D, S>, D, S>(table, "cvt" + types);
      addMap<IntegerSaturated<D, S>, D, S>(table, "cvt.sat" + types);
    });
  });
  forEach(WideIntegers(), [&]<typename I>() {
    forEach(Floats(), [&]<typename F>() {
      addBoth<I, F, Rounding::Nearest>(table, "rn");
      addBoth<I, F, Rounding::Zero>(table, "rz");
      addBoth<I, F, Rounding::Down>(table, "rm");
      addBoth<I, F, Rounding::Up>(table, "rp");
    });
    addMap<IntegerToDoubleOdd<I>, double, I>(table, "odd.f64." + typeName<I>());
  });
}

} // namespace incept::sim::ptx
