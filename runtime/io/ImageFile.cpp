// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ImageFile.h"
#include "runtime/support/Files.h"

#include <algorithm>
#include <cmath>
#include <dlfcn.h>
#include <memory>
#include <spng.h>
#include <turbojpeg.h>

namespace incept {

namespace {

/// Most bytes of a file that are read: more than any picture of kMaxPicturePixels needs.
constexpr uint64_t kMaxPictureBytes = uint64_t(1) << 30;

/// The part of a picture's side that is looked at.
constexpr double kCentralPart = 0.875;

template <typename Function>
bool find(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(::dlsym(library, name));
  return function != nullptr;
}

/// The functions of libjpeg-turbo that are used.
struct JpegLibrary {
  decltype(tjInitDecompress) *init;
  decltype(tjDestroy) *destroy;
  decltype(tjDecompressHeader3) *readHeader;
  decltype(tjDecompress2) *decompress;
  decltype(tjGetErrorStr2) *error;

  bool load(void *library) {
    return find(library, "tjInitDecompress", init) && find(library, "tjDestroy", destroy) &&
           find(library, "tjDecompressHeader3", readHeader) && find(library, "tjDecompress2", decompress) &&
           find(library, "tjGetErrorStr2", error);
  }
};

/// The functions of libspng that are used.
struct PngLibrary {
  decltype(spng_ctx_new) *create;
  decltype(spng_ctx_free) *destroy;
  decltype(spng_set_png_buffer) *setBuffer;
  decltype(spng_set_chunk_limits) *setChunkLimits;
  decltype(spng_get_ihdr) *readHeader;
  decltype(spng_decode_image) *decode;
  decltype(spng_strerror) *error;

  bool load(void *library) {
    return find(library, "spng_ctx_new", create) && find(library, "spng_ctx_free", destroy) &&
           find(library, "spng_set_png_buffer", setBuffer) && find(library, "spng_set_chunk_limits", setChunkLimits) &&
           find(library, "spng_get_ihdr", readHeader) && find(library, "spng_decode_image", decode) &&
           find(library, "spng_strerror", error);
  }
};

/// Loads a library for the rest of the process's life; null where the machine does not have it.
template <typename Library>
const Library *loadLibrary(const char *file) {
  static Library functions;
  static const bool loaded = [&] {
    void *library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    return library && functions.load(library);
  }();
  return loaded ? &functions : nullptr;
}

Status noLibrary(const std::string &name, const char *file, const char *package) {
  return machineError("cannot read '" + name + "': expected the library " + file + " on this machine: install " +
                      package);
}

Status badFile(const std::string &name, const std::string &why) {
  return inputError("cannot read the image '" + name + "': " + why);
}

/// Allocates after a look at the size.
Status allocate(const std::string &name, int64_t height, int64_t width, int64_t channels, Picture &picture) {
  if (height < 1 || width < 1 || height > kMaxPicturePixels / width)
    return badFile(name, "expected at most " + std::to_string(kMaxPicturePixels) + " pixels, but it has " +
                             std::to_string(width) + "x" + std::to_string(height));
  picture.height = height;
  picture.width = width;
  picture.channels = channels;
  picture.pixels.resize(height * width * channels);
  return {};
}

Expected<Picture> decodeJpeg(std::string_view bytes, const std::string &name, int64_t channels) {
  const char *file = "libturbojpeg.so.0";
  const JpegLibrary *library = loadLibrary<JpegLibrary>(file);
  if (!library)
    return noLibrary(name, file, "libturbojpeg0");
  std::unique_ptr<void, decltype(library->destroy)> decoder(library->init(), library->destroy);
  if (!decoder)
    return machineError("libjpeg-turbo cannot be initialized");
  const auto *data = reinterpret_cast<const unsigned char *>(bytes.data());
  int width = 0, height = 0, subsampling = 0, colors = 0;
  if (library->readHeader(decoder.get(), data, bytes.size(), &width, &height, &subsampling, &colors) != 0)
    return badFile(name, library->error(decoder.get()));
  if (colors == TJCS_CMYK || colors == TJCS_YCCK)
    return badFile(name, "its colors are CMYK: convert it to RGB");
  Picture picture;
  INCEPT_RETURN_IF_ERROR(allocate(name, height, width, channels, picture));
  // Warnings are about damaged data; many scans are how a small file takes hours.
  int flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT;
  if (library->decompress(decoder.get(), data, bytes.size(), picture.pixels.data(), width, 0, height,
                          channels == 1 ? TJPF_GRAY : TJPF_RGB, flags) != 0)
    return badFile(name, library->error(decoder.get()));
  return picture;
}

/// Gray in place of RGB, by the weights that JPEG uses; a gray pixel keeps its value.
void keepLuma(Picture &picture) {
  int64_t count = picture.height * picture.width;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *rgb = picture.pixels.data() + 3 * i;
    picture.pixels[i] = static_cast<uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
  }
  picture.pixels.resize(count);
  picture.channels = 1;
}

Expected<Picture> decodePng(std::string_view bytes, const std::string &name, int64_t channels) {
  const char *file = "libspng.so.0";
  const PngLibrary *library = loadLibrary<PngLibrary>(file);
  if (!library)
    return noLibrary(name, file, "libspng0");
  std::unique_ptr<spng_ctx, decltype(library->destroy)> decoder(library->create(0), library->destroy);
  if (!decoder)
    return machineError("libspng cannot be initialized");
  spng_ihdr header{};
  // Texts and profiles are not needed, but kept, and may unpack to a lot.
  int error = library->setChunkLimits(decoder.get(), 1 << 24, 1 << 26);
  if (!error)
    error = library->setBuffer(decoder.get(), bytes.data(), bytes.size());
  if (!error)
    error = library->readHeader(decoder.get(), &header);
  if (error)
    return badFile(name, library->error(error));
  Picture picture;
  INCEPT_RETURN_IF_ERROR(allocate(name, header.height, header.width, 3, picture));
  if ((error = library->decode(decoder.get(), picture.pixels.data(), picture.pixels.size(), SPNG_FMT_RGB8, 0)))
    return badFile(name, library->error(error));
  if (channels == 1)
    keepLuma(picture);
  return picture;
}

/// How one output element is made along an axis: a weighted mean of the inputs from `first` on.
struct Filter {
  int64_t first;
  std::vector<double> weights;
};

/// Triangle filters for `count` outputs, `step` inputs apart, the first one's cell starting at `start`.
std::vector<Filter> makeFilters(int64_t inputs, int64_t count, double start, double step) {
  double reach = std::max(step, 1.0);
  std::vector<Filter> filters;
  for (int64_t i = 0; i < count; ++i) {
    double center = start + (double(i) + 0.5) * step - 0.5; // input i is centered at i
    // The center lies inside the picture, so that at least the nearest input counts.
    int64_t first = std::max<int64_t>(int64_t(std::floor(center - reach)) + 1, 0);
    int64_t last = std::min<int64_t>(int64_t(std::ceil(center + reach)) - 1, inputs - 1);
    Filter filter{first, {}};
    double sum = 0;
    for (int64_t input = first; input <= last; ++input) {
      filter.weights.push_back(1 - std::abs(double(input) - center) / reach);
      sum += filter.weights.back();
    }
    for (double &weight : filter.weights)
      weight /= sum;
    filters.push_back(std::move(filter));
  }
  return filters;
}

} // namespace

Expected<Picture> decodePicture(std::string_view bytes, const std::string &name, int64_t channels) {
  if (bytes.substr(0, 3) == "\xff\xd8\xff")
    return decodeJpeg(bytes, name, channels);
  if (bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n")
    return decodePng(bytes, name, channels);
  return badFile(name, "expected a JPEG or PNG file");
}

Expected<Picture> readPicture(const std::string &path, int64_t channels) {
  auto file = LoadedFile::open(path, kMaxPictureBytes);
  if (!file)
    return file.status();
  return decodePicture(file->bytes(), path, channels);
}

void fitPicture(const Picture &picture, int64_t height, int64_t width, uint8_t *pixels) {
  double step = kCentralPart * std::min(double(picture.width) / double(width), double(picture.height) / double(height));
  auto rows = makeFilters(picture.height, height, (double(picture.height) - step * double(height)) / 2, step);
  auto columns = makeFilters(picture.width, width, (double(picture.width) - step * double(width)) / 2, step);
  int64_t channels = picture.channels;
  std::vector<double> line(picture.width * channels);
  for (int64_t y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), 0.0);
    for (size_t k = 0; k < rows[y].weights.size(); ++k) {
      const uint8_t *source = picture.pixels.data() + (rows[y].first + int64_t(k)) * picture.width * channels;
      for (size_t i = 0; i < line.size(); ++i)
        line[i] += rows[y].weights[k] * source[i];
    }
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        double value = 0;
        for (size_t k = 0; k < columns[x].weights.size(); ++k)
          value += columns[x].weights[k] * line[(columns[x].first + int64_t(k)) * channels + c];
        *pixels++ = static_cast<uint8_t>(std::lround(value));
      }
  }
}

} // namespace incept
