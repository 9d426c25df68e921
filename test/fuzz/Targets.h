// SPDX-License-Identifier: Apache-2.0
//
// The fuzz targets: each takes any bytes and must come back. What is accepted must hold what the reader promises; where
// it does not, the target aborts.
#pragma once

#include <cstdlib>
#include <string_view>

namespace incept::fuzz {

void fuzzSpec(std::string_view text);       ///< a description: JSON text, tree, checks
void fuzzText(std::string_view text);       ///< a description in the text form; what is read is written, and read again
void fuzzExpression(std::string_view text); ///< an expression, parsed and evaluated
void fuzzSafetensors(std::string_view bytes);
void fuzzIdx(std::string_view bytes);        ///< a folder of images and labels; the first bytes say how it is cut
void fuzzPicture(std::string_view bytes);    ///< JPEG and PNG, up to the input of a network
void fuzzTar(std::string_view bytes);        ///< an archive of a webdataset
void fuzzImage(std::string_view text);       ///< the header of a program image, with the checksum that belongs to it
void fuzzElf(std::string_view bytes);        ///< the section of an executable
void fuzzPtx(std::string_view text);         ///< a module of PTX
void fuzzPlan(std::string_view text);        ///< a cuDNN plan as JSON
void fuzzCheckpoint(std::string_view bytes); ///< the metadata of a checkpoint

/// Aborts where a promise is broken.
inline void promise(bool kept) {
  if (!kept)
    std::abort();
}

} // namespace incept::fuzz
