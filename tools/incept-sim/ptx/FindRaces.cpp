// SPDX-License-Identifier: Apache-2.0
//
// What a warp's access, which is right in itself, races with.

#include "tools/incept-sim/ptx/BlockRunner.h"

namespace incept::sim::ptx {

namespace {

Touch touchOf(const Instruction &instruction) {
  return instruction.kind == Kind::Load ? Touch::Read : instruction.kind == Kind::Store ? Touch::Write : Touch::Atomic;
}

std::string text(const Dim3 &at) {
  return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

/// The place of a number in a grid or a block.
std::string placeIn(const Dim3 &size, uint64_t number) {
  return text({static_cast<uint32_t>(number % size.x), static_cast<uint32_t>(number / size.x % size.y),
               static_cast<uint32_t>(number / size.x / size.y)});
}

} // namespace

void BlockRunner::findRaces(const Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses,
                            Mask mask) {
  if (mask == 0)
    return;
  if (space == Space::Shared && sharedRaces)
    findSharedRaces(warp, instruction, addresses, mask);
  else if (space == Space::Global && launch.races)
    findGlobalRaces(warp, instruction, addresses, mask);
}

void BlockRunner::findSharedRaces(const Warp &warp, const Instruction &instruction, const Addresses &addresses,
                                  Mask mask) {
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  const Touch touch = touchOf(instruction);
  for (; mask; mask &= mask - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(mask)), thread = warp.number * kLanes + lane;
    SharedRaces::Conflict conflict = sharedRaces->touch(thread, addresses[lane], bytes, touch);
    if (!conflict)
      continue;
    std::string who = conflict.thread == SharedRaces::kSeveral
                          ? "other threads have "
                          : "thread " + placeIn(launch.block, conflict.thread) + " has ";
    reportAccess(warp, instruction, Space::Shared, Mask(1) << lane, addresses[lane],
                 "race: " + who + (conflict.wrote ? "written" : "read") + " it, and no barrier lies between");
  }
}

/// The lanes that chunks cannot speak for. An access is aligned to its size, so that it lies in one chunk.
Mask BlockRunner::touchChunks(const Instruction &instruction, const Addresses &addresses, Mask mask) {
  constexpr uint64_t kGranules = memory::Allocation::Chunk::kGranules;
  const Touch touch = touchOf(instruction);
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  const int shift = std::countr_zero(launch.races->granule);
  const uint64_t own = ~uint64_t(0) >> (kGranules - (bytes >> shift));
  const memory::Allocation *at = hints[instruction.hint];
  Mask refused = 0, together = 0; // `together`: lanes in one chunk
  uint64_t chunk = 0, granules = 0;
  auto flush = [&] {
    if (together && !launch.races->touchChunk(globalView, *at, chunk, granules, touch))
      refused |= together;
    together = 0;
    granules = 0;
  };
  for (; mask; mask &= mask - 1) {
    const uint64_t address = addresses[static_cast<size_t>(std::countr_zero(mask))];
    if (!at || !at->contains(address, bytes)) {
      flush();
      at = launch.memory.find(address);
      if (!at || !at->contains(address, bytes))
        continue;
    }
    if (!at->cells())
      continue;
    const uint64_t first = (address - at->begin) >> shift;
    if (first / kGranules != chunk)
      flush();
    chunk = first / kGranules;
    granules |= own << first % kGranules;
    together |= mask & (~mask + 1);
  }
  flush();
  return refused;
}

void BlockRunner::findGlobalRaces(const Warp &warp, const Instruction &instruction, const Addresses &addresses,
                                  Mask mask) {
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  const memory::Allocation *at = hints[instruction.hint];
  if (instruction.kind == Kind::Store)
    globalView.fenced = false;
  mask = touchChunks(instruction, addresses, mask);
  for (; mask; mask &= mask - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(mask));
    const uint64_t address = addresses[lane];
    // Neighbours are one access.
    uint64_t length = bytes;
    while (mask & (mask - 1)) {
      uint32_t next = static_cast<uint32_t>(std::countr_zero(mask & (mask - 1)));
      if (addresses[next] != address + length)
        break;
      length += bytes;
      mask &= mask - 1;
    }
    if (!at || !at->contains(address, length))
      at = launch.memory.find(address);
    if (!at || !at->contains(address, length) || !at->cells())
      continue;
    GlobalRaces::Conflict conflict = launch.races->touch(globalView, *at, address, length, touchOf(instruction));
    if (!conflict)
      continue;
    std::string who = conflict.block == GlobalRaces::kSeveral
                          ? "other blocks have "
                          : "block " + placeIn(launch.grid, conflict.block) + " has ";
    reportAccess(warp, instruction, Space::Global, Mask(1) << lane, address,
                 "race: " + who + (conflict.wrote ? "written" : "read") +
                     " it in the same launch, and nothing orders the two");
  }
}

void BlockRunner::meetBlocks(const Instruction &instruction, Space space, const Addresses &addresses, Mask mask) {
  if (!launch.races || space != Space::Global)
    return;
  for (; mask; mask &= mask - 1)
    launch.races->meet(globalView, addresses[static_cast<size_t>(std::countr_zero(mask))], instruction.releases);
}

} // namespace incept::sim::ptx
