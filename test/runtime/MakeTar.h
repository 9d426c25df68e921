// SPDX-License-Identifier: Apache-2.0
//
// Tar archives for tests, block by block, so that they can be wrong.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace incept::tests {

/// Writes the checksum of the header at `at`.
inline void repairChecksum(std::string &bytes, size_t at) {
  if (at + 512 > bytes.size())
    return;
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(bytes[at + i]);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum & 0777777);
  text[7] = ' ';
  bytes.replace(at + 148, 8, text, 8);
}

inline std::string tarHeader(const std::string &name, uint64_t size, char type) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  if (size < (uint64_t(1) << 33)) {
    char text[13];
    std::snprintf(text, sizeof text, "%011llo", static_cast<unsigned long long>(size));
    header.replace(124, 11, text, 11);
  } else {
    header[124] = '\x80';
    for (int i = 0; i < 8; ++i)
      header[135 - i] = char(size >> (8 * i));
  }
  header[156] = type;
  header.replace(257, 8, "ustar\00000", 8);
  repairChecksum(header, 0);
  return header;
}

inline std::string tarMember(const std::string &name, const std::string &bytes, char type = '0') {
  return tarHeader(name, bytes.size(), type) + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

inline std::string tarLongName(const std::string &name) { return tarMember("././@LongLink", name + '\0', 'L'); }

inline std::string tarPax(const std::string &key, const std::string &value) {
  std::string rest = " " + key + "=" + value + "\n";
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length)
    ++length;
  return tarMember("pax", std::to_string(length) + rest, 'x');
}

inline std::string tarEnd() { return std::string(1024, '\0'); }

} // namespace incept::tests
