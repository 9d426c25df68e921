// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Limits.h"

#include <algorithm>
#include <limits>

namespace incept::sim {

namespace {

/// How registers are dealt out, the same from compute capability 5.0 to 12.0 (the occupancy tables of CUDA's
/// programming guide): pieces of 256 to a warp, and a quarter of the multiprocessor's to each of its four schedulers.
constexpr int64_t kRegisterPiece = 256, kSchedulers = 4;

int64_t roundUp(int64_t value, int64_t piece) { return (value + piece - 1) / piece * piece; }

int64_t product(const std::array<uint32_t, 3> &sizes) { return int64_t(sizes[0]) * sizes[1] * sizes[2]; }

std::string text(const std::array<uint32_t, 3> &sizes) {
  return "(" + std::to_string(sizes[0]) + ", " + std::to_string(sizes[1]) + ", " + std::to_string(sizes[2]) + ")";
}

bool fits(const std::array<uint32_t, 3> &sizes, const std::array<int, 3> &most) {
  for (size_t i = 0; i < 3; ++i)
    if (sizes[i] < 1 || sizes[i] > uint32_t(most[i]))
      return false;
  return true;
}

std::string text(const std::array<int, 3> &most) {
  return text(std::array<uint32_t, 3>{uint32_t(most[0]), uint32_t(most[1]), uint32_t(most[2])});
}

int64_t registersOfWarp(const Profile &profile, const KernelNeeds &needs) {
  return roundUp(needs.registers * profile.warpSize, kRegisterPiece);
}

} // namespace

void restrict(KernelNeeds &needs, const Cubin &cubin, const std::string &kernel, const Profile &profile) {
  auto found = cubin.kernels.find(kernel);
  if (found == cubin.kernels.end())
    return;
  const CubinKernel &report = found->second;
  needs.registers = report.registers;
  int64_t reserved = cubin.reservesShared && report.sharedBytes > 0 ? profile.sharedReserved : 0;
  constexpr uint64_t kMost = uint64_t(1) << 40; // more than any device has, so that sums stay in range
  needs.sharedBytes = std::max(needs.sharedBytes, int64_t(std::min(report.sharedBytes, kMost)) - reserved);
  // What is damaged says nothing.
  auto isSize = [](const std::array<uint32_t, 3> &sizes) {
    return *std::min_element(sizes.begin(), sizes.end()) >= 1 && *std::max_element(sizes.begin(), sizes.end()) <= 1024;
  };
  for (const std::array<uint32_t, 3> &sizes : {report.maxThreads, report.requiredThreads})
    if (isSize(sizes))
      needs.maxThreads = std::min(needs.maxThreads, product(sizes));
  if (isSize(report.requiredThreads) && product(needs.requiredThreads) == 0)
    needs.requiredThreads = report.requiredThreads;
}

int64_t registersOfBlock(const Profile &profile, const KernelNeeds &needs, int64_t threads) {
  int64_t warps = (threads + profile.warpSize - 1) / profile.warpSize;
  return roundUp(warps, kSchedulers) * registersOfWarp(profile, needs);
}

int64_t largestBlock(const Profile &profile, const KernelNeeds &needs) {
  int64_t most = std::min<int64_t>(profile.maxThreadsPerBlock, needs.maxThreads);
  if (needs.registers == 0)
    return most;
  // A scheduler has whole warps only.
  int64_t warps = profile.registersPerBlock / kSchedulers / registersOfWarp(profile, needs) * kSchedulers;
  return std::min(most, warps * profile.warpSize);
}

int64_t residentBlocks(const Profile &profile, const KernelNeeds &needs, int64_t threads, int64_t dynamicShared) {
  int64_t shared = needs.sharedBytes + dynamicShared + profile.sharedReserved;
  int64_t warps = (threads + profile.warpSize - 1) / profile.warpSize;
  int64_t byThreads = profile.maxThreadsPerMultiprocessor / (warps * profile.warpSize);
  int64_t byShared = (int64_t(profile.sharedPerBlockOptin) + profile.sharedReserved) / std::max<int64_t>(shared, 1);
  int64_t byRegisters = std::numeric_limits<int64_t>::max();
  if (needs.registers > 0) {
    if (threads > largestBlock(profile, needs))
      return 0;
    int64_t present = profile.registersPerMultiprocessor / kSchedulers / registersOfWarp(profile, needs) * kSchedulers;
    byRegisters = present / warps;
  }
  return std::min({byThreads, byShared, byRegisters, int64_t(profile.maxBlocksPerMultiprocessor)});
}

Refusal checkLaunch(const Profile &profile, const KernelNeeds &needs, const LaunchSizes &sizes, int64_t dynamicLimit,
                    std::string &why) {
  auto invalid = [&](const std::string &text) {
    why = text;
    return Refusal::InvalidValue;
  };
  if (!fits(sizes.grid, profile.maxGrid))
    return invalid("the grid " + text(sizes.grid) + " is empty or larger than the device's " + text(profile.maxGrid));
  if (!fits(sizes.block, profile.maxBlock) || product(sizes.block) > profile.maxThreadsPerBlock)
    return invalid("the block " + text(sizes.block) + " is empty or larger than the device's " +
                   text(profile.maxBlock) + ", " + std::to_string(profile.maxThreadsPerBlock) + " threads in all");
  const int64_t threads = product(sizes.block);
  if (product(needs.requiredThreads) > 0 && needs.requiredThreads != sizes.block)
    return invalid("the block " + text(sizes.block) + " is not the " + text(needs.requiredThreads) +
                   " that the kernel requires (.reqntid)");
  if (threads > needs.maxThreads)
    return invalid("the block has " + std::to_string(threads) + " threads, and the kernel is compiled for at most " +
                   std::to_string(needs.maxThreads) + " (.maxntid)");
  if (sizes.dynamicShared > uint64_t(std::max<int64_t>(dynamicLimit, 0)))
    return invalid(std::to_string(sizes.dynamicShared) +
                   " bytes of dynamic shared memory are over the kernel's limit of " + std::to_string(dynamicLimit) +
                   ": set CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES before");
  auto exhausted = [&](const std::string &text) {
    why = text;
    return Refusal::OutOfResources;
  };
  // What the kernel declares has no larger limit to be asked for.
  int64_t shared = needs.sharedBytes + int64_t(sizes.dynamicShared);
  int64_t sharedLimit = sizes.dynamicShared ? profile.sharedPerBlockOptin : profile.sharedPerBlock;
  if (shared > sharedLimit)
    return exhausted("the block needs " + std::to_string(shared) + " bytes of shared memory, and the device has " +
                     std::to_string(sharedLimit));
  if (threads > largestBlock(profile, needs))
    return exhausted("a block of " + std::to_string(threads) + " threads with " + std::to_string(needs.registers) +
                     " registers each needs " + std::to_string(registersOfBlock(profile, needs, threads)) +
                     " registers, and the device has " + std::to_string(profile.registersPerBlock) + " for a block");
  return Refusal::None;
}

} // namespace incept::sim
