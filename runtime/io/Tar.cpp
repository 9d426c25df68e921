// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Tar.h"
#include "runtime/support/Text.h"

#include <cstring>
#include <string_view>

namespace incept {

namespace {

constexpr uint64_t kBlock = 512;
/// Longest name or extended header that is read.
constexpr uint64_t kMaxExtended = uint64_t(1) << 20;

/// A field of a header: text up to the first zero.
std::string_view textOf(const char *header, size_t begin, size_t size) {
  std::string_view field(header + begin, size);
  return field.substr(0, field.find('\0'));
}

/// A number in octal digits, or, where its first bit is set, in binary.
bool numberOf(const char *header, size_t begin, size_t size, uint64_t &value) {
  const auto *bytes = reinterpret_cast<const unsigned char *>(header + begin);
  value = 0;
  if (bytes[0] & 0x80) {
    for (size_t i = 0; i < size; ++i) {
      if (value >> 55)
        return false;
      value = value << 8 | (i == 0 ? bytes[0] & 0x7f : bytes[i]);
    }
    return true;
  }
  size_t i = 0;
  while (i < size && bytes[i] == ' ')
    ++i;
  for (; i < size && bytes[i] >= '0' && bytes[i] <= '7'; ++i) {
    if (value >> 60)
      return false;
    value = value << 3 | uint64_t(bytes[i] - '0');
  }
  return i == size || bytes[i] == ' ' || bytes[i] == '\0';
}

bool hasItsChecksum(const char *header) {
  uint64_t expected = 0, sum = 0;
  if (!numberOf(header, 148, 8, expected))
    return false;
  for (size_t i = 0; i < kBlock; ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  return sum == expected;
}

/// What the extended headers before a member say of it.
struct Extended {
  std::string name;
  bool hasName = false, hasSize = false;
  uint64_t size = 0;
};

/// Records of a pax header: "LENGTH KEY=VALUE\n".
bool parsePax(std::string_view text, Extended &extended) {
  while (!text.empty()) {
    size_t space = text.find(' ');
    uint64_t length = 0;
    if (space == std::string_view::npos || !readInteger(text.substr(0, space), length) || length > text.size() ||
        length < space + 2 || text[length - 1] != '\n')
      return false;
    std::string_view record = text.substr(space + 1, length - space - 2);
    text.remove_prefix(length);
    size_t equals = record.find('=');
    if (equals == std::string_view::npos)
      return false;
    std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") {
      extended.name = value;
      extended.hasName = true;
    } else if (key == "size") {
      if (!readInteger(value, extended.size))
        return false;
      extended.hasSize = true;
    }
  }
  return true;
}

class Reader {
public:
  Reader(const InputFile &file, const std::function<Status(TarMember)> &found) : file(file), found(found) {}

  Status read() {
    if (file.size() < kBlock)
      return bad("it is too short");
    while (at + kBlock <= file.size()) {
      char header[kBlock];
      INCEPT_RETURN_IF_ERROR(file.read(at, header, kBlock));
      if (std::string_view(header, kBlock).find_first_not_of('\0') == std::string_view::npos)
        return {}; // the end
      if (!hasItsChecksum(header))
        return bad(at == 0 ? "expected a tar archive that is not compressed" : "its header there is damaged");
      INCEPT_RETURN_IF_ERROR(member(header));
    }
    return at == file.size() ? Status() : bad("it is truncated"); // without the two empty blocks at the end
  }

private:
  Status bad(const std::string &why) const {
    return inputError("'" + file.path() + "' is no valid tar archive: " + why + ", at byte " + std::to_string(at));
  }

  Status member(const char *header) {
    uint64_t size = 0;
    char type = header[156];
    bool isFile = type == '0' || type == '\0' || type == '7';
    if (!numberOf(header, 124, 12, size))
      return bad("the size of a member is no number");
    if (isFile && extended.hasSize)
      size = extended.size;
    uint64_t begin = at + kBlock;
    if (size > file.size() - begin)
      return bad("a member announces " + std::to_string(size) + " bytes, but it is truncated");
    if (type == 'x' || type == 'L') {
      if (size > kMaxExtended)
        return bad("an extended header of more than 1 MiB");
      std::string text(size, '\0');
      INCEPT_RETURN_IF_ERROR(file.read(begin, text.data(), size));
      if (type == 'x' && !parsePax(text, extended))
        return bad("an extended header is damaged");
      if (type == 'L') {
        extended.name = text.substr(0, text.find('\0'));
        extended.hasName = true;
      }
    } else {
      if (type == 'S')
        return bad("sparse files are not supported");
      if (isFile)
        INCEPT_RETURN_IF_ERROR(found({nameOf(header), begin, size}));
      extended = {};
    }
    at = begin + (size + kBlock - 1) / kBlock * kBlock;
    return {};
  }

  std::string nameOf(const char *header) const {
    if (extended.hasName)
      return extended.name;
    std::string name(textOf(header, 0, 100));
    bool isPosix = std::memcmp(header + 257, "ustar\0", 6) == 0;
    std::string_view prefix = isPosix ? textOf(header, 345, 155) : std::string_view();
    return prefix.empty() ? name : std::string(prefix) + "/" + name;
  }

  const InputFile &file;
  const std::function<Status(TarMember)> &found;
  uint64_t at = 0;
  Extended extended;
};

} // namespace

Status readTar(const InputFile &file, const std::function<Status(TarMember)> &found) {
  return Reader(file, found).read();
}

} // namespace incept
