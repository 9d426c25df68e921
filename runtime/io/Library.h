// SPDX-License-Identifier: Apache-2.0
//
// What the readers of picture formats share: libraries that are opened at run time, and messages. Private to them.
#pragma once

#include "runtime/io/Pixels.h"
#include "runtime/support/Status.h"

#include <dlfcn.h>
#include <string>

namespace incept {

template <typename Function>
bool find(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(::dlsym(library, name));
  return function != nullptr;
}

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

inline Status noLibrary(const std::string &name, const char *file, const char *package) {
  return machineError("cannot read '" + name + "': expected the library " + file + " on this machine: install " +
                      package);
}

inline Status badPicture(const std::string &name, const std::string &why) {
  return inputError("cannot read the image '" + name + "': " + why);
}

inline Status tooLarge(const std::string &name, int64_t width, int64_t height) {
  return badPicture(name, "expected at most " + std::to_string(kMaxPicturePixels) + " pixels, but it has " +
                              std::to_string(width) + "x" + std::to_string(height));
}

/// Gray in place of R,G,B and a byte of no meaning, by the weights that JPEG uses; a gray pixel keeps its value.
inline void keepLuma(PixelBuffer &pixels) {
  int64_t count = pixels.height * pixels.width;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *rgb = pixels.bytes.data() + 4 * i;
    pixels.bytes[i] = static_cast<uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
  }
  pixels.resize(pixels.height, pixels.width, 1);
}

} // namespace incept
