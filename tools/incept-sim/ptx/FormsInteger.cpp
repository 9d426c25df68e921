// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic. Results wrap; a division by zero gives all ones and leaves the dividend as remainder.

#include "tools/incept-sim/ptx/Lanes.h"

namespace incept::sim::ptx {

namespace {

template <typename T>
using Unsigned = std::make_unsigned_t<T>;

template <typename T>
using Wide =
    std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
                       std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                                          std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

/// Sum and difference in 64 bits without undefined overflow.
template <typename T>
T add(T a, T b) {
  return static_cast<T>(uint64_t(a) + uint64_t(b));
}
template <typename T>
T multiply(T a, T b) {
  return static_cast<T>(uint64_t(a) * uint64_t(b));
}
template <typename T>
T multiplyHigh(T a, T b) {
  return static_cast<T>((Wide<T>(a) * Wide<T>(b)) >> (8 * sizeof(T)));
}

template <typename T>
struct Add {
  // In the type itself, so that vector code has as many lanes as it can.
  static T apply(T a, T b) { return static_cast<T>(Unsigned<T>(a) + Unsigned<T>(b)); }
};
template <typename T>
struct Sub {
  static T apply(T a, T b) { return static_cast<T>(Unsigned<T>(a) - Unsigned<T>(b)); }
};
struct AddSaturated {
  static int32_t apply(int32_t a, int32_t b) {
    return static_cast<int32_t>(std::clamp<int64_t>(int64_t(a) + b, INT32_MIN, INT32_MAX));
  }
};
struct SubSaturated {
  static int32_t apply(int32_t a, int32_t b) {
    return static_cast<int32_t>(std::clamp<int64_t>(int64_t(a) - b, INT32_MIN, INT32_MAX));
  }
};
template <typename T>
struct MulLow {
  static T apply(T a, T b) { return multiply(a, b); }
};
template <typename T>
struct MulHigh {
  static T apply(T a, T b) { return multiplyHigh(a, b); }
};
template <typename T>
struct MulWide {
  static Wide<T> apply(T a, T b) { return Wide<T>(a) * Wide<T>(b); }
};
template <typename T>
struct MadLow {
  static T apply(T a, T b, T c) { return add(multiply(a, b), c); }
};
template <typename T>
struct MadHigh {
  static T apply(T a, T b, T c) { return add(multiplyHigh(a, b), c); }
};
template <typename T>
struct MadWide {
  static Wide<T> apply(T a, T b, Wide<T> c) {
    return static_cast<Wide<T>>(uint64_t(Wide<T>(a) * Wide<T>(b)) + uint64_t(c));
  }
};
template <typename T>
struct Div {
  static T apply(T a, T b) {
    if (b == 0)
      return static_cast<T>(~T(0));
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return static_cast<T>(0 - uint64_t(a));
    return static_cast<T>(a / b);
  }
};
template <typename T>
struct Rem {
  static T apply(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return 0;
    return static_cast<T>(a % b);
  }
};
template <typename T>
struct Neg {
  static T apply(T a) { return static_cast<T>(0 - uint64_t(a)); }
};
template <typename T>
struct Abs {
  static T apply(T a) { return a < 0 ? Neg<T>::apply(a) : a; }
};
template <typename T>
struct Min {
  static T apply(T a, T b) { return a < b ? a : b; }
};
template <typename T>
struct Max {
  static T apply(T a, T b) { return a < b ? b : a; }
};
/// c + |a - b|
template <typename T>
struct Sad {
  static T apply(T a, T b, T c) {
    return static_cast<T>(uint64_t(c) + (a < b ? uint64_t(b) - uint64_t(a) : uint64_t(a) - uint64_t(b)));
  }
};

template <typename T>
constexpr T low24(T a) {
  return std::is_signed_v<T> ? static_cast<T>(static_cast<int32_t>(uint32_t(a) << 8) >> 8)
                             : static_cast<T>(a & 0xffffff);
}
template <typename T>
struct Mul24Low {
  static T apply(T a, T b) { return multiply(low24(a), low24(b)); }
};
template <typename T>
struct Mul24High {
  static T apply(T a, T b) { return static_cast<T>((Wide<T>(low24(a)) * low24(b)) >> 16); }
};
template <typename T>
struct Mad24Low {
  static T apply(T a, T b, T c) { return add(Mul24Low<T>::apply(a, b), c); }
};

/// Products of the four bytes, summed with c.
template <typename A, typename B>
struct Dp4a {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 32; i += 8)
      c += static_cast<uint32_t>(int32_t(static_cast<A>(a >> i)) * int32_t(static_cast<B>(b >> i)));
    return c;
  }
};

/// With the carry (or borrow) flag in the row after the operands.
template <typename T, bool kSubtract, bool kReads, bool kWrites>
void addCarry(Lanes &lanes, const Instruction &instruction, Mask mask) {
  T *to = rowAt<T>(lanes, instruction.rows[0]);
  const T *a = rowAt<const T>(lanes, instruction.rows[1]), *b = rowAt<const T>(lanes, instruction.rows[2]);
  uint32_t *carry = rowAt<uint32_t>(lanes, instruction.rows[3]);
  for (uint32_t l = 0; l < kLanes; ++l) {
    if (!(mask >> l & 1))
      continue;
    T x = a[l], y = b[l], in = kReads ? carry[l] : 0;
    T partial = kSubtract ? x - y : x + y, result = kSubtract ? partial - in : partial + in;
    bool out = kSubtract ? x < y || partial < in : partial < x || result < partial;
    to[l] = result;
    if (kWrites)
      carry[l] = out;
  }
}

template <typename T>
void addCarryForms(FormTable &table, const std::string &type) {
  const std::string rows = {letter<T>(), letter<T>(), letter<T>(), 'c'};
  table.add("add.cc." + type, &addCarry<T, false, false, true>, rows);
  table.add("addc." + type, &addCarry<T, false, true, false>, rows);
  table.add("addc.cc." + type, &addCarry<T, false, true, true>, rows);
  table.add("sub.cc." + type, &addCarry<T, true, false, true>, rows);
  table.add("subc." + type, &addCarry<T, true, true, false>, rows);
  table.add("subc.cc." + type, &addCarry<T, true, true, true>, rows);
}

} // namespace

void addIntegerForms(FormTable &table) {
  forEach(Types<uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>(), [&]<typename T>() {
    const std::string t = "." + typeName<T>();
    addMap<Add<T>, T, T, T>(table, "add" + t);
    addMap<Sub<T>, T, T, T>(table, "sub" + t);
    addMap<MulLow<T>, T, T, T>(table, "mul.lo" + t);
    addMap<MulHigh<T>, T, T, T>(table, "mul.hi" + t);
    addMap<MadLow<T>, T, T, T, T>(table, "mad.lo" + t);
    addMap<MadHigh<T>, T, T, T, T>(table, "mad.hi" + t);
    addMap<Div<T>, T, T, T>(table, "div" + t);
    addMap<Rem<T>, T, T, T>(table, "rem" + t);
    addMap<Min<T>, T, T, T>(table, "min" + t);
    addMap<Max<T>, T, T, T>(table, "max" + t);
    addMap<Sad<T>, T, T, T, T>(table, "sad" + t);
    if constexpr (std::is_signed_v<T>) {
      addMap<Neg<T>, T, T>(table, "neg" + t);
      addMap<Abs<T>, T, T>(table, "abs" + t);
    }
    if constexpr (sizeof(T) < 8) {
      addMap<MulWide<T>, Wide<T>, T, T>(table, "mul.wide" + t);
      addMap<MadWide<T>, Wide<T>, T, T, Wide<T>>(table, "mad.wide" + t);
    }
    if constexpr (sizeof(T) == 4) {
      addMap<Mul24Low<T>, T, T, T>(table, "mul24.lo" + t);
      addMap<Mul24High<T>, T, T, T>(table, "mul24.hi" + t);
      addMap<Mad24Low<T>, T, T, T, T>(table, "mad24.lo" + t);
    }
    if constexpr (sizeof(T) >= 4)
      addCarryForms<Unsigned<T>>(table, typeName<T>());
  });
  addMap<AddSaturated, int32_t, int32_t, int32_t>(table, "add.sat.s32");
  addMap<SubSaturated, int32_t, int32_t, int32_t>(table, "sub.sat.s32");
  addMap<Dp4a<uint8_t, uint8_t>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "dp4a.u32.u32");
  addMap<Dp4a<uint8_t, int8_t>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "dp4a.u32.s32");
  addMap<Dp4a<int8_t, uint8_t>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "dp4a.s32.u32");
  addMap<Dp4a<int8_t, int8_t>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "dp4a.s32.s32");
}

} // namespace incept::sim::ptx
