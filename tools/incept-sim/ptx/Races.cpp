// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/ptx/Races.h"

#include <algorithm>
#include <bit>

namespace incept::sim::ptx {

//===--- Threads of a block
//-----------------------------------------------------------------------------------------===//

SharedRaces::SharedRaces(uint32_t bytes, uint32_t granule, uint32_t warps)
    : granule(granule), warps(warps), granuleShift(std::countr_zero(granule)), cells(bytes / granule + 1),
      counts(warps, 1), known(size_t(warps) * warps, 0), lastMet(warps, 0), joined(warps, 0) {}

/// Everything that was before is ordered before everything that comes.
void SharedRaces::startBlock() {
  uint32_t latest = *std::max_element(counts.begin(), counts.end());
  std::fill(counts.begin(), counts.end(), latest + 1);
  std::fill(known.begin(), known.end(), latest);
  std::fill(lastMet.begin(), lastMet.end(), ++meetings);
}

void SharedRaces::warpSync(uint32_t warp) { known[size_t(warp) * warps + warp] = counts[warp]++; }

void SharedRaces::barrier(const std::vector<uint32_t> &met) {
  std::fill(joined.begin(), joined.end(), 0);
  for (uint32_t warp : met) {
    for (uint32_t other = 0; other < warps; ++other)
      joined[other] = std::max(joined[other], known[size_t(warp) * warps + other]);
    joined[warp] = std::max(joined[warp], counts[warp]);
  }
  ++meetings;
  for (uint32_t warp : met) {
    std::copy(joined.begin(), joined.end(), known.begin() + static_cast<ptrdiff_t>(size_t(warp) * warps));
    ++counts[warp];
    lastMet[warp] = meetings;
  }
}

//===--- Blocks of a launch
//-----------------------------------------------------------------------------------------===//

namespace {

/// A cell: epoch (16 bits), writer, reader (24 bits each). 0 is nobody. A chunk's state has the writer of its written
/// granules and the reader of those that are only read; or as writer that each granule has its own, or that somebody is
/// about to change the chunk.
constexpr uint64_t kField = (uint64_t(1) << 24) - 1, kMany = kField, kMixed = kField - 1, kLocked = kField - 2;
constexpr int kWriterShift = 24, kEpochShift = 48;

/// Block numbers beyond 24 bits share fields, so that races between such blocks may be missed, and none invented.
uint64_t fieldOf(uint64_t block) { return block % (kLocked - 1) + 1; }

} // namespace

/// True where the block has acquired what the other one has released.
bool GlobalRaces::isOrdered(const Block &block, uint64_t field) {
  if (block.acquired.empty())
    return false;
  std::lock_guard lock(mutex);
  for (auto [log, length] : block.acquired) {
    auto found = log->first.find(field - 1);
    if (field == kMany ? std::min(log->first.size(), length) >= blocks - 1
                       : found != log->first.end() && found->second < length)
      return true;
  }
  return false;
}

/// What an access makes of a cell, and what it finds there.
struct GlobalRaces::Step {
  uint64_t next;
  bool isFirst = false;
  Conflict conflict = {};
};

inline GlobalRaces::Step GlobalRaces::after(const Block &block, uint64_t cell, Touch touch) {
  const uint64_t self = fieldOf(block.number);
  const uint64_t mine = touch == Touch::Read ? epoch | self : epoch | self << kWriterShift;
  if (cell == mine && touch != Touch::Atomic)
    return {cell};
  const bool fresh = (cell ^ epoch) >> kEpochShift != 0;
  const uint64_t writer = fresh ? 0 : cell >> kWriterShift & kField, reader = fresh ? 0 : cell & kField;
  Step step{cell, touch == Touch::Read ? !writer && !reader : !writer};
  // Beside atomic accesses the reader is the only block that has made some.
  if (writer == kMany && (touch == Touch::Atomic || reader == self)) {
    step.next = epoch | kMany << kWriterShift | (reader == self ? self : 0);
    return step;
  }
  if (writer && writer != self && !isOrdered(block, writer))
    step.conflict = {writer == kMany ? kSeveral : writer - 1, true};
  bool others = reader && reader != self && writer != kMany;
  if (touch == Touch::Read) {
    step.next = writer == kMany || writer == self ? cell : epoch | writer << kWriterShift | (others ? kMany : self);
    return step;
  }
  if (others && !isOrdered(block, reader))
    step.conflict = {reader == kMany ? kSeveral : reader - 1, false};
  step.next = touch == Touch::Atomic ? epoch | kMany << kWriterShift | self : mine;
  return step;
}

/// False where another thread has changed the cell; `known` is what it is then.
template <bool kAlone>
bool GlobalRaces::replace(uint64_t &cell, uint64_t &known, uint64_t next) {
  if (next == known)
    return true;
  if constexpr (kAlone) {
    cell = next;
    return true;
  }
  return __atomic_compare_exchange_n(&cell, &known, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

template <bool kAlone>
inline void GlobalRaces::touchCell(Block &block, uint64_t &cell, Touch touch, Conflict &conflict) {
  uint64_t known = __atomic_load_n(&cell, __ATOMIC_RELAXED);
  for (;;) {
    const Step step = after(block, known, touch);
    if (!replace<kAlone>(cell, known, step.next))
      continue;
    if (step.conflict)
      conflict = step.conflict;
    (touch == Touch::Read ? block.granulesRead : block.granulesWritten) += step.isFirst;
    return;
  }
}

/// Marks the chunk, where it can say all that is to be said. What a chunk cannot say is left to the cells: conflicts
/// too.
inline bool GlobalRaces::fitsChunk(memory::Allocation::Chunk &chunk, uint64_t &state, Block &block, uint64_t granules,
                                   Touch touch) {
  const uint64_t self = fieldOf(block.number);
  const bool fresh = (state ^ epoch) >> kEpochShift != 0;
  const uint64_t written = fresh ? 0 : chunk.written, read = fresh ? 0 : chunk.read; // what is written is not in `read`
  uint64_t writer = fresh ? 0 : state >> kWriterShift & kField, reader = fresh ? 0 : state & kField;
  uint64_t isRead = read, isWritten = written;
  const uint64_t untouched = granules & ~(read | written);
  if (touch == Touch::Read) {
    if ((granules & written) && writer != self)
      return false;
    const uint64_t more = granules & ~written;
    if (reader == 0 || reader == self)
      reader = more ? self : reader;
    else if (untouched || (more && reader != kMany && more != read))
      return false;
    else if (more)
      reader = kMany;
    isRead |= more;
    block.granulesRead += static_cast<uint64_t>(std::popcount(untouched));
  } else {
    if (touch == Touch::Atomic || (writer && writer != self) || ((granules & read) && reader != self))
      return false;
    writer = self;
    isWritten |= granules;
    isRead &= ~granules;
    block.granulesWritten += static_cast<uint64_t>(std::popcount(granules & ~written));
  }
  if (isRead == 0)
    reader = 0;
  chunk.read = isRead;
  chunk.written = isWritten;
  state = epoch | writer << kWriterShift | reader;
  return true;
}

bool GlobalRaces::touchChunk(Block &block, const memory::Allocation &in, uint64_t index, uint64_t granules,
                             Touch touch) {
  memory::Allocation::Chunk &chunk = in.chunks()[index];
  const uint64_t mixed = epoch | kMixed << kWriterShift, locked = epoch | kLocked << kWriterShift;
  uint64_t state = __atomic_load_n(&chunk.state, __ATOMIC_ACQUIRE);
  do {
    while (state == locked) // for the time of some writes
      state = __atomic_load_n(&chunk.state, __ATOMIC_ACQUIRE);
    if (state == mixed)
      return false;
  } while (!isAlone &&
           !__atomic_compare_exchange_n(&chunk.state, &state, locked, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
  const uint64_t before = state;
  const bool fits = fitsChunk(chunk, state, block, granules, touch);
  if (!fits) {
    const bool fresh = (before ^ epoch) >> kEpochShift != 0; // then there is nothing to tell
    const uint64_t writer = before & kField << kWriterShift, reader = before & kField;
    uint64_t *cells = in.cells() + index * memory::Allocation::Chunk::kGranules;
    for (uint64_t rest = fresh ? 0 : chunk.written; rest; rest &= rest - 1)
      __atomic_store_n(&cells[std::countr_zero(rest)], epoch | writer, __ATOMIC_RELAXED);
    for (uint64_t rest = fresh ? 0 : chunk.read; rest; rest &= rest - 1)
      __atomic_store_n(&cells[std::countr_zero(rest)], epoch | reader, __ATOMIC_RELAXED);
    state = mixed;
  }
  __atomic_store_n(&chunk.state, state, __ATOMIC_RELEASE);
  return fits;
}

GlobalRaces::Conflict GlobalRaces::touch(Block &block, const memory::Allocation &in, uint64_t address, uint64_t bytes,
                                         Touch touch) {
  const uint64_t first = (address - in.begin) / granule, end = first + bytes / granule;
  Conflict conflict;
  for (uint64_t i = first; i < end; ++i)
    if (isAlone)
      touchCell<true>(block, in.cells()[i], touch, conflict);
    else
      touchCell<false>(block, in.cells()[i], touch, conflict);
  return conflict;
}

void GlobalRaces::meet(Block &block, uint64_t address, bool releases) {
  std::lock_guard lock(mutex);
  std::unique_ptr<Log> &log = logs[address];
  if (!log)
    log = std::make_unique<Log>();
  if (block.fenced || releases)
    log->first.try_emplace(block.number, log->order.size());
  log->order.push_back(block.number);
  auto known = std::find_if(block.acquired.begin(), block.acquired.end(),
                            [&](const auto &entry) { return entry.first == log.get(); });
  if (known == block.acquired.end())
    block.acquired.push_back({log.get(), log->order.size()});
  else
    known->second = log->order.size();
}

uint32_t granuleOf(const KernelCode &kernel, Space space) {
  uint32_t granule = 8;
  for (const Instruction &instruction : kernel.code) {
    bool accesses =
        instruction.kind == Kind::Load || instruction.kind == Kind::Store || instruction.kind == Kind::Atomic;
    if (accesses && (instruction.space == space || instruction.space == Space::Generic))
      granule = std::min<uint32_t>(granule, instruction.memoryBytes);
  }
  return granule;
}

} // namespace incept::sim::ptx
