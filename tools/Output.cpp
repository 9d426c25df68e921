// SPDX-License-Identifier: Apache-2.0

#include "tools/Output.h"
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Version.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

namespace incept {

static constexpr int kMachineAtFault = 3;

std::string versionText(llvm::StringRef tool) {
  return (tool + " " + version() + "\nprogram image " + llvm::Twine(program::kFormatVersion) +
          "\nLLVM " LLVM_VERSION_STRING)
      .str();
}

static std::string &toolName() {
  static std::string name;
  return name;
}

void prepareTool(const char *tool) {
  toolName() = tool;
  llvm::install_fatal_error_handler([](void *, const char *reason, bool) {
    llvm::StringRef text = reason;
    if (text.consume_front("IO failure on output stream: "))
      llvm::errs() << toolName() << ": error: cannot write the output: " << text << "\n";
    else
      llvm::errs() << toolName() << ": error: " << text << "\n";
    ::_exit(kMachineAtFault); // this may be the destructor of the stream, after main
  });
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &stream) { stream << versionText(toolName()) << "\n"; });
}

int writeText(llvm::StringRef path, llvm::StringRef text, llvm::StringRef tool) {
  std::error_code error;
  llvm::ToolOutputFile file(path, error, llvm::sys::fs::OF_None);
  if (!error) {
    file.os() << text;
    file.os().flush();
    error = file.os().error();
    file.os().clear_error();
  }
  if (error) {
    llvm::errs() << tool << ": error: cannot write '" << path << "': " << error.message() << "\n";
    return 3;
  }
  file.keep();
  return 0;
}

int finishOutput(int status, llvm::StringRef tool) {
  llvm::outs().flush();
  std::error_code error = llvm::outs().error();
  llvm::outs().clear_error();
  if (!error)
    return status;
  llvm::errs() << tool << ": error: cannot write the standard output: " << error.message() << "\n";
  return status ? status : kMachineAtFault;
}

} // namespace incept
