// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/DataSource.h"
#include "runtime/support/Files.h"
#include "runtime/support/Memory.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <memory>
#include <sys/stat.h>
#include <zlib.h>

namespace incept {

namespace {

/// Largest idx file that is read, unpacked: beyond any set of this format.
constexpr int64_t kMaxIdxBytes = int64_t(1) << 34;
/// Deflate makes no more than this of a byte.
constexpr uint64_t kMostPerByte = 1032;

/// `DIR/NAME` or `DIR/NAME.gz`, empty where neither exists.
std::string findIdx(const std::string &directory, const std::string &name) {
  struct stat info {};
  for (const char *suffix : {"", ".gz"})
    if (std::string path = directory + "/" + name + suffix; ::stat(path.c_str(), &info) == 0)
      return path;
  return "";
}

/// An idx file of unsigned bytes, packed or not, whose header has been read and checked.
class IdxFile {
public:
  static Expected<IdxFile> open(const std::string &path, int dims);

  /// Reads what comes after the header.
  Expected<std::vector<uint8_t>> read();

  std::string path;
  std::vector<int64_t> shape;
  int64_t bytes = 1; ///< behind the header

private:
  IdxFile(std::string path, gzFile file) : path(std::move(path)), file(file, ::gzclose) {}
  Status bad(const std::string &why) const { return inputError("'" + path + "' is no valid idx file: " + why); }
  Status readHeader(int dims);

  /// Fills `data` and returns how many bytes there were, less at the end; negative where they are damaged.
  int64_t get(void *data, size_t size) {
    auto *to = static_cast<uint8_t *>(data);
    size_t done = 0;
    while (done < size) {
      int got = ::gzread(file.get(), to + done, static_cast<unsigned>(std::min<size_t>(size - done, 1u << 30)));
      int code = 0;
      if (got <= 0)
        ::gzerror(file.get(), &code);
      isCut |= code == Z_BUF_ERROR; // a file that ends too early, which is no error to gzread
      if (got < 0 && !isCut)
        return -1;
      if (got <= 0)
        break;
      done += got;
    }
    return static_cast<int64_t>(done);
  }

  std::unique_ptr<gzFile_s, int (*)(gzFile)> file;
  bool isCut = false;
};

Expected<IdxFile> IdxFile::open(const std::string &path, int dims) {
  auto input = InputFile::open(path);
  if (!input)
    return input.status();
  uint64_t size = input->size(), most = size;
  unsigned char first[2] = {};
  if (size >= 2)
    INCEPT_RETURN_IF_ERROR(input->read(0, first, 2));
  bool isPacked = first[0] == 0x1f && first[1] == 0x8b;
  if (isPacked)
    most = size * kMostPerByte;
  gzFile gz = ::gzdopen(input->release(), "rb"); // which reads plain files too
  if (!gz)
    return machineError("cannot read '" + path + "': out of memory");
  IdxFile file(path, gz);
  ::gzbuffer(gz, 1 << 17);
  INCEPT_RETURN_IF_ERROR(file.readHeader(dims));
  uint64_t announced = uint64_t(file.bytes) + 4 + 4 * dims;
  if (announced > most)
    return file.bad("its header announces " + std::to_string(file.bytes) + " bytes, but it is truncated");
  if (!isPacked && announced < size)
    return file.bad("it is longer than its header announces");
  return file;
}

Status IdxFile::readHeader(int dims) {
  uint8_t magic[4];
  if (get(magic, 4) != 4)
    return bad("it is truncated in its header");
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != dims)
    return bad("expected magic number 0x0000080" + std::to_string(dims) + " (unsigned bytes, " + std::to_string(dims) +
               " dimensions)");
  for (int i = 0; i < dims; ++i) {
    uint8_t word[4];
    if (get(word, 4) != 4)
      return bad("it is truncated in its header");
    int64_t dim = int64_t(word[0]) << 24 | word[1] << 16 | word[2] << 8 | word[3];
    if (dim == 0)
      return bad(i == 0 ? "expected one image at least, but its header announces 0"
                        : "expected dimensions of at least 1, but its header announces 0");
    if (__builtin_mul_overflow(bytes, dim, &bytes) || bytes > kMaxIdxBytes)
      return bad("expected dimensions of at most 16 GiB in all");
    shape.push_back(dim);
  }
  return {};
}

Expected<std::vector<uint8_t>> IdxFile::read() {
  INCEPT_RETURN_IF_ERROR(checkMemory(bytes, "'" + path + "'", "use a part of the images"));
  // Touched as data comes, so that a lying header cannot make us use what the file does not hold.
  std::vector<uint8_t> data;
  data.reserve(bytes);
  while (static_cast<int64_t>(data.size()) < bytes) {
    int64_t have = static_cast<int64_t>(data.size()), more = std::min<int64_t>(bytes - have, 1 << 20);
    data.resize(have + more);
    int64_t got = get(data.data() + have, more);
    if (got < 0)
      return bad("its compressed data are damaged");
    isCut |= got < more;
    if (isCut)
      break;
  }
  uint8_t extra;
  int64_t got = get(&extra, 1); // the end of compressed data has a checksum
  if (got < 0)
    return bad("its compressed data are damaged");
  if (isCut)
    return bad("its header announces " + std::to_string(bytes) + " bytes, but it is truncated");
  if (got > 0)
    return bad("it is longer than its header announces");
  return data;
}

Expected<ImageSet> loadIdx(const std::string &directory, Split split, const ImageShape &shape) {
  std::string prefix = split == Split::Train ? "train" : "t10k";
  std::string imageName = prefix + "-images-idx3-ubyte", labelName = prefix + "-labels-idx1-ubyte";
  std::string imagePath = findIdx(directory, imageName), labelPath = findIdx(directory, labelName);
  if (split != Split::Train && imagePath.empty() && labelPath.empty())
    return ImageSet{};
  if (imagePath.empty() || labelPath.empty())
    return inputError("'" + directory + "' has no " + (imagePath.empty() ? imageName : labelName) +
                      " (.gz or not), expected beside " + (imagePath.empty() ? labelName : imageName));
  auto images = IdxFile::open(imagePath, 3);
  if (!images)
    return images.status();
  auto labels = IdxFile::open(labelPath, 1);
  if (!labels)
    return labels.status();
  const std::vector<int64_t> &dims = images->shape;
  if (dims[0] != labels->shape[0])
    return inputError("'" + imagePath + "' has " + std::to_string(dims[0]) + " images, but '" + labelPath + "' has " +
                      std::to_string(labels->shape[0]) + " labels");
  if (shape.channels != 1 || dims[1] != shape.height || dims[2] != shape.width)
    return inputError("'" + imagePath + "' has images of 1x" + std::to_string(dims[1]) + "x" + std::to_string(dims[2]) +
                      ", but the program was compiled for " + std::to_string(shape.channels) + "x" +
                      std::to_string(shape.height) + "x" + std::to_string(shape.width) +
                      ": compile it with other parameters (incept compile --set)");
  auto labelBytes = labels->read();
  if (!labelBytes)
    return labelBytes.status();
  for (size_t i = 0; i < labelBytes->size(); ++i)
    if ((*labelBytes)[i] >= shape.classes)
      return inputError("'" + labelPath + "' has label " + std::to_string((*labelBytes)[i]) + " at image " +
                        std::to_string(i) + ", but the program has " + std::to_string(shape.classes) + " classes");
  auto pixels = images->read();
  if (!pixels)
    return pixels.status();
  ImageSet set;
  set.count = dims[0];
  set.height = dims[1];
  set.width = dims[2];
  set.channels = 1;
  set.pixels = std::move(*pixels);
  set.labels8 = std::move(*labelBytes);
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

Expected<ImageSet> loadImages(const std::string &source, Split split, const ImageShape &shape) {
  auto startsWith = [&](const char *prefix) { return source.rfind(prefix, 0) == 0; };
  if (startsWith("synthetic:"))
    return makeSynthetic(split, shape);
  if (startsWith("idx:"))
    return loadIdx(source.substr(4), split, shape);
  if (isIdx(source))
    return loadIdx(source, split, shape);
  return inputError("unknown data source '" + source +
                    "': expected folder:DIR, webdataset:PATTERN, cifar:DIR, idx:DIR or synthetic:");
}

bool isIdx(const std::string &directory) { return !findIdx(directory, "train-images-idx3-ubyte").empty(); }

} // namespace incept
