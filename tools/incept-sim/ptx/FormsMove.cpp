// SPDX-License-Identifier: Apache-2.0
//
// Copies, selections, and packing. "copy", "resize", "pack" and "extract" are names of the decoder, not of PTX.

#include "tools/incept-sim/ptx/FloatOperations.h"

namespace incept::sim::ptx {

namespace {

template <typename T>
struct Copy {
  static T apply(T a) { return a; }
};
template <typename D, typename S>
struct Resize {
  static D apply(S a) { return static_cast<D>(a); }
};
template <typename T>
struct Select {
  static T apply(T a, T b, bool c) { return c ? a : b; }
};
template <typename T, typename C>
struct SelectBySign {
  static T apply(T a, T b, C c) { return c >= 0 ? a : b; }
};
template <typename D, typename S>
struct Pack2 {
  static D apply(S a, S b) { return D(a) | D(b) << (8 * sizeof(S)); }
};
struct Pack4 {
  static uint64_t apply(uint16_t a, uint16_t b, uint16_t c, uint16_t d) {
    return uint64_t(a) | uint64_t(b) << 16 | uint64_t(c) << 32 | uint64_t(d) << 48;
  }
};
template <typename D, typename S, int kIndex>
struct Extract {
  static D apply(S a) { return static_cast<D>(a >> (8 * sizeof(D) * kIndex)); }
};

template <typename S>
void addResize(FormTable &table) {
  const std::string from = "." + std::to_string(8 * sizeof(S));
  addMap<Resize<uint16_t, S>, uint16_t, S>(table, "resize.16" + from);
  addMap<Resize<uint32_t, S>, uint32_t, S>(table, "resize.32" + from);
  addMap<Resize<uint64_t, S>, uint64_t, S>(table, "resize.64" + from);
  using Signed = std::make_signed_t<S>;
  addMap<Resize<int16_t, Signed>, int16_t, Signed>(table, "extend.16" + from);
  addMap<Resize<int32_t, Signed>, int32_t, Signed>(table, "extend.32" + from);
  addMap<Resize<int64_t, Signed>, int64_t, Signed>(table, "extend.64" + from);
}

template <typename T>
void addSelections(FormTable &table) {
  const std::string bits = std::to_string(8 * sizeof(T));
  for (const char *type : {"b", "u", "s", "f"}) {
    addMap<Select<T>, T, T, T, bool>(table, "selp." + (type + bits));
    addMap<SelectBySign<T, int32_t>, T, T, T, int32_t>(table, "slct." + (type + bits) + ".s32");
    addMap<SelectBySign<T, float>, T, T, T, float>(table, "slct." + (type + bits) + ".f32");
    addMap<Ftz<SelectBySign<T, float>>, T, T, T, float>(table, "slct.ftz." + (type + bits) + ".f32");
  }
}

} // namespace

// slct.ftz flushes the condition only, and -0 is not negative: the same as without.
template <typename T>
struct Ftz<SelectBySign<T, float>> {
  static T apply(T a, T b, float c) { return SelectBySign<T, float>::apply(a, b, flushed(c)); }
};

void addMoveForms(FormTable &table) {
  addMap<Copy<bool>, bool, bool>(table, "copy.1");
  addMap<Copy<uint16_t>, uint16_t, uint16_t>(table, "copy.16");
  addMap<Copy<uint32_t>, uint32_t, uint32_t>(table, "copy.32");
  addMap<Copy<uint64_t>, uint64_t, uint64_t>(table, "copy.64");
  addResize<uint16_t>(table);
  addResize<uint32_t>(table);
  addResize<uint64_t>(table);
  addSelections<uint16_t>(table);
  addSelections<uint32_t>(table);
  addSelections<uint64_t>(table);
  addMap<Pack2<uint32_t, uint16_t>, uint32_t, uint16_t, uint16_t>(table, "pack.32.16");
  addMap<Pack2<uint64_t, uint32_t>, uint64_t, uint32_t, uint32_t>(table, "pack.64.32");
  addMap<Pack4, uint64_t, uint16_t, uint16_t, uint16_t, uint16_t>(table, "pack.64.16");
  addMap<Extract<uint16_t, uint32_t, 0>, uint16_t, uint32_t>(table, "extract.32.16.0");
  addMap<Extract<uint16_t, uint32_t, 1>, uint16_t, uint32_t>(table, "extract.32.16.1");
  addMap<Extract<uint32_t, uint64_t, 0>, uint32_t, uint64_t>(table, "extract.64.32.0");
  addMap<Extract<uint32_t, uint64_t, 1>, uint32_t, uint64_t>(table, "extract.64.32.1");
  addMap<Extract<uint16_t, uint64_t, 0>, uint16_t, uint64_t>(table, "extract.64.16.0");
  addMap<Extract<uint16_t, uint64_t, 1>, uint16_t, uint64_t>(table, "extract.64.16.1");
  addMap<Extract<uint16_t, uint64_t, 2>, uint16_t, uint64_t>(table, "extract.64.16.2");
  addMap<Extract<uint16_t, uint64_t, 3>, uint16_t, uint64_t>(table, "extract.64.16.3");
}

} // namespace incept::sim::ptx
