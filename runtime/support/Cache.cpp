// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Cache.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace incept {

namespace {

/// An entry is this line, the hash of what follows, the number of bytes of the key, the key, and the text.
constexpr std::string_view kMagic = "incept cache entry 1\n";
constexpr size_t kHashDigits = 16;
/// No entry is longer: a file that says so is not ours.
constexpr off_t kMostBytes = off_t(1) << 30;

std::string hashOf(std::string_view bytes) { return Checksum().add(bytes).text(); }

std::string payloadOf(std::string_view key, std::string_view text) {
  std::string payload = std::to_string(key.size()) + "\n";
  payload += key;
  payload += "\n";
  payload += text;
  return payload;
}

/// The whole file; nothing where it cannot be read, is too long, or is not ours.
std::optional<std::string> readOurs(const std::string &path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return std::nullopt;
  struct stat info {};
  std::optional<std::string> bytes;
  if (isOurs(file) && ::fstat(file, &info) == 0 && info.st_size <= kMostBytes) {
    bytes.emplace(static_cast<size_t>(info.st_size), '\0');
    size_t done = 0;
    while (done < bytes->size()) {
      ssize_t count = ::read(file, bytes->data() + done, bytes->size() - done);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        break;
      done += static_cast<size_t>(count);
    }
    if (done < bytes->size())
      bytes.reset();
    ::futimens(file, nullptr); // used now; where the cache is read-only, it stays as old as it is
  }
  ::close(file);
  return bytes;
}

/// Makes a folder and those above it, for the user alone.
void makeFolders(const std::string &path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0700);
    if (slash == std::string::npos)
      return;
  }
}

bool isHash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

Expected<std::string> cacheRoot() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  bool hasCache = cache && *cache;
  if (!hasCache && !(home && *home))
    return machineError("no place for a cache: set HOME or XDG_CACHE_HOME");
  std::string path = hasCache ? cache : home;
  if (!path.starts_with('/'))
    return machineError(std::string("expected an absolute path in ") + (hasCache ? "XDG_CACHE_HOME" : "HOME") +
                        ", but got '" + path + "'");
  return path + (hasCache ? "/incept" : "/.cache/incept");
}

std::string cacheDirectory(CacheKind kind) {
  auto root = cacheRoot();
  return root ? *root + "/" + kCacheNames[static_cast<size_t>(kind)] : "";
}

bool isOurs(int file) {
  struct stat info {};
  return ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && (info.st_uid == ::geteuid() || info.st_uid == 0) &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool Cache::makeDirectory() const {
  if (directory_.empty())
    return false;
  makeFolders(directory_);
  struct stat info {};
  return ::stat(directory_.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
         (info.st_uid == ::geteuid() || info.st_uid == 0) && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string Cache::path(std::string_view key, std::string_view extension) const {
  return directory_ + "/" + hashOf(key) + "." + std::string(extension);
}

std::optional<std::string> Cache::load(std::string_view key) const {
  if (directory_.empty())
    return std::nullopt;
  auto bytes = readOurs(path(key));
  if (!bytes || !bytes->starts_with(kMagic))
    return std::nullopt;
  std::string_view rest = std::string_view(*bytes).substr(kMagic.size());
  std::string begin = payloadOf(key, "");
  if (rest.size() < kHashDigits + 1 || rest[kHashDigits] != '\n')
    return std::nullopt;
  std::string_view hash = rest.substr(0, kHashDigits), payload = rest.substr(kHashDigits + 1);
  // The key too: names of files are hashes, which may collide.
  if (hash != hashOf(payload) || !payload.starts_with(begin))
    return std::nullopt;
  return std::string(payload.substr(begin.size()));
}

bool Cache::store(std::string_view key, std::string_view text) const {
  if (!makeDirectory())
    return false;
  std::string payload = payloadOf(key, text), head = std::string(kMagic) + hashOf(payload) + "\n", file = path(key);
  // A link is not written through, nor a pipe written to: nobody else can put one there meanwhile.
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    ::unlink(file.c_str());
  Status written = writeFile(
      file, [&](const Sink &sink) { return sink(head.data(), head.size()) && sink(payload.data(), payload.size()); });
  if (!written.ok() || ::chmod(file.c_str(), 0600) != 0)
    return false;
  if (!isTrimmed.exchange(true))
    removeSurplus();
  return true;
}

std::vector<Cache::Entry> Cache::entries() const {
  std::map<std::string, Entry> byHash;
  DIR *folder = directory_.empty() ? nullptr : ::opendir(directory_.c_str());
  if (!folder)
    return {};
  while (const dirent *item = ::readdir(folder)) {
    std::string name = item->d_name, file = directory_ + "/" + name;
    struct stat info {};
    if (!isHash(name.substr(0, name.find('.'))) || ::lstat(file.c_str(), &info) != 0 || S_ISDIR(info.st_mode))
      continue;
    Entry &entry = byHash[name.substr(0, kHashDigits)];
    entry.files.push_back(std::move(file));
    entry.bytes += static_cast<uint64_t>(info.st_size);
    entry.used = std::max<int64_t>(entry.used, info.st_mtim.tv_sec);
  }
  ::closedir(folder);
  std::vector<Entry> result;
  for (auto &[hash, entry] : byHash)
    result.push_back(std::move(entry));
  std::stable_sort(result.begin(), result.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  return result;
}

/// Removes an entry's files; false where one of them stays.
static bool removeFiles(const Cache::Entry &entry) {
  bool gone = true;
  for (const std::string &file : entry.files)
    gone &= ::unlink(file.c_str()) == 0;
  return gone;
}

size_t Cache::clear() const {
  size_t count = 0;
  for (const Entry &entry : entries())
    count += removeFiles(entry);
  return count;
}

void Cache::removeSurplus() const {
  std::vector<Entry> all = entries();
  uint64_t bytes = 0;
  for (const Entry &entry : all)
    bytes += entry.bytes;
  int64_t oldest = static_cast<int64_t>(::time(nullptr)) - limits.seconds;
  for (const Entry &entry : all) {
    if (entry.used >= oldest && bytes <= limits.bytes)
      return;
    removeFiles(entry);
    bytes -= entry.bytes;
  }
}

} // namespace incept
