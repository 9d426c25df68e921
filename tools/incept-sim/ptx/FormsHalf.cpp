// SPDX-License-Identifier: Apache-2.0
//
// f16 and bf16 arithmetic, alone and in pairs.

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

template <typename T>
struct Exp2 {
  static T apply(T a) { return nearest<T>(static_cast<float>(std::exp2(static_cast<double>(widen(a))))); }
};
template <typename T>
struct Tanh {
  static T apply(T a) { return nearest<T>(static_cast<float>(std::tanh(static_cast<double>(widen(a))))); }
};

/// kOperands operands: alone and x2, with and without .ftz.
template <typename F, typename T, size_t kOperands>
void addSmall(FormTable &table, const std::string &name) {
  using W = uint32_t;
  auto alone = [&]<typename Apply>(const std::string &full) {
    if constexpr (kOperands == 1)
      addMap<Apply, T, T>(table, full);
    else if constexpr (kOperands == 2)
      addMap<Apply, T, T, T>(table, full);
    else
      addMap<Apply, T, T, T, T>(table, full);
  };
  auto pair = [&]<typename Apply>(const std::string &full) {
    if constexpr (kOperands == 1)
      addMap<Apply, W, W>(table, full + "x2");
    else if constexpr (kOperands == 2)
      addMap<Apply, W, W, W>(table, full + "x2");
    else
      addMap<Apply, W, W, W, W>(table, full + "x2");
  };
  const std::string plain = name + "." + typeName<T>(), ftz = name + ".ftz." + typeName<T>();
  alone.template operator()<F>(plain);
  pair.template operator()<Packed<T, F>>(plain);
  alone.template operator()<Ftz<F>>(ftz);
  pair.template operator()<Packed<T, Ftz<F>>>(ftz);
}

} // namespace

void addHalfForms(FormTable &table) {
  forEach(Types<Half, BFloat>(), [&]<typename T>() {
    addSmall<FAdd<T>, T, 2>(table, "add");
    addSmall<FSub<T>, T, 2>(table, "sub");
    addSmall<FMul<T>, T, 2>(table, "mul");
    addSmall<FFma<T>, T, 3>(table, "fma");
    addSmall<FNeg<T>, T, 1>(table, "neg");
    addSmall<FAbs<T>, T, 1>(table, "abs");
    addSmall<FMinMax<T, false, false, false>, T, 2>(table, "min");
    addSmall<FMinMax<T, true, false, false>, T, 2>(table, "max");
    addSmall<FMinMax<T, false, true, false>, T, 2>(table, "min.NaN");
    addSmall<FMinMax<T, true, true, false>, T, 2>(table, "max.NaN");
    addSmall<Exp2<T>, T, 1>(table, "ex2.approx");
    addSmall<Tanh<T>, T, 1>(table, "tanh.approx");
    addSmall<Saturate<T>, T, 1>(table, "saturate");
    addSmall<Relu<T>, T, 1>(table, "relu");
  });
}

} // namespace incept::sim::ptx
