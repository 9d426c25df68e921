// SPDX-License-Identifier: Apache-2.0
//
// Loops over the 32 lanes of a warp, written so that the compiler makes vector code of them: rows are the same or
// disjoint, and a full mask needs no tests.
#pragma once

#include "tools/incept-sim/ptx/Forms.h"
#include "tools/incept-sim/ptx/Numbers.h"

namespace incept::sim::ptx {

template <size_t kBytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using Type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using Type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using Type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using Type = uint64_t;
};

/// How a register holds a T. Bytes of integers lie in 16-bit registers, predicates (bool) in bytes.
template <typename T>
using Stored = typename UnsignedOf<(std::is_same_v<T, int8_t> || std::is_same_v<T, uint8_t>) ? 2 : sizeof(T)>::Type;

template <typename T>
T fromStored(Stored<T> bits) {
  if constexpr (std::is_same_v<T, bool>)
    return bits != 0;
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(bits);
  else
    return std::bit_cast<T>(bits);
}

template <typename T>
Stored<T> toStored(T value) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<Stored<T>>(value);
  else
    return std::bit_cast<Stored<T>>(value);
}

template <typename T>
T *rowAt(Lanes &lanes, Row row) {
  return reinterpret_cast<T *>(std::assume_aligned<32>(lanes.registers + row));
}

/// Copies the lanes of the mask.
template <typename T>
[[gnu::noinline]] void blend(T *to, const T *from, Mask mask) {
  for (uint32_t l = 0; l < kLanes; ++l)
    to[l] = mask >> l & 1 ? from[l] : to[l];
}

/// F::row where F has one, otherwise F::apply for each lane.
template <typename F, typename D, typename... S>
[[gnu::always_inline]] inline void applyRow(Stored<D> *out, const Stored<S> *...from) {
  if constexpr (requires { F::row(out, from...); }) {
    F::row(out, from...);
  } else {
#pragma GCC ivdep
    for (uint32_t l = 0; l < kLanes; ++l)
      out[l] = toStored<D>(F::apply(fromStored<S>(from[l])...));
  }
}

/// F of the sources, for each lane. D and S are what F works on. Lanes outside of the mask are computed too, since no F
/// has side effects, and dropped.
template <typename F, typename D, typename... S>
void map(Lanes &lanes, const Instruction &instruction, Mask mask) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    alignas(32) Stored<D> spare[kLanes];
    Stored<D> *to = rowAt<Stored<D>>(lanes, instruction.rows[0]);
    Stored<D> *out = std::assume_aligned<32>(mask == kAllLanes ? to : spare);
    applyRow<F, D, S...>(out, std::assume_aligned<32>(rowAt<const Stored<S>>(lanes, instruction.rows[I + 1]))...);
    if (mask != kAllLanes)
      blend(to, spare, mask);
  }
  (std::index_sequence_for<S...>());
}

/// Letter of a row that holds a T.
template <typename T>
constexpr char letter() {
  return std::is_same_v<T, bool> ? 'p' : sizeof(Stored<T>) == 2 ? 'h' : sizeof(Stored<T>) == 4 ? 'w' : 'l';
}

/// Adds map<F, D, S...> under a name.
template <typename F, typename D, typename... S>
void addMap(FormTable &table, std::string name) {
  table.add(std::move(name), &map<F, D, S...>, std::string{letter<D>(), letter<S>()...});
}

/// "u32", "s64", "f16", ...
template <typename T>
std::string typeName() {
  if constexpr (std::is_same_v<T, Half>)
    return "f16";
  else if constexpr (std::is_same_v<T, BFloat>)
    return "bf16";
  else
    return (std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "s" : "u") + std::to_string(8 * sizeof(T));
}

template <typename... T>
struct Types {};
/// f.template operator()<T>() for each type.
template <typename... T, typename F>
void forEach(Types<T...>, F &&f) {
  (f.template operator()<T>(), ...);
}

} // namespace incept::sim::ptx
