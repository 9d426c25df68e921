// SPDX-License-Identifier: Apache-2.0
//
// Files: read whole, and written whole or not at all.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace incept {

/// An open file to read from. What is no regular file (a pipe, a device, a folder) is refused at once.
class InputFile {
public:
  static Expected<InputFile> open(const std::string &path);
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&) = delete;
  ~InputFile();

  const std::string &path() const { return name; }
  uint64_t size() const { return bytes; }
  /// Reads exactly so many bytes; an error where the file has become shorter.
  Status read(uint64_t offset, void *to, size_t count) const;
  /// Gives the descriptor away.
  int release();

private:
  InputFile(int file, uint64_t bytes, std::string name) : file(file), bytes(bytes), name(std::move(name)) {}
  int file;
  uint64_t bytes;
  std::string name;
};

/// The bytes of a file in memory. They are read, not mapped: a file that another process cuts meanwhile would end this
/// one by a signal.
class LoadedFile {
public:
  /// A file of at most so many bytes.
  static Expected<LoadedFile> open(const std::string &path, uint64_t most = uint64_t(1) << 40);
  std::string_view bytes() const { return {data.get(), size}; }

private:
  LoadedFile(std::unique_ptr<char[]> data, size_t size) : data(std::move(data)), size(size) {}
  std::unique_ptr<char[]> data;
  size_t size;
};

/// A read-only mapping of a file that nobody cuts: of the running program, which the system protects. Unmapped with the
/// object.
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

enum class FileKind { Data, Program };

/// A file that is being written, beside its name until `commit`: then it is on the disk under its name, or the old one
/// still is. A new file's permissions are the umask's, a replaced one's stay (of data; a program can be run by whom the
/// umask allows). A symbolic link's target is replaced, not the link.
class OutputFile {
public:
  /// Fails where the name cannot be written: no folder, no permission, not a regular file or a new name.
  static Expected<OutputFile> create(const std::string &path, FileKind kind = FileKind::Data);
  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&) = delete;
  ~OutputFile(); ///< removes what was not committed

  Status write(std::string_view bytes);
  /// Replaces bytes that were written.
  Status rewrite(uint64_t offset, std::string_view bytes);
  Status commit();

private:
  OutputFile() = default;
  Status fail(int reason) const;
  Status writeAt(uint64_t offset, std::string_view bytes);
  int file = -1;
  uint64_t end = 0;
  std::string name, target, temporary; ///< as it was given; without links; where it is written
};

/// Takes bytes of a file that is being written.
using Sink = std::function<bool(const void *, size_t)>;

/// Writes a file as OutputFile does. `fill` returns false to give up.
Status writeFile(const std::string &path, const std::function<bool(const Sink &)> &fill,
                 FileKind kind = FileKind::Data);

/// Fails where `writeFile` would fail before a byte is written. Nothing changes; an empty path is no output.
Status tryOutput(const std::string &path);

/// Whether `name` is what an OutputFile of `base` may have left behind when its process was killed.
bool isLeftover(std::string_view name, std::string_view base);

} // namespace incept
