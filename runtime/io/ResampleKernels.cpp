// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ResampleKernels.h"

#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace incept::resample {

namespace {

uint8_t clamp(int32_t sum, int shift) { return static_cast<uint8_t>(std::clamp(sum >> shift, 0, 255)); }

void acrossPlain(const Table &table, int64_t channels, const uint8_t *from, uint8_t *to) {
  for (int64_t i = 0; i < table.count; ++i) {
    const int16_t *weights = table.values + i * table.stride;
    const uint8_t *pixels = from + table.entries[i].first * channels;
    for (int64_t c = 0; c < channels; ++c) {
      int32_t sum = 1 << (table.shift - 1);
      for (int64_t j = 0; j < table.entries[i].size; ++j)
        sum += weights[j] * pixels[j * channels + c];
      *to++ = clamp(sum, table.shift);
    }
  }
}

void downPlain(const uint8_t *from, const int16_t *weights, int64_t size, int shift, int64_t bytes, int64_t begin,
               uint8_t *to) {
  for (int64_t i = begin; i < bytes; ++i) {
    int32_t sum = 1 << (shift - 1);
    for (int64_t j = 0; j < size; ++j)
      sum += weights[j] * from[j * bytes + i];
    to[i] = clamp(sum, shift);
  }
}

#if defined(__x86_64__)
#define INCEPT_AVX2 __attribute__((target("avx2")))

/// Two weights in each 32 bits.
INCEPT_AVX2 inline __m128i pairOf(const int16_t *weights) {
  int32_t pair;
  std::memcpy(&pair, weights, sizeof pair);
  return _mm_set1_epi32(pair);
}

/// Outputs from `begin` on of pixels of four bytes, two at a time: their bytes side by side, so that one instruction
/// multiplies both by their weights and adds them.
template <int kRows>
INCEPT_AVX2 void acrossFour(const Table &table, const uint8_t *const *from, uint8_t *const *to, int64_t begin = 0) {
  const __m128i sideBySide = _mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1);
  const __m128i half = _mm_set1_epi32(1 << (table.shift - 1)), shift = _mm_cvtsi32_si128(table.shift);
  for (int64_t i = begin; i < table.count; ++i) {
    const int16_t *weights = table.values + i * table.stride;
    int64_t first = table.entries[i].first * 4, size = table.entries[i].size, j = 0;
    __m128i sums[kRows];
    for (int row = 0; row < kRows; ++row)
      sums[row] = half;
    for (; j + 2 <= size; j += 2) {
      __m128i pair = pairOf(weights + j);
      for (int row = 0; row < kRows; ++row) {
        __m128i pixels = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(from[row] + first + 4 * j));
        sums[row] = _mm_add_epi32(sums[row], _mm_madd_epi16(_mm_shuffle_epi8(pixels, sideBySide), pair));
      }
    }
    if (j < size) { // the last one alone: what is behind it may be behind the picture
      __m128i pair = pairOf(weights + j);
      for (int row = 0; row < kRows; ++row) {
        int32_t pixel;
        std::memcpy(&pixel, from[row] + first + 4 * j, sizeof pixel);
        __m128i pixels = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(pixel));
        sums[row] = _mm_add_epi32(sums[row], _mm_madd_epi16(pixels, pair));
      }
    }
    for (int row = 0; row < kRows; ++row) {
      __m128i words = _mm_packs_epi32(_mm_sra_epi32(sums[row], shift), _mm_setzero_si128());
      int32_t pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
      std::memcpy(to[row] + 4 * i, &pixel, sizeof pixel);
    }
  }
}

/// The same of four rows, two in each register, and four pixels at a time, as long as these lie in the row.
INCEPT_AVX2 void acrossFourRows(const Table &table, const uint8_t *const *from, uint8_t *const *to) {
  const __m256i first =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1));
  const __m256i second =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1));
  const __m256i half = _mm256_set1_epi32(1 << (table.shift - 1));
  const __m128i shift = _mm_cvtsi32_si128(table.shift);
  auto load = [&](int row, int64_t at) INCEPT_AVX2 {
    __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from[row] + at));
    __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from[row + 1] + at));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  };
  int64_t i = 0;
  for (; i < table.count; ++i) {
    const int16_t *weights = table.values + i * table.stride;
    int64_t begin = table.entries[i].first, size = table.entries[i].size;
    if (begin + (size + 3) / 4 * 4 > table.inputs)
      break; // the last outputs: what they read grows from one to the next
    __m256i a = half, b = half;
    for (int64_t j = 0; j < size; j += 4) {
      __m256i upper = load(0, (begin + j) * 4), lower = load(2, (begin + j) * 4);
      __m256i pair = _mm256_broadcastsi128_si256(pairOf(weights + j));
      a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_shuffle_epi8(upper, first), pair));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_shuffle_epi8(lower, first), pair));
      if (size - j <= 2)
        break;
      pair = _mm256_broadcastsi128_si256(pairOf(weights + j + 2));
      a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_shuffle_epi8(upper, second), pair));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_shuffle_epi8(lower, second), pair));
    }
    // Rows 0 and 2, then 1 and 3.
    __m256i words = _mm256_packs_epi32(_mm256_sra_epi32(a, shift), _mm256_sra_epi32(b, shift));
    __m256i bytes = _mm256_packus_epi16(words, words);
    __m128i even = _mm256_castsi256_si128(bytes), odd = _mm256_extracti128_si256(bytes, 1);
    const int32_t pixels[] = {_mm_cvtsi128_si32(even), _mm_cvtsi128_si32(odd), _mm_extract_epi32(even, 1),
                              _mm_extract_epi32(odd, 1)};
    for (int row = 0; row < 4; ++row)
      std::memcpy(to[row] + 4 * i, &pixels[row], sizeof pixels[row]);
  }
  acrossFour<4>(table, from, to, i);
}

INCEPT_AVX2 void downVectors(const uint8_t *from, const int16_t *weights, int64_t size, int shiftBits, int64_t bytes,
                             uint8_t *to) {
  const __m256i half = _mm256_set1_epi32(1 << (shiftBits - 1)), zero = _mm256_setzero_si256();
  const __m128i shift = _mm_cvtsi32_si128(shiftBits);
  int64_t i = 0;
  for (; i + 32 <= bytes; i += 32) {
    __m256i a = half, b = half, c = half, d = half;
    for (int64_t j = 0; j < size; j += 2) {
      int32_t pair;
      std::memcpy(&pair, weights + j, sizeof pair);
      __m256i both = _mm256_set1_epi32(pair);
      const uint8_t *row = from + j * bytes + i;
      __m256i upper = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row));
      __m256i lower =
          j + 1 < size ? _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + bytes)) : zero; // weight 0
      __m256i low = _mm256_unpacklo_epi8(upper, lower), high = _mm256_unpackhi_epi8(upper, lower);
      a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), both));
      b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), both));
      c = _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), both));
      d = _mm256_add_epi32(d, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), both));
    }
    __m256i low = _mm256_packs_epi32(_mm256_sra_epi32(a, shift), _mm256_sra_epi32(b, shift));
    __m256i high = _mm256_packs_epi32(_mm256_sra_epi32(c, shift), _mm256_sra_epi32(d, shift));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + i), _mm256_packus_epi16(low, high));
  }
  downPlain(from, weights, size, shiftBits, bytes, i, to);
}
#endif

} // namespace

#if defined(__x86_64__)

bool hasVectors() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}

void across(bool vectors, const Table &table, int64_t channels, const uint8_t *const *from, uint8_t *const *to,
            int rows) {
  if (vectors && channels == 4 && rows == 4)
    return acrossFourRows(table, from, to);
  for (int row = 0; row < rows; ++row) {
    if (vectors && channels == 4)
      acrossFour<1>(table, from + row, to + row);
    else
      acrossPlain(table, channels, from[row], to[row]);
  }
}

void down(bool vectors, const uint8_t *from, const int16_t *weights, int64_t size, int shift, int64_t bytes,
          uint8_t *to) {
  if (vectors)
    downVectors(from, weights, size, shift, bytes, to);
  else
    downPlain(from, weights, size, shift, bytes, 0, to);
}

#else

bool hasVectors() { return false; }

void across(bool, const Table &table, int64_t channels, const uint8_t *const *from, uint8_t *const *to, int rows) {
  for (int row = 0; row < rows; ++row)
    acrossPlain(table, channels, from[row], to[row]);
}

void down(bool, const uint8_t *from, const int16_t *weights, int64_t size, int shift, int64_t bytes, uint8_t *to) {
  downPlain(from, weights, size, shift, bytes, 0, to);
}

#endif

} // namespace incept::resample
