// SPDX-License-Identifier: Apache-2.0
//
// Pictures in folders, for the sources that read them.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace incept {

struct FoundPicture {
  std::string name; ///< below the folder where the search began
  uint64_t bytes = 0;
};

/// What a walk through folders finds.
struct FoundPictures {
  std::vector<FoundPicture> pictures;
  int64_t others = 0; ///< files that are none
};

bool isFolder(const std::string &path);

/// Names in a folder, sorted by their bytes, so that no locale matters.
Status listFolder(const std::string &path, std::vector<std::string> &names);

/// Finds the pictures below `root`/`below`, in the order of their paths. Hidden files and folders are passed over.
Status findPictures(const std::string &root, const std::string &below, FoundPictures &found);

/// Reads the file of a picture, of 1 GiB at most.
Status readPicture(const std::string &path, std::string &bytes);

} // namespace incept
