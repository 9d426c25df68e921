// SPDX-License-Identifier: Apache-2.0
//
// Comparisons of setp and set, under "setp.CMP.TYPE".

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

enum class Relation : uint8_t { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };

/// kUnordered: the result where an operand is a NaN.
template <typename T, Relation kRelation, bool kUnordered>
struct Compare {
  static bool apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return relate(a, b);
    } else {
      auto x = widen(a), y = widen(b);
      bool unordered = x != x || y != y;
      return kUnordered ? relate(x, y) || unordered : relate(x, y) && !unordered;
    }
  }

private:
  template <typename V>
  static bool relate(V a, V b) {
    switch (kRelation) {
    case Relation::Equal:
      return a == b;
    case Relation::NotEqual:
      return a != b;
    case Relation::Less:
      return a < b;
    case Relation::LessEqual:
      return a <= b;
    case Relation::Greater:
      return a > b;
    case Relation::GreaterEqual:
      return a >= b;
    }
  }
};

template <typename T, bool kWantNaN>
struct CompareNaN {
  static bool apply(T a, T b) {
    auto x = widen(a), y = widen(b);
    return (x != x || y != y) == kWantNaN;
  }
};

/// Operands are flushed; the result is a truth value.
template <typename F>
struct FtzOperands {
  template <typename T>
  static bool apply(T a, T b) {
    return F::apply(flushed(a), flushed(b));
  }
};

/// One of the two 16-bit numbers in each register.
template <typename F, typename T, int kShift>
struct HalfOf {
  static bool apply(uint32_t a, uint32_t b) {
    return F::apply(T{static_cast<uint16_t>(a >> kShift)}, T{static_cast<uint16_t>(b >> kShift)});
  }
};

template <typename F, typename T>
void addCompare(FormTable &table, const std::string &relation) {
  addMap<F, bool, T, T>(table, "setp." + relation + "." + typeName<T>());
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, Half>)
    addMap<FtzOperands<F>, bool, T, T>(table, "setp." + relation + ".ftz." + typeName<T>());
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat>) {
    std::string pair = "setp." + relation + "." + typeName<T>() + "x2";
    addMap<HalfOf<F, T, 0>, bool, uint32_t, uint32_t>(table, pair + ".low");
    addMap<HalfOf<F, T, 16>, bool, uint32_t, uint32_t>(table, pair + ".high");
  }
}

} // namespace

void addCompareForms(FormTable &table) {
  using enum Relation;
  forEach(Types<uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>(), [&]<typename T>() {
    addCompare<Compare<T, Equal, false>, T>(table, "eq");
    addCompare<Compare<T, NotEqual, false>, T>(table, "ne");
    addCompare<Compare<T, Less, false>, T>(table, "lt");
    addCompare<Compare<T, LessEqual, false>, T>(table, "le");
    addCompare<Compare<T, Greater, false>, T>(table, "gt");
    addCompare<Compare<T, GreaterEqual, false>, T>(table, "ge");
    if constexpr (std::is_unsigned_v<T>) {
      addCompare<Compare<T, Less, false>, T>(table, "lo");
      addCompare<Compare<T, LessEqual, false>, T>(table, "ls");
      addCompare<Compare<T, Greater, false>, T>(table, "hi");
      addCompare<Compare<T, GreaterEqual, false>, T>(table, "hs");
      const std::string bits = ".b" + std::to_string(8 * sizeof(T));
      addMap<Compare<T, Equal, false>, bool, T, T>(table, "setp.eq" + bits);
      addMap<Compare<T, NotEqual, false>, bool, T, T>(table, "setp.ne" + bits);
    }
  });
  forEach(Types<float, double, Half, BFloat>(), [&]<typename T>() {
    addCompare<Compare<T, Equal, false>, T>(table, "eq");
    addCompare<Compare<T, NotEqual, false>, T>(table, "ne");
    addCompare<Compare<T, Less, false>, T>(table, "lt");
    addCompare<Compare<T, LessEqual, false>, T>(table, "le");
    addCompare<Compare<T, Greater, false>, T>(table, "gt");
    addCompare<Compare<T, GreaterEqual, false>, T>(table, "ge");
    addCompare<Compare<T, Equal, true>, T>(table, "equ");
    addCompare<Compare<T, NotEqual, true>, T>(table, "neu");
    addCompare<Compare<T, Less, true>, T>(table, "ltu");
    addCompare<Compare<T, LessEqual, true>, T>(table, "leu");
    addCompare<Compare<T, Greater, true>, T>(table, "gtu");
    addCompare<Compare<T, GreaterEqual, true>, T>(table, "geu");
    addCompare<CompareNaN<T, false>, T>(table, "num");
    addCompare<CompareNaN<T, true>, T>(table, "nan");
  });
}

} // namespace incept::sim::ptx
