// SPDX-License-Identifier: Apache-2.0
//
// PNG files, by libspng, which is opened when the first one is read. Private to the readers of picture formats.
#pragma once

#include "runtime/io/Library.h"

#include <memory>
#include <spng.h>
#include <string_view>
#include <vector>

namespace incept {

inline constexpr const char *kSpng = "libspng.so.0";

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

  /// The numbers of a gray or palette picture as they are stored: rows of whole bytes, a number of 1, 2, 4 or 8 bits
  /// each, the first in the highest, or one of 16 as the machine has it.
  Status decodeNumbers(const std::string &name, std::vector<uint8_t> &bytes) {
    // Of an interlaced picture numbers below 8 bits are ORed to what is there.
    bytes.assign(size_t(header.height) * ((size_t(header.width) * header.bit_depth + 7) / 8), 0);
    int error = library.decode(context.get(), bytes.data(), bytes.size(), SPNG_FMT_PNG, 0);
    return error ? badPicture(name, library.error(error)) : Status();
  }

  spng_ihdr header{};

private:
  const PngLibrary &library;
  std::unique_ptr<spng_ctx, decltype(PngLibrary::destroy)> context;
};

} // namespace incept
