// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/Values.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace incept::sim::cudnn {

float fromBfloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

float fromHalf(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  float value = float(fraction) * 0x1p-24f; // zero or subnormal
  return sign ? -value : value;
}

uint16_t toBfloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16 | 0x40); // stays a NaN
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t toHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  uint16_t sign = uint16_t((bits >> 16) & 0x8000);
  if (magnitude > 0x7f800000)
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000) // rounds to at least 65520: beyond the largest half
    return sign | 0x7c00;
  if (magnitude >= 0x38800000) // a normal half: drop 13 bits
    return uint16_t(sign | (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
  // Subnormal: the sum's last bits are the multiple of 2^-24, rounded by the addition itself.
  float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  return uint16_t(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f)));
}

float rounded(float value, cudnnDataType_t type) {
  if (type == CUDNN_DATA_HALF)
    return fromHalf(toHalf(value));
  return type == CUDNN_DATA_BFLOAT16 ? fromBfloat(toBfloat(value)) : value;
}

std::vector<size_t> memoryOrder(size_t rank) {
  std::vector<size_t> order;
  for (size_t i = 0; i < rank; ++i)
    if (rank < 4 || i != 1)
      order.push_back(i);
  if (rank >= 4)
    order.push_back(1);
  return order;
}

Value Value::dense(const std::vector<int64_t> &dims) {
  Value value{dims, std::vector<int64_t>(dims.size()), {}};
  std::vector<size_t> order = memoryOrder(dims.size());
  int64_t count = 1;
  for (size_t i = order.size(); i-- > 0;) {
    value.strides[order[i]] = count;
    count *= dims[order[i]];
  }
  value.data.resize(size_t(count));
  return value;
}

namespace {

/// Calls row(a, b) with the element offsets of each row along the innermost dimension.
template <typename Row>
void forEachRow(const std::vector<int64_t> &dims, const std::vector<int64_t> &a, const std::vector<int64_t> &b,
                Row row) {
  std::vector<size_t> order = memoryOrder(dims.size());
  std::vector<int64_t> index(dims.size());
  int64_t atA = 0, atB = 0;
  for (;;) {
    row(atA, atB);
    size_t level = order.size() - 1;
    for (;;) {
      if (level == 0)
        return;
      size_t dim = order[--level];
      atA += a[dim], atB += b[dim];
      if (++index[dim] < dims[dim])
        break;
      atA -= index[dim] * a[dim], atB -= index[dim] * b[dim];
      index[dim] = 0;
    }
  }
}

size_t innermost(const std::vector<int64_t> &dims) { return memoryOrder(dims.size()).back(); }

/// Calls range(offset, elements) for parts of the tensor without gaps.
template <typename Range>
void forEachRange(const Tensor &tensor, Range range) {
  if (extent(tensor) == elementCount(tensor)) {
    range(int64_t(0), elementCount(tensor));
    return;
  }
  size_t inner = innermost(tensor.dims);
  forEachRow(tensor.dims, tensor.strides, tensor.strides, [&](int64_t at, int64_t) {
    if (tensor.strides[inner] == 1)
      range(at, tensor.dims[inner]);
    else
      for (int64_t i = 0; i < tensor.dims[inner]; ++i)
        range(at + i * tensor.strides[inner], int64_t(1));
  });
}

//===--- Numbers of a row, one behind the other -------------------------------------------------------------------===//

void widenRow(const float *from, float *to, int64_t count) { std::copy_n(from, count, to); }
void narrowRow(const float *from, float *to, int64_t count) { std::copy_n(from, count, to); }

struct HalfBits {
  uint16_t bits;
};
struct BfloatBits {
  uint16_t bits;
};

void widenRow(const BfloatBits *from, float *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = fromBfloat(from[i].bits);
}

void narrowRow(const float *from, BfloatBits *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) { // toBfloat without a branch, for vector code
    uint32_t bits = std::bit_cast<uint32_t>(from[i]);
    uint32_t nan = bits >> 16 | 0x40, nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    to[i].bits = uint16_t((bits & 0x7fffffff) > 0x7f800000 ? nan : nearest);
  }
}

void widenRow(const HalfBits *from, float *to, int64_t count) {
  int64_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i))));
#endif
  for (; i < count; ++i)
    to[i] = fromHalf(from[i].bits);
}

void narrowRow(const float *from, HalfBits *to, int64_t count) {
  int64_t i = 0;
#ifdef __F16C__
  const __m256 sign = _mm256_set1_ps(-0.0f), nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
  for (; i + 8 <= count; i += 8) {
    __m256 x = _mm256_loadu_ps(from + i); // every NaN becomes the one of its sign, as in toHalf
    x = _mm256_blendv_ps(x, _mm256_or_ps(_mm256_and_ps(x, sign), nan), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + i), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
#endif
  for (; i < count; ++i)
    to[i].bits = toHalf(from[i]);
}

template <typename T>
void loadAs(const Tensor &tensor, const void *address, Value &value) {
  auto *src = static_cast<const T *>(address);
  size_t inner = innermost(tensor.dims);
  int64_t count = tensor.dims[inner], from = tensor.strides[inner], to = value.strides[inner];
  if (tensor.strides == value.strides)
    return widenRow(src, value.data.data(), int64_t(value.data.size()));
  forEachRow(tensor.dims, tensor.strides, value.strides, [&](int64_t a, int64_t b) {
    if (from == 1)
      widenRow(src + a, value.data.data() + b, count);
    else
      for (int64_t i = 0; i < count; ++i)
        widenRow(src + a + i * from, value.data.data() + b + i * to, 1);
  });
}

template <typename T>
void storeAs(const Tensor &tensor, const Value &value, void *address) {
  auto *dst = static_cast<T *>(address);
  size_t inner = innermost(tensor.dims);
  int64_t count = tensor.dims[inner], to = tensor.strides[inner], from = value.strides[inner];
  if (tensor.strides == value.strides)
    return narrowRow(value.data.data(), dst, int64_t(value.data.size()));
  forEachRow(tensor.dims, tensor.strides, value.strides, [&](int64_t a, int64_t b) {
    if (to == 1)
      narrowRow(value.data.data() + b, dst + a, count);
    else
      for (int64_t i = 0; i < count; ++i)
        narrowRow(value.data.data() + b + i * from, dst + a + i * to, 1);
  });
}

} // namespace

Status checkOperand(const Tensor &tensor, uint64_t address, const memory::Memory &memory, bool written) {
  uint64_t size = uint64_t(typeBytes(tensor.type)), bytes = uint64_t(extent(tensor)) * size;
  std::string name = "tensor " + std::to_string(tensor.uid) + ": ";
  if (address % uint64_t(tensor.alignment) != 0)
    return inputError(name + "its address is not a multiple of " + std::to_string(tensor.alignment));
  memory::Fault fault = memory.check(address, bytes, memory::Access::Write);
  if (fault == memory::Fault::ReadOnly && written)
    fault = memory::Fault::None;
  if (fault != memory::Fault::None)
    return inputError(name +
                      memory.checked(address, bytes, written ? memory::Access::Read : memory::Access::Write).message());
  const memory::Allocation *allocation = memory.find(address);
  if (!written || (allocation && allocation->allWritten))
    return {};
  Status status;
  forEachRange(tensor, [&](int64_t offset, int64_t count) {
    uint64_t begin = address + uint64_t(offset) * size;
    if (status.ok() && memory.check(begin, uint64_t(count) * size, memory::Access::Read) != memory::Fault::None)
      status = inputError(name + memory.checked(begin, uint64_t(count) * size, memory::Access::Read).message());
  });
  return status;
}

Value load(const Tensor &tensor, const void *address) {
  Value value = Value::dense(tensor.dims);
  if (tensor.type == CUDNN_DATA_HALF)
    loadAs<HalfBits>(tensor, address, value);
  else if (tensor.type == CUDNN_DATA_BFLOAT16)
    loadAs<BfloatBits>(tensor, address, value);
  else
    loadAs<float>(tensor, address, value);
  return value;
}

void store(const Tensor &tensor, const Value &value, uint64_t address, memory::Memory &memory) {
  auto *pointer = reinterpret_cast<void *>(address);
  if (tensor.type == CUDNN_DATA_HALF)
    storeAs<HalfBits>(tensor, value, pointer);
  else if (tensor.type == CUDNN_DATA_BFLOAT16)
    storeAs<BfloatBits>(tensor, value, pointer);
  else
    storeAs<float>(tensor, value, pointer);
  uint64_t size = uint64_t(typeBytes(tensor.type));
  forEachRange(tensor, [&](int64_t offset, int64_t count) {
    memory.markWritten(address + uint64_t(offset) * size, uint64_t(count) * size);
  });
}

} // namespace incept::sim::cudnn
