// SPDX-License-Identifier: Apache-2.0
//
// A directory that goes with its contents.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace incept::tests {

class TemporaryDirectory {
public:
  TemporaryDirectory() : root((std::filesystem::temp_directory_path() / "incept-test-XXXXXX").string()) {
    if (!::mkdtemp(root.data()))
      throw std::runtime_error("cannot create a directory for the test");
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(root, error);
  }

  /// A path below it; with `bytes`, of a file that holds them.
  std::string path(const std::string &name) const { return root + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

private:
  std::string root;
};

} // namespace incept::tests
