// SPDX-License-Identifier: Apache-2.0
//
// What a launch touches: the sizes of its operands, from what the image says of the kernel and from the extents. The
// families are those of dialect/README.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace incept::program {

/// What a launch of several parts says of each behind all extents: blocks x and y, threads x and y.
inline constexpr size_t kPartSizes = 4;

struct KernelOperand {
  uint64_t elementBytes = 0;
  int64_t rank = 0;      ///< of a `fixed` kernel: the number of elements
  std::string type = {}; ///< of an element
};

struct Kernel {
  std::string name, family;
  std::vector<KernelOperand> operands; ///< what a launch reads, then what it writes
  size_t inputs = 0;                   ///< how many of them it reads
  int64_t counts = 0;                  ///< extents behind those of the family: one per op with a `count`
  std::vector<int64_t> extents;        ///< of a `fixed` kernel: the only ones that it may be launched with
  int64_t units = 0;                   ///< of a `fixed` kernel
  size_t parts = 1;                    ///< of a launch: its operands are the inputs of all, then the outputs of all
  std::vector<Kernel> members = {};    ///< where parts are of several kernels: those, each with its own parts
};

/// From its first byte to behind its last.
struct OperandSize {
  uint64_t bytes = 0;
  uint64_t alignment = 1; ///< its offset is a multiple of this
};

bool isKernelFamily(std::string_view family);

/// Whether a launch of a grid, whose extents `measureLaunch` accepts, has blocks and threads that the kernel's code
/// takes: those of its parts, one after the other, and no more ranges than there are tickets.
bool isGridOf(const Kernel &kernel, const std::vector<int64_t> &extents, const std::array<unsigned, 3> &grid,
              const std::array<unsigned, 3> &block);

/// The sizes of the operands of a launch with `extents`, which are not negative, and its number of units. False with a
/// reason where the kernel cannot be launched so.
bool measureLaunch(const Kernel &kernel, const std::vector<int64_t> &extents, std::vector<OperandSize> &sizes,
                   int64_t &units, std::string &why);

} // namespace incept::program
