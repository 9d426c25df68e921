// SPDX-License-Identifier: Apache-2.0
//
// The memory of a simulated device. It is host memory, and a device address is a host address, so that a library of
// the host can compute on it. Around every allocation lies a guard zone, a freed one keeps its addresses for a while,
// and every byte has a shadow that says whether it was ever written.
#pragma once

#include "runtime/support/Status.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace incept::sim::memory {

enum class Access : uint8_t { Read, Write };

/// What is wrong with an access.
enum class Fault : uint8_t { None, Null, OutOfBounds, Freed, Unwritten, Ended, ReadOnly };

/// "out of bounds", "use after free", ...
std::string_view text(Fault fault);

inline constexpr uint8_t kWritten = 1; ///< of a shadow
inline constexpr uint8_t kEnded = 2;   ///< written, but the value's life has ended

/// One allocation. Records outlive the allocation (until the Memory ends), so that an address can be explained and a
/// caller may keep a pointer; begin, bytes and number never change.
struct Allocation {
  uint64_t begin = 0;
  uint64_t bytes = 0;
  uint64_t number = 0; ///< counted from 1 over the life of the Memory
  std::atomic<bool> live = true;
  std::atomic<bool> allWritten = false; ///< the shadow need not be asked
  std::atomic<bool> readOnly = false;   ///< kernels may not write it; the host may

  /// Overflow-safe for any address and size.
  bool contains(uint64_t address, uint64_t size) const {
    return address - begin < bytes && size <= bytes - (address - begin);
  }
  /// The shadow of an address inside: kWritten, kEnded, or 0. Bytes are read and written without order: two threads
  /// never have the same byte to write unless the kernel itself has a race.
  uint8_t *shadow(uint64_t address) const { return shadow_ + (address - begin); }
  /// What a launch's accesses leave to find races between its blocks: a cell for each granule of 1 to 8 bytes, counted
  /// from `begin`, and a chunk for each kGranules of them. Null in a Memory without.
  struct Chunk {
    static constexpr uint64_t kGranules = 64;
    uint64_t state, read, written, unused;
  };
  uint64_t *cells() const { return cells_; }
  Chunk *chunks() const { return chunks_; }

private:
  friend class Memory;
  struct Label {
    uint64_t begin, end;
    std::string text;
  };
  uint8_t *shadow_ = nullptr;
  uint64_t *cells_ = nullptr;
  Chunk *chunks_ = nullptr;
  void *mapping = nullptr;
  size_t mappingBytes = 0;
  std::vector<Label> labels;
};

class Memory {
public:
  /// `totalBytes` is what the device claims to have; with `cells` its allocations have those that find races.
  explicit Memory(uint64_t totalBytes, bool cells = false);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  uint64_t totalBytes() const { return total; }
  uint64_t usedBytes() const { return used; }
  /// Live allocations.
  size_t count() const;

  /// Address of `bytes` new bytes, aligned to 256; they read as zeros but count as never written. Pages are taken from
  /// the host when they are first touched. Errors (Machine): zero bytes, more than the device has left, more than the
  /// host's address space holds.
  Expected<uint64_t> allocate(uint64_t bytes);
  /// `address` must be the begin of a live allocation. Errors (Input) say what it is instead.
  Status free(uint64_t address);

  /// What an access of a kernel or a library would do wrong; None is the quick case.
  Fault check(uint64_t address, uint64_t bytes, Access access) const;
  /// The same as a sentence: "read of 16 bytes at 0x7f.., 4 bytes past the end of allocation 3 of 4,096 bytes: out of
  /// bounds".
  Status checked(uint64_t address, uint64_t bytes, Access access) const;
  /// The part of an access that is wrong begins here (`address` itself where nothing is).
  uint64_t firstBad(uint64_t address, uint64_t bytes, Access access) const;

  /// The host or a library wrote these bytes. Parts outside of live allocations are ignored. Cheap where it covers a
  /// whole allocation.
  void markWritten(uint64_t address, uint64_t bytes);
  /// The bytes count as never written again (contents stay).
  void markUnwritten(uint64_t address, uint64_t bytes);
  /// Nothing may read these bytes before they are written again: the life of what lies there has ended (contents stay).
  void markEnded(uint64_t address, uint64_t bytes);
  /// Takes that back for all bytes of the allocation that holds the address.
  void revive(uint64_t address);
  /// Sets bytes to zero and marks them written; cheap for a whole allocation, whose pages go back to the host.
  Status zero(uint64_t address, uint64_t bytes);
  /// Kernels may not write the allocation that begins at `address`.
  void markReadOnly(uint64_t address);

  /// Names a range inside an allocation; `describe` shows the last label that covers an address. Labels go with the
  /// allocation.
  void label(uint64_t address, uint64_t bytes, std::string text);
  /// "byte 12 of allocation 3 of 4,096 bytes (label)", "12 bytes past the end of allocation 3 of 4,096 bytes",
  /// "null pointer", "no device memory".
  std::string describe(uint64_t address) const;

  /// A number, not 0, that no cell has: the mark of a launch that writes cells. One such launch at a time.
  uint16_t nextEpoch();

  /// The allocation, live or freed, whose bytes include `address`; null where there is none.
  const Allocation *find(uint64_t address) const;

private:
  Allocation *nearest(uint64_t address) const;
  Allocation *containing(uint64_t address) const;
  void trimQuarantine();

  const uint64_t total;
  const bool hasCells;
  uint16_t epoch = 0;
  std::atomic<uint64_t> used = 0;
  uint64_t counter = 0;
  uint64_t quarantined = 0; ///< bytes of address space that freed allocations keep
  mutable std::shared_mutex mutex;
  std::deque<Allocation> records;
  std::map<uint64_t, Allocation *> byAddress; ///< live and quarantined
  std::deque<Allocation *> quarantine;
};

/// 1234567 -> "1,234,567".
std::string withCommas(uint64_t value);

} // namespace incept::sim::memory
