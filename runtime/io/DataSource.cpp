// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/DataSource.h"
#include "runtime/support/Files.h"
#include "runtime/support/Memory.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <array>
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

/// The bytes of a file from its begin to its end, unpacked where it is a gzip file.
class ByteStream {
public:
  static Expected<ByteStream> open(const std::string &path);

  /// Fills `to` and returns how many bytes there were, less at the end; an error where the file cannot be read, or its
  /// compressed data are damaged.
  Expected<size_t> get(void *to, size_t size) { return packed ? unpack(to, size) : load(to, size); }

  /// The most bytes that it can have: as many as it has where nothing is packed.
  uint64_t most() const { return packed ? input.size() * kMostPerByte : input.size(); }
  bool isPacked() const { return packed != nullptr; }
  /// Whether compressed data have ended before their end.
  bool isCut() const { return cut; }

private:
  explicit ByteStream(InputFile input) : input(std::move(input)) {}
  Expected<size_t> load(void *to, size_t size);
  Expected<size_t> unpack(void *to, size_t size);
  Expected<bool> fill();

  struct Inflate { // not to be moved: zlib points at it
    ~Inflate() { ::inflateEnd(&stream); }
    z_stream stream{};
    std::array<uint8_t, 1 << 17> buffer;
  };
  InputFile input;
  uint64_t offset = 0; ///< of what is read next
  std::unique_ptr<Inflate> packed;
  bool cut = false, ended = false;
};

Expected<ByteStream> ByteStream::open(const std::string &path) {
  auto input = InputFile::open(path);
  if (!input)
    return input.status();
  uint8_t first[2] = {};
  if (input->size() >= 2)
    INCEPT_RETURN_IF_ERROR(input->read(0, first, 2));
  ByteStream stream(std::move(*input));
  if (first[0] == 0x1f && first[1] == 0x8b) {
    stream.packed = std::make_unique<Inflate>();
    if (::inflateInit2(&stream.packed->stream, /*windowBits=*/15 + 16) != Z_OK) // gzip, with its checksum
      return machineError("cannot read '" + path + "': out of memory");
  }
  return stream;
}

Expected<size_t> ByteStream::load(void *to, size_t size) {
  size_t count = std::min<uint64_t>(size, input.size() - offset);
  INCEPT_RETURN_IF_ERROR(input.read(offset, to, count));
  offset += count;
  return count;
}

/// Gives zlib more where it has nothing left; false at the end of the file.
Expected<bool> ByteStream::fill() {
  z_stream &stream = packed->stream;
  if (stream.avail_in > 0)
    return true;
  auto count = load(packed->buffer.data(), packed->buffer.size());
  if (!count)
    return count.status();
  stream.next_in = packed->buffer.data();
  stream.avail_in = static_cast<unsigned>(*count);
  return *count > 0;
}

Expected<size_t> ByteStream::unpack(void *to, size_t size) {
  z_stream &stream = packed->stream;
  stream.next_out = static_cast<uint8_t *>(to);
  stream.avail_out = static_cast<unsigned>(std::min<size_t>(size, 1u << 30));
  size_t most = stream.avail_out;
  while (stream.avail_out > 0 && !ended) {
    auto more = fill();
    if (!more)
      return more.status();
    if (!*more) {
      cut = ended = true;
      break;
    }
    int code = ::inflate(&stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) { // a file may have several parts
      more = fill();
      if (!more)
        return more.status();
      ended = !*more || ::inflateReset(&stream) != Z_OK;
    } else if (code != Z_OK) {
      return inputError("cannot read '" + input.path() + "': its compressed data are damaged");
    }
  }
  return most - stream.avail_out;
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
  IdxFile(std::string path, ByteStream stream) : path(std::move(path)), stream(std::move(stream)) {}
  Status bad(const std::string &why) const { return inputError("'" + path + "' is no valid idx file: " + why); }
  Status readHeader(int dims);
  /// Reads exactly so many bytes of the header.
  Status readHeader(uint8_t *to, size_t size);

  ByteStream stream;
};

Expected<IdxFile> IdxFile::open(const std::string &path, int dims) {
  auto stream = ByteStream::open(path);
  if (!stream)
    return stream.status();
  IdxFile file(path, std::move(*stream));
  INCEPT_RETURN_IF_ERROR(file.readHeader(dims));
  uint64_t announced = uint64_t(file.bytes) + 4 + 4 * dims;
  if (announced > file.stream.most())
    return file.bad("its header announces " + std::to_string(file.bytes) + " bytes, but it is truncated");
  if (!file.stream.isPacked() && announced < file.stream.most())
    return file.bad("it is longer than its header announces");
  return file;
}

Status IdxFile::readHeader(uint8_t *to, size_t size) {
  auto count = stream.get(to, size);
  if (!count)
    return count.status();
  return *count == size ? Status() : bad("it is truncated in its header");
}

Status IdxFile::readHeader(int dims) {
  uint8_t magic[4];
  INCEPT_RETURN_IF_ERROR(readHeader(magic, 4));
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != dims)
    return bad("expected magic number 0x0000080" + std::to_string(dims) + " (unsigned bytes, " + std::to_string(dims) +
               " dimensions)");
  for (int i = 0; i < dims; ++i) {
    uint8_t word[4];
    INCEPT_RETURN_IF_ERROR(readHeader(word, 4));
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
  bool isCut = false;
  while (static_cast<int64_t>(data.size()) < bytes) {
    int64_t have = static_cast<int64_t>(data.size()), more = std::min<int64_t>(bytes - have, 1 << 20);
    data.resize(have + more);
    auto got = stream.get(data.data() + have, more);
    if (!got)
      return got.status();
    isCut = static_cast<int64_t>(*got) < more;
    if (isCut)
      break;
  }
  uint8_t extra;
  auto got = stream.get(&extra, 1); // the end of compressed data has a checksum
  if (!got)
    return got.status();
  if (isCut || stream.isCut())
    return bad("its header announces " + std::to_string(bytes) + " bytes, but it is truncated");
  if (*got > 0)
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
