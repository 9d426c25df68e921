// SPDX-License-Identifier: Apache-2.0

#include "codegen/image/Executable.h"
#include "runtime/program/ProgramFormat.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

namespace incept {

/// Writes to a temporary file beside `output`, flushes it to disk and renames it.
static llvm::Error replaceFile(llvm::StringRef bytes, llvm::StringRef output) {
  auto temporary = llvm::sys::fs::TempFile::create(output + ".%%%%%%", 0755);
  if (!temporary)
    return llvm::createStringError("cannot write '" + output + "': " + llvm::toString(temporary.takeError()));
  llvm::raw_fd_ostream stream(temporary->FD, /*shouldClose=*/false);
  stream << bytes;
  stream.flush();
  if (stream.has_error() || ::fsync(temporary->FD) != 0) {
    stream.clear_error();
    llvm::consumeError(temporary->discard());
    return llvm::createStringError("cannot write '" + output + "': is the disk full?");
  }
  return temporary->keep(output);
}

llvm::Error writeExecutable(llvm::StringRef stub, llvm::StringRef image, llvm::StringRef output) {
  auto binary = llvm::object::createBinary(stub);
  if (!binary)
    return llvm::createStringError("cannot read the runtime '" + stub + "': " + llvm::toString(binary.takeError()));
  llvm::objcopy::ConfigManager config;
  config.Common.InputFilename = stub;
  config.Common.OutputFilename = output;
  config.Common.AddSection.emplace_back(program::kSectionName,
                                        llvm::MemoryBuffer::getMemBufferCopy(image, program::kSectionName));
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (auto error = llvm::objcopy::executeObjcopyOnBinary(config, *binary->getBinary(), stream))
    return llvm::createStringError("cannot add the program to '" + stub + "': " + llvm::toString(std::move(error)));
  return replaceFile(bytes, output);
}

} // namespace incept
