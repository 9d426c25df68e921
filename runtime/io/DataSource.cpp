// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/DataSource.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <sys/stat.h>
#include <zlib.h>

namespace incept {

namespace {

/// Largest idx file that is read, unpacked: beyond any set of this format.
constexpr int64_t kMaxIdxBytes = int64_t(1) << 34;

bool isFile(const std::string &path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// `DIR/NAME` or `DIR/NAME.gz`, empty where neither exists.
std::string findIdx(const std::string &directory, const std::string &name) {
  for (const char *suffix : {"", ".gz"})
    if (std::string path = directory + "/" + name + suffix; isFile(path))
      return path;
  return "";
}

/// Closes what zlib opened; gzread reads plain files too.
struct GzFile {
  explicit GzFile(const std::string &path) : file(::gzopen(path.c_str(), "rb")) {}
  ~GzFile() {
    if (file)
      ::gzclose(file);
  }
  bool read(void *data, size_t size) {
    auto *to = static_cast<uint8_t *>(data);
    while (size > 0) {
      int got = ::gzread(file, to, static_cast<unsigned>(std::min<size_t>(size, 1u << 30)));
      if (got <= 0)
        return false;
      to += got;
      size -= got;
    }
    return true;
  }
  gzFile file;
};

Expected<ImageSet> loadIdx(const std::string &directory, Split split, const ImageShape &shape) {
  std::string prefix = split == Split::Train ? "train" : "t10k";
  std::string imagePath = findIdx(directory, prefix + "-images-idx3-ubyte");
  std::string labelPath = findIdx(directory, prefix + "-labels-idx1-ubyte");
  if (imagePath.empty() || labelPath.empty()) {
    if (split == Split::Test)
      return ImageSet{};
    return inputError("'" + directory + "' has no train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz or not)");
  }
  std::vector<int64_t> dims, labelDims;
  auto pixels = readIdx(imagePath, 3, dims);
  if (!pixels)
    return pixels.status();
  auto labels = readIdx(labelPath, 1, labelDims);
  if (!labels)
    return labels.status();
  if (dims[0] != labelDims[0])
    return inputError("'" + imagePath + "' has " + std::to_string(dims[0]) + " images, but '" + labelPath + "' has " +
                      std::to_string(labelDims[0]) + " labels");
  if (shape.channels != 1 || dims[1] != shape.height || dims[2] != shape.width)
    return inputError("'" + imagePath + "' has images of 1x" + std::to_string(dims[1]) + "x" + std::to_string(dims[2]) +
                      ", but the program was compiled for " + std::to_string(shape.channels) + "x" +
                      std::to_string(shape.height) + "x" + std::to_string(shape.width) +
                      ": compile it with other parameters (incept compile --set)");
  for (size_t i = 0; i < labels->size(); ++i)
    if ((*labels)[i] >= shape.classes)
      return inputError("'" + labelPath + "' has label " + std::to_string((*labels)[i]) + " at image " +
                        std::to_string(i) + ", but the program has " + std::to_string(shape.classes) + " classes");
  ImageSet set;
  set.count = dims[0];
  set.height = dims[1];
  set.width = dims[2];
  set.channels = 1;
  set.pixels = std::move(*pixels);
  set.labels8 = std::move(*labels);
  return set;
}

/// Random images: for measuring speed.
ImageSet makeSynthetic(Split split, const ImageShape &shape) {
  ImageSet set;
  set.count = 256;
  set.height = shape.height;
  set.width = shape.width;
  set.channels = shape.channels;
  set.pixels.resize(set.count * set.imageBytes());
  PhiloxStream random(0, hashName(split == Split::Train ? "synthetic/train" : "synthetic/test"));
  for (uint8_t &pixel : set.pixels)
    pixel = static_cast<uint8_t>(random.next());
  for (int64_t i = 0; i < set.count; ++i)
    set.labels8.push_back(static_cast<uint8_t>(random.below(std::min<int64_t>(shape.classes, 256))));
  return set;
}

} // namespace

Expected<std::vector<uint8_t>> readIdx(const std::string &path, int dims, std::vector<int64_t> &shape) {
  auto bad = [&](const std::string &why) { return inputError("'" + path + "' is no valid idx file: " + why); };
  GzFile file(path);
  if (!file.file)
    return inputError("cannot read '" + path + "'");
  uint8_t magic[4];
  if (!file.read(magic, 4))
    return bad("it is truncated in its header");
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != dims)
    return bad("expected magic number 0x0000080" + std::to_string(dims) + " (unsigned bytes, " + std::to_string(dims) +
               " dimensions)");
  int64_t bytes = 1;
  for (int i = 0; i < dims; ++i) {
    uint8_t word[4];
    if (!file.read(word, 4))
      return bad("it is truncated in its header");
    int64_t dim = int64_t(word[0]) << 24 | word[1] << 16 | word[2] << 8 | word[3];
    if (dim == 0 || __builtin_mul_overflow(bytes, dim, &bytes) || bytes > kMaxIdxBytes)
      return bad("expected dimensions between 1 and 16 GiB in all");
    shape.push_back(dim);
  }
  // Grown as data comes, so that a lying header cannot make us allocate what the file does not hold.
  std::vector<uint8_t> data;
  while (static_cast<int64_t>(data.size()) < bytes) {
    size_t have = data.size(), more = std::min<int64_t>(bytes - have, std::max<int64_t>(have, 1 << 20));
    data.resize(have + more);
    if (!file.read(data.data() + have, more))
      return bad("its header announces " + std::to_string(bytes) + " bytes, but it is truncated");
  }
  uint8_t extra;
  if (file.read(&extra, 1))
    return bad("it is longer than its header announces");
  return data;
}

Expected<ImageSet> loadImages(const std::string &source, Split split, const ImageShape &shape) {
  auto startsWith = [&](const char *prefix) { return source.rfind(prefix, 0) == 0; };
  if (startsWith("synthetic:"))
    return makeSynthetic(split, shape);
  if (startsWith("idx:"))
    return loadIdx(source.substr(4), split, shape);
  if (!findIdx(source, "train-images-idx3-ubyte").empty())
    return loadIdx(source, split, shape);
  return inputError("unknown data source '" + source + "': expected idx:DIR or synthetic:");
}

} // namespace incept
