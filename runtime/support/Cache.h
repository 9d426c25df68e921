// SPDX-License-Identifier: Apache-2.0
//
// What can be made again, kept on disk: texts by key, a file each, below the user's cache folder. An entry is this
// user's own (or root's), whole, and of the very key that is asked for, or it is as good as none: it is made again,
// never trusted. Entries are written whole or not at all, so several programs may share a cache.
#pragma once

#include "runtime/support/Status.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace incept {

/// The folder of all caches: $XDG_CACHE_HOME/incept, or $HOME/.cache/incept. An error where neither is set, since a
/// shared folder could hold what somebody else made, and where the one that counts is not an absolute path.
Expected<std::string> cacheRoot();
/// What is kept, and what its folders below the root are called.
enum class CacheKind { Programs, Plans, Cubins, RebuiltPlans, Costs, Shards };
inline constexpr const char *kCacheNames[] = {"programs", "plans", "cubins", "rebuilt-plans", "costs", "shards"};
/// The folder of a cache; empty, which is no cache, where there is no root.
std::string cacheDirectory(CacheKind kind);

/// True where the file of this descriptor is regular, belongs to this user or root, and nobody else may write it.
bool isOurs(int file);

class Cache {
public:
  struct Limits {
    uint64_t bytes = uint64_t(2) << 30;     ///< of all entries; beyond it those go that were not used for longest
    int64_t seconds = int64_t(90) * 86'400; ///< an entry goes that was not used for so long
  };

  /// A cache in `directory`, which is made when something is stored. Empty: a cache that finds and keeps nothing.
  explicit Cache(std::string directory) : Cache(std::move(directory), Limits()) {}
  Cache(std::string directory, Limits limits) : directory_(std::move(directory)), limits(limits) {}

  const std::string &directory() const { return directory_; }

  std::optional<std::string> load(std::string_view key) const;
  /// False where it could not be kept, which costs time and nothing else. The first call of a process also removes what
  /// is beyond the limits.
  bool store(std::string_view key, std::string_view text) const;
  /// Makes the folder, for its owner alone; false where it cannot be made, is not this user's or may be written by
  /// others.
  bool makeDirectory() const;

  /// The file of an entry, and of what else belongs to it: it is listed and removed together with the entry.
  std::string path(std::string_view key, std::string_view extension = "entry") const;

  /// Files of one entry.
  struct Entry {
    std::vector<std::string> files;
    uint64_t bytes = 0;
    int64_t used = 0; ///< when one of them was used last, in seconds since 1970
  };
  /// What is there, longest unused first. Other files in the folder are left out.
  std::vector<Entry> entries() const;
  /// Removes all entries; returns how many.
  size_t clear() const;

private:
  void removeSurplus() const;

  std::string directory_;
  Limits limits;
  mutable std::atomic<bool> isTrimmed = false;
};

} // namespace incept
