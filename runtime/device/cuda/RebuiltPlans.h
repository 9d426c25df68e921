// SPDX-License-Identifier: Apache-2.0
//
// What this machine has built once and keeps: texts by key, one file each, below the user's cache directory. A cache
// that cannot be read or written is as good as an empty one.
#pragma once

#include <optional>
#include <string>

namespace incept::cuda {

/// XDG_CACHE_HOME or HOME/.cache, then incept/rebuilt-plans; empty where neither is set.
std::string rebuiltPlansDirectory();

/// The text kept for `key`, if there is one.
std::optional<std::string> findInCache(const std::string &directory, const std::string &key);

/// Keeps `text` for `key`; creates the directory.
void keepInCache(const std::string &directory, const std::string &key, const std::string &text);

} // namespace incept::cuda
