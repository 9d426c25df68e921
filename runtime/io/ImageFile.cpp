// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ImageFile.h"
#include "runtime/io/Library.h"
#include "runtime/io/Png.h"

namespace incept {

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
