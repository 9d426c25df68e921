// SPDX-License-Identifier: Apache-2.0
//
// f32 and f64 arithmetic. What PTX calls .approx is computed in f64 and rounded, so it is better than a GPU's.

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

template <Rounding kMode>
struct AddRounded {
  static float apply(float a, float b) {
    double sum = addToOdd(a, b);
    if (kMode == Rounding::Down && sum == 0 && (a != 0 || std::signbit(a) != std::signbit(b)))
      sum = -0.0;
    return canonical(roundToFloat(sum, kMode));
  }
};
template <Rounding kMode>
struct SubRounded {
  static float apply(float a, float b) { return AddRounded<kMode>::apply(a, -b); }
};
template <Rounding kMode>
struct MulRounded {
  static float apply(float a, float b) { return canonical(roundToFloat(double(a) * double(b), kMode)); }
};
template <Rounding kMode>
struct FmaRounded {
  static float apply(float a, float b, float c) {
    double product = double(a) * double(b), sum = addToOdd(product, c);
    if (kMode == Rounding::Down && sum == 0 && (product != 0 || std::signbit(product) != std::signbit(c)))
      sum = -0.0;
    return canonical(roundToFloat(sum, kMode));
  }
};

template <typename T>
struct FDiv {
  static T apply(T a, T b) { return canonical(a / b); }
};
template <typename T>
struct FSqrt {
  static T apply(T a) { return canonical(std::sqrt(a)); }
};
template <typename T>
struct FRcp {
  static T apply(T a) { return canonical(T(1) / a); }
};
template <typename T>
struct FRsqrt {
  static T apply(T a) { return canonical(static_cast<T>(1 / std::sqrt(static_cast<double>(a)))); }
};
struct Flush {
  static float apply(float a) { return flushed(a); }
};
struct Exp2 {
  static float apply(float a) { return canonical(static_cast<float>(std::exp2(static_cast<double>(a)))); }
};
struct Log2 {
  static float apply(float a) { return canonical(static_cast<float>(std::log2(static_cast<double>(a)))); }
};
struct Sine {
  static float apply(float a) { return canonical(static_cast<float>(std::sin(static_cast<double>(a)))); }
};
struct Cosine {
  static float apply(float a) { return canonical(static_cast<float>(std::cos(static_cast<double>(a)))); }
};
struct Tanh {
  static float apply(float a) { return canonical(static_cast<float>(std::tanh(static_cast<double>(a)))); }
};

/// The magnitude of b with the sign of a.
template <typename T>
struct CopySign {
  static T apply(T a, T b) { return std::copysign(b, a); }
};

template <typename T, int kClass>
struct Test {
  static bool apply(T a) {
    using F = Fields<T>;
    auto magnitude = std::bit_cast<Stored<T>>(a) & ~F::kSign;
    switch (kClass) {
    case 0: // finite
      return magnitude < F::kInfinity;
    case 1: // infinite
      return magnitude == F::kInfinity;
    case 2: // number
      return magnitude <= F::kInfinity;
    case 3: // notanumber
      return magnitude > F::kInfinity;
    case 4: // normal
      return magnitude > F::kMantissa && magnitude < F::kInfinity;
    default: // subnormal
      return magnitude != 0 && magnitude <= F::kMantissa;
    }
  }
};

/// With and without .ftz, which only f32 has.
template <typename F, typename T, typename... S>
void addWithFtz(FormTable &table, const std::string &name) {
  addMap<F, T, S...>(table, name + "." + typeName<T>());
  if constexpr (std::is_same_v<T, float>)
    addMap<Ftz<F>, T, S...>(table, name + ".ftz.f32");
}

template <typename T>
void addArithmetic(FormTable &table) {
  addWithFtz<FAdd<T>, T, T, T>(table, "add");
  addWithFtz<FSub<T>, T, T, T>(table, "sub");
  addWithFtz<FMul<T>, T, T, T>(table, "mul");
  addWithFtz<FFma<T>, T, T, T, T>(table, "fma");
  addWithFtz<FFma<T>, T, T, T, T>(table, "mad");
  addWithFtz<FNeg<T>, T, T>(table, "neg");
  addWithFtz<FAbs<T>, T, T>(table, "abs");
  addWithFtz<FMinMax<T, false, false, false>, T, T, T>(table, "min");
  addWithFtz<FMinMax<T, true, false, false>, T, T, T>(table, "max");
  addWithFtz<FDiv<T>, T, T, T>(table, "div");
  addWithFtz<FRcp<T>, T, T>(table, "rcp");
  addWithFtz<FSqrt<T>, T, T>(table, "sqrt");
  addMap<CopySign<T>, T, T, T>(table, "copysign." + typeName<T>());
  addMap<Test<T, 0>, bool, T>(table, "testp.finite." + typeName<T>());
  addMap<Test<T, 1>, bool, T>(table, "testp.infinite." + typeName<T>());
  addMap<Test<T, 2>, bool, T>(table, "testp.number." + typeName<T>());
  addMap<Test<T, 3>, bool, T>(table, "testp.notanumber." + typeName<T>());
  addMap<Test<T, 4>, bool, T>(table, "testp.normal." + typeName<T>());
  addMap<Test<T, 5>, bool, T>(table, "testp.subnormal." + typeName<T>());
  addMap<Saturate<T>, T, T>(table, "saturate." + typeName<T>());
  addMap<Relu<T>, T, T>(table, "relu." + typeName<T>());
}

template <Rounding kMode>
void addDirected(FormTable &table, const std::string &mode) {
  addWithFtz<AddRounded<kMode>, float, float, float>(table, "add." + mode);
  addWithFtz<SubRounded<kMode>, float, float, float>(table, "sub." + mode);
  addWithFtz<MulRounded<kMode>, float, float, float>(table, "mul." + mode);
  addWithFtz<FmaRounded<kMode>, float, float, float, float>(table, "fma." + mode);
  addWithFtz<FmaRounded<kMode>, float, float, float, float>(table, "mad." + mode);
}

} // namespace

void addFloatForms(FormTable &table) {
  addArithmetic<float>(table);
  addArithmetic<double>(table);
  addDirected<Rounding::Zero>(table, "rz");
  addDirected<Rounding::Down>(table, "rm");
  addDirected<Rounding::Up>(table, "rp");

  using F = float;
  addWithFtz<FMinMax<F, false, true, false>, F, F, F>(table, "min.NaN");
  addWithFtz<FMinMax<F, true, true, false>, F, F, F>(table, "max.NaN");
  addWithFtz<FMinMax<F, false, false, true>, F, F, F>(table, "min.xorsign.abs");
  addWithFtz<FMinMax<F, true, false, true>, F, F, F>(table, "max.xorsign.abs");
  addWithFtz<FMinMax<F, false, true, true>, F, F, F>(table, "min.NaN.xorsign.abs");
  addWithFtz<FMinMax<F, true, true, true>, F, F, F>(table, "max.NaN.xorsign.abs");
  for (const char *kind : {"div.approx", "div.full"})
    addWithFtz<FDiv<F>, F, F, F>(table, kind);
  addWithFtz<FRcp<F>, F, F>(table, "rcp.approx");
  addWithFtz<FSqrt<F>, F, F>(table, "sqrt.approx");
  addWithFtz<FRsqrt<F>, F, F>(table, "rsqrt.approx");
  addWithFtz<Exp2, F, F>(table, "ex2.approx");
  addWithFtz<Log2, F, F>(table, "lg2.approx");
  addWithFtz<Sine, F, F>(table, "sin.approx");
  addWithFtz<Cosine, F, F>(table, "cos.approx");
  addMap<Flush, F, F>(table, "flush.f32"); // a name of the decoder
  addMap<Tanh, F, F>(table, "tanh.approx.f32");
  addMap<FRsqrt<double>, double, double>(table, "rsqrt.approx.f64");
  addMap<FRsqrt<double>, double, double>(table, "rsqrt.approx.ftz.f64");
  addMap<FRcp<double>, double, double>(table, "rcp.approx.ftz.f64");
}

} // namespace incept::sim::ptx
