// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ImageFile.h"
#include "runtime/io/Library.h"

#include <spng.h>

namespace incept {

namespace {

constexpr const char *kSpng = "libspng.so.0";

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

/// A context of libspng that has read the header.
class Png {
public:
  explicit Png(const PngLibrary &library) : library(library), context(library.create(0), library.destroy) {}

  Status open(std::string_view bytes, const std::string &name) {
    if (!context)
      return machineError("libspng cannot be initialized");
    // Texts and profiles are not needed, but kept, and may unpack to a lot.
    int error = library.setChunkLimits(context.get(), 1 << 24, 1 << 26);
    if (!error)
      error = library.setBuffer(context.get(), bytes.data(), bytes.size());
    if (!error)
      error = library.readHeader(context.get(), &header);
    if (error)
      return badPicture(name, library.error(error));
    bool fits = header.height > 0 && header.width > 0 && header.height <= kMaxPicturePixels / header.width;
    return fits ? Status() : tooLarge(name, header.width, header.height);
  }

  Status decode(const std::string &name, PixelBuffer &pixels) {
    pixels.resize(header.height, header.width, 4);
    int error = library.decode(context.get(), pixels.bytes.data(), pixels.bytes.size(), SPNG_FMT_RGBA8, 0);
    return error ? badPicture(name, library.error(error)) : Status();
  }

  spng_ihdr header{};

private:
  const PngLibrary &library;
  std::unique_ptr<spng_ctx, decltype(PngLibrary::destroy)> context;
};

} // namespace

Status PictureDecoder::open(std::string_view file, const std::string &text) {
  bytes = file;
  name = text;
  isJpeg = bytes.substr(0, 3) == "\xff\xd8\xff";
  if (!isJpeg)
    return bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n" ? openPng() : badPicture(name, "expected a JPEG or PNG file");
  if (!jpeg) {
    auto created = JpegDecoder::create(name);
    if (!created)
      return created.status();
    jpeg = std::move(*created);
  }
  INCEPT_RETURN_IF_ERROR(jpeg->open(bytes, name));
  h = jpeg->height();
  w = jpeg->width();
  return {};
}

Status PictureDecoder::openPng() {
  const PngLibrary *library = loadLibrary<PngLibrary>(kSpng);
  if (!library)
    return noLibrary(name, kSpng, "libspng0");
  Png png(*library);
  INCEPT_RETURN_IF_ERROR(png.open(bytes, name));
  h = png.header.height;
  w = png.header.width;
  return {};
}

Expected<PixelView> PictureDecoder::decode(const Box &box, int64_t channels, bool strict, int64_t scale) {
  warningCount = 0;
  if (!isJpeg)
    return decodePng(box, channels);
  auto view = jpeg->decode(box, channels, strict, pixels, scale);
  warningCount = jpeg->warnings();
  return view;
}

Expected<PixelView> PictureDecoder::decodePng(const Box &box, int64_t channels) {
  Png png(*loadLibrary<PngLibrary>(kSpng));
  INCEPT_RETURN_IF_ERROR(png.open(bytes, name));
  INCEPT_RETURN_IF_ERROR(png.decode(name, pixels));
  if (channels == 1)
    keepLuma(pixels);
  return pixels.view(box);
}

} // namespace incept
