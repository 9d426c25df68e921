// SPDX-License-Identifier: Apache-2.0
//
// The kinds of data sources, for openDataset.
#pragma once

#include "runtime/io/Dataset.h"

#include <cstring>

namespace incept {

Expected<std::unique_ptr<Dataset>> openFolder(const std::string &directory, Split split, const ImageShape &shape);
Expected<std::unique_ptr<Dataset>> openMasks(const std::string &directory, Split split, const ImageShape &shape);
Expected<std::unique_ptr<Dataset>> openWebDataset(const std::string &pattern, Split split, const ImageShape &shape);
Expected<std::unique_ptr<Dataset>> openCifar(const std::string &directory, Split split, const ImageShape &shape);

/// The number of classes of a folder of CIFAR's; 0 where it is none.
int64_t cifarClasses(const std::string &directory);
/// Whether a folder has pictures and masks, as openMasks reads them.
bool hasMaskFolders(const std::string &directory);
/// The number of folders of classes, 0 where there are none.
int64_t folderClasses(const std::string &directory);

/// Most samples of a source: an order of them has 32 bits each.
constexpr int64_t kMaxSamples = int64_t(1) << 31;

/// A dataset whose pixels are in memory.
std::unique_ptr<Dataset> makePixelDataset(ImageSet images, std::string name, std::vector<std::string> classes);

/// The error of a source whose number of classes is not the program's.
Status wrongClasses(const std::string &source, int64_t found, int64_t expected);

/// A list of names in one piece of memory: a data set may have millions.
class NameList {
public:
  void add(std::string_view name) {
    text.append(name);
    ends.push_back(text.size());
  }
  std::string_view operator[](int64_t i) const {
    uint64_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  int64_t size() const { return int64_t(ends.size()); }

private:
  std::string text;
  std::vector<uint64_t> ends;
};

/// Whether a name ends in .jpg, .jpeg or .png, in any case.
bool isPictureName(std::string_view name);

} // namespace incept
