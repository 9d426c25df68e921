// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/LinkKernels.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace incept::cpu {

namespace {

/// Files that live as long as this object: the linker works on files.
class TemporaryFiles {
public:
  ~TemporaryFiles() {
    for (const auto &path : paths)
      llvm::sys::fs::remove(path);
  }

  /// A new file with `contents`. On failure `error` says why.
  FailureOr<std::string> create(StringRef extension, StringRef contents, std::string &error) {
    llvm::SmallString<128> path;
    int descriptor = -1;
    if (std::error_code code = llvm::sys::fs::createTemporaryFile("incept-kernels", extension, descriptor, path)) {
      error = "cannot create a temporary file: " + code.message();
      return failure();
    }
    paths.push_back(path.str().str());
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << contents;
    stream.flush();
    if (stream.has_error()) {
      error = "cannot write '" + paths.back() + "': " + stream.error().message();
      stream.clear_error();
      return failure();
    }
    return paths.back();
  }

private:
  std::vector<std::string> paths;
};

} // namespace

LogicalResult linkSharedObject(ArrayRef<std::string> objects, std::vector<char> &sharedObject, std::string &error) {
  TemporaryFiles files;
  auto output = files.create("so", "", error);
  if (failed(output))
    return failure();
  // --no-undefined: a call to a library function is a bug of the emitter, found here and not at the user's.
  std::vector<std::string> words = {"ld.lld",           "-shared",         "--no-undefined", "-z", "noexecstack",
                                    "--hash-style=gnu", "--build-id=none", "--threads=1",    "-o", *output};
  for (const std::string &object : objects) {
    auto input = files.create("o", object, error);
    if (failed(input))
      return failure();
    words.push_back(*input);
  }
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string standardOutput, standardError;
  llvm::raw_string_ostream outStream(standardOutput), errorStream(standardError);
  lld::Result linked = lld::lldMain(arguments, outStream, errorStream, {{lld::Gnu, &lld::elf::link}});
  if (linked.retCode != 0) {
    error = standardError.empty() ? "the linker failed" : standardError;
    return failure();
  }
  auto buffer = llvm::MemoryBuffer::getFile(*output, /*IsText=*/false, /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
  if (!buffer) {
    error = "cannot read the linked kernels: " + buffer.getError().message();
    return failure();
  }
  sharedObject.assign((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
  return success();
}

} // namespace incept::cpu
