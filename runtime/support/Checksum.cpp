// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Checksum.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

namespace incept {

namespace {

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87u, kPrime2 = 0xC2B2AE3D27D4EB4Fu, kPrime3 = 0x165667B19E3779F9u,
                   kPrime4 = 0x85EBCA77C2B2AE63u, kPrime5 = 0x27D4EB2F165667C5u;
constexpr size_t kBlock = 32;

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

template <typename Word>
Word load(const char *bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t mix(uint64_t lane, uint64_t word) { return std::rotl(lane + word * kPrime2, 31) * kPrime1; }

} // namespace

void Checksum::addBlocks(const char *bytes, size_t count) {
  uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3]; // in registers
  for (; count > 0; --count, bytes += kBlock) {
    a = mix(a, load<uint64_t>(bytes));
    b = mix(b, load<uint64_t>(bytes + 8));
    c = mix(c, load<uint64_t>(bytes + 16));
    d = mix(d, load<uint64_t>(bytes + 24));
  }
  lanes[0] = a;
  lanes[1] = b;
  lanes[2] = c;
  lanes[3] = d;
}

Checksum &Checksum::add(std::string_view bytes) {
  if (bytes.empty()) // whose address may be null
    return *this;
  size_t have = total % kBlock;
  total += bytes.size();
  if (have > 0) {
    size_t more = std::min(bytes.size(), kBlock - have);
    std::memcpy(pending + have, bytes.data(), more);
    bytes.remove_prefix(more);
    if (have + more < kBlock)
      return *this;
    addBlocks(pending, 1);
  }
  addBlocks(bytes.data(), bytes.size() / kBlock);
  if (size_t rest = bytes.size() % kBlock)
    std::memcpy(pending, bytes.data() + bytes.size() - rest, rest);
  return *this;
}

uint64_t Checksum::value() const {
  uint64_t hash = lanes[2] + kPrime5;
  if (total >= kBlock) {
    hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
    for (uint64_t lane : lanes)
      hash = (hash ^ mix(0, lane)) * kPrime1 + kPrime4;
  }
  hash += total;
  const char *rest = pending, *end = pending + total % kBlock;
  for (; end - rest >= 8; rest += 8)
    hash = std::rotl(hash ^ mix(0, load<uint64_t>(rest)), 27) * kPrime1 + kPrime4;
  if (end - rest >= 4) {
    hash = std::rotl(hash ^ load<uint32_t>(rest) * kPrime1, 23) * kPrime2 + kPrime3;
    rest += 4;
  }
  for (; rest != end; ++rest)
    hash = std::rotl(hash ^ static_cast<unsigned char>(*rest) * kPrime5, 11) * kPrime1;
  hash = (hash ^ hash >> 33) * kPrime2;
  hash = (hash ^ hash >> 29) * kPrime3;
  return hash ^ hash >> 32;
}

std::string Checksum::text() const { return checksumText(value()); }

std::string checksumText(uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

} // namespace incept
