// SPDX-License-Identifier: Apache-2.0
//
// The header of a safetensors file: its JSON, read in one pass without a tree of it, since the header may be 100 MB
// that a stranger wrote. Internal to Safetensors.cpp.
#pragma once

#include "runtime/io/Safetensors.h"

namespace incept::safetensors {

/// The key of the checksum, and what stands in the place of its 16 digits when the checksum is taken.
inline constexpr std::string_view kChecksumKey = "incept.checksum", kNoChecksum = "0000000000000000";
/// A second key that says that there is one, since damage may hit the first.
inline constexpr std::string_view kKindKey = "incept.checksum_kind", kKind = "xxh64";

/// Fills the maps from the header's text; `dataBytes` lie behind it. On failure `why` is a part of a sentence.
bool parseHeader(std::string_view text, uint64_t dataBytes, std::map<std::string, TensorPlace> &tensors,
                 Metadata &metadata, std::string &why);

/// The header, padded to a multiple of 8 bytes, with the length before it. The metadata get the key of the checksum.
std::string makeHead(const std::vector<TensorToWrite> &tensors, Metadata metadata);

/// Where the 16 digits of the checksum begin in length and header; npos where it has none as it is written here.
size_t findChecksum(std::string_view head);

/// Bytes of a value of a type, 0 for an unknown one.
int64_t typeSize(std::string_view type);

} // namespace incept::safetensors
