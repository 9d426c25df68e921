// SPDX-License-Identifier: Apache-2.0
//
// A decoded kernel. Every value of a warp is a row of 32 lanes in the warp's register file; constants and special
// registers are rows too, so that an operation on lanes has one form whatever its operands are. An instruction of the
// text becomes one Instruction or several.
#pragma once

#include "tools/incept-sim/ptx/Syntax.h"

#include <bit>

namespace incept::sim::ptx {

constexpr uint32_t kLanes = 32;
/// Bit l is lane l.
using Mask = uint32_t;
constexpr Mask kAllLanes = ~Mask(0);

/// Addresses of .shared, .local and .param memory as generic addresses: no host address looks like these.
constexpr uint64_t kSharedWindow = uint64_t(1) << 56;
constexpr uint64_t kLocalWindow = uint64_t(2) << 56;
constexpr uint64_t kParameterWindow = uint64_t(3) << 56;
constexpr int kWindowShift = 56;

/// Byte offset of a row in the register file.
using Row = uint32_t;
constexpr Row kNoRow = ~Row(0);

/// Width of a row's elements: predicates are bytes (0 or 1), the others unsigned integers of 16, 32 or 64 bits.
constexpr uint32_t elementBytes(uint8_t bits) { return bits == 1 ? 1 : bits / 8; }
constexpr uint32_t rowBytes(uint8_t bits) { return kLanes * elementBytes(bits); }

/// What an operation on lanes sees of a warp.
struct Lanes {
  std::byte *registers = nullptr;
  Mask live = 0;               ///< lanes that have not exited
  const char *fault = nullptr; ///< set by an operation that cannot be carried out
};

struct Instruction;
/// Writes row 0 (and further destinations) for the lanes of the mask.
using Execute = void(Lanes &, const Instruction &, Mask);

enum class Kind : uint8_t {
  Compute,
  Collective, ///< like Compute, and may set Lanes::fault
  Load,       ///< rows 0... = [last row + offset]
  Store,
  Atomic, ///< rows: result or kNoRow, operands...; address row
  Branch,
  BranchIndexed, ///< row 0 is an index into KernelCode::targets
  Exit,
  Barrier, ///< rows: id, threads or kNoRow
  Fence,   ///< of the device's scope or a wider one
  Trap,
};

enum class AtomicOperation : uint8_t {
  Add,
  AddFloat,
  AddDouble,
  Increment,
  Min,
  Max,
  MinSigned,
  MaxSigned,
  And,
  Or,
  Xor,
  Exchange,
  Compare
};

/// A vector of 8 elements and its address.
constexpr size_t kMaxRows = 10;

struct Instruction {
  Execute *execute = nullptr;
  Kind kind = Kind::Compute;
  bool part = false;     ///< belongs to the instruction before it; not counted
  bool warpSync = false; ///< Collective: orders the memory accesses of the warp's lanes
  bool guardNegated = false;
  Row guard = kNoRow;
  uint32_t line = 0;
  std::array<Row, kMaxRows> rows;

  // Memory.
  Space space = Space::Generic;
  AtomicOperation atomic = AtomicOperation::Add;
  bool signExtend = false;
  bool releases = false;                                    ///< an atomic access that orders what its thread did before
  bool narrowAddress = false;                               ///< the address row has 32 bits
  uint8_t elements = 1, memoryBytes = 0, registerBytes = 0; ///< per element
  Row address = kNoRow;
  uint64_t offset = 0;
  uint32_t hint = 0; ///< index of this access among those of the kernel

  // Branches.
  uint32_t target = 0, reconvergence = 0;
  uint32_t firstTarget = 0, targetCount = 0;
};

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  WarpCount,
  LaneMaskEq,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskGt,
  LaneMaskGe,
  SmId,
  SmCount,
  GridId,
  DynamicShared,
  TotalShared,
};

struct SpecialRow {
  Special special;
  Row row;
};

struct ConstantRow {
  uint8_t bits;
  Row row;
  uint64_t value;
  uint32_t variable; ///< index of the variable whose address is added, or kNoRow
};

struct KernelCode {
  std::string name;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  uint32_t maxThreads = 1024;
  std::array<uint32_t, 3> requiredThreads = {0, 0, 0};
  uint32_t registers32 = 0;
  uint32_t sharedBytes = 0, localBytes = 0;
  uint32_t dynamicSharedOffset = 0; ///< the extern array begins here
  Status status;

  std::vector<Instruction> code;
  std::vector<uint32_t> targets; ///< of indexed branches
  std::vector<ConstantRow> constants;
  std::vector<SpecialRow> specials;
  uint32_t fixedBytes = 0; ///< constants and special registers come first
  uint32_t fileBytes = 0;
  uint32_t hints = 0;
  std::shared_ptr<std::vector<Variable>> variables;
};

/// Errors of single instructions become the kernel's status.
std::unique_ptr<KernelCode> decode(const KernelSyntax &syntax, const ModuleSyntax &module,
                                   std::shared_ptr<std::vector<Variable>> variables);

} // namespace incept::sim::ptx
