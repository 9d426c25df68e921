// SPDX-License-Identifier: Apache-2.0
//
// The checksum of files and identities: XXH64 (Collet's xxHash, 64 bits), fast enough to be taken of every byte that is
// read or written. It finds damage, not forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace incept {

class Checksum {
public:
  /// Bytes in any number of pieces: how they are cut makes no difference.
  Checksum &add(std::string_view bytes);
  uint64_t value() const;
  /// The value as 16 hexadecimal digits.
  std::string text() const;

private:
  void addBlocks(const char *bytes, size_t count);

  uint64_t lanes[4] = {0x60EA27EEADC0B5D6u, 0xC2B2AE3D27D4EB4Fu, 0, 0x61C8864E7A143579u};
  uint64_t total = 0;
  char pending[32]; ///< of which total % 32 are there
};

/// The digits of a value.
std::string checksumText(uint64_t value);

} // namespace incept
