// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/TrainingLog.h"
#include "runtime/support/Text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace incept {

/// True where a whole line was written by a training before its step `end` was done. An evaluation has the number of
/// steps before it.
static bool isBefore(std::string_view line, int64_t end) {
  constexpr std::string_view begin = "{\"step\":";
  if (!line.starts_with(begin) || !line.ends_with("}"))
    return false;
  size_t comma = line.find(',');
  int64_t step = -1;
  if (comma == std::string_view::npos ||
      !readInteger(line.substr(begin.size(), comma - begin.size()), 0, INT64_MAX, step))
    return false;
  bool isEvaluation = line.substr(comma).starts_with(",\"test_accuracy\":");
  return isEvaluation ? step <= end : step < end;
}

void TrainingLog::close() {
  if (file)
    std::fclose(file);
  file = nullptr;
}

Status TrainingLog::fail(int reason) const {
  return machineError("cannot write '" + path + "': " + std::strerror(reason ? reason : EIO));
}

Status TrainingLog::open(const std::string &name) {
  path = name;
  int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (descriptor < 0)
    return fail(errno);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return inputError("cannot write '" + path + "': expected a regular file or a new name");
  }
  if (!(file = ::fdopen(descriptor, "a"))) {
    ::close(descriptor);
    return fail(errno);
  }
  return {};
}

Status TrainingLog::cut(int64_t bytes) { return ::ftruncate(::fileno(file), bytes) == 0 ? Status() : fail(errno); }

Status TrainingLog::startAnew() { return cut(0); }

Status TrainingLog::cutBackTo(int64_t step) {
  FILE *reader = std::fopen(path.c_str(), "re");
  if (!reader)
    return fail(errno);
  char *line = nullptr;
  size_t capacity = 0;
  int64_t kept = 0;
  bool isForeign = false;
  while (true) {
    ssize_t size = ::getline(&line, &capacity, reader);
    // A first line that was torn has a part of the beginning.
    constexpr std::string_view begin = "{\"step\":";
    if (kept == 0 && size > 0)
      isForeign = !std::string_view(line, size).substr(0, begin.size()).starts_with(begin.substr(0, size));
    if (size <= 0 || line[size - 1] != '\n' || !isBefore({line, size_t(size - 1)}, step))
      break;
    kept += size;
  }
  std::free(line);
  std::fclose(reader);
  if (isForeign)
    return inputError("cannot go on with the log '" + path + "': its first line was not written by a training");
  return cut(kept);
}

void TrainingLog::write(const NamedNumbers &numbers) {
  for (const auto &[name, value] : numbers)
    std::fprintf(file, ",\"%s\":%s", name.c_str(), jsonNumber(value).c_str());
}

void TrainingLog::step(int64_t step, double epoch, double loss, double accuracy, double learningRate, bool isLeftOut,
                       const NamedNumbers &others) {
  if (!file)
    return;
  std::fprintf(file, "{\"step\":%lld,\"epoch\":%.4f,\"loss\":%s,\"accuracy\":%.4f,\"learning_rate\":%.9g",
               static_cast<long long>(step), epoch, jsonNumber(loss).c_str(), accuracy, learningRate);
  write(others);
  std::fprintf(file, "%s}\n", isLeftOut ? ",\"left_out\":true" : "");
}

void TrainingLog::evaluation(int64_t step, double accuracy, double loss, const NamedNumbers &others,
                             std::optional<std::pair<double, double>> averages) {
  if (!file)
    return;
  std::fprintf(file, "{\"step\":%lld,\"test_accuracy\":%.6f,\"test_loss\":%s", static_cast<long long>(step), accuracy,
               jsonNumber(loss).c_str());
  write(others);
  if (averages)
    std::fprintf(file, ",\"ema_test_accuracy\":%.6f,\"ema_test_loss\":%s", averages->first,
                 jsonNumber(averages->second).c_str());
  std::fprintf(file, "}\n");
}

Status TrainingLog::flush() {
  if (!file)
    return {};
  errno = 0;
  if (std::fflush(file) != 0 || std::ferror(file))
    return fail(errno ? errno : ENOSPC);
  return ::fsync(::fileno(file)) == 0 || errno == EINVAL ? Status() : fail(errno);
}

} // namespace incept
