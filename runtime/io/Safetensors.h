// SPDX-License-Identifier: Apache-2.0
//
// Safetensors files: 8 bytes of header length, a JSON header, tensor data. Read through mmap with every offset checked.
#pragma once

#include "runtime/support/Files.h"

#include <map>
#include <string>
#include <vector>

namespace incept {

/// A tensor in a file; the bytes belong to the file.
struct TensorView {
  std::string type; ///< "F32", "I64", "U8", ...
  std::vector<int64_t> shape;
  std::string_view bytes;
};

class SafetensorsFile {
public:
  /// Opens and checks the whole header: sizes, overlaps, duplicates, offsets.
  static Expected<SafetensorsFile> open(const std::string &path);
  /// Checks bytes that lie in memory; they must outlive the maps that are filled.
  static Status parse(std::string_view bytes, const std::string &name, std::map<std::string, TensorView> &tensors,
                      std::map<std::string, std::string> &metadata);

  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;

private:
  explicit SafetensorsFile(MappedFile file) : file(std::move(file)) {}
  MappedFile file;
};

/// A tensor to write; the bytes must outlive the call.
struct TensorToWrite {
  std::string name, type;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

Status writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                        const std::map<std::string, std::string> &metadata);

} // namespace incept
