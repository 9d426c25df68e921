// SPDX-License-Identifier: Apache-2.0
//
// One mapping per allocation: guard, bytes, guard, shadow. Nothing of it costs host memory before it is touched.

#include "tools/incept-sim/memory/Memory.h"

#include <algorithm>
#include <bit>
#include <mutex>

#include <sys/mman.h>

namespace incept::sim::memory {

namespace {

constexpr uint64_t kPage = 4096;
/// On either side, so that a wrong index of some rows does not land in a neighbour.
constexpr uint64_t kGuard = 16 * kPage;
/// Address space that freed allocations may keep.
constexpr uint64_t kQuarantine = uint64_t(1) << 40;
constexpr size_t kQuarantineCount = 16384;
/// Distance at which an address still counts as "past the end of" something.
constexpr uint64_t kNear = uint64_t(1) << 20;

uint64_t roundUp(uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

/// Of the chunks that lie behind so many bytes of cells.
uint64_t chunkBytes(uint64_t cellBytes) {
  return cellBytes / (sizeof(uint64_t) * Allocation::Chunk::kGranules) * sizeof(Allocation::Chunk);
}

std::string hex(uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof(digits), "0x%llx", static_cast<unsigned long long>(value));
  return digits;
}

/// The first byte of [shadow, shadow + bytes) that is not 1, or null. Reads words where it can.
const uint8_t *firstUnwritten(const uint8_t *shadow, uint64_t bytes) {
  constexpr uint64_t kAll = 0x0101010101010101;
  uint64_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, shadow + i, 8);
    if (word != kAll)
      break;
  }
  for (; i < bytes; ++i)
    if (shadow[i] != 1)
      return shadow + i;
  return nullptr;
}

/// Gives whole pages inside of [begin, begin + bytes) back to the host; they read as zeros. The rest is set to zero.
void dropPages(uint8_t *begin, uint64_t bytes) {
  uint64_t first = roundUp(reinterpret_cast<uint64_t>(begin));
  uint64_t end = reinterpret_cast<uint64_t>(begin) + bytes, last = end / kPage * kPage;
  if (first >= last || madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED) != 0) {
    std::memset(begin, 0, bytes);
    return;
  }
  std::memset(begin, 0, first - reinterpret_cast<uint64_t>(begin));
  std::memset(reinterpret_cast<void *>(last), 0, end - last);
}

} // namespace

std::string withCommas(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3; at -= 3)
    digits.insert(at - 3, ",");
  return digits;
}

std::string_view text(Fault fault) {
  switch (fault) {
  case Fault::None:
    return "no fault";
  case Fault::Null:
    return "null pointer";
  case Fault::OutOfBounds:
    return "out of bounds";
  case Fault::Freed:
    return "use after free";
  case Fault::Unwritten:
    return "never written";
  case Fault::Ended:
    return "the life of this value has ended";
  case Fault::ReadOnly:
    return "read-only memory";
  }
  return "";
}

Memory::Memory(uint64_t totalBytes, bool cells) : total(totalBytes), hasCells(cells) {}

Memory::~Memory() {
  for (Allocation &record : records)
    if (record.mapping)
      munmap(record.mapping, record.mappingBytes);
}

size_t Memory::count() const {
  std::shared_lock lock(mutex);
  return byAddress.size() - quarantine.size();
}

Expected<uint64_t> Memory::allocate(uint64_t bytes) {
  if (bytes == 0)
    return machineError("expected an allocation of at least one byte, but got zero");
  std::unique_lock lock(mutex);
  if (bytes > total - used)
    return machineError("out of device memory: " + withCommas(bytes) + " bytes requested, " + withCommas(total - used) +
                        " of " + withCommas(total) + " free");
  uint64_t rounded = bytes <= UINT64_MAX / 16 ? roundUp(bytes) : 0;
  if (rounded == 0)
    return machineError("the host cannot map an allocation of " + withCommas(bytes) + " bytes");
  // Pages that no launch touches cost nothing.
  size_t cellBytes = hasCells ? size_t(rounded) * sizeof(uint64_t) : 0;
  size_t mappingBytes = kGuard + rounded + kGuard + rounded + cellBytes + chunkBytes(cellBytes);
  void *mapping =
      mmap(nullptr, mappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return machineError("the host cannot map an allocation of " + withCommas(bytes) + " bytes");
  Allocation &record = records.emplace_back();
  record.begin = reinterpret_cast<uint64_t>(mapping) + kGuard;
  record.bytes = bytes;
  record.number = ++counter;
  record.shadow_ = static_cast<uint8_t *>(mapping) + kGuard + rounded + kGuard;
  if (hasCells) {
    record.cells_ = reinterpret_cast<uint64_t *>(record.shadow_ + rounded);
    record.chunks_ = reinterpret_cast<Allocation::Chunk *>(record.cells_ + rounded);
  }
  record.mapping = mapping;
  record.mappingBytes = mappingBytes;
  byAddress[record.begin] = &record;
  used += bytes;
  return record.begin;
}

Status Memory::free(uint64_t address) {
  std::string what = describe(address);
  std::unique_lock lock(mutex);
  auto found = byAddress.find(address);
  if (found == byAddress.end())
    return inputError("free of " + hex(address) + ", " + what + ": expected the begin of an allocation");
  Allocation *record = found->second;
  if (!record->live)
    return inputError("free of " + hex(address) + ", " + what + ": it is free already");
  record->live = false;
  used -= record->bytes;
  madvise(record->mapping, record->mappingBytes, MADV_DONTNEED);
  quarantine.push_back(record);
  quarantined += record->mappingBytes;
  trimQuarantine();
  return {};
}

/// The oldest go first; their records stay, without bytes.
void Memory::trimQuarantine() {
  while (quarantined > kQuarantine || quarantine.size() > kQuarantineCount) {
    Allocation *oldest = quarantine.front();
    quarantine.pop_front();
    byAddress.erase(oldest->begin);
    munmap(oldest->mapping, oldest->mappingBytes);
    quarantined -= oldest->mappingBytes;
    oldest->mapping = nullptr;
  }
}

/// The last allocation that begins at or before the address.
Allocation *Memory::nearest(uint64_t address) const {
  auto after = byAddress.upper_bound(address);
  return after == byAddress.begin() ? nullptr : std::prev(after)->second;
}

Allocation *Memory::containing(uint64_t address) const {
  Allocation *record = nearest(address);
  return record && record->contains(address, 1) ? record : nullptr;
}

const Allocation *Memory::find(uint64_t address) const {
  std::shared_lock lock(mutex);
  return containing(address);
}

Fault Memory::check(uint64_t address, uint64_t bytes, Access access) const {
  if (bytes == 0)
    return Fault::None;
  const Allocation *record = find(address);
  if (!record)
    return address < kPage ? Fault::Null : Fault::OutOfBounds;
  if (!record->live)
    return Fault::Freed;
  if (!record->contains(address, bytes))
    return Fault::OutOfBounds;
  if (access == Access::Write)
    return record->readOnly ? Fault::ReadOnly : Fault::None;
  const uint8_t *bad = record->allWritten ? nullptr : firstUnwritten(record->shadow(address), bytes);
  return !bad ? Fault::None : *bad == kEnded ? Fault::Ended : Fault::Unwritten;
}

uint64_t Memory::firstBad(uint64_t address, uint64_t bytes, Access access) const {
  Fault fault = check(address, bytes, access);
  const Allocation *record = find(address);
  if (!record || !record->live)
    return address;
  if (fault == Fault::OutOfBounds)
    return record->begin + record->bytes;
  if (fault == Fault::Unwritten || fault == Fault::Ended)
    return address + (firstUnwritten(record->shadow(address), bytes) - record->shadow(address));
  return address;
}

Status Memory::checked(uint64_t address, uint64_t bytes, Access access) const {
  Fault fault = check(address, bytes, access);
  if (fault == Fault::None)
    return {};
  uint64_t bad = firstBad(address, bytes, access);
  std::string sentence = (access == Access::Read ? "read of " : "write of ") + withCommas(bytes) + " bytes at " +
                         hex(address) + ", " + describe(address);
  if (bad != address)
    sentence += "; wrong from " + describe(bad);
  return inputError(sentence + ": " + std::string(text(fault)));
}

void Memory::markWritten(uint64_t address, uint64_t bytes) {
  std::shared_lock lock(mutex);
  Allocation *record = containing(address);
  if (!record || !record->live || record->allWritten)
    return;
  bytes = std::min(bytes, record->begin + record->bytes - address);
  if (bytes == record->bytes)
    record->allWritten = true;
  else
    std::memset(record->shadow(address), 1, bytes);
}

void Memory::markUnwritten(uint64_t address, uint64_t bytes) {
  std::unique_lock lock(mutex);
  Allocation *record = containing(address);
  if (!record || !record->live)
    return;
  bytes = std::min(bytes, record->begin + record->bytes - address);
  if (record->allWritten && bytes < record->bytes)
    std::memset(record->shadow(record->begin), 1, record->bytes);
  record->allWritten = false;
  dropPages(record->shadow(address), bytes);
}

void Memory::markEnded(uint64_t address, uint64_t bytes) {
  std::unique_lock lock(mutex);
  Allocation *record = containing(address);
  if (!record || !record->live)
    return;
  bytes = std::min(bytes, record->begin + record->bytes - address);
  if (record->allWritten.exchange(false))
    std::memset(record->shadow(record->begin), kWritten, record->bytes);
  std::memset(record->shadow(address), kEnded, bytes);
}

void Memory::revive(uint64_t address) {
  std::unique_lock lock(mutex);
  Allocation *record = containing(address);
  if (record && record->live && !record->allWritten)
    std::replace(record->shadow(record->begin), record->shadow(record->begin) + record->bytes, kEnded, kWritten);
}

Status Memory::zero(uint64_t address, uint64_t bytes) {
  if (bytes == 0)
    return {};
  INCEPT_RETURN_IF_ERROR(checked(address, bytes, Access::Write));
  dropPages(reinterpret_cast<uint8_t *>(address), bytes);
  markWritten(address, bytes);
  return {};
}

uint16_t Memory::nextEpoch() {
  std::unique_lock lock(mutex);
  if (++epoch != 0)
    return epoch;
  for (const auto &[begin, record] : byAddress)
    if (record->cells_) { // and the chunks behind them
      const uint64_t cellBytes = roundUp(record->bytes) * sizeof(uint64_t);
      dropPages(reinterpret_cast<uint8_t *>(record->cells_), cellBytes + chunkBytes(cellBytes));
    }
  return epoch = 1;
}

void Memory::markReadOnly(uint64_t address) {
  std::shared_lock lock(mutex);
  if (Allocation *record = containing(address))
    record->readOnly = true;
}

void Memory::label(uint64_t address, uint64_t bytes, std::string text) {
  std::unique_lock lock(mutex);
  Allocation *record = containing(address);
  if (!record)
    return;
  bytes = std::min(bytes, record->begin + record->bytes - address);
  record->labels.push_back({address, address + bytes, std::move(text)});
}

std::string Memory::describe(uint64_t address) const {
  if (address == 0)
    return "the null pointer";
  if (address < kPage)
    return "byte " + withCommas(address) + " from the null pointer";
  std::shared_lock lock(mutex);
  auto name = [](const Allocation &record) {
    return (record.live ? "allocation " : "freed allocation ") + std::to_string(record.number) + " of " +
           withCommas(record.bytes) + " bytes";
  };
  const Allocation *before = nearest(address);
  if (before && before->contains(address, 1)) {
    std::string result = "byte " + withCommas(address - before->begin) + " of " + name(*before);
    for (size_t i = before->labels.size(); i-- > 0;)
      if (before->labels[i].begin <= address && address < before->labels[i].end)
        return result + " (" + before->labels[i].text + ")";
    return result;
  }
  auto after = byAddress.upper_bound(address);
  uint64_t past = before ? address - before->begin - before->bytes : UINT64_MAX;
  uint64_t ahead = after != byAddress.end() ? after->second->begin - address : UINT64_MAX;
  if (std::min(past, ahead) > kNear)
    return "no device memory";
  if (past <= ahead)
    return withCommas(past) + " bytes past the end of " + name(*before);
  return withCommas(ahead) + " bytes before the begin of " + name(*after->second);
}

} // namespace incept::sim::memory
