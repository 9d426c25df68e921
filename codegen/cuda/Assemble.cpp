// SPDX-License-Identifier: Apache-2.0
//
// Runs ptxas and reads its report.
#include "codegen/cuda/CompileKernels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept::cuda {

namespace {

/// A file that goes away with the object.
class TemporaryFile {
public:
  explicit TemporaryFile(StringRef suffix) {
    if (llvm::sys::fs::createTemporaryFile("incept", suffix, path))
      path.clear();
  }
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
  llvm::SmallString<128> path;
};

/// The number before `unit` in a line of ptxas's, such as "Used 32 registers, 0 bytes stack frame"; 0 without one.
int64_t numberBefore(StringRef line, StringRef unit) {
  size_t at = line.find(unit);
  if (at == StringRef::npos)
    return 0;
  StringRef before = line.take_front(at).rtrim();
  StringRef digits = before.take_back(before.size() - (before.find_last_not_of("0123456789") + 1));
  int64_t value = 0;
  return digits.getAsInteger(10, value) ? 0 : value;
}

/// ptxas -v: "Compiling entry function 'NAME' for 'sm_90'", then lines with what it needs.
void readUsage(StringRef report, std::vector<KernelUsage> &usage) {
  SmallVector<StringRef> lines;
  report.split(lines, '\n');
  for (StringRef line : lines) {
    if (line.contains("Compiling entry function '"))
      usage.push_back({line.split("function '").second.split('\'').first.str()});
    if (usage.empty())
      continue;
    KernelUsage &kernel = usage.back();
    kernel.stackBytes += numberBefore(line, " bytes stack frame");
    kernel.spillStores += numberBefore(line, " bytes spill stores");
    kernel.spillLoads += numberBefore(line, " bytes spill loads");
    kernel.sharedBytes += numberBefore(line, " bytes smem");
    kernel.registers = std::max(kernel.registers, numberBefore(line, " registers"));
  }
}

std::string contents(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

} // namespace

FailureOr<std::vector<char>> assemble(StringRef ptx, StringRef ptxas, const Architecture &architecture,
                                      std::string &error, std::vector<KernelUsage> *usage) {
  TemporaryFile source("ptx"), object("cubin"), report("log");
  std::error_code code;
  if (!source.path.empty()) {
    llvm::raw_fd_ostream stream(source.path, code);
    stream << ptx;
    stream.close();
    if (stream.has_error()) {
      stream.clear_error();
      code = std::make_error_code(std::errc::no_space_on_device);
    }
  }
  if (source.path.empty() || object.path.empty() || report.path.empty() || code) {
    error = "cannot write temporary files: is the disk full?";
    return failure();
  }
  std::string chip = "-arch=" + architecture.chip;
  SmallVector<StringRef> arguments = {ptxas, chip, "-O3", "-v", source.path, "-o", object.path};
  std::optional<StringRef> redirects[] = {StringRef(""), report.path.str(), report.path.str()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &message);
  std::string text = contents(report.path);
  if (status != 0) {
    StringRef first = StringRef(text).split('\n').first;
    error = ("ptxas ('" + ptxas + "') failed: " + (message.empty() ? first : StringRef(message))).str();
    return failure();
  }
  if (usage)
    readUsage(text, *usage);
  std::string bytes = contents(object.path);
  return std::vector<char>(bytes.begin(), bytes.end());
}

} // namespace incept::cuda
