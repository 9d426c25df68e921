// SPDX-License-Identifier: Apache-2.0
//
// Runs the blocks of a launch, one after the other, on one host thread. BlockRunner.cpp has control flow and barriers,
// MemoryAccess.cpp loads, stores and their checks.
#pragma once

#include "tools/incept-sim/ptx/Program.h"
#include "tools/incept-sim/ptx/Races.h"

#include <memory>
#include <optional>

namespace incept::sim::ptx {

/// What all blocks of a launch share.
struct Launch {
  const KernelCode &kernel;
  Dim3 grid, block;
  std::span<const std::byte> parameters;
  memory::Memory &memory;
  const Options &options;
  GlobalRaces *races; ///< null: not looked for
};

struct Warp {
  /// Lanes that run together until `reconvergence`; below it on the stack are those that wait for them.
  struct Path {
    uint32_t pc, reconvergence;
    Mask mask;
    bool parked; ///< waits at a barrier for lanes of other paths to exit
  };
  enum class State : uint8_t { Running, Waiting, Done };

  Lanes lanes;
  uint32_t number = 0;
  State state = State::Running;
  std::vector<Path> paths;
  uint32_t barrier = 0, barrierThreads = 0; ///< 0 threads: all
  uint32_t barrierLine = 0;
  uint64_t executed = 0;
};

class BlockRunner {
public:
  explicit BlockRunner(const Launch &launch);

  /// Reports are empty where nothing was wrong.
  std::vector<std::string> run(uint64_t block);
  Counters counters() const;

private:
  // BlockRunner.cpp
  void startBlock(uint64_t block);
  void startWarp(Warp &warp, uint32_t number, std::byte *registers);
  void fillConstants(std::byte *registers) const;
  void fillSpecials(const Warp &warp) const;
  void runAlone();
  void runTogether();
  bool releaseBarrier();
  void deadlock();
  void advance(Warp &warp);
  void step(Warp &warp, const Instruction &instruction, Mask mask);
  Mask guarded(const Warp &warp, const Instruction &instruction, Mask mask) const;
  void jump(Warp &warp, const Instruction &instruction, Mask taken);
  void jumpIndexed(Warp &warp, const Instruction &instruction, Mask mask);
  void leave(Warp &warp, Mask mask, uint32_t next);
  bool nextPath(Warp &warp);
  void wait(Warp &warp, const Instruction &instruction, Mask mask);
  void endless(const Warp &warp, const Instruction &instruction);
  bool unpark(Warp &warp);

  // MemoryAccess.cpp
  struct Region { ///< addresses [begin, begin + bytes) and where they lie
    uint64_t begin = 0, bytes = 0;
    uint8_t *host = nullptr;
    uint8_t *shadow = nullptr; ///< null: all written
    bool readOnly = false;
    bool contains(uint64_t address, uint64_t size) const {
      return address - begin < bytes && size <= bytes - (address - begin);
    }
    bool allows(Kind kind, uint64_t address, uint64_t size) const;
    bool allowsRow(Kind kind, uint64_t address, uint64_t size) const;
  };
  /// Addresses of lanes in one space, or places in host memory.
  using Addresses = std::array<uint64_t, kLanes>;
  struct Places {
    std::array<uint8_t *, kLanes> host, shadow;
  };
  void access(Warp &warp, const Instruction &instruction, Mask mask);
  void accessSpace(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses, Mask mask);
  bool loadOne(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses, Mask mask);
  bool accessRow(Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses);
  Region region(const Warp &warp, const Instruction &instruction, Space space, uint64_t address, uint32_t lane);
  Mask locate(const Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses, Mask mask,
              Places &places);
  const char *wrong(const Region &region, const Instruction &instruction, Space space, uint64_t address) const;

  // FindRaces.cpp
  void findRaces(const Warp &warp, const Instruction &instruction, Space space, const Addresses &addresses, Mask mask);
  void findSharedRaces(const Warp &warp, const Instruction &instruction, const Addresses &addresses, Mask mask);
  void findGlobalRaces(const Warp &warp, const Instruction &instruction, const Addresses &addresses, Mask mask);
  Mask touchChunks(const Instruction &instruction, const Addresses &addresses, Mask mask);
  void meetBlocks(const Instruction &instruction, Space space, const Addresses &addresses, Mask mask);

  void countAccess(const Instruction &instruction, Space space, const Addresses &addresses, Mask mask);

  // Launch.cpp
  /// `what` is wrong for these lanes; the report tells the first. Once per instruction and block.
  void report(const Warp &warp, const Instruction &instruction, Mask mask, const std::string &what);
  void reportAccess(const Warp &warp, const Instruction &instruction, Space space, Mask mask, uint64_t address,
                    std::string_view what);

  const Launch &launch;
  const KernelCode &kernel;
  const bool meets; ///< has barriers, so its warps need registers side by side
  const uint32_t threads, warpCount;
  std::unique_ptr<std::byte[]> storage;
  std::byte *registers = nullptr;
  std::vector<Warp> warps;
  std::vector<uint8_t> shared, sharedShadow, local;
  std::vector<const memory::Allocation *> hints;

  std::optional<SharedRaces> sharedRaces; ///< where races are looked for and the block has shared memory
  GlobalRaces::Block globalView;
  std::vector<uint32_t> met; ///< warps at a barrier

  Dim3 blockId{0, 0, 0};
  std::vector<std::string> reports;
  std::vector<uint32_t> reported; ///< lines
  bool stopped = false;
  Counters sums;
};

} // namespace incept::sim::ptx
