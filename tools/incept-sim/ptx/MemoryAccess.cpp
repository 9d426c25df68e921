// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores. A full warp that touches one contiguous, aligned piece of an allocation is checked and copied as
// one piece; everything else goes lane by lane.

#include "tools/incept-sim/ptx/BlockRunner.h"

#include <algorithm>
#include <bit>

namespace incept::sim::ptx {

namespace {

bool allWritten(const uint8_t *shadow, uint64_t bytes) {
  constexpr uint64_t kAll = 0x0101010101010101;
  uint64_t wrong = 0;
  for (; bytes >= 8; bytes -= 8, shadow += 8) {
    uint64_t word;
    std::memcpy(&word, shadow, 8);
    wrong |= word ^ kAll;
  }
  for (; bytes > 0; --bytes, ++shadow)
    wrong |= *shadow ^ memory::kWritten;
  return wrong == 0;
}

/// The lanes from `lane` on that touch neighbouring places end here.
uint32_t endOfNeighbours(const std::array<uint64_t, kLanes> &addresses, Mask mask, uint32_t lane, uint64_t bytes) {
  uint32_t end = lane + 1;
  while (end < kLanes && (mask >> end & 1) && addresses[end] == addresses[end - 1] + bytes)
    ++end;
  return end;
}

template <typename T>
T *rowOf(std::byte *registers, Row row) {
  return reinterpret_cast<T *>(registers + row);
}

/// f.template operator()<Memory, Register>() for the widths of an access.
template <typename F>
void withWidths(const Instruction &instruction, F &&f) {
  auto memory = [&]<typename R>() {
    switch (instruction.memoryBytes) {
    case 1:
      return instruction.signExtend ? f.template operator()<int8_t, R>() : f.template operator()<uint8_t, R>();
    case 2:
      return instruction.signExtend ? f.template operator()<int16_t, R>() : f.template operator()<uint16_t, R>();
    case 4:
      return instruction.signExtend ? f.template operator()<int32_t, R>() : f.template operator()<uint32_t, R>();
    default:
      return f.template operator()<uint64_t, R>();
    }
  };
  switch (instruction.registerBytes) {
  case 2:
    return memory.template operator()<uint16_t>();
  case 4:
    return memory.template operator()<uint32_t>();
  case 8:
    return memory.template operator()<uint64_t>();
  }
}

/// The rows of a vector access of neighbouring places, whose elements lie in turn in memory. kElements is known, so
/// that the compiler makes vector code.
template <typename T, uint32_t kElements>
void moveVectors(std::byte *registers, const Instruction &instruction, T *memory) {
  alignas(32) T lanes[kElements][kLanes];
  if (instruction.kind == Kind::Load) {
    for (uint32_t l = 0; l < kLanes; ++l)
      for (uint32_t e = 0; e < kElements; ++e)
        lanes[e][l] = memory[l * kElements + e];
    for (uint32_t e = 0; e < kElements; ++e)
      if (instruction.rows[e] != kNoRow)
        std::memcpy(registers + instruction.rows[e], lanes[e], sizeof(lanes[e]));
    return;
  }
  for (uint32_t e = 0; e < kElements; ++e)
    std::memcpy(lanes[e], registers + instruction.rows[e], sizeof(lanes[e]));
  for (uint32_t l = 0; l < kLanes; ++l)
    for (uint32_t e = 0; e < kElements; ++e)
      memory[l * kElements + e] = lanes[e][l];
}

template <typename T>
T atomicResult(AtomicOperation operation, T old, T a, T b) {
  using S = std::make_signed_t<T>;
  using F = std::conditional_t<sizeof(T) == 4, float, double>;
  switch (operation) {
  case AtomicOperation::Add:
    return old + a;
  case AtomicOperation::AddFloat:
  case AtomicOperation::AddDouble:
    return std::bit_cast<T>(std::bit_cast<F>(old) + std::bit_cast<F>(a));
  case AtomicOperation::Increment:
    return old >= a ? 0 : old + 1;
  case AtomicOperation::Min:
    return std::min(old, a);
  case AtomicOperation::Max:
    return std::max(old, a);
  case AtomicOperation::MinSigned:
    return static_cast<T>(std::min(static_cast<S>(old), static_cast<S>(a)));
  case AtomicOperation::MaxSigned:
    return static_cast<T>(std::max(static_cast<S>(old), static_cast<S>(a)));
  case AtomicOperation::And:
    return old & a;
  case AtomicOperation::Or:
    return old | a;
  case AtomicOperation::Xor:
    return old ^ a;
  case AtomicOperation::Exchange:
    return a;
  case AtomicOperation::Compare:
    return old == a ? b : old;
  }
  return old;
}

template <typename T>
void atomicLanes(std::byte *registers, const Instruction &instruction, Mask mask, uint8_t *const *host) {
  T *result = instruction.rows[0] == kNoRow ? nullptr : rowOf<T>(registers, instruction.rows[0]);
  const T *a = rowOf<T>(registers, instruction.rows[1]);
  const T *b = instruction.rows[2] == kNoRow ? a : rowOf<T>(registers, instruction.rows[2]);
  for (; mask; mask &= mask - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(mask));
    T *at = reinterpret_cast<T *>(host[lane]);
    T old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(at, &old, atomicResult<T>(instruction.atomic, old, a[lane], b[lane]), false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    if (result)
      result[lane] = old;
  }
}

} // namespace

/// The quick check of an access to this region, or of several neighbouring ones that are aligned.
inline bool BlockRunner::Region::allowsRow(Kind kind, uint64_t address, uint64_t size) const {
  return host && contains(address, size) && (kind == Kind::Load || !readOnly) &&
         (!shadow || kind == Kind::Store || allWritten(shadow + (address - begin), size));
}
inline bool BlockRunner::Region::allows(Kind kind, uint64_t address, uint64_t size) const {
  return (address & (size - 1)) == 0 && allowsRow(kind, address, size);
}

/// Generic addresses are sorted by the window that they lie in.
void BlockRunner::access(Warp &warp, const Instruction &instruction, Mask mask) {
  Addresses addresses;
  if (instruction.narrowAddress) {
    const uint32_t *from = rowOf<uint32_t>(warp.lanes.registers, instruction.address);
    for (uint32_t l = 0; l < kLanes; ++l)
      addresses[l] = static_cast<uint32_t>(from[l] + static_cast<uint32_t>(instruction.offset));
  } else {
    const uint64_t *from = rowOf<uint64_t>(warp.lanes.registers, instruction.address);
    for (uint32_t l = 0; l < kLanes; ++l)
      addresses[l] = from[l] + instruction.offset;
  }
  if (instruction.space != Space::Generic)
    return accessSpace(warp, instruction, instruction.space, addresses, mask);
  while (mask) {
    uint64_t window = addresses[static_cast<uint32_t>(std::countr_zero(mask))] >> kWindowShift;
    Mask here = 0;
    for (uint32_t l = 0; l < kLanes; ++l)
      here |= Mask(addresses[l] >> kWindowShift == window) << l;
    here &= mask;
    mask &= ~here;
    Space space = window == kSharedWindow >> kWindowShift      ? Space::Shared
                  : window == kLocalWindow >> kWindowShift     ? Space::Local
                  : window == kParameterWindow >> kWindowShift ? Space::Parameter
                                                               : Space::Global;
    if (space == Space::Global) {
      accessSpace(warp, instruction, space, addresses, here);
      continue;
    }
    Addresses offsets;
    for (uint32_t l = 0; l < kLanes; ++l)
      offsets[l] = addresses[l] - (window << kWindowShift);
    accessSpace(warp, instruction, space, offsets, here);
  }
}

void BlockRunner::accessSpace(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses,
                              Mask mask) {
  if (space == Space::Global || space == Space::Constant) {
    uint64_t bytes = static_cast<uint64_t>(std::popcount(mask)) * instruction.memoryBytes * instruction.elements;
    sums.globalBytesRead += instruction.kind == Kind::Store ? 0 : bytes;
    sums.globalBytesWritten += instruction.kind == Kind::Load ? 0 : bytes;
  }
  if (launch.options.countAccesses)
    countAccess(instruction, space, addresses, mask);
  if (mask == kAllLanes && instruction.kind != Kind::Atomic && instruction.memoryBytes == instruction.registerBytes &&
      accessRow(warp, instruction, space, addresses))
    return findRaces(warp, instruction, space, addresses, mask);
  if (instruction.kind == Kind::Load && loadOne(warp, instruction, space, addresses, mask))
    return findRaces(warp, instruction, space, addresses, space == Space::Global ? mask & (~mask + 1) : mask);
  Places places;
  mask = locate(warp, instruction, space, addresses, mask, places);
  findRaces(warp, instruction, space, addresses, mask);
  std::byte *registers = warp.lanes.registers;
  if (instruction.kind == Kind::Atomic) {
    // Before, so that whoever sees the new value also sees who has made it; and after, to see who came before.
    meetBlocks(instruction, space, addresses, mask);
    if (instruction.memoryBytes == 4)
      atomicLanes<uint32_t>(registers, instruction, mask, places.host.data());
    else
      atomicLanes<uint64_t>(registers, instruction, mask, places.host.data());
    return meetBlocks(instruction, space, addresses, mask);
  }
  const bool isLoad = instruction.kind == Kind::Load;
  withWidths(instruction, [&]<typename M, typename R>() {
    for (uint32_t e = 0; e < instruction.elements; ++e) {
      if (instruction.rows[e] == kNoRow)
        continue;
      R *row = rowOf<R>(registers, instruction.rows[e]);
      auto load = [&](uint32_t lane) {
        M value;
        std::memcpy(&value, places.host[lane] + e * sizeof(M), sizeof(M));
        row[lane] = static_cast<R>(value);
      };
      auto store = [&](uint32_t lane) {
        M value = static_cast<M>(row[lane]);
        std::memcpy(places.host[lane] + e * sizeof(M), &value, sizeof(M));
      };
      if (mask == kAllLanes)
        for (uint32_t lane = 0; lane < kLanes; ++lane)
          isLoad ? load(lane) : store(lane);
      else
        for (Mask rest = mask; rest; rest &= rest - 1)
          isLoad ? load(static_cast<uint32_t>(std::countr_zero(rest)))
                 : store(static_cast<uint32_t>(std::countr_zero(rest)));
    }
  });
  if (isLoad)
    return;
  const uint32_t bytes = uint32_t(instruction.memoryBytes) * instruction.elements;
  for (; mask; mask &= mask - 1)
    if (uint8_t *shadow = places.shadow[static_cast<uint32_t>(std::countr_zero(mask))])
      std::memset(shadow, 1, bytes);
}

/// True where all lanes load from one address, and have done so.
bool BlockRunner::loadOne(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses,
                          Mask mask) {
  const uint32_t first = static_cast<uint32_t>(std::countr_zero(mask));
  uint64_t differs = 0;
  if (mask == kAllLanes)
    for (uint32_t l = 0; l < kLanes; ++l)
      differs |= addresses[l] ^ addresses[first];
  else
    for (uint32_t l = 0; l < kLanes; ++l)
      differs |= mask >> l & 1 ? addresses[l] ^ addresses[first] : 0;
  if (differs || space == Space::Local)
    return false;
  const uint64_t address = addresses[first];
  Region region;
  if (launch.options.check || (space != Space::Global && space != Space::Constant))
    region = this->region(warp, instruction, space, address, first);
  else
    region = {address, UINT64_MAX, reinterpret_cast<uint8_t *>(address), nullptr, false};
  if (!region.allows(Kind::Load, address, uint64_t(instruction.memoryBytes) * instruction.elements))
    return false;
  const uint8_t *host = region.host + (address - region.begin);
  withWidths(instruction, [&]<typename M, typename R>() {
    for (uint32_t e = 0; e < instruction.elements; ++e) {
      if (instruction.rows[e] == kNoRow)
        continue;
      M value;
      std::memcpy(&value, host + e * sizeof(M), sizeof(M));
      R *row = rowOf<R>(warp.lanes.registers, instruction.rows[e]);
      if (mask == kAllLanes)
        std::fill(row, row + kLanes, static_cast<R>(value));
      else
        for (Mask rest = mask; rest; rest &= rest - 1)
          row[std::countr_zero(rest)] = static_cast<R>(value);
    }
  });
  return true;
}

/// True where all 32 lanes touch neighbouring places without a fault, and the access has been made.
bool BlockRunner::accessRow(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses) {
  const uint64_t first = addresses[0];
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  uint64_t differs = first & (bytes - 1);
  for (uint64_t l = 0; l < kLanes; ++l)
    differs |= addresses[l] ^ (first + l * bytes);
  if (differs || space == Space::Local)
    return false;
  Region region;
  if (launch.options.check || (space != Space::Global && space != Space::Constant)) {
    region = this->region(warp, instruction, space, first, 0);
    if (!region.host || !region.contains(first, kLanes * bytes))
      return false;
  } else {
    region.host = reinterpret_cast<uint8_t *>(first);
    region.begin = first;
  }
  const bool isLoad = instruction.kind == Kind::Load;
  uint8_t *host = region.host + (first - region.begin);
  uint8_t *shadow = region.shadow ? region.shadow + (first - region.begin) : nullptr;
  if (isLoad ? shadow && !allWritten(shadow, kLanes * bytes) : region.readOnly)
    return false;
  withWidths(instruction, [&]<typename M, typename R>() {
    if constexpr (sizeof(M) == sizeof(R)) {
      R *at = reinterpret_cast<R *>(host);
      switch (instruction.elements) {
      case 2:
        return moveVectors<R, 2>(warp.lanes.registers, instruction, at);
      case 4:
        return moveVectors<R, 4>(warp.lanes.registers, instruction, at);
      case 8:
        return moveVectors<R, 8>(warp.lanes.registers, instruction, at);
      default:
        return moveVectors<R, 1>(warp.lanes.registers, instruction, at);
      }
    }
  });
  if (!isLoad && shadow)
    std::memset(shadow, 1, kLanes * bytes);
  return true;
}

/// What an address of a space belongs to; without host where it is nothing. An allocation is remembered per
/// instruction, since the next warp asks for the same.
BlockRunner::Region BlockRunner::region(const Warp &warp, const Instruction &instruction, Space space, uint64_t address,
                                        uint32_t lane) {
  switch (space) {
  case Space::Shared:
    return {0, shared.size(), shared.data(), sharedShadow.data(), false};
  case Space::Local:
    return {0, kernel.localBytes, local.data() + size_t(kernel.localBytes) * (warp.number * kLanes + lane), nullptr,
            false};
  case Space::Parameter: // never written, as instructions that would are refused or reported
    return {0, kernel.parameterBytes, reinterpret_cast<uint8_t *>(const_cast<std::byte *>(launch.parameters.data())),
            nullptr, true};
  default:
    break;
  }
  const memory::Allocation *&hint = hints[instruction.hint];
  if (!hint || !hint->contains(address, 1)) {
    const memory::Allocation *found = launch.memory.find(address);
    if (!found)
      return {};
    hint = found;
  }
  if (!hint->live)
    return {};
  return {hint->begin, hint->bytes, reinterpret_cast<uint8_t *>(hint->begin),
          hint->allWritten ? nullptr : hint->shadow(hint->begin), hint->readOnly || space == Space::Constant};
}

/// Why an access that is not right is wrong.
const char *BlockRunner::wrong(const Region &region, const Instruction &instruction, Space space,
                               uint64_t address) const {
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  if (space == Space::Global || space == Space::Constant) {
    if (!region.host)
      return address < 4096 ? "null pointer" : launch.memory.find(address) ? "use after free" : "out of bounds";
  }
  if (!region.contains(address, bytes))
    return "out of bounds";
  if (address % bytes != 0)
    return "misaligned";
  if (region.readOnly && instruction.kind != Kind::Load)
    return "read-only memory";
  const uint8_t *shadow = region.shadow + (address - region.begin);
  const uint8_t *bad = std::find_if(shadow, shadow + bytes, [](uint8_t state) { return state != memory::kWritten; });
  return *bad == memory::kEnded ? "the life of this value has ended" : "never written";
}

/// Finds and checks the place of every lane; the lanes whose access is right.
Mask BlockRunner::locate(const Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses,
                         Mask mask, Places &places) {
  const bool device = space == Space::Global || space == Space::Constant;
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  Mask right = mask, bad = 0;
  const char *what = nullptr;
  uint64_t badAddress = 0;
  Region here;
  for (Mask rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(rest));
    uint64_t address = addresses[lane];
    if (device && !launch.options.check) {
      places.host[lane] = reinterpret_cast<uint8_t *>(address);
      places.shadow[lane] = nullptr;
      continue;
    }
    if (!here.host || space == Space::Local || !here.contains(address, 1))
      here = region(warp, instruction, space, address, lane);
    // Neighbours are looked at together.
    const uint32_t end = space == Space::Local ? lane + 1 : endOfNeighbours(addresses, rest, lane, bytes);
    const uint64_t length = (end - lane) * bytes;
    if (end - lane > 1 && (address & (bytes - 1)) == 0 && here.allowsRow(instruction.kind, address, length)) {
      for (uint32_t l = lane; l < end; ++l) {
        places.host[l] = here.host + (addresses[l] - here.begin);
        places.shadow[l] = here.shadow ? here.shadow + (addresses[l] - here.begin) : nullptr;
      }
      rest &= ~(kAllLanes >> (kLanes - (end - lane)) << lane) | Mask(1) << (end - 1); // the loop takes the last one
      continue;
    }
    // Memory of the block is checked always: it costs little, and nothing else protects the host.
    if (!here.allows(instruction.kind, address, bytes)) {
      const char *fault = wrong(here, instruction, space, address);
      right &= ~(Mask(1) << lane);
      if (!what)
        what = fault, badAddress = address;
      bad |= Mask(what == fault) << lane;
      continue;
    }
    places.host[lane] = here.host + (address - here.begin);
    places.shadow[lane] = here.shadow ? here.shadow + (address - here.begin) : nullptr;
  }
  if (what)
    reportAccess(warp, instruction, space, bad, badAddress, what);
  return right;
}

} // namespace incept::sim::ptx
