// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/ProgramCache.h"
#include "runtime/support/Checksum.h"
#include "tools/incept/Driver.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace incept {

static constexpr const char *kProgram = "program";

/// Checksum and size of a program, as its entry holds them; nothing where the file is not one of ours.
static std::optional<std::string> identify(const std::string &path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return std::nullopt;
  std::optional<std::string> identity;
  struct stat info {};
  if (isOurs(file) && ::fstat(file, &info) == 0)
    if (auto bytes = llvm::MemoryBuffer::getOpenFile(file, path, info.st_size,
                                                     /*RequiresNullTerminator=*/false))
      identity = Checksum().add({(*bytes)->getBufferStart(), (*bytes)->getBufferSize()}).text() + " " +
                 std::to_string((*bytes)->getBufferSize());
  ::close(file);
  return identity;
}

std::optional<std::string> ProgramCache::find(const std::string &key) const {
  auto kept = cache.load(key);
  std::string path = cache.path(key, kProgram);
  return kept && kept == identify(path) ? std::optional(path) : std::nullopt;
}

Expected<std::string> ProgramCache::place(const std::string &key) const {
  if (!cache.makeDirectory())
    return machineError("cannot use '" + cache.directory() +
                        "' for compiled programs: expected a folder that only its owner can write to");
  // Whatever lies there: a link is not written through.
  std::string path = cache.path(key, kProgram);
  ::unlink(path.c_str());
  return path;
}

Status ProgramCache::keep(const std::string &key) const {
  std::string path = cache.path(key, kProgram);
  if (::chmod(path.c_str(), 0700) != 0)
    return machineError("cannot keep '" + path + "': " + std::strerror(errno));
  auto identity = identify(path);
  if (!identity || !cache.store(key, *identity))
    return machineError("cannot keep '" + path + "' in the cache: is the disk full?");
  return {};
}

int manageCaches(bool clear) {
  auto root = cacheRoot();
  if (!root) {
    llvm::errs() << "incept: error: " << root.status().message() << "\n";
    return static_cast<int>(root.status().code());
  }
  int status = kDone;
  for (const char *name : kCacheNames) {
    Cache cache(*root + "/" + name);
    std::vector<Cache::Entry> entries = cache.entries();
    uint64_t bytes = 0;
    for (const Cache::Entry &entry : entries)
      bytes += entry.bytes;
    size_t removed = clear ? cache.clear() : 0;
    llvm::outs() << llvm::format("%-14s %6zu %s %9.1f MB  ", name, entries.size(),
                                 entries.size() == 1 ? "entry,  " : "entries,", double(bytes) / 1e6)
                 << cache.directory() << (clear ? ", removed" : "") << "\n";
    if (clear && removed < entries.size()) {
      llvm::errs() << "incept: error: cannot remove " << entries.size() - removed << " entries of '"
                   << cache.directory() << "': check who owns them\n";
      status = kMachineAtFault;
    }
  }
  return status;
}

} // namespace incept
