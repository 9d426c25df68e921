// SPDX-License-Identifier: Apache-2.0

#include "codegen/image/Executable.h"
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Files.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace incept {

Status writeExecutable(const std::string &stub, std::string_view image, const std::string &output) {
  auto binary = llvm::object::createBinary(stub);
  if (!binary)
    return machineError("cannot read the runtime '" + stub + "': " + llvm::toString(binary.takeError()));
  llvm::objcopy::ConfigManager config;
  config.Common.InputFilename = stub;
  config.Common.OutputFilename = output;
  config.Common.AddSection.emplace_back(program::kSectionName,
                                        llvm::MemoryBuffer::getMemBufferCopy(image, program::kSectionName));
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (auto error = llvm::objcopy::executeObjcopyOnBinary(config, *binary->getBinary(), stream))
    return machineError("cannot add the program to '" + stub + "': " + llvm::toString(std::move(error)));
  return writeFile(
      output, [&](const Sink &sink) { return sink(bytes.data(), bytes.size()); }, FileKind::Program);
}

} // namespace incept
