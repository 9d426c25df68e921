// SPDX-License-Identifier: Apache-2.0
//
// Compiled programs of `incept train`, in the user's cache. A program is run only where it has the very bytes that were
// kept for its key; what is cut, exchanged or somebody else's is compiled again.
#pragma once

#include "runtime/support/Cache.h"

namespace incept {

class ProgramCache {
public:
  ProgramCache() : cache(cacheDirectory(CacheKind::Programs)) {}

  /// The file of the program for `key`; nothing where there is none that may be run.
  std::optional<std::string> find(const std::string &key) const;
  /// Where the program for `key` is to be compiled to. An error where the folder cannot be made or used.
  Expected<std::string> place(const std::string &key) const;
  /// Keeps what was compiled there.
  Status keep(const std::string &key) const;

private:
  Cache cache;
};

/// `incept cache`: lists what is kept, or removes it. Returns the exit status.
int manageCaches(bool clear);

} // namespace incept
