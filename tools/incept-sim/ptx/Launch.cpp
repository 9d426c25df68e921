// SPDX-License-Identifier: Apache-2.0
//
// Checks a launch, deals its blocks out to host threads, and words the reports.

#include "tools/incept-sim/ptx/BlockRunner.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace incept::sim::ptx {

namespace {

constexpr uint64_t kMaxShared = 227 * 1024;

std::string hex(uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof(digits), "0x%llx", static_cast<unsigned long long>(value));
  return digits;
}

std::string text(const Dim3 &size) {
  return "(" + std::to_string(size.x) + ", " + std::to_string(size.y) + ", " + std::to_string(size.z) + ")";
}

Status checkSizes(const KernelCode &kernel, Dim3 grid, Dim3 block, size_t parameterBytes, const Options &options) {
  const std::string name = "kernel '" + kernel.name + "': ";
  if (!kernel.status.ok())
    return {kernel.status.code(), name + kernel.status.message()};
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
    return inputError(name + "the grid " + text(grid) + " is empty or larger than a device allows");
  bool tooLarge = block.x > 1024 || block.y > 1024 || block.z > 64 || block.count() > kernel.maxThreads;
  if (block.count() == 0 || tooLarge)
    return inputError(name + "expected a block of 1 to " + std::to_string(kernel.maxThreads) + " threads, but got " +
                      text(block));
  const std::array<uint32_t, 3> &wanted = kernel.requiredThreads;
  if (wanted[0] && (wanted[0] != block.x || wanted[1] != block.y || wanted[2] != block.z))
    return inputError(name + "expected a block of " + text({wanted[0], wanted[1], wanted[2]}) + " threads, but got " +
                      text(block));
  if (parameterBytes < kernel.parameterBytes)
    return inputError(name + "expected " + std::to_string(kernel.parameterBytes) + " bytes of parameters, but got " +
                      std::to_string(parameterBytes));
  uint64_t shared = options.dynamicSharedBytes ? uint64_t(kernel.dynamicSharedOffset) + options.dynamicSharedBytes
                                               : kernel.sharedBytes;
  if (shared > kMaxShared)
    return inputError(name + "expected at most " + memory::withCommas(kMaxShared) +
                      " bytes of shared memory, but got " + memory::withCommas(shared));
  for (const ConstantRow &constant : kernel.constants)
    if (constant.variable != kNoRow && (*kernel.variables)[constant.variable].address == 0)
      return usageError(name + "the module's variables have no memory yet");
  return {};
}

/// Reports of the first block, in the order of the grid, that has some: the same whatever the threads did.
struct Findings {
  std::atomic<uint64_t> block = UINT64_MAX;
  std::vector<std::string> reports;
  Counters counters;
  std::mutex mutex;

  void add(uint64_t of, std::vector<std::string> found) {
    std::lock_guard lock(mutex);
    if (of >= block)
      return;
    block = of;
    reports = std::move(found);
  }
  void add(const Counters &more) {
    std::lock_guard lock(mutex);
    counters += more;
  }
};

void runBlocks(const Launch &launch, std::atomic<uint64_t> &next, Findings &findings) {
  BlockRunner runner(launch);
  const uint64_t blocks = launch.grid.count();
  for (uint64_t block; (block = next++) < blocks && block < findings.block;)
    if (std::vector<std::string> reports = runner.run(block); !reports.empty())
      findings.add(block, std::move(reports));
  findings.add(runner.counters());
}

} // namespace

Counters &Counters::operator+=(const Counters &more) {
  warpInstructions += more.warpInstructions;
  laneInstructions += more.laneInstructions;
  globalBytesRead += more.globalBytesRead;
  globalBytesWritten += more.globalBytesWritten;
  distinctBytesRead += more.distinctBytesRead;
  distinctBytesWritten += more.distinctBytesWritten;
  globalRequests += more.globalRequests;
  globalSectors += more.globalSectors;
  sharedBytes += more.sharedBytes;
  localBytes += more.localBytes;
  bankConflicts += more.bankConflicts;
  return *this;
}

void BlockRunner::report(const Warp &warp, const Instruction &instruction, Mask mask, const std::string &what) {
  if (std::find(reported.begin(), reported.end(), instruction.line) != reported.end() || stopped)
    return;
  reported.push_back(instruction.line);
  uint32_t thread = warp.number * kLanes + (mask ? static_cast<uint32_t>(std::countr_zero(mask)) : 0);
  const Dim3 &size = launch.block;
  std::string sentence = "kernel '" + kernel.name + "', launch " + std::to_string(launch.options.launch);
  if (!launch.options.label.empty())
    sentence += " (" + launch.options.label + ")";
  sentence += ", block " + text(blockId) + ", thread " +
              text({thread % size.x, thread / size.x % size.y, thread / size.x / size.y});
  if (int more = std::popcount(mask) - 1; more > 0)
    sentence += " and " + std::to_string(more) + " more";
  sentence += ", ptx:" + std::to_string(instruction.line) + ": " + what;
  reports.push_back(std::move(sentence));
  stopped = reports.size() >= std::max(1u, launch.options.maxReports);
}

void BlockRunner::reportAccess(const Warp &warp, const Instruction &instruction, Space space, Mask mask,
                               uint64_t address, std::string_view what) {
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  std::string sentence = instruction.kind == Kind::Load    ? "read of "
                         : instruction.kind == Kind::Store ? "write of "
                                                           : "atomic access to ";
  sentence += std::to_string(bytes) + " bytes at ";
  auto inArray = [&](const char *name, uint64_t size) {
    sentence += std::string(name) + " address " + memory::withCommas(address) + " of " + memory::withCommas(size);
  };
  if (space == Space::Shared)
    inArray("shared", shared.size());
  else if (space == Space::Local)
    inArray("local", kernel.localBytes);
  else if (space == Space::Parameter)
    inArray("parameter", kernel.parameterBytes);
  else
    sentence += hex(address) + ", " + launch.memory.describe(address);
  report(warp, instruction, mask, sentence + ": " + std::string(what));
}

Status run(const Kernel &kernel, Dim3 grid, Dim3 block, std::span<const std::byte> parameters, memory::Memory &memory,
           const Options &options, Outcome *outcome) {
  if (outcome)
    *outcome = {};
  INCEPT_RETURN_IF_ERROR(checkSizes(kernel.code(), grid, block, parameters.size(), options));
  const uint64_t threads = std::min<uint64_t>(std::max(1u, options.threads), grid.count());
  std::optional<GlobalRaces> races;
  if (options.races && options.check)
    races.emplace(memory.nextEpoch(), granuleOf(kernel.code(), Space::Global), grid.count(), threads == 1);
  const Launch launch{kernel.code(), grid, block, parameters, memory, options, races ? &*races : nullptr};
  Findings findings;
  std::atomic<uint64_t> next = 0;
  std::vector<std::thread> helpers;
  for (uint64_t i = 1; i < threads; ++i)
    helpers.emplace_back([&] { runBlocks(launch, next, findings); });
  runBlocks(launch, next, findings);
  for (std::thread &helper : helpers)
    helper.join();
  if (outcome)
    outcome->counters = findings.counters;
  if (findings.reports.empty())
    return {};
  Status status = inputError(findings.reports.front());
  if (outcome)
    outcome->reports = std::move(findings.reports);
  return status;
}

} // namespace incept::sim::ptx
