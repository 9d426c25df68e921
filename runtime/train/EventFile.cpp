// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/EventFile.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <unistd.h>

namespace incept {

namespace {

std::string littleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text.push_back(char(value >> (8 * i)));
  return text;
}

/// The parts of protocol buffers' encoding that events need.
std::string varint(uint64_t value) {
  std::string text;
  for (; value >= 128; value >>= 7)
    text.push_back(char(value | 128));
  text.push_back(char(value));
  return text;
}
std::string number(int field, uint64_t value) { return varint(uint64_t(field) << 3) + varint(value); }
std::string bytes(int field, std::string_view value) {
  return varint(uint64_t(field) << 3 | 2) + varint(value.size()) + std::string(value);
}
std::string real64(int field, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  return varint(uint64_t(field) << 3 | 1) + littleEndian(bits, 8);
}
std::string real32(int field, double value) {
  auto narrow = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &narrow, 4);
  return varint(uint64_t(field) << 3 | 5) + littleEndian(bits, 4);
}

/// The beginning of an event: its time and step.
std::string header(int64_t step) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return real64(1, double(now.tv_sec) + 1e-9 * double(now.tv_nsec)) + number(2, uint64_t(step));
}

uint32_t masked(std::string_view text) {
  uint32_t sum = crc32c(text);
  return (sum >> 15 | sum << 17) + 0xA282EAD8u;
}

} // namespace

uint32_t crc32c(std::string_view text) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> result{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0);
      result[i] = value;
    }
    return result;
  }();
  uint32_t sum = ~0u;
  for (unsigned char c : text)
    sum = sum >> 8 ^ table[(sum ^ c) & 255];
  return ~sum;
}

Status EventFile::open(const std::string &directory, int64_t step) {
  char host[100] = {};
  ::gethostname(host, sizeof host - 1);
  for (char &c : host)
    c = c == '/' ? '_' : c;
  path = directory + "/events.out.tfevents." + std::to_string(std::time(nullptr)) + "." + host;
  std::string base = path;
  // Two starts in one second have files of their own.
  for (int i = 2; !(file = std::fopen(path.c_str(), "wxe")) && errno == EEXIST && i < 1000; ++i)
    path = base + "." + std::to_string(i);
  if (!file)
    return machineError("cannot write '" + path + "': " + std::strerror(errno));
  write(header(0) + bytes(3, "brain.Event:2"));
  if (step > 0)
    write(header(step) + bytes(7, number(1, 1))); // a session starts
  return {};
}

void EventFile::write(const std::string &event) {
  if (!file)
    return;
  std::string length = littleEndian(event.size(), 8);
  std::string record = length + littleEndian(masked(length), 4) + event + littleEndian(masked(event), 4);
  std::fwrite(record.data(), 1, record.size(), file); // an error is found by flush
}

void EventFile::scalars(int64_t step, const Scalars &values) {
  if (!file)
    return;
  std::string summary;
  for (const auto &[tag, value] : values)
    summary += bytes(1, bytes(1, tag) + real32(2, value));
  write(header(step) + bytes(5, summary));
}

void EventFile::picture(int64_t step, std::string_view tag, int64_t height, int64_t width, std::string_view png) {
  std::string image = number(1, uint64_t(height)) + number(2, uint64_t(width)) + number(3, 3) + bytes(4, png);
  write(header(step) + bytes(5, bytes(1, bytes(1, tag) + bytes(4, image))));
}

Status EventFile::flush() {
  if (!file)
    return {};
  errno = 0;
  if (std::fflush(file) != 0 || std::ferror(file))
    return machineError("cannot write '" + path + "': " + std::strerror(errno ? errno : ENOSPC));
  return {};
}

void EventFile::close() {
  if (file)
    std::fclose(file);
  file = nullptr;
}

} // namespace incept
