// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/Assembler.h"
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
std::vector<KernelUsage> readUsage(StringRef report) {
  std::vector<KernelUsage> usage;
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
  return usage;
}

std::string contents(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// The program with these arguments; what it prints goes to the file `report`.
int execute(StringRef program, ArrayRef<StringRef> arguments, StringRef report, std::string &message) {
  SmallVector<StringRef> line = {program};
  line.append(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(""), report, report};
  return llvm::sys::ExecuteAndWait(program, line, std::nullopt, redirects, 0, 0, &message);
}

/// What code depends on, beside the files. The report is not part of the key, so that -v is there for all.
SmallVector<std::string> optionsFor(StringRef chip) { return {("-arch=" + chip).str(), "-O3", "-v"}; }

} // namespace

std::string Assembler::identity() const {
  // A program that is exchanged may say the same of itself; one that runs another stays what it is.
  TemporaryFile report("log");
  std::string text, message;
  if (!report.path.empty() && execute(program, {"--version"}, report.path, message) == 0)
    text = contents(report.path);
  if (llvm::sys::fs::file_status file; !llvm::sys::fs::status(program, file))
    text += std::to_string(file.getSize()) + " bytes of " +
            std::to_string(llvm::sys::toTimeT(file.getLastModificationTime())) + "\n";
  return text;
}

std::string Assembler::key(StringRef ptx, StringRef chip) const {
  return "cubin\n" + identity() + llvm::join(optionsFor(chip), " ") + "\n" + ptx.str();
}

FailureOr<Assembler::Output> Assembler::run(StringRef ptx, StringRef chip, std::string &error) const {
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
  SmallVector<std::string> options = optionsFor(chip);
  SmallVector<StringRef> arguments(options.begin(), options.end());
  arguments.append({source.path, "-o", object.path});
  std::string message;
  int status = execute(program, arguments, report.path, message);
  Output output{contents(report.path), contents(object.path)};
  if (status == 0 && !output.cubin.empty())
    return output;
  StringRef why = message.empty() ? StringRef(output.report).split('\n').first : StringRef(message);
  error = "ptxas ('" + program + "') failed: " + (status == 0 ? "it wrote no cubin" : why.str());
  return failure();
}

FailureOr<std::string> Assembler::assemble(StringRef ptx, StringRef chip, std::string &error) const {
  std::string key = this->key(ptx, chip);
  if (auto known = cache.load(key))
    return *known;
  FailureOr<Output> output = run(ptx, chip, error);
  if (failed(output))
    return failure();
  (void)cache.store(key, output->cubin); // without it the next compilation takes longer
  return std::move(output->cubin);
}

FailureOr<std::vector<KernelUsage>> Assembler::measure(StringRef ptx, StringRef chip, std::string &error) const {
  FailureOr<Output> output = run(ptx, chip, error);
  if (failed(output))
    return failure();
  return readUsage(output->report);
}

} // namespace incept::cuda
