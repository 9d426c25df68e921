// SPDX-License-Identifier: Apache-2.0
//
// What an archive of a webdataset holds, kept in a cache from one run to the next: reading the headers of a large
// archive takes a seek each. An entry is of the very file, unchanged since then, and is checked as if it were foreign.
#pragma once

#include "runtime/support/Cache.h"
#include "runtime/support/Files.h"

#include <vector>

namespace incept {

struct ShardSample {
  uint64_t offset = 0; ///< of its picture
  uint32_t size = 0, label = 0;
  std::string name; ///< of its picture's member
};

/// As text of a cache, and back: false where it is not the index of an archive of so many bytes.
std::string encodeShard(const std::vector<ShardSample> &samples);
bool decodeShard(std::string_view text, uint64_t archiveBytes, std::vector<ShardSample> &samples);

class ShardCache {
public:
  /// In `directory`; empty: in the user's cache, if there is one.
  explicit ShardCache(std::string directory = {});
  std::optional<std::vector<ShardSample>> load(const InputFile &archive) const;
  void store(const InputFile &archive, const std::vector<ShardSample> &samples) const;

private:
  Cache cache;
};

} // namespace incept
