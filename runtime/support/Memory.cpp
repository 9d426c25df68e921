// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Memory.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <fstream>
#include <sys/sysinfo.h>

namespace incept {

/// The number in a file of a control group; none where there is no file or no limit.
static uint64_t readLimit(const std::string &path) {
  std::ifstream file(path);
  std::string text;
  uint64_t limit = UINT64_MAX;
  return file >> text && readInteger(text, limit) ? limit : UINT64_MAX;
}

uint64_t memoryLimit() {
  struct sysinfo info {};
  uint64_t limit = UINT64_MAX;
  if (::sysinfo(&info) == 0)
    limit = (uint64_t(info.totalram) + info.totalswap) * info.mem_unit;
  limit = std::min(limit, readLimit("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  // Every group above this process's has a limit of its own. A container sees its group as the root.
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::"))
      continue;
    for (std::string path = line.substr(3);; path.erase(path.rfind('/'))) {
      limit = std::min(limit, readLimit("/sys/fs/cgroup" + path + "/memory.max"));
      if (path.find('/') == std::string::npos)
        break;
    }
  }
  return limit;
}

Status checkMemory(uint64_t bytes, const std::string &what, const std::string &advice) {
  uint64_t limit = memoryLimit();
  if (bytes <= limit)
    return {};
  return machineError(what + " needs " + std::to_string(bytes) + " bytes of memory, but there are " +
                      std::to_string(limit) + ": " + advice);
}

} // namespace incept
