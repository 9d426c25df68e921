// SPDX-License-Identifier: Apache-2.0
//
// Tensors while they are computed on: f32, dense, channels last where there are spatial dimensions.
#pragma once

#include "tools/incept-sim/cudnn/Graph.h"
#include "tools/incept-sim/memory/Memory.h"

#include <new>
#include <utility>
#include <vector>

namespace incept::sim::cudnn {

/// f16 and bf16 as bits. Widening is exact; narrowing rounds to nearest even, and to infinity where it overflows.
float fromHalf(uint16_t bits);
float fromBfloat(uint16_t bits);
uint16_t toHalf(float value);
uint16_t toBfloat(float value);
/// `value` after a round trip through `type`.
float rounded(float value, cudnnDataType_t type);

/// Storage as oneDNN wants it; new numbers are not set to zero.
template <typename T>
struct Aligned {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};
  Aligned() = default;
  template <typename U>
  Aligned(const Aligned<U> &) {}
  T *allocate(size_t count) { return static_cast<T *>(::operator new(count * sizeof(T), kAlignment)); }
  void deallocate(T *pointer, size_t) { ::operator delete(pointer, kAlignment); }
  template <typename U>
  void construct(U *at) {
    ::new (static_cast<void *>(at)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U *at, Arguments &&...arguments) {
    ::new (static_cast<void *>(at)) U(std::forward<Arguments>(arguments)...);
  }
  bool operator==(const Aligned &) const { return true; }
};
using Floats = std::vector<float, Aligned<float>>;

struct Value {
  std::vector<int64_t> dims;    ///< logical order
  std::vector<int64_t> strides; ///< of `data`, in elements
  Floats data;

  /// Its numbers are not set.
  static Value dense(const std::vector<int64_t> &dims);
};

/// Dimensions from the outermost in memory to the innermost: row by row up to three, else the channels (1) last.
std::vector<size_t> memoryOrder(size_t rank);

/// Checks that the tensor at `address` lies in device memory and is aligned, and, with `written`, that every element
/// was written before.
Status checkOperand(const Tensor &tensor, uint64_t address, const memory::Memory &memory, bool written);
/// Reads and widens. The address has been checked.
Value load(const Tensor &tensor, const void *address);
/// Rounds and writes, and marks the elements as written.
void store(const Tensor &tensor, const Value &value, uint64_t address, memory::Memory &memory);

} // namespace incept::sim::cudnn
