// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace incept {

namespace {

const char *kindOf(mode_t mode) {
  return S_ISDIR(mode)    ? "a folder"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
         : S_ISLNK(mode)  ? "a symbolic link"
                          : "a device";
}

/// The error of a file that cannot be opened: the input's where the file is not there or may not be read, else the
/// machine's, which says nothing of the file.
Status cannotOpen(const std::string &path, int reason) {
  constexpr int kOfInput[] = {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, ENXIO};
  bool isOfInput = std::find(std::begin(kOfInput), std::end(kOfInput), reason) != std::end(kOfInput);
  return {isOfInput ? Code::Input : Code::Machine, "cannot read '" + path + "': " + std::strerror(reason)};
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr size_t kSuffix = 6;

/// ".XXXXXX" with letters and digits drawn; another one for each attempt even where nothing can be drawn.
std::string drawSuffix(int attempt) {
  unsigned char random[kSuffix] = {};
  (void)!::getrandom(random, sizeof random, 0);
  std::string suffix = ".";
  for (unsigned char byte : random)
    suffix += kLetters[(byte + attempt) % kLetters.size()];
  return suffix;
}

/// Names are lost with a machine that stops where only the file is on the disk. Some file systems know nothing to do.
bool syncFolder(const std::string &folder) {
  int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return errno == EACCES; // a folder that may be written but not read
  bool ok = ::fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP;
  int reason = errno;
  ::close(file);
  errno = reason;
  return ok;
}

} // namespace

Expected<InputFile> InputFile::open(const std::string &path) {
  // Without O_NONBLOCK a pipe that nobody writes to would wait here.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    return cannotOpen(path, errno);
  InputFile input(file, 0, path);
  struct stat info {};
  if (::fstat(file, &info) != 0)
    return cannotOpen(path, errno);
  if (!S_ISREG(info.st_mode))
    return inputError("cannot read '" + path + "': expected a regular file, but it is " + kindOf(info.st_mode));
  input.bytes = static_cast<uint64_t>(info.st_size);
  return input;
}

InputFile::InputFile(InputFile &&other) noexcept : file(other.file), bytes(other.bytes), name(std::move(other.name)) {
  other.file = -1;
}

InputFile::~InputFile() {
  if (file >= 0)
    ::close(file);
}

int InputFile::release() { return std::exchange(file, -1); }

Status InputFile::read(uint64_t offset, void *to, size_t count) const {
  auto *next = static_cast<char *>(to);
  while (count > 0) {
    ssize_t got = ::pread(file, next, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return machineError("cannot read '" + name + "': " + std::strerror(errno));
    if (got == 0)
      return inputError("cannot read '" + name + "': it became shorter while it was read");
    next += got;
    offset += got;
    count -= got;
  }
  return {};
}

Expected<LoadedFile> LoadedFile::open(const std::string &path, uint64_t most) {
  auto input = InputFile::open(path);
  if (!input)
    return input.status();
  if (input->size() > most)
    return inputError("cannot read '" + path + "': expected at most " + std::to_string(most) + " bytes, but it has " +
                      std::to_string(input->size()));
  auto data = std::make_unique_for_overwrite<char[]>(input->size());
  INCEPT_RETURN_IF_ERROR(input->read(0, data.get(), input->size()));
  return LoadedFile(std::move(data), input->size());
}

Expected<MappedFile> MappedFile::open(const std::string &path) {
  auto input = InputFile::open(path);
  if (!input)
    return input.status();
  size_t size = input->size();
  int file = input->release();
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

Status OutputFile::fail(int reason) const {
  return machineError("cannot write '" + name + "': " + std::strerror(reason ? reason : EIO));
}

Expected<OutputFile> OutputFile::create(const std::string &path, FileKind kind) {
  OutputFile output;
  output.name = output.target = path;
  // A rename would put a plain file in the place of a link, a pipe or a device: as root, of /dev/null.
  struct stat info {};
  bool exists = ::lstat(path.c_str(), &info) == 0;
  if (exists && S_ISLNK(info.st_mode)) {
    std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real)
      return inputError("cannot write '" + path +
                        "': it is a symbolic link that leads nowhere: " + std::strerror(errno));
    output.target = real.get();
    exists = ::lstat(real.get(), &info) == 0;
  }
  if (exists && !S_ISREG(info.st_mode))
    return inputError("cannot write '" + path + "': expected a regular file or a new name, but it is " +
                      kindOf(info.st_mode));
  mode_t permissions = kind == FileKind::Program ? 0777 : 0666;
  for (int attempt = 0; output.file < 0 && attempt < 100; ++attempt) {
    output.temporary = output.target + drawSuffix(attempt);
    output.file = ::open(output.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, permissions);
    if (output.file < 0 && errno != EEXIST && errno != EINTR)
      break;
  }
  if (output.file < 0)
    return output.fail(errno);
  if (exists && kind == FileKind::Data && ::fchmod(output.file, info.st_mode & 0777) != 0)
    return output.fail(errno);
  return output;
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : file(std::exchange(other.file, -1)), end(other.end), name(std::move(other.name)), target(std::move(other.target)),
      temporary(std::move(other.temporary)) {}

OutputFile::~OutputFile() {
  if (file < 0)
    return;
  ::close(file);
  ::unlink(temporary.c_str());
}

Status OutputFile::writeAt(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return fail(written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(written);
    offset += written;
  }
  return {};
}

Status OutputFile::write(std::string_view bytes) {
  INCEPT_RETURN_IF_ERROR(writeAt(end, bytes));
  end += bytes.size();
  return {};
}

Status OutputFile::rewrite(uint64_t offset, std::string_view bytes) { return writeAt(offset, bytes); }

Status OutputFile::commit() {
  while (::fsync(file) != 0)
    if (errno != EINTR)
      return fail(errno);
  bool ok = ::close(std::exchange(file, -1)) == 0 || errno == EINTR;
  if (!ok || ::rename(temporary.c_str(), target.c_str()) != 0) {
    int reason = errno;
    ::unlink(temporary.c_str());
    return fail(reason);
  }
  if (!syncFolder(folderOf(target)))
    return fail(errno);
  return {};
}

Status writeFile(const std::string &path, const std::function<bool(const Sink &)> &fill, FileKind kind) {
  auto output = OutputFile::create(path, kind);
  if (!output)
    return output.status();
  Status written;
  bool whole = fill([&](const void *data, size_t size) {
    if (written.ok())
      written = output->write({static_cast<const char *>(data), size});
    return written.ok();
  });
  INCEPT_RETURN_IF_ERROR(written);
  return whole ? output->commit() : machineError("cannot write '" + path + "': its contents could not be made");
}

Status tryOutput(const std::string &path) {
  if (path.empty())
    return {};
  auto output = OutputFile::create(path);
  return output ? Status() : output.status();
}

bool isLeftover(std::string_view name, std::string_view base) {
  return name.size() == base.size() + 1 + kSuffix && name.starts_with(base) && name[base.size()] == '.' &&
         name.find_first_not_of(kLetters, base.size() + 1) == std::string_view::npos;
}

} // namespace incept
