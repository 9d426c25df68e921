// SPDX-License-Identifier: Apache-2.0
//
// A warp has a stack of paths. A branch that splits its lanes puts both sides on it; a side ends at the branch's
// reconvergence point, where the path below goes on with all of them.

#include "tools/incept-sim/ptx/BlockRunner.h"

#include <algorithm>

namespace incept::sim::ptx {

namespace {

constexpr size_t kAlignment = 64;

bool hasBarriers(const KernelCode &kernel) {
  return std::any_of(kernel.code.begin(), kernel.code.end(),
                     [](const Instruction &i) { return i.kind == Kind::Barrier; });
}

Mask lanesBelow(uint32_t count) { return count >= kLanes ? kAllLanes : (Mask(1) << count) - 1; }

template <typename T>
T *rowOf(std::byte *registers, Row row) {
  return reinterpret_cast<T *>(registers + row);
}

} // namespace

BlockRunner::BlockRunner(const Launch &launch)
    : launch(launch), kernel(launch.kernel), meets(hasBarriers(kernel)),
      threads(static_cast<uint32_t>(launch.block.count())), warpCount((threads + kLanes - 1) / kLanes) {
  const size_t files = meets ? warpCount : 1, fileBytes = (kernel.fileBytes + kAlignment - 1) / kAlignment * kAlignment;
  // Not set to zero here: startWarp does that.
  storage.reset(new std::byte[files * fileBytes + kAlignment]);
  registers = storage.get() + (kAlignment - reinterpret_cast<uintptr_t>(storage.get()) % kAlignment) % kAlignment;
  warps.resize(files);
  for (size_t i = 0; i < files; ++i) {
    warps[i].lanes.registers = registers + i * fileBytes;
    fillConstants(warps[i].lanes.registers);
  }
  uint32_t sharedBytes = kernel.sharedBytes;
  if (launch.options.dynamicSharedBytes > 0)
    sharedBytes = kernel.dynamicSharedOffset + launch.options.dynamicSharedBytes;
  shared.resize(sharedBytes);
  sharedShadow.resize(sharedBytes);
  local.resize(size_t(kernel.localBytes) * threads);
  hints.resize(kernel.hints, nullptr);
  if (launch.options.races && launch.options.check && sharedBytes > 0 && threads > 1)
    sharedRaces.emplace(sharedBytes, granuleOf(kernel, Space::Shared), warpCount);
}

std::vector<std::string> BlockRunner::run(uint64_t block) {
  startBlock(block);
  if (meets)
    runTogether();
  else
    runAlone();
  return std::move(reports);
}

void BlockRunner::startBlock(uint64_t block) {
  blockId.x = static_cast<uint32_t>(block % launch.grid.x);
  blockId.y = static_cast<uint32_t>(block / launch.grid.x % launch.grid.y);
  blockId.z = static_cast<uint32_t>(block / launch.grid.x / launch.grid.y);
  reports.clear();
  reported.clear();
  stopped = false;
  std::fill(shared.begin(), shared.end(), 0);
  std::fill(sharedShadow.begin(), sharedShadow.end(), 0);
  std::fill(local.begin(), local.end(), 0);
  if (sharedRaces)
    sharedRaces->startBlock();
  globalView.number = block;
  globalView.fenced = false;
  globalView.acquired.clear();
}

void BlockRunner::startWarp(Warp &warp, uint32_t number, std::byte *file) {
  warp.number = number;
  warp.lanes.registers = file;
  warp.lanes.live = lanesBelow(threads - number * kLanes);
  warp.lanes.fault = nullptr;
  warp.state = Warp::State::Running;
  warp.executed = 0;
  warp.paths.clear();
  warp.paths.push_back({0, static_cast<uint32_t>(kernel.code.size()), warp.lanes.live, false});
  // A register that is read before it is written has the same value in every run.
  std::memset(file + kernel.fixedBytes, 0, kernel.fileBytes - kernel.fixedBytes);
  fillSpecials(warp);
}

void BlockRunner::fillConstants(std::byte *file) const {
  for (const ConstantRow &constant : kernel.constants) {
    uint64_t value = constant.value;
    if (constant.variable != kNoRow)
      value += (*kernel.variables)[constant.variable].address;
    for (uint32_t l = 0; l < kLanes; ++l)
      switch (constant.bits) {
      case 1:
        rowOf<uint8_t>(file, constant.row)[l] = static_cast<uint8_t>(value & 1);
        break;
      case 16:
        rowOf<uint16_t>(file, constant.row)[l] = static_cast<uint16_t>(value);
        break;
      case 32:
        rowOf<uint32_t>(file, constant.row)[l] = static_cast<uint32_t>(value);
        break;
      default:
        rowOf<uint64_t>(file, constant.row)[l] = value;
      }
  }
}

void BlockRunner::fillSpecials(const Warp &warp) const {
  const Dim3 &block = launch.block, &grid = launch.grid;
  for (const SpecialRow &special : kernel.specials) {
    uint32_t *row = rowOf<uint32_t>(warp.lanes.registers, special.row);
    auto fill = [&](auto value) {
      for (uint32_t l = 0; l < kLanes; ++l)
        row[l] = value(l, warp.number * kLanes + l);
    };
    auto all = [&](uint32_t value) { fill([=](uint32_t, uint32_t) { return value; }); };
    switch (special.special) {
    case Special::TidX:
      fill([&](uint32_t, uint32_t thread) { return thread % block.x; });
      break;
    case Special::TidY:
      fill([&](uint32_t, uint32_t thread) { return thread / block.x % block.y; });
      break;
    case Special::TidZ:
      fill([&](uint32_t, uint32_t thread) { return thread / block.x / block.y; });
      break;
    case Special::NtidX:
      all(block.x);
      break;
    case Special::NtidY:
      all(block.y);
      break;
    case Special::NtidZ:
      all(block.z);
      break;
    case Special::CtaidX:
      all(blockId.x);
      break;
    case Special::CtaidY:
      all(blockId.y);
      break;
    case Special::CtaidZ:
      all(blockId.z);
      break;
    case Special::NctaidX:
      all(grid.x);
      break;
    case Special::NctaidY:
      all(grid.y);
      break;
    case Special::NctaidZ:
      all(grid.z);
      break;
    case Special::LaneId:
      fill([](uint32_t lane, uint32_t) { return lane; });
      break;
    case Special::WarpId:
      all(warp.number);
      break;
    case Special::WarpCount:
      all(warpCount);
      break;
    case Special::LaneMaskEq:
      fill([](uint32_t lane, uint32_t) { return uint32_t(1) << lane; });
      break;
    case Special::LaneMaskLt:
      fill([](uint32_t lane, uint32_t) { return (uint32_t(1) << lane) - 1; });
      break;
    case Special::LaneMaskLe:
      fill([](uint32_t lane, uint32_t) { return lanesBelow(lane + 1); });
      break;
    case Special::LaneMaskGt:
      fill([](uint32_t lane, uint32_t) { return ~lanesBelow(lane + 1); });
      break;
    case Special::LaneMaskGe:
      fill([](uint32_t lane, uint32_t) { return ~lanesBelow(lane); });
      break;
    case Special::SmCount:
      all(1);
      break;
    case Special::SmId:
    case Special::GridId:
      all(0);
      break;
    case Special::DynamicShared:
      all(launch.options.dynamicSharedBytes);
      break;
    case Special::TotalShared:
      all(static_cast<uint32_t>(shared.size()));
      break;
    }
  }
}

/// Without barriers one register file serves all warps, and stays in the cache.
void BlockRunner::runAlone() {
  for (uint32_t i = 0; i < warpCount && !stopped; ++i) {
    startWarp(warps[0], i, registers);
    advance(warps[0]);
  }
}

void BlockRunner::runTogether() {
  for (uint32_t i = 0; i < warpCount; ++i)
    startWarp(warps[i], i, warps[i].lanes.registers);
  while (!stopped) {
    for (Warp &warp : warps)
      if (warp.state == Warp::State::Running && !stopped)
        advance(warp);
    if (std::all_of(warps.begin(), warps.end(), [](const Warp &w) { return w.state == Warp::State::Done; }))
      return;
    if (!stopped && !releaseBarrier())
      return deadlock();
  }
}

/// All warps wait or are done. A barrier opens when every thread that has not exited is there, or as many as it wants.
bool BlockRunner::releaseBarrier() {
  bool released = false;
  for (size_t first = 0; first < warps.size(); ++first) {
    if (warps[first].state != Warp::State::Waiting)
      continue;
    uint32_t id = warps[first].barrier, wanted = warps[first].barrierThreads, arrived = 0;
    bool all = true;
    for (const Warp &warp : warps) {
      bool here = warp.state == Warp::State::Waiting && warp.barrier == id;
      all &= here || warp.state == Warp::State::Done;
      arrived += here ? kLanes : 0;
    }
    if (wanted ? arrived < wanted : !all)
      continue;
    met.clear();
    for (Warp &warp : warps)
      if (warp.state == Warp::State::Waiting && warp.barrier == id) {
        warp.state = Warp::State::Running;
        met.push_back(warp.number);
      }
    if (sharedRaces)
      sharedRaces->barrier(met);
    released = true;
  }
  return released;
}

void BlockRunner::deadlock() {
  auto waiting = [](const Warp &w) { return w.state == Warp::State::Waiting; };
  auto first = std::find_if(warps.begin(), warps.end(), waiting);
  auto other =
      std::find_if(first + 1, warps.end(), [&](const Warp &w) { return waiting(w) && w.barrier != first->barrier; });
  Instruction at;
  at.line = first->barrierLine;
  std::string what = "deadlock: threads wait at barrier " + std::to_string(first->barrier);
  if (other != warps.end())
    what +=
        ", others at barrier " + std::to_string(other->barrier) + " (ptx:" + std::to_string(other->barrierLine) + ")";
  else
    what += ", and fewer arrive than it wants (" + std::to_string(first->barrierThreads) + ")";
  report(*first, at, first->lanes.live, what);
}

Mask BlockRunner::guarded(const Warp &warp, const Instruction &instruction, Mask mask) const {
  const std::byte *row = warp.lanes.registers + instruction.guard;
  Mask set = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    // Eight bytes of 0 or 1 become eight bits.
    uint64_t bytes;
    std::memcpy(&bytes, row + 8 * i, 8);
    set |= static_cast<Mask>((bytes * 0x0102040810204080) >> 56) << (8 * i);
  }
  return mask & (instruction.guardNegated ? ~set : set);
}

/// Runs a warp until it waits, is done, or the block is stopped.
void BlockRunner::advance(Warp &warp) {
  const Instruction *code = kernel.code.data();
  const uint64_t limit = launch.options.instructionLimit ? launch.options.instructionLimit : UINT64_MAX;
  while (warp.state == Warp::State::Running && !stopped) {
    Warp::Path &path = warp.paths.back();
    if (path.pc == path.reconvergence) {
      warp.paths.pop_back();
      if (!nextPath(warp))
        return;
      continue;
    }
    const Instruction &instruction = code[path.pc];
    Mask mask = instruction.guard == kNoRow ? path.mask : guarded(warp, instruction, path.mask);
    if (!instruction.part) {
      ++warp.executed;
      ++sums.warpInstructions;
      sums.laneInstructions += static_cast<uint64_t>(std::popcount(mask));
      if (warp.executed > limit)
        return endless(warp, instruction);
    }
    if (instruction.kind == Kind::Compute) {
      if (mask)
        instruction.execute(warp.lanes, instruction, mask);
      ++path.pc;
    } else {
      step(warp, instruction, mask);
    }
  }
}

void BlockRunner::endless(const Warp &warp, const Instruction &instruction) {
  report(warp, instruction, warp.paths.back().mask,
         "the kernel does not end: a warp has run " + memory::withCommas(launch.options.instructionLimit) +
             " instructions");
  stopped = true;
}

void BlockRunner::step(Warp &warp, const Instruction &instruction, Mask mask) {
  Warp::Path &path = warp.paths.back();
  switch (instruction.kind) {
  case Kind::Compute:
    break;
  case Kind::Collective:
    if (mask)
      instruction.execute(warp.lanes, instruction, mask);
    if (warp.lanes.fault) {
      report(warp, instruction, mask, warp.lanes.fault);
      warp.lanes.fault = nullptr;
    }
    if (sharedRaces && instruction.warpSync && mask)
      sharedRaces->warpSync(warp.number);
    ++path.pc;
    break;
  case Kind::Load:
  case Kind::Store:
  case Kind::Atomic:
    if (mask)
      access(warp, instruction, mask);
    ++path.pc;
    break;
  case Kind::Branch:
    jump(warp, instruction, mask);
    break;
  case Kind::BranchIndexed:
    jumpIndexed(warp, instruction, mask);
    break;
  case Kind::Exit:
    leave(warp, mask, path.pc + 1);
    break;
  case Kind::Barrier:
    if (mask)
      wait(warp, instruction, mask);
    else
      ++path.pc;
    break;
  case Kind::Fence:
    globalView.fenced |= mask != 0;
    ++path.pc;
    break;
  case Kind::Trap:
    if (mask) {
      report(warp, instruction, mask, "trap");
      stopped = true;
    }
    ++path.pc;
    break;
  }
}

void BlockRunner::jump(Warp &warp, const Instruction &instruction, Mask taken) {
  Warp::Path &path = warp.paths.back();
  const Mask all = path.mask;
  // Lanes that go to the kernel's end leave at once: nobody at a barrier or a shuffle has to wait for them.
  auto ends = [&](uint32_t pc) { return kernel.code[pc].kind == Kind::Exit && kernel.code[pc].guard == kNoRow; };
  if (ends(instruction.target))
    return leave(warp, taken, path.pc + 1);
  if (ends(path.pc + 1))
    return leave(warp, all & ~taken, instruction.target);
  if (taken == all || taken == 0) {
    path.pc = taken ? instruction.target : path.pc + 1;
    return;
  }
  const uint32_t next = path.pc + 1, meeting = instruction.reconvergence;
  // The path itself becomes what waits at the meeting point, unless it ends there anyway.
  if (path.reconvergence == meeting)
    warp.paths.pop_back();
  else
    path.pc = meeting;
  if (next != meeting)
    warp.paths.push_back({next, meeting, all & ~taken, false});
  if (instruction.target != meeting)
    warp.paths.push_back({instruction.target, meeting, taken, false});
}

void BlockRunner::jumpIndexed(Warp &warp, const Instruction &instruction, Mask mask) {
  Warp::Path &path = warp.paths.back();
  const uint32_t *index = rowOf<uint32_t>(warp.lanes.registers, instruction.rows[0]);
  const Mask all = path.mask;
  const uint32_t next = path.pc + 1, meeting = instruction.reconvergence;
  std::vector<Warp::Path> sides;
  auto add = [&](uint32_t pc, Mask lanes) {
    auto same = std::find_if(sides.begin(), sides.end(), [&](const Warp::Path &p) { return p.pc == pc; });
    if (same != sides.end())
      same->mask |= lanes;
    else
      sides.push_back({pc, meeting, lanes, false});
  };
  if (all & ~mask)
    add(next, all & ~mask);
  for (Mask rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(rest));
    if (index[lane] >= instruction.targetCount) {
      report(warp, instruction, Mask(1) << lane, "index " + std::to_string(index[lane]) + " of brx is out of range");
      stopped = true;
      return;
    }
    add(kernel.targets[instruction.firstTarget + index[lane]], Mask(1) << lane);
  }
  if (sides.size() == 1) {
    path.pc = sides[0].pc;
    return;
  }
  if (path.reconvergence == meeting)
    warp.paths.pop_back();
  else
    path.pc = meeting;
  for (const Warp::Path &side : sides)
    if (side.pc != meeting)
      warp.paths.push_back(side);
}

/// Lanes exit; the others of their path go on at `next`.
void BlockRunner::leave(Warp &warp, Mask mask, uint32_t next) {
  warp.paths.back().pc = next;
  warp.lanes.live &= ~mask;
  for (Warp::Path &path : warp.paths)
    path.mask &= ~mask;
  nextPath(warp);
}

/// Drops paths without lanes. False where the warp is done.
bool BlockRunner::nextPath(Warp &warp) {
  while (!warp.paths.empty() && warp.paths.back().mask == 0)
    warp.paths.pop_back();
  if (warp.paths.empty()) {
    warp.state = Warp::State::Done;
    return false;
  }
  if (warp.paths.back().parked)
    warp.paths.back().parked = false;
  return true;
}

/// All live lanes of the warp must be here. Lanes on other paths get the chance to exit first.
void BlockRunner::wait(Warp &warp, const Instruction &instruction, Mask mask) {
  Warp::Path &path = warp.paths.back();
  if (mask != warp.lanes.live) {
    path.parked = true;
    if (mask == path.mask && unpark(warp))
      return;
    report(warp, instruction, mask,
           "barrier in divergent code: " + std::to_string(std::popcount(mask)) + " of " +
               std::to_string(std::popcount(warp.lanes.live)) + " threads of the warp are there");
    stopped = true;
    return;
  }
  warp.barrier = rowOf<uint32_t>(warp.lanes.registers, instruction.rows[0])[std::countr_zero(path.mask)];
  warp.barrierThreads = instruction.rows[1] == kNoRow
                            ? 0
                            : rowOf<uint32_t>(warp.lanes.registers, instruction.rows[1])[std::countr_zero(path.mask)];
  warp.barrierLine = instruction.line;
  warp.state = Warp::State::Waiting;
  ++path.pc;
}

/// Brings a path to the top that shares no lane with those that are parked; false where there is none.
bool BlockRunner::unpark(Warp &warp) {
  Mask parked = 0;
  for (const Warp::Path &path : warp.paths)
    parked |= path.parked ? path.mask : 0;
  for (size_t i = warp.paths.size(); i-- > 0;)
    if (!warp.paths[i].parked && warp.paths[i].mask && !(warp.paths[i].mask & parked)) {
      std::rotate(warp.paths.begin() + static_cast<ptrdiff_t>(i), warp.paths.begin() + static_cast<ptrdiff_t>(i) + 1,
                  warp.paths.end());
      return true;
    }
  return false;
}

} // namespace incept::sim::ptx
