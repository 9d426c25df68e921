// SPDX-License-Identifier: Apache-2.0
//
// Where the members of a tar archive lie: the formats of POSIX (ustar, pax) and of GNU's tar, without compression.
#pragma once

#include "runtime/support/Files.h"
#include "runtime/support/Status.h"

#include <cstdint>
#include <functional>
#include <string>

namespace incept {

struct TarMember {
  std::string name;
  uint64_t offset = 0, size = 0; ///< of its bytes in the archive, inside it
};

/// Calls `found` for each regular file of an archive, in order, until it fails. Every header's checksum is checked, and
/// that what it announces is there; the mistake names archive and place.
Status readTar(const InputFile &file, const std::function<Status(TarMember)> &found);

} // namespace incept
