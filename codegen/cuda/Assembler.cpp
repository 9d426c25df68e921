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

/// The lines of a text that say something, without the space behind them.
SmallVector<StringRef> linesOf(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef &line : lines)
    line = line.rtrim();
  llvm::erase_if(lines, [](StringRef line) { return line.empty(); });
  return lines;
}

/// ptxas -v: "Compiling entry function 'NAME' for 'sm_90'", then lines with what it needs.
std::vector<KernelUsage> readUsage(StringRef report) {
  std::vector<KernelUsage> usage;
  for (StringRef line : linesOf(report)) {
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

/// What code depends on, beside the files.
std::vector<std::string> optionsFor(StringRef chip) { return {("-arch=" + chip).str(), "-O3"}; }

/// What ptxas says of a failure: not what -v lets it say of kernels before, which is indented where lines go on.
std::string reasonIn(StringRef report, int status) {
  for (StringRef line : linesOf(report))
    if (!line.starts_with("ptxas info") && !line.starts_with(" "))
      return line.str();
  return "it ended with status " + std::to_string(status);
}

} // namespace

const Assembler::Identity &Assembler::identify() const {
  std::call_once(asked, [&] {
    TemporaryFile report("log");
    std::string message;
    if (!report.path.empty() && execute(program, {"--version"}, report.path, message) == 0)
      known.text = llvm::join(linesOf(contents(report.path)), ", ");
    known.saysVersion = !known.text.empty();
    // A program that is exchanged may say the same of itself; one that runs another stays what it is.
    if (llvm::sys::fs::file_status file; !llvm::sys::fs::status(program, file))
      known.text += (known.saysVersion ? ", " : "") + std::to_string(file.getSize()) + " bytes of " +
                    std::to_string(llvm::sys::toTimeT(file.getLastModificationTime()));
  });
  return known;
}

std::string Assembler::key(StringRef ptx, StringRef chip) const {
  return "cubin\n" + identity() + "\n" + llvm::join(optionsFor(chip), " ") + "\n" + ptx.str();
}

FailureOr<Assembler::Output> Assembler::run(StringRef ptx, std::vector<std::string> options, std::string &error) const {
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
  SmallVector<StringRef> arguments = {source.path, "-o", object.path};
  arguments.append(options.begin(), options.end());
  std::string message;
  int status = execute(program, arguments, report.path, message);
  Output output{contents(report.path), contents(object.path)};
  if (status == 0 && !output.cubin.empty())
    return output;
  std::string why = status == 0 ? "it wrote no cubin" : message.empty() ? reasonIn(output.report, status) : message;
  error = "ptxas ('" + program + "') failed: " + why;
  return failure();
}

FailureOr<std::string> Assembler::assemble(StringRef ptx, StringRef chip, std::string &error) const {
  const bool isKept = !cache.directory().empty() && identify().saysVersion;
  const std::string key = isKept ? this->key(ptx, chip) : "";
  if (auto cubin = isKept ? cache.load(key) : std::nullopt)
    return *cubin;
  FailureOr<Output> output = run(ptx, optionsFor(chip), error);
  if (failed(output))
    return failure();
  if (isKept)
    (void)cache.store(key, output->cubin); // without it the next compilation takes longer
  return std::move(output->cubin);
}

FailureOr<std::vector<KernelUsage>> Assembler::measure(StringRef ptx, StringRef chip, std::string &error) const {
  std::vector<std::string> options = optionsFor(chip);
  options.push_back("-v");
  FailureOr<Output> output = run(ptx, std::move(options), error);
  if (failed(output))
    return failure();
  return readUsage(output->report);
}

} // namespace incept::cuda
