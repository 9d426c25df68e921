// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/RunFolder.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

namespace incept {

namespace {

constexpr std::string_view kPrefix = "step-", kSuffix = ".safetensors";

std::string nameOf(int64_t step) { return std::string(kPrefix) + std::to_string(step) + std::string(kSuffix); }

/// N of "step-N.safetensors", -1 for other names.
int64_t stepOf(std::string_view name) {
  int64_t step = -1;
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.size() <= kPrefix.size() + kSuffix.size() ||
      !readInteger(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()), 0, INT64_MAX, step))
    return -1;
  return name == nameOf(step) ? step : -1; // not "step-007.safetensors"
}

std::vector<std::string> namesIn(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  return names;
}

} // namespace

Expected<std::unique_ptr<RunFolder>> RunFolder::open(const std::string &directory) {
  std::unique_ptr<RunFolder> folder(new RunFolder(directory));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error && !std::filesystem::is_directory(directory))
    return machineError("cannot create '" + directory + "': " + error.message());
  INCEPT_RETURN_IF_ERROR(folder->lock());
  INCEPT_RETURN_IF_ERROR(tryOutput(directory + "/trial"));
  return folder;
}

RunFolder::~RunFolder() {
  if (file >= 0)
    ::close(file); // which ends the lock; the file stays, since another process may be waiting to look at it
}

Status RunFolder::lock() {
  std::string path = folder + "/lock";
  file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (file < 0)
    return machineError("cannot write '" + path + "': " + std::strerror(errno));
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno != EWOULDBLOCK) {
      lockNote = "'" + folder + "' cannot be locked (" + std::strerror(errno) + "): see that no other training uses it";
      return {};
    }
    char owner[200] = {};
    ssize_t size = ::pread(file, owner, sizeof owner - 1, 0);
    std::string text(owner, size > 0 ? size : 0);
    while (text.ends_with('\n'))
      text.pop_back();
    return inputError("'" + folder + "' is in use by a training" + (text.empty() ? "" : " (" + text + ")") +
                      ": wait until it ends, or give another --checkpoint-dir");
  }
  char host[100] = {};
  ::gethostname(host, sizeof host - 1);
  std::string text = "process " + std::to_string(::getpid()) + " on " + host + "\n";
  // Who has it is for messages only: the lock holds without.
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, text.data(), text.size(), 0) < 0)
    return {};
  return {};
}

std::vector<int64_t> RunFolder::steps() const {
  std::vector<int64_t> steps;
  for (const std::string &name : namesIn(folder))
    if (int64_t step = stepOf(name); step >= 0)
      steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::string RunFolder::path(int64_t step) const { return folder + "/" + nameOf(step); }

void RunFolder::removeLeftovers() const {
  for (const std::string &name : namesIn(folder))
    if (size_t dot = name.rfind('.'); dot != std::string::npos)
      if (std::string base = name.substr(0, dot); stepOf(base) >= 0 && isLeftover(name, base))
        ::unlink((folder + "/" + name).c_str());
}

Status RunFolder::removeCheckpoint(int64_t step) const {
  std::error_code error;
  std::filesystem::remove(path(step), error);
  return error ? machineError("cannot remove '" + path(step) + "': " + error.message()) : Status();
}

Status RunFolder::setAside(int64_t step) const {
  std::error_code error;
  std::string to = path(step) + ".damaged";
  for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(to, error)) && i < 1000; ++i)
    to = path(step) + ".damaged-" + std::to_string(i);
  std::filesystem::rename(path(step), to, error);
  return error ? machineError("cannot rename '" + path(step) + "': " + error.message()) : Status();
}

Status RunFolder::prune(size_t count, const std::set<int64_t> &kept) const {
  std::vector<int64_t> all = steps();
  for (size_t i = 0; count > 0 && i + count < all.size(); ++i)
    if (!kept.count(all[i]))
      INCEPT_RETURN_IF_ERROR(removeCheckpoint(all[i]));
  return {};
}

} // namespace incept
