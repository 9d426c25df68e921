// SPDX-License-Identifier: Apache-2.0
//
// Safetensors files: 8 bytes of header length, a JSON header, tensor data. Every offset is checked before a tensor is
// looked at. What is written here has a checksum of all its bytes in the metadata, `incept.checksum`; files without one
// are read too.
#pragma once

#include "runtime/support/Files.h"

#include <map>
#include <string>
#include <vector>

namespace incept {

using Metadata = std::map<std::string, std::string>;

/// A tensor in a file; the bytes belong to the file.
struct TensorView {
  std::string type; ///< "F32", "I64", "U8", ...
  std::vector<int64_t> shape;
  std::string_view bytes;
};

/// A file in memory: for batches and tools.
class SafetensorsFile {
public:
  /// Opens and checks the whole header (sizes, overlaps, duplicates, offsets) and the checksum.
  static Expected<SafetensorsFile> open(const std::string &path);
  /// Checks bytes that lie in memory; they must outlive the maps that are filled.
  static Status parse(std::string_view bytes, const std::string &name, std::map<std::string, TensorView> &tensors,
                      Metadata &metadata);

  std::map<std::string, TensorView> tensors;
  Metadata metadata;

private:
  explicit SafetensorsFile(LoadedFile file) : file(std::move(file)) {}
  LoadedFile file;
};

/// Where a tensor lies behind the header.
struct TensorPlace {
  std::string type;
  std::vector<int64_t> shape;
  uint64_t offset = 0, bytes = 0;
};

/// A file that is read once from its beginning to its end, a tensor at a time: for weights and checkpoints, which are
/// as large as the network.
class SafetensorsReader {
public:
  /// Opens and checks the whole header.
  static Expected<SafetensorsReader> open(const std::string &path);

  /// Hands over each tensor in the order in which they lie, with its bytes 64-byte aligned. Fails at the end where the
  /// checksum of all that was read is not the one that the file records.
  using Take = std::function<Status(const std::string &name, std::string_view bytes)>;
  Status read(const Take &take) const;

  const std::string &path() const { return file.path(); }
  /// The checksum that the file records; of a file without one, of what it holds.
  Expected<std::string> checksum() const;

  std::map<std::string, TensorPlace> tensors;
  Metadata metadata;

private:
  explicit SafetensorsReader(InputFile file) : file(std::move(file)) {}
  InputFile file;
  std::string head; ///< everything before the data
};

/// A tensor to write: bytes, which must outlive the call, or where there are none `fill`, which puts them into memory
/// for `size` of them when their turn comes.
struct TensorToWrite {
  std::string name, type;
  std::vector<int64_t> shape;
  std::string_view bytes = {};
  size_t size = 0;
  std::function<Status(std::byte *)> fill = nullptr;
};

/// Which values a file may hold.
enum class Values { Any, Finite };

/// Writes a file whole or not at all, with its checksum. With `Values::Finite` a tensor of floats with an infinity or a
/// NaN is an error that names it.
Status writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors, const Metadata &metadata,
                        Values values = Values::Any);

} // namespace incept
