// SPDX-License-Identifier: Apache-2.0
//
// PTX on the host: a module is parsed and decoded once, a launch runs its blocks on host threads. A warp is 32 lanes in
// lockstep. What is supported is what compilers emit for kernels without calls and textures; anything else is an error
// that names the instruction and its line.
#pragma once

#include "runtime/support/Status.h"
#include "tools/incept-sim/memory/Memory.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace incept::sim::ptx {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// A parameter's place in the buffer that a launch passes.
struct Parameter {
  std::string name;
  uint32_t offset = 0, bytes = 0;
};

struct Options {
  /// Host threads; results do not depend on it.
  unsigned threads = 1;
  /// Memory checks: bounds, alignment, freed and unwritten bytes. Without them a wrong access may end the process.
  bool check = true;
  /// Races between threads of a block and between blocks, in a Memory that has cells for them; with `check` only.
  bool races = false;
  /// Also the counters that take time.
  bool countAccesses = false;
  /// Of the extern .shared array, where there is one.
  uint32_t dynamicSharedBytes = 0;
  /// Reports that one launch gives at most.
  unsigned maxReports = 4;
  /// Warp instructions of one warp before it counts as endless; 0 is no limit.
  uint64_t instructionLimit = 0;
  /// For reports: number of the launch, and what it computes ("specs/x.json:12: stem.conv1.bn"), both may be empty.
  uint64_t launch = 0;
  std::string label;
};

/// Sums over a launch; they do not depend on the number of threads.
struct Counters {
  uint64_t warpInstructions = 0;
  uint64_t laneInstructions = 0; ///< of active lanes
  uint64_t globalBytesRead = 0;  ///< by active lanes, before any coalescing
  uint64_t globalBytesWritten = 0;
  // With Options::races, but for bytes that the launch has written itself before it reads them: each byte once.
  uint64_t distinctBytesRead = 0, distinctBytesWritten = 0;
  // With Options::countAccesses.
  uint64_t globalRequests = 0, globalSectors = 0; ///< accesses of warps, and pieces of 32 bytes that they touch
  uint64_t sharedBytes = 0, localBytes = 0;       ///< by active lanes
  uint64_t bankConflicts = 0;                     ///< turns that accesses of shared memory take beside the first

  Counters &operator+=(const Counters &more);
};

/// What a launch left besides its results. Each report is one sentence; the Status of the launch has the first.
struct Outcome {
  std::vector<std::string> reports;
  Counters counters;
};

struct KernelCode;

/// A kernel belongs to its module.
class Kernel {
public:
  const std::string &name() const;
  const std::vector<Parameter> &parameters() const;
  /// Size of the buffer that a launch passes.
  uint32_t parameterBytes() const;
  uint32_t staticSharedBytes() const;
  uint32_t localBytes() const; ///< per thread
  /// 32-bit registers that the text declares; ptxas needs fewer.
  uint32_t registers() const;
  /// Threads of a block at most (.maxntid, .reqntid), otherwise 1024.
  uint32_t maxThreads() const;
  /// The block that .reqntid asks for; zeros: any.
  const std::array<uint32_t, 3> &requiredThreads() const;
  /// Not ok where the kernel has an instruction that is not known; then it cannot be run, but its siblings can.
  const Status &status() const;

  explicit Kernel(std::unique_ptr<KernelCode> code);
  ~Kernel();
  Kernel(Kernel &&);
  const KernelCode &code() const { return *code_; }

private:
  std::unique_ptr<KernelCode> code_;
};

/// A .global or .const variable of a module.
struct Variable {
  std::string name;
  uint64_t bytes = 0;
  uint32_t alignment = 1;
  bool constant = false;
  std::vector<std::byte> initial; ///< shorter than bytes: the rest is zero
  uint64_t address = 0;           ///< 0 before `place`
};

class Module {
public:
  /// Errors (Input) begin with "ptx:LINE: ". A zero byte ends the text.
  static Expected<Module> parse(std::string_view text);

  /// Gives the module's variables device memory; a kernel that names one cannot run before. Once per module.
  Status place(memory::Memory &memory);
  /// Frees what `place` took.
  void release(memory::Memory &memory);

  /// Null where the module has no such kernel, or variable.
  const Kernel *find(std::string_view name) const;
  const Variable *variable(std::string_view name) const;
  const std::vector<Kernel> &kernels() const { return *kernels_; }
  /// "9.0" and "sm_90" of the text.
  const std::string &version() const { return version_; }
  const std::string &target() const { return target_; }

private:
  friend class ModuleBuilder;
  std::shared_ptr<std::vector<Kernel>> kernels_;
  std::shared_ptr<std::vector<Variable>> variables_;
  std::string version_, target_;
};

/// Runs the kernel to its end. `parameters` has at least kernel.parameterBytes() bytes in the layout of its parameters.
/// Blocks run in any order on `options.threads` host threads. Error: a launch that the kernel does not admit (sizes,
/// parameters, unknown instructions), or the first report. A launch with reports may have written part of its results;
/// a wrong access itself is not carried out.
Status run(const Kernel &kernel, Dim3 grid, Dim3 block, std::span<const std::byte> parameters, memory::Memory &memory,
           const Options &options, Outcome *outcome = nullptr);

} // namespace incept::sim::ptx
