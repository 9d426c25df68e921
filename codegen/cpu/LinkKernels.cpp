// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/LinkKernels.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace incept::cpu {

LogicalResult linkSharedObject(const std::string &object, std::vector<char> &sharedObject, std::string &error) {
  // The linker works on files; both live only for this call.
  llvm::SmallString<128> input, output;
  int descriptor = -1;
  std::error_code code = llvm::sys::fs::createTemporaryFile("incept-kernels", "o", descriptor, input);
  if (!code)
    code = llvm::sys::fs::createTemporaryFile("incept-kernels", "so", output);
  llvm::scope_exit cleanup([&] {
    llvm::sys::fs::remove(input);
    llvm::sys::fs::remove(output);
  });
  if (code) {
    error = "cannot create a temporary file: " + code.message();
    return failure();
  }
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << object;
    stream.flush();
    if (stream.has_error()) {
      error = "cannot write " + input.str().str() + ": " + stream.error().message();
      stream.clear_error();
      return failure();
    }
  }
  // --no-undefined: a call to a library function is a bug of the emitter, found here and not at the user's.
  const char *arguments[] = {"ld.lld",           "-shared",         "--no-undefined",   "-z",     "noexecstack",
                             "--hash-style=gnu", "--build-id=none", "--threads=1", "-o", output.c_str(), input.c_str()};
  std::string standardOutput, standardError;
  llvm::raw_string_ostream outStream(standardOutput), errorStream(standardError);
  lld::Result linked = lld::lldMain(arguments, outStream, errorStream, {{lld::Gnu, &lld::elf::link}});
  if (linked.retCode != 0) {
    error = standardError.empty() ? "the linker failed" : standardError;
    return failure();
  }
  auto buffer = llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
  if (!buffer) {
    error = "cannot read the linked kernels: " + buffer.getError().message();
    return failure();
  }
  sharedObject.assign((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
  return success();
}

} // namespace incept::cpu
