// SPDX-License-Identifier: Apache-2.0
//
// Logic, shifts, and single bits.

#include "tools/incept-sim/ptx/Lanes.h"

namespace incept::sim::ptx {

namespace {

template <typename T>
struct And {
  static T apply(T a, T b) { return a & b; }
};
template <typename T>
struct Or {
  static T apply(T a, T b) { return a | b; }
};
template <typename T>
struct Xor {
  static T apply(T a, T b) { return a ^ b; }
};
template <typename T>
struct Not {
  static T apply(T a) {
    if constexpr (std::is_same_v<T, bool>)
      return !a;
    else
      return static_cast<T>(~a);
  }
};
template <typename T>
struct CNot {
  static T apply(T a) { return a == 0; }
};

/// Shifts by the width or more give zeros, or the sign.
template <typename T>
struct ShiftLeft {
  static T apply(T a, uint32_t by) { return by >= 8 * sizeof(T) ? 0 : static_cast<T>(a << (by & (8 * sizeof(T) - 1))); }
};
template <typename T>
struct ShiftRight {
  static T apply(T a, uint32_t by) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    if constexpr (std::is_signed_v<T>)
      return static_cast<T>(a >> (by >= kBits ? kBits - 1 : by));
    else
      return by >= kBits ? 0 : static_cast<T>(a >> (by & (kBits - 1)));
  }
};

template <bool kClamp>
struct FunnelLeft { // the upper word of (b:a) << c
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    c = kClamp ? std::min(c, 32u) : c & 31;
    return static_cast<uint32_t>(((uint64_t(b) << 32 | a) << c) >> 32);
  }
};
template <bool kClamp>
struct FunnelRight { // the lower word of (b:a) >> c
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    c = kClamp ? std::min(c, 32u) : c & 31;
    return static_cast<uint32_t>((uint64_t(b) << 32 | a) >> c);
  }
};

/// `length` bits of a from `position`; beyond the top they are the sign, or zeros.
template <typename T>
struct BitFieldExtract {
  static T apply(T a, uint32_t position, uint32_t length) {
    constexpr uint32_t kTop = 8 * sizeof(T) - 1;
    using U = std::make_unsigned_t<T>;
    position &= 0xff;
    length &= 0xff;
    if (length == 0)
      return 0;
    bool sign = std::is_signed_v<T> && (U(a) >> std::min(position + length - 1, kTop) & 1);
    U kept = position > kTop ? 0 : U(a) >> position;
    uint32_t have = position > kTop ? 0 : std::min(length, kTop + 1 - position);
    U mask = have > kTop ? ~U(0) : static_cast<U>((U(1) << have) - 1);
    return static_cast<T>((kept & mask) | (sign ? ~mask : 0));
  }
};
template <typename T>
struct BitFieldInsert { // the low bits of a into b
  static T apply(T a, T b, uint32_t position, uint32_t length) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    position &= 0xff;
    length &= 0xff;
    if (length == 0 || position >= kBits)
      return b;
    T mask = length >= kBits ? ~T(0) : static_cast<T>((T(1) << length) - 1);
    mask <<= position;
    return (b & ~mask) | ((a << position) & mask);
  }
};
/// Position of the highest bit that is not the sign, or all ones.
template <typename T, bool kShift>
struct BitFind {
  static uint32_t apply(T a) {
    using U = std::make_unsigned_t<T>;
    U bits = std::is_signed_v<T> && a < 0 ? ~U(a) : U(a);
    if (bits == 0)
      return ~0u;
    uint32_t zeros = static_cast<uint32_t>(std::countl_zero(bits));
    return kShift ? zeros : 8 * sizeof(T) - 1 - zeros;
  }
};
template <typename T>
struct PopulationCount {
  static uint32_t apply(T a) { return static_cast<uint32_t>(std::popcount(a)); }
};
template <typename T>
struct LeadingZeros {
  static uint32_t apply(T a) { return static_cast<uint32_t>(std::countl_zero(a)); }
};
template <typename T>
struct Reverse {
  static T apply(T a) {
    T result = 0;
    for (size_t i = 0; i < 8 * sizeof(T); ++i)
      result |= (a >> i & 1) << (8 * sizeof(T) - 1 - i);
    return result;
  }
};

/// Four bytes out of the eight of b:a, each chosen by a nibble of c whose top bit asks for the byte's sign.
struct Permute {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t from = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
      uint32_t select = c >> (4 * i) & 15;
      uint32_t byte = static_cast<uint32_t>(from >> (8 * (select & 7))) & 0xff;
      if (select & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= byte << (8 * i);
    }
    return result;
  }
};
/// The named modes: four selectors for each value of the low two bits of c.
template <uint16_t k0, uint16_t k1, uint16_t k2, uint16_t k3>
struct PermuteMode {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    constexpr uint16_t kSelectors[] = {k0, k1, k2, k3};
    return Permute::apply(a, b, kSelectors[c & 3]);
  }
};

/// Bit i of the table is the result for inputs a = i / 4, b = i / 2 % 2, c = i % 2.
struct Logic3 {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t result = 0;
    for (uint32_t i = 0; i < 8; ++i)
      if (table >> i & 1)
        result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return result;
  }
};

} // namespace

void addBitForms(FormTable &table) {
  auto logic = [&]<typename T>(const std::string &type) {
    addMap<And<T>, T, T, T>(table, "and." + type);
    addMap<Or<T>, T, T, T>(table, "or." + type);
    addMap<Xor<T>, T, T, T>(table, "xor." + type);
    addMap<Not<T>, T, T>(table, "not." + type);
  };
  logic.template operator()<bool>("pred");
  forEach(Types<uint16_t, uint32_t, uint64_t>(), [&]<typename T>() {
    using S = std::make_signed_t<T>;
    const std::string bits = std::to_string(8 * sizeof(T));
    logic.template operator()<T>("b" + bits);
    addMap<CNot<T>, T, T>(table, "cnot.b" + bits);
    for (const char *type : {"b", "u", "s"})
      addMap<ShiftLeft<T>, T, T, uint32_t>(table, "shl." + (type + bits));
    addMap<ShiftRight<T>, T, T, uint32_t>(table, "shr.b" + bits);
    addMap<ShiftRight<T>, T, T, uint32_t>(table, "shr.u" + bits);
    addMap<ShiftRight<S>, S, S, uint32_t>(table, "shr.s" + bits);
    if constexpr (sizeof(T) >= 4) {
      addMap<BitFieldExtract<T>, T, T, uint32_t, uint32_t>(table, "bfe.u" + bits);
      addMap<BitFieldExtract<S>, S, S, uint32_t, uint32_t>(table, "bfe.s" + bits);
      addMap<BitFieldInsert<T>, T, T, T, uint32_t, uint32_t>(table, "bfi.b" + bits);
      addMap<BitFind<T, false>, uint32_t, T>(table, "bfind.u" + bits);
      addMap<BitFind<S, false>, uint32_t, S>(table, "bfind.s" + bits);
      addMap<BitFind<T, true>, uint32_t, T>(table, "bfind.shiftamt.u" + bits);
      addMap<BitFind<S, true>, uint32_t, S>(table, "bfind.shiftamt.s" + bits);
      addMap<PopulationCount<T>, uint32_t, T>(table, "popc.b" + bits);
      addMap<LeadingZeros<T>, uint32_t, T>(table, "clz.b" + bits);
      addMap<Reverse<T>, T, T>(table, "brev.b" + bits);
    }
  });
  using U = uint32_t;
  addMap<FunnelLeft<true>, U, U, U, U>(table, "shf.l.clamp.b32");
  addMap<FunnelLeft<false>, U, U, U, U>(table, "shf.l.wrap.b32");
  addMap<FunnelRight<true>, U, U, U, U>(table, "shf.r.clamp.b32");
  addMap<FunnelRight<false>, U, U, U, U>(table, "shf.r.wrap.b32");
  addMap<Permute, U, U, U, U>(table, "prmt.b32");
  addMap<PermuteMode<0x3210, 0x4321, 0x5432, 0x6543>, U, U, U, U>(table, "prmt.b32.f4e");
  addMap<PermuteMode<0x5670, 0x6701, 0x7012, 0x0123>, U, U, U, U>(table, "prmt.b32.b4e");
  addMap<PermuteMode<0x0000, 0x1111, 0x2222, 0x3333>, U, U, U, U>(table, "prmt.b32.rc8");
  addMap<PermuteMode<0x3210, 0x3211, 0x3222, 0x3333>, U, U, U, U>(table, "prmt.b32.ecl");
  addMap<PermuteMode<0x0000, 0x1110, 0x2210, 0x3210>, U, U, U, U>(table, "prmt.b32.ecr");
  addMap<PermuteMode<0x1010, 0x3232, 0x1010, 0x3232>, U, U, U, U>(table, "prmt.b32.rc16");
  addMap<Logic3, U, U, U, U, U>(table, "lop3.b32");
}

} // namespace incept::sim::ptx
