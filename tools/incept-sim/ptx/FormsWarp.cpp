// SPDX-License-Identifier: Apache-2.0
//
// What the lanes of a warp do together. All live lanes that a membermask names must be there: on a device the others
// would be waited for.

#include "tools/incept-sim/ptx/Lanes.h"

namespace incept::sim::ptx {

namespace {

/// The membermask of the first active lane, or 0 after setting the fault.
Mask members(Lanes &lanes, Row row, Mask mask) {
  const uint32_t *masks = rowAt<const uint32_t>(lanes, row);
  Mask members = masks[std::countr_zero(mask)];
  for (uint32_t l = 0; l < kLanes; ++l)
    if (mask >> l & 1 && masks[l] != members)
      return lanes.fault = "lanes give different membermasks", 0;
  if ((members & lanes.live) & ~mask)
    return lanes.fault = "the membermask names lanes that are not there", 0;
  if (mask & ~members)
    return lanes.fault = "a lane is not in its membermask", 0;
  return members;
}

enum class Shuffle : uint8_t { Up, Down, Butterfly, Index };

/// Rows: d, a, b, c, membermask, p (or none). c has the clamp in its low bits and the segment mask from bit 8.
template <Shuffle kMode>
void shuffle(Lanes &lanes, const Instruction &instruction, Mask mask) {
  if (!members(lanes, instruction.rows[4], mask))
    return;
  uint32_t *to = rowAt<uint32_t>(lanes, instruction.rows[0]);
  uint32_t from[kLanes];
  std::memcpy(from, rowAt<const uint32_t>(lanes, instruction.rows[1]), sizeof(from));
  const uint32_t *by = rowAt<const uint32_t>(lanes, instruction.rows[2]);
  const uint32_t *control = rowAt<const uint32_t>(lanes, instruction.rows[3]);
  uint8_t *valid = instruction.rows[5] == kNoRow ? nullptr : rowAt<uint8_t>(lanes, instruction.rows[5]);
  uint32_t result[kLanes];
  bool inside[kLanes];
  for (int32_t l = 0; l < static_cast<int32_t>(kLanes); ++l) {
    int32_t b = by[l] & 31, clamp = control[l] & 31, segment = control[l] >> 8 & 31;
    int32_t end = (l & segment) | (clamp & ~segment), begin = l & segment;
    int32_t source = kMode == Shuffle::Up          ? l - b
                     : kMode == Shuffle::Down      ? l + b
                     : kMode == Shuffle::Butterfly ? l ^ b
                                                   : begin | (b & ~segment);
    inside[l] = kMode == Shuffle::Up ? source >= end : source <= end;
    source = inside[l] ? source : l;
    if (mask >> l & 1 && !(mask >> source & 1)) {
      lanes.fault = "a lane reads from one that is not there";
      return;
    }
    result[l] = from[source];
  }
  for (uint32_t l = 0; l < kLanes; ++l)
    if (mask >> l & 1) {
      to[l] = result[l];
      if (valid)
        valid[l] = inside[l];
    }
}

Mask ballot(Lanes &lanes, Row row, Mask mask) {
  const uint8_t *predicate = rowAt<const uint8_t>(lanes, row);
  Mask result = 0;
  for (uint32_t l = 0; l < kLanes; ++l)
    result |= Mask(predicate[l] != 0) << l;
  return result & mask;
}

template <typename T>
void broadcast(Lanes &lanes, Row row, Mask mask, T value) {
  T *to = rowAt<T>(lanes, row);
  for (uint32_t l = 0; l < kLanes; ++l)
    if (mask >> l & 1)
      to[l] = value;
}

enum class Vote : uint8_t { All, Any, Uniform };

template <Vote kVote>
void vote(Lanes &lanes, const Instruction &instruction, Mask mask) {
  if (!members(lanes, instruction.rows[2], mask))
    return;
  Mask yes = ballot(lanes, instruction.rows[1], mask);
  bool result = kVote == Vote::All ? yes == mask : kVote == Vote::Any ? yes != 0 : yes == mask || yes == 0;
  broadcast<uint8_t>(lanes, instruction.rows[0], mask, result);
}

void voteBallot(Lanes &lanes, const Instruction &instruction, Mask mask) {
  if (members(lanes, instruction.rows[2], mask))
    broadcast<uint32_t>(lanes, instruction.rows[0], mask, ballot(lanes, instruction.rows[1], mask));
}

void activeMask(Lanes &lanes, const Instruction &instruction, Mask mask) {
  broadcast<uint32_t>(lanes, instruction.rows[0], mask, mask);
}

void syncWarp(Lanes &lanes, const Instruction &instruction, Mask mask) { members(lanes, instruction.rows[0], mask); }

template <typename T, typename F>
void reduce(Lanes &lanes, const Instruction &instruction, Mask mask) {
  if (!members(lanes, instruction.rows[2], mask))
    return;
  const uint32_t *from = rowAt<const uint32_t>(lanes, instruction.rows[1]);
  T result = static_cast<T>(from[std::countr_zero(mask)]);
  for (Mask rest = mask & (mask - 1); rest; rest &= rest - 1)
    result = F::apply(result, static_cast<T>(from[std::countr_zero(rest)]));
  broadcast<uint32_t>(lanes, instruction.rows[0], mask, static_cast<uint32_t>(result));
}

struct Sum {
  static uint32_t apply(uint32_t a, uint32_t b) { return a + b; }
};
struct Minimum {
  template <typename T>
  static T apply(T a, T b) {
    return std::min(a, b);
  }
};
struct Maximum {
  template <typename T>
  static T apply(T a, T b) {
    return std::max(a, b);
  }
};
struct BitAnd {
  static uint32_t apply(uint32_t a, uint32_t b) { return a & b; }
};
struct BitOr {
  static uint32_t apply(uint32_t a, uint32_t b) { return a | b; }
};
struct BitXor {
  static uint32_t apply(uint32_t a, uint32_t b) { return a ^ b; }
};

} // namespace

void addWarpForms(FormTable &table) {
  table.add("shfl.sync.up.b32", &shuffle<Shuffle::Up>, "wwwww");
  table.add("shfl.sync.down.b32", &shuffle<Shuffle::Down>, "wwwww");
  table.add("shfl.sync.bfly.b32", &shuffle<Shuffle::Butterfly>, "wwwww");
  table.add("shfl.sync.idx.b32", &shuffle<Shuffle::Index>, "wwwww");
  table.add("vote.sync.all.pred", &vote<Vote::All>, "ppw");
  table.add("vote.sync.any.pred", &vote<Vote::Any>, "ppw");
  table.add("vote.sync.uni.pred", &vote<Vote::Uniform>, "ppw");
  table.add("vote.sync.ballot.b32", &voteBallot, "wpw");
  table.add("activemask.b32", &activeMask, "w");
  table.add("bar.warp.sync", &syncWarp, "w");
  for (const char *type : {".u32", ".s32"})
    table.add(std::string("redux.sync.add") + type, &reduce<uint32_t, Sum>, "www");
  table.add("redux.sync.min.u32", &reduce<uint32_t, Minimum>, "www");
  table.add("redux.sync.max.u32", &reduce<uint32_t, Maximum>, "www");
  table.add("redux.sync.min.s32", &reduce<int32_t, Minimum>, "www");
  table.add("redux.sync.max.s32", &reduce<int32_t, Maximum>, "www");
  table.add("redux.sync.and.b32", &reduce<uint32_t, BitAnd>, "www");
  table.add("redux.sync.or.b32", &reduce<uint32_t, BitOr>, "www");
  table.add("redux.sync.xor.b32", &reduce<uint32_t, BitXor>, "www");
}

const FormTable &forms() {
  static const FormTable kTable = [] {
    FormTable table;
    addIntegerForms(table);
    addBitForms(table);
    addFloatForms(table);
    addHalfForms(table);
    addCompareForms(table);
    addIntegerConversions(table);
    addFloatConversions(table);
    addMoveForms(table);
    addWarpForms(table);
    return table;
  }();
  return kTable;
}

} // namespace incept::sim::ptx
