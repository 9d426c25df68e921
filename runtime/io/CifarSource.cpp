// SPDX-License-Identifier: Apache-2.0
//
// cifar:DIR, the binary form of CIFAR-10 and CIFAR-100: labels, then 32x32 pixels in planes of red, green and blue.

#include "runtime/io/Sources.h"
#include "runtime/support/Files.h"
#include "runtime/support/Memory.h"

#include <filesystem>

namespace incept {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSide = 32, kPlane = kSide * kSide;
constexpr uint64_t kMaxFileBytes = uint64_t(1) << 31;

/// One of the two sets: its files, and where the label is among the bytes before the pixels.
struct Kind {
  const char *folder;
  std::vector<const char *> train;
  const char *test, *names;
  int64_t classes, labelBytes, label;
};
const Kind kKinds[] = {
    {"cifar-10-batches-bin",
     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
     "test_batch.bin",
     "batches.meta.txt",
     10,
     1,
     0},
    {"cifar-100-binary", {"train.bin"}, "test.bin", "fine_label_names.txt", 100, 2, 1}, // coarse, then fine
};

bool isFile(const std::string &path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The set of a folder, or of the one in it that its archive has; null where there is none.
const Kind *findKind(const std::string &directory, std::string &place) {
  for (const Kind &kind : kKinds)
    for (const std::string &candidate : {directory, directory + "/" + kind.folder})
      if (isFile(candidate + "/" + kind.test) || isFile(candidate + "/" + kind.train[0])) {
        place = candidate;
        return &kind;
      }
  return nullptr;
}

Status addFile(const std::string &path, const Kind &kind, ImageSet &set) {
  auto file = LoadedFile::open(path, kMaxFileBytes);
  if (!file)
    return file.status();
  std::string_view bytes = file->bytes();
  int64_t record = kind.labelBytes + 3 * kPlane;
  if (bytes.empty() || int64_t(bytes.size()) % record != 0)
    return inputError("'" + path + "' is no file of CIFAR-" + std::to_string(kind.classes) +
                      ": expected a multiple of " + std::to_string(record) + " bytes, but it has " +
                      std::to_string(bytes.size()));
  int64_t count = int64_t(bytes.size()) / record;
  set.pixels.resize((set.count + count) * 3 * kPlane);
  for (int64_t i = 0; i < count; ++i) {
    const auto *from = reinterpret_cast<const uint8_t *>(bytes.data()) + i * record;
    if (from[kind.label] >= kind.classes)
      return inputError("'" + path + "' has label " + std::to_string(from[kind.label]) + " at image " +
                        std::to_string(i) + ", but CIFAR-" + std::to_string(kind.classes) + " has labels up to " +
                        std::to_string(kind.classes - 1));
    set.labels8.push_back(from[kind.label]);
    uint8_t *to = set.pixels.data() + (set.count + i) * 3 * kPlane;
    for (int64_t k = 0; k < kPlane; ++k)
      for (int64_t c = 0; c < 3; ++c)
        to[3 * k + c] = from[kind.labelBytes + c * kPlane + k];
  }
  set.count += count;
  return {};
}

/// A line for each class; none where the file is missing or says something else.
std::vector<std::string> readNames(const std::string &path, int64_t classes) {
  std::vector<std::string> names;
  auto file = LoadedFile::open(path, 1 << 20);
  if (!file)
    return names;
  std::string_view text = file->bytes();
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.ends_with('\r') || line.ends_with(' '))
      line.remove_suffix(1);
    if (!line.empty())
      names.emplace_back(line);
  }
  if (int64_t(names.size()) != classes)
    names.clear();
  return names;
}

} // namespace

int64_t cifarClasses(const std::string &directory) {
  std::string place;
  const Kind *kind = findKind(directory, place);
  return kind ? kind->classes : 0;
}

Expected<std::unique_ptr<Dataset>> openCifar(const std::string &directory, Split split, const ImageShape &shape) {
  std::string place;
  const Kind *kind = findKind(directory, place);
  if (!kind)
    return inputError("'" + directory + "' is no CIFAR in binary form: expected " + kKinds[0].train[0] + " or " +
                      kKinds[1].train[0]);
  if (shape.channels != 1 && shape.channels != 3)
    return inputError("the network's input has " + std::to_string(shape.channels) +
                      " channels, but CIFAR's images have 3");
  if (shape.classes != kind->classes)
    return wrongClasses(directory, kind->classes, shape.classes);
  ImageSet set;
  set.height = set.width = kSide;
  set.channels = 3;
  if (split == Split::Train) {
    for (const char *name : kind->train)
      INCEPT_RETURN_IF_ERROR(addFile(place + "/" + name, *kind, set));
  } else if (split == Split::Evaluation || isFile(place + "/" + kind->test)) {
    INCEPT_RETURN_IF_ERROR(addFile(place + "/" + kind->test, *kind, set));
  }
  return makePixelDataset(std::move(set), place, readNames(place + "/" + kind->names, kind->classes));
}

} // namespace incept
