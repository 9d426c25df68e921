// SPDX-License-Identifier: Apache-2.0
//
// cvt between floating-point types, under "cvt.MODE.DST.SRC"; packed forms take two f32.

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

#ifdef __F16C__
// Rows of f16, eight numbers at a time: of single conversions the compiler makes no vector code.

/// With the one NaN that conversions give.
__m256 canonicalRow(__m256 x) {
  return _mm256_blendv_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(kNaN32)), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

__m128i toHalves(const uint32_t *from) {
  __m256 x = _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
  return _mm256_cvtps_ph(canonicalRow(x), _MM_FROUND_TO_NEAREST_INT); // kNaN32 becomes kNaN16
}
#endif

template <typename D, typename S, typename OfD, typename OfS>
constexpr bool kConverts = std::is_same_v<D, OfD> &&std::is_same_v<S, OfS>;

/// To a type that holds every number of the source.
template <typename D, typename S>
struct Widen {
  static D apply(S a) {
    auto x = static_cast<D>(widen(a));
    return x != x ? canonicalNaN<D>() : x;
  }
#ifdef __F16C__
  static void row(uint32_t *out, const uint16_t *from) requires kConverts<D, S, float, Half> {
    for (uint32_t l = 0; l < kLanes; l += 8)
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + l),
                          _mm256_castps_si256(canonicalRow(
                              _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + l))))));
  }
#endif
};
/// To a type of fewer bits (or of another 16).
template <typename D, typename S, Rounding kMode>
struct Narrow {
  static D apply(S a) {
    if constexpr (kMode == Rounding::Nearest && std::is_same_v<S, double>)
      return std::is_same_v<D, float> ? fromFloat(canonical(static_cast<float>(a))) : narrow<D>(a, kMode);
    else if constexpr (kMode == Rounding::Nearest)
      return nearest<D>(widen(a));
    else
      return fromDouble(static_cast<double>(widen(a)));
  }
#ifdef __F16C__
  static void row(uint16_t *out,
                  const uint32_t *from) requires(kConverts<D, S, Half, float> &&kMode == Rounding::Nearest) {
    for (uint32_t l = 0; l < kLanes; l += 8)
      _mm_storeu_si128(reinterpret_cast<__m128i *>(out + l), toHalves(from + l));
  }
#endif

private:
  static D fromFloat(float x) {
    if constexpr (std::is_same_v<D, float>)
      return x;
    else
      return D{};
  }
  static D fromDouble(double x) {
    if constexpr (std::is_same_v<D, float>)
      return canonical(roundToFloat(x, kMode));
    else
      return narrow<D>(x, kMode);
  }
};

/// To a whole number of the same type.
template <typename T, Rounding kMode>
struct Whole {
  static T apply(T a) {
    auto x = widen(a);
    x = kMode == Rounding::Nearest ? std::nearbyint(x)
        : kMode == Rounding::Zero  ? std::trunc(x)
        : kMode == Rounding::Down  ? std::floor(x)
                                   : std::ceil(x);
    if constexpr (kIsSmall<T>)
      return nearest<T>(x);
    else
      return canonical(x);
  }
};
template <typename T>
struct Same {
  static T apply(T a) {
    auto x = widen(a);
    return x != x ? canonicalNaN<T>() : a;
  }
};

/// Two numbers into one register: the first operand becomes the upper half.
template <typename D, Rounding kMode, bool kRelu>
struct Pair {
  static uint32_t apply(float a, float b) { return uint32_t(one(a).bits) << 16 | one(b).bits; }
#ifdef __F16C__
  static void row(uint32_t *out, const uint32_t *a,
                  const uint32_t *b) requires(std::is_same_v<D, Half> &&kMode == Rounding::Nearest && !kRelu) {
    for (uint32_t l = 0; l < kLanes; l += 8) {
      __m128i upper = toHalves(a + l), lower = toHalves(b + l);
      _mm_storeu_si128(reinterpret_cast<__m128i *>(out + l), _mm_unpacklo_epi16(lower, upper));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(out + l + 4), _mm_unpackhi_epi16(lower, upper));
    }
  }
#endif

private:
  static D one(float x) { return Narrow<D, float, kMode>::apply(kRelu ? Relu<float>::apply(x) : x); }
};

/// Ten bits of mantissa, ties away from zero.
struct ToTf32 {
  static uint32_t apply(float a) {
    uint32_t bits = std::bit_cast<uint32_t>(a);
    return (bits & 0x7f800000) == 0x7f800000 ? (a != a ? kNaN32 : bits) : (bits + 0x1000) & 0xffffe000;
  }
};

template <typename F, typename D, typename S>
void addConversion(FormTable &table, const std::string &mode) {
  const std::string types = "." + typeName<D>() + "." + typeName<S>();
  addMap<F, D, S>(table, "cvt" + mode + types);
}

template <typename D, typename S>
void addNarrowing(FormTable &table) {
  addConversion<Narrow<D, S, Rounding::Nearest>, D, S>(table, ".rn");
  addConversion<Narrow<D, S, Rounding::Zero>, D, S>(table, ".rz");
  addConversion<Narrow<D, S, Rounding::Down>, D, S>(table, ".rm");
  addConversion<Narrow<D, S, Rounding::Up>, D, S>(table, ".rp");
}

template <typename D>
void addPairs(FormTable &table) {
  const std::string types = "." + typeName<D>() + "x2.f32";
  addMap<Pair<D, Rounding::Nearest, false>, uint32_t, float, float>(table, "cvt.rn" + types);
  addMap<Pair<D, Rounding::Nearest, true>, uint32_t, float, float>(table, "cvt.rn.relu" + types);
  addMap<Pair<D, Rounding::Zero, false>, uint32_t, float, float>(table, "cvt.rz" + types);
  addMap<Pair<D, Rounding::Zero, true>, uint32_t, float, float>(table, "cvt.rz.relu" + types);
}

} // namespace

void addFloatConversions(FormTable &table) {
  forEach(Types<float, double, Half, BFloat>(), [&]<typename T>() {
    addConversion<Same<T>, T, T>(table, "");
    addConversion<Whole<T, Rounding::Nearest>, T, T>(table, ".rni");
    addConversion<Whole<T, Rounding::Zero>, T, T>(table, ".rzi");
    addConversion<Whole<T, Rounding::Down>, T, T>(table, ".rmi");
    addConversion<Whole<T, Rounding::Up>, T, T>(table, ".rpi");
  });
  addConversion<Widen<float, Half>, float, Half>(table, "");
  addConversion<Widen<float, BFloat>, float, BFloat>(table, "");
  addConversion<Widen<double, Half>, double, Half>(table, "");
  addConversion<Widen<double, BFloat>, double, BFloat>(table, "");
  addConversion<Widen<double, float>, double, float>(table, "");
  addNarrowing<float, double>(table);
  addNarrowing<Half, double>(table);
  addNarrowing<Half, float>(table);
  addNarrowing<Half, BFloat>(table);
  addNarrowing<BFloat, double>(table);
  addNarrowing<BFloat, float>(table);
  addNarrowing<BFloat, Half>(table);
  addPairs<Half>(table);
  addPairs<BFloat>(table);
  addMap<ToTf32, uint32_t, float>(table, "cvt.rna.tf32.f32");
}

} // namespace incept::sim::ptx
