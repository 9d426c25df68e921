// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace incept {

Expected<MappedFile> MappedFile::open(const std::string &path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return inputError("cannot read '" + path + "': " + std::strerror(errno));
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(file);
    return inputError("cannot read '" + path + "': expected a regular file");
  }
  size_t size = static_cast<size_t>(info.st_size);
  void *data = size ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  ::close(file);
  if (data == MAP_FAILED)
    return machineError("cannot map '" + path + "': " + std::strerror(errno));
  return MappedFile(static_cast<const char *>(data), size);
}

MappedFile::MappedFile(MappedFile &&other) noexcept : data(other.data), size(other.size) {
  other.data = nullptr;
  other.size = 0;
}

MappedFile::~MappedFile() {
  if (data)
    ::munmap(const_cast<char *>(data), size);
}

Status writeFile(const std::string &path, const std::function<bool(const Sink &)> &fill) {
  // A rename would put a plain file in the place of a device or a pipe: as root, of /dev/null.
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return inputError("cannot write '" + path + "': expected a regular file or a new name");
  std::string temporary = path + ".XXXXXX";
  int file = ::mkstemp(temporary.data());
  if (file < 0)
    return machineError("cannot write '" + path + "': " + std::strerror(errno));
  FILE *stream = ::fdopen(file, "wb");
  bool ok = stream && fill([&](const void *data, size_t size) {
              return size == 0 || std::fwrite(data, 1, size, stream) == size;
            });
  ok = ok && std::fflush(stream) == 0 && ::fchmod(file, 0644) == 0 && ::fsync(file) == 0;
  int reason = errno;
  if (stream)
    ok = std::fclose(stream) == 0 && ok;
  if (ok && ::rename(temporary.c_str(), path.c_str()) == 0)
    return {};
  reason = ok ? errno : reason;
  ::unlink(temporary.c_str());
  return machineError("cannot write '" + path + "': " + std::strerror(reason ? reason : EIO));
}

} // namespace incept
