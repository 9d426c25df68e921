// SPDX-License-Identifier: Apache-2.0
//
// Event files that TensorBoard reads: records of a length, its checksum, a message and its checksum. The messages, of
// protocol buffers, are written by hand.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incept {

/// CRC-32C (Castagnoli), as record checksums begin with.
uint32_t crc32c(std::string_view bytes);

class EventFile {
public:
  EventFile() = default;
  ~EventFile() { close(); }
  EventFile(const EventFile &) = delete;
  EventFile &operator=(const EventFile &) = delete;

  /// Makes DIR/events.out.tfevents.SECONDS.HOST. Where a run goes on at a step above 0, what earlier files have from
  /// that step on is no longer shown.
  Status open(const std::string &directory, int64_t step);
  bool isOpen() const { return file != nullptr; }
  using Scalars = std::vector<std::pair<std::string_view, double>>;
  /// Values of a step, by their tags.
  void scalars(int64_t step, const Scalars &values);
  /// A picture (PNG) of a step.
  void picture(int64_t step, std::string_view tag, int64_t height, int64_t width, std::string_view png);
  /// Says whether everything has been written so far.
  Status flush();
  void close();

private:
  void write(const std::string &event);
  std::string path;
  FILE *file = nullptr;
};

} // namespace incept
