// SPDX-License-Identifier: Apache-2.0
//
// Files: read whole through mmap, and written whole or not at all.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace incept {

/// A read-only mapping of a file; unmapped with the object.
class MappedFile {
public:
  static Expected<MappedFile> open(const std::string &path);
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&) = delete;
  ~MappedFile();
  std::string_view bytes() const { return {data, size}; }

private:
  MappedFile(const char *data, size_t size) : data(data), size(size) {}
  const char *data;
  size_t size;
};

/// Takes bytes of a file that is being written.
using Sink = std::function<bool(const void *, size_t)>;

/// Writes `path`, a regular file or a new name, through a temporary file beside it, fsync and rename. `fill` returns
/// false to give up.
Status writeFile(const std::string &path, const std::function<bool(const Sink &)> &fill);

} // namespace incept
