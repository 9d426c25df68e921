// SPDX-License-Identifier: Apache-2.0
//
// Files that the runtime reads: weights, data sets, pictures, checkpoints.
#include "runtime/io/Dataset.h"
#include "runtime/io/Safetensors.h"
#include "runtime/io/SampleMaker.h"
#include "runtime/io/ShardIndex.h"
#include "runtime/io/Tar.h"
#include "runtime/train/Checkpoint.h"
#include "test/fuzz/Targets.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <zlib.h>

namespace incept::fuzz {

namespace {

/// A folder of this process's own, which goes with it.
class Folder {
public:
  Folder() : path(std::filesystem::temp_directory_path() / ("incept-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string file(const std::string &name) const { return (path / name).string(); }
  std::string name() const { return path.string(); }

private:
  std::filesystem::path path;
};

void write(const std::string &path, std::string_view bytes) {
  FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return;
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
}

void writeZipped(const std::string &path, std::string_view bytes) {
  gzFile file = ::gzopen(path.c_str(), "wb1");
  if (!file)
    return;
  if (!bytes.empty())
    ::gzwrite(file, bytes.data(), unsigned(bytes.size()));
  ::gzclose(file);
}

unsigned sum(std::string_view bytes) {
  unsigned result = 0;
  for (char byte : bytes)
    result += static_cast<unsigned char>(byte);
  return result;
}

volatile unsigned sink; ///< keeps reads

} // namespace

void fuzzSafetensors(std::string_view bytes) {
  std::map<std::string, TensorView> tensors;
  Metadata metadata;
  if (!SafetensorsFile::parse(bytes, "fuzz", tensors, metadata).ok())
    return;
  for (const auto &[name, tensor] : tensors) {
    promise(tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                     tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size()));
    sink = sum(tensor.bytes);
  }
}

void fuzzIdx(std::string_view bytes) {
  // One byte of how, two of where labels begin; then images and labels.
  if (bytes.size() < 3)
    return;
  static const Folder folder;
  unsigned how = static_cast<unsigned char>(bytes[0]);
  size_t cut = static_cast<unsigned char>(bytes[1]) * 256u + static_cast<unsigned char>(bytes[2]);
  bytes.remove_prefix(3);
  cut = std::min(cut, bytes.size());
  const std::string images = folder.file("train-images-idx3-ubyte"), labels = folder.file("train-labels-idx1-ubyte");
  for (const std::string &path : {images, labels})
    for (const char *suffix : {"", ".gz"})
      ::unlink((path + suffix).c_str());
  auto put = [&](const std::string &path, std::string_view part, unsigned form) {
    if (form == 0)
      write(path, part);
    else if (form == 1)
      writeZipped(path + ".gz", part);
    else
      write(path + ".gz", part); // not zipped at all, or damaged
  };
  put(images, bytes.substr(0, cut), how % 3);
  put(labels, bytes.substr(cut), how / 3 % 3);
  auto set = loadImages("idx:" + folder.name(), Split::Train, {1, 2, 2, 3});
  if (!set)
    return;
  promise(int64_t(set->pixels.size()) == set->count * set->imageBytes() && int64_t(set->labels8.size()) == set->count);
  for (uint8_t label : set->labels8)
    promise(label < 3);
}

void fuzzPicture(std::string_view bytes) {
  for (int64_t channels : {1, 3}) {
    SampleOptions options;
    options.shape = {channels, 7, 5, 2};
    options.strict = bytes.size() % 2;
    options.evaluation.orient = double(bytes.size() / 2 % 2);
    options.evaluation.scaled = double(bytes.size() / 4 % 2);
    std::vector<uint8_t> pixels(7 * 5 * channels);
    if (SampleMaker(options).makePicture(bytes, "fuzz", pixels.data()).ok())
      sink = pixels.back();
  }
  // The same bytes as the mask of a picture of their size.
  auto number = [&](size_t at) {
    int64_t value = 0;
    for (size_t i = at; i < at + 4 && i < bytes.size(); ++i)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  Placement whole;
  whole.height = number(20);
  whole.width = number(16);
  if (whole.height < 1 || whole.width < 1)
    return;
  whole.geometry = boxGeometry({0, 0, whole.width, whole.height}, Filter::Bilinear, 7, 5);
  ImageShape shape{3, 7, 5, 4, {3, 6, 255}};
  std::vector<int64_t> labels(18), again(18);
  MaskDecoder masks;
  if (!masks.labels(bytes, "fuzz", whole, shape, labels.data()).ok())
    return;
  for (int64_t label : labels)
    promise(shape.isLabel(label));
  promise(masks.labels(bytes, "fuzz", whole, shape, again.data()).ok() && again == labels);
}

void fuzzTar(std::string_view bytes) {
  // The same bytes as a kept index of an archive.
  constexpr uint64_t kArchive = 1 << 20;
  std::vector<ShardSample> samples;
  if (decodeShard(bytes, kArchive, samples))
    for (const ShardSample &sample : samples)
      promise(sample.offset <= kArchive && sample.size <= kArchive - sample.offset && !sample.name.empty());
  static const Folder folder;
  const std::string path = folder.file("fuzz.tar");
  write(path, bytes);
  if (auto file = InputFile::open(path))
    (void)readTar(*file, [&](const TarMember &member) {
      promise(member.offset <= bytes.size() && member.size <= bytes.size() - member.offset);
      sink = unsigned(member.name.size());
      return Status();
    });
  auto dataset = openDataset("webdataset:" + path, Split::Train, {3, 8, 8, 5});
  for (int64_t i = 0; dataset && i < (*dataset)->size(); ++i) {
    std::string text;
    promise((*dataset)->label(i) < 5 && (*dataset)->read(i, text).ok());
  }
}

void fuzzCheckpoint(std::string_view bytes) {
  // A file's metadata, or the bytes as the values that are parsed.
  std::map<std::string, TensorView> tensors;
  Metadata metadata;
  if (!SafetensorsFile::parse(bytes, "fuzz", tensors, metadata).ok())
    metadata = {{"incept.hyperparameters", std::string(bytes)},
                {"incept.step", std::string(bytes.substr(0, 20))},
                {"incept.test_accuracy", std::string(bytes.substr(0, 20))}};
  int64_t value = 0;
  for (const char *key : {"incept.step", "incept.checkpoint", "incept.last_step"})
    (void)readRecorded(metadata, key, value);
  double accuracy = recordedAccuracy(metadata);
  promise(accuracy == -1 || (accuracy >= 0 && accuracy <= 1));
  (void)recordedHyperparameters(metadata);
  (void)differences(metadata, {{"incept.seed", "1"}, {"incept.threads", "2"}});
}

} // namespace incept::fuzz
