// SPDX-License-Identifier: Apache-2.0
//
// A program image written by hand: softmax regression of 2x2 images to 3 classes, batch 4. Tests edit its header.
#pragma once

#include "test/runtime/TemporaryDirectory.h"

#include <nlohmann/json.hpp>
#include <string>

namespace incept::tests {

/// The header; isa and oneDNN's version are this machine's, `kernelBytes` the size of the kernels' object.
nlohmann::json tinyHeader(size_t kernelBytes);
/// The bytes of TinyKernels.c's shared object.
std::string tinyKernels();
/// The image of a header, padded to 64 bytes, and its kernels.
std::string makeImage(const nlohmann::json &header, const std::string &kernels);
/// Writes the checksum that belongs to the bytes of an image.
void seal(std::string &image);
/// A minimal ELF file whose section `.incept` is `image`.
std::string makeElf(const std::string &image);

} // namespace incept::tests
