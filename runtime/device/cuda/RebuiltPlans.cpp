// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/RebuiltPlans.h"
#include "runtime/support/Files.h"
#include "runtime/support/Philox.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace incept::cuda {

/// The hash of a key names its file; the key itself is the file's beginning, since hashes may collide.
static std::string cacheFile(const std::string &directory, const std::string &key) {
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hashName(key)));
  return directory + "/" + name + ".plan";
}

static std::string heading(const std::string &key) { return std::to_string(key.size()) + "\n" + key + "\n"; }

std::string rebuiltPlansDirectory() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache)
    return std::string(cache) + "/incept/rebuilt-plans";
  return home && *home ? std::string(home) + "/.cache/incept/rebuilt-plans" : std::string();
}

std::optional<std::string> findInCache(const std::string &directory, const std::string &key) {
  if (directory.empty())
    return std::nullopt;
  auto file = MappedFile::open(cacheFile(directory, key));
  std::string expected = heading(key);
  if (!file || !file->bytes().starts_with(expected))
    return std::nullopt;
  return std::string(file->bytes().substr(expected.size()));
}

void keepInCache(const std::string &directory, const std::string &key, const std::string &text) {
  if (directory.empty())
    return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  Status written = writeFile(cacheFile(directory, key), [&](const Sink &sink) {
    std::string begin = heading(key);
    return sink(begin.data(), begin.size()) && sink(text.data(), text.size());
  });
  (void)written; // the next start builds it again
}

} // namespace incept::cuda
