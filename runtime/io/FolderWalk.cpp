// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/FolderWalk.h"
#include "runtime/io/Sources.h"
#include "runtime/support/Files.h"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace incept {

namespace fs = std::filesystem;

/// Deepest folder below the one where the search began.
static constexpr int kMaxDepth = 16;

bool isFolder(const std::string &path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Status listFolder(const std::string &path, std::vector<std::string> &names) {
  std::error_code error;
  auto entry = fs::directory_iterator(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error)
    return inputError("cannot read the folder '" + path + "': " + error.message());
  std::sort(names.begin(), names.end());
  return {};
}

static Status walk(const std::string &root, const std::string &below, int depth, FoundPictures &found) {
  if (depth > kMaxDepth)
    return inputError("'" + root + "/" + below + "' is more than " + std::to_string(kMaxDepth) + " folders deep");
  std::vector<std::string> names;
  INCEPT_RETURN_IF_ERROR(listFolder(below.empty() ? root : root + "/" + below, names));
  for (const std::string &name : names) {
    std::string path = below.empty() ? name : below + "/" + name;
    struct stat info {};
    if (name[0] == '.' || ::stat((root + "/" + path).c_str(), &info) != 0)
      continue;
    if (S_ISDIR(info.st_mode)) {
      INCEPT_RETURN_IF_ERROR(walk(root, path, depth + 1, found));
      continue;
    }
    if (S_ISREG(info.st_mode) && isPictureName(name))
      found.pictures.push_back({path, uint64_t(info.st_size)});
    else
      ++found.others;
    if (int64_t(found.pictures.size()) >= kMaxSamples)
      return inputError("'" + root + "' has more than 2^31 pictures");
  }
  return {};
}

Status findPictures(const std::string &root, const std::string &below, FoundPictures &found) {
  return walk(root, below, 0, found);
}

Status readPicture(const std::string &path, std::string &bytes) {
  auto file = InputFile::open(path);
  if (!file)
    return file.status();
  if (file->size() > (uint64_t(1) << 30))
    return inputError("'" + path + "' is larger than 1 GiB");
  bytes.resize(file->size());
  return file->read(0, bytes.data(), bytes.size());
}

} // namespace incept
