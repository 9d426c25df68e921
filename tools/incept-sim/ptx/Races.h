// SPDX-License-Identifier: Apache-2.0
//
// Who has touched what: two accesses of one place, a write among them, with nothing that orders them, are a race, also
// where the simulator's order happens to give the right result. Threads of a block meet in shared memory, blocks of a
// launch in global memory.
#pragma once

#include "tools/incept-sim/ptx/Program.h"

#include <mutex>
#include <unordered_map>

namespace incept::sim::ptx {

enum class Touch : uint8_t { Read, Write, Atomic };

/// Shared memory of one block. A barrier orders the warps that meet at it, and bar.warp.sync the lanes of a warp: each
/// warp counts these events, and knows how far the others were when it last met them. Lanes of a warp run in lockstep
/// here but need not on a GPU, so that they are threads like others.
class SharedRaces {
public:
  /// `granule`: bytes that one cell stands for; every access is a multiple of it.
  SharedRaces(uint32_t bytes, uint32_t granule, uint32_t warps);

  void startBlock();
  void warpSync(uint32_t warp);
  /// Warps that meet at a barrier, by number.
  void barrier(const std::vector<uint32_t> &met);

  struct Conflict {
    uint32_t thread = kNobody; ///< kSeveral: more than one
    bool wrote = false;
    explicit operator bool() const { return thread != kNobody; }
  };
  static constexpr uint32_t kNobody = 0xffff, kSeveral = 0xfffe;
  /// What the thread's access of [address, address + bytes) races with.
  Conflict touch(uint32_t thread, uint64_t address, uint64_t bytes, Touch touch);

private:
  struct Cell {
    uint32_t written = 0, read = 0;              ///< the counts of their warps then; of `meetings` for kSeveral
    uint16_t writer = kNobody, reader = kNobody; ///< threads; a writer kSeveral: atomic accesses
  };
  bool isOrdered(uint32_t warp, uint32_t thread, uint32_t other, uint32_t count) const {
    if (other == thread || other == kNobody)
      return true;
    return other == kSeveral ? count < lastMet[warp] : count <= known[size_t(warp) * warps + other / kLanes];
  }

  const uint32_t granule, warps;
  const int granuleShift;
  std::vector<Cell> cells;
  std::vector<uint32_t> counts;  ///< of each warp
  std::vector<uint32_t> known;   ///< known[w * warps + v]: what warp w knows of v's count
  std::vector<uint32_t> lastMet; ///< `meetings` at each warp's last barrier
  uint32_t meetings = 1;
  std::vector<uint32_t> joined; ///< in use by `barrier`
};

// Here, since it is done for every lane of every access.
inline SharedRaces::Conflict SharedRaces::touch(uint32_t thread, uint64_t address, uint64_t bytes, Touch touch) {
  const uint32_t warp = thread / kLanes;
  Cell *cell = &cells[address >> granuleShift], *end = cell + (bytes >> granuleShift);
  Conflict conflict;
  for (; cell < end; ++cell) {
    bool bothAtomic = touch == Touch::Atomic && cell->writer == kSeveral;
    if (!bothAtomic && !isOrdered(warp, thread, cell->writer, cell->written))
      conflict = {cell->writer, true};
    bool readOrdered = isOrdered(warp, thread, cell->reader, cell->read);
    if (touch == Touch::Read) {
      bool several = !readOrdered; // a reader beside another
      cell->reader = static_cast<uint16_t>(several ? kSeveral : thread);
      cell->read = several ? meetings : counts[warp];
      continue;
    }
    if (!readOrdered)
      conflict = {cell->reader, false};
    bool atomic = touch == Touch::Atomic;
    cell->writer = static_cast<uint16_t>(atomic ? kSeveral : thread);
    cell->written = atomic ? meetings : counts[warp];
  }
  return conflict;
}

/// Global memory of one launch: a cell of 64 bits for each granule, in memory::Allocation::cells; in place of the cells
/// of a chunk, as long as no two blocks have more to do with each other there than that they read the same, who has
/// written and who has read some of its granules. Blocks are ordered where one releases (a fence of the device's scope,
/// then an atomic access) what another acquires (an atomic access of the same address, later).
class GlobalRaces {
public:
  /// `epoch` marks the cells of this launch. `isAlone`: one host thread runs all blocks.
  GlobalRaces(uint16_t epoch, uint32_t granule, uint64_t blocks, bool isAlone)
      : epoch(uint64_t(epoch) << 48), blocks(blocks), granule(granule), isAlone(isAlone) {}

  struct Log {
    std::vector<uint64_t> order;                ///< blocks, in the order of their atomic accesses
    std::unordered_map<uint64_t, size_t> first; ///< place of a block's first release
  };
  /// A block's view: what it has acquired.
  struct Block {
    uint64_t number = 0;
    bool fenced = false;                            ///< since its last write
    uint64_t granulesRead = 0, granulesWritten = 0; ///< that no block had read, or written, before
    std::vector<std::pair<Log *, size_t>> acquired;
  };
  struct Conflict {
    uint64_t block = kNobody; ///< kSeveral: more than one, or atomic accesses
    bool wrote = false;
    explicit operator bool() const { return block != kNobody; }
  };
  static constexpr uint64_t kNobody = ~uint64_t(0), kSeveral = kNobody - 1;

  /// Accesses of some granules of a chunk, a bit for each. False where the cells have to be asked.
  bool touchChunk(Block &block, const memory::Allocation &in, uint64_t chunk, uint64_t granules, Touch touch);
  /// The access lies in chunks that `touchChunk` has refused.
  Conflict touch(Block &block, const memory::Allocation &in, uint64_t address, uint64_t bytes, Touch touch);
  /// After an atomic access has been made.
  void meet(Block &block, uint64_t address, bool releases);

  const uint64_t epoch;
  const uint64_t blocks;
  const uint32_t granule;

private:
  struct Step;
  Step after(const Block &block, uint64_t cell, Touch touch);
  template <bool kAlone>
  bool replace(uint64_t &cell, uint64_t &known, uint64_t next);
  bool fitsChunk(memory::Allocation::Chunk &chunk, uint64_t &state, Block &block, uint64_t granules, Touch touch);
  template <bool kAlone>
  void touchCell(Block &block, uint64_t &cell, Touch touch, Conflict &conflict);
  bool isOrdered(const Block &block, uint64_t field);

  const bool isAlone;
  std::mutex mutex; ///< of the logs
  std::unordered_map<uint64_t, std::unique_ptr<Log>> logs;
};

/// The smallest element that the kernel's accesses of these spaces have, 1 to 8 bytes.
uint32_t granuleOf(const KernelCode &kernel, Space space);

} // namespace incept::sim::ptx
