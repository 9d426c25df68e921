// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/SpecTools.h"
#include "frontend/Frontend.h"
#include "frontend/JsonSchema.h"
#include "frontend/LoadSpec.h"
#include "frontend/SpecWriter.h"
#include "tools/Output.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace incept {

static int complain(int status, const llvm::Twine &message) {
  llvm::errs() << "incept: error: " << message << "\n";
  return status;
}

/// One file without its imports; nothing after mistakes have been printed.
static std::optional<SpecFile> readAlone(const std::string &path) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  std::optional<SpecFile> file;
  if (auto number = openSpecFile(path, /*import=*/nullptr, diagnostics))
    file = readSpecFile(*number, diagnostics);
  diagnostics.print(llvm::errs());
  return diagnostics.hasErrors() ? std::nullopt : std::move(file);
}

int checkSpecs(const std::vector<std::string> &paths, const CompileOptions &options) {
  int status = kDone;
  for (const std::string &path : paths) {
    auto context = createContext();
    LoadOptions load;
    load.parameters = options.parameters;
    load.importPaths = options.importPaths;
    load.network = options.network;
    load.acceptLibrary = load.warnings = true;
    load.jsonDiagnostics = options.jsonDiagnostics;
    if (mlir::failed(loadNetwork(*context, path, load, llvm::errs())))
      status = kInputAtFault;
  }
  return status;
}

int formatSpecs(const std::vector<std::string> &paths, bool check) {
  int status = kDone;
  for (const std::string &path : paths) {
    if (llvm::StringRef(path).ends_with(".json")) {
      status = complain(kUsage, "'" + path + "' is JSON: format is for the text form; see incept convert");
      continue;
    }
    auto file = readAlone(path);
    if (!file) {
      status = std::max<int>(status, kInputAtFault);
      continue;
    }
    std::string text = writeTextSpec(*file);
    auto before = llvm::MemoryBuffer::getFile(path);
    if (before && (*before)->getBuffer() == text)
      continue;
    if (check) {
      status = std::max(status, complain(kInputAtFault, "'" + path + "' is not formatted: run incept format"));
      continue;
    }
    // Beside the file first: what fails half way leaves the old one.
    std::string temporary = path + ".new";
    int written = writeText(temporary, text, "incept");
    if (written == kDone)
      if (std::error_code error = llvm::sys::fs::rename(temporary, path))
        written = complain(kMachineAtFault, "cannot write '" + path + "': " + error.message());
    status = std::max(status, written);
  }
  return status;
}

int convertSpec(const std::string &input, const std::string &output) {
  auto file = readAlone(input);
  if (!file)
    return kInputAtFault;
  bool json = llvm::StringRef(output).ends_with(".json");
  if (!json && !llvm::StringRef(output).ends_with(".incept"))
    json = !llvm::StringRef(input).ends_with(".json");
  return writeText(output, json ? writeJsonSpec(*file) : writeTextSpec(*file), "incept");
}

int printSchema() {
  llvm::outs() << jsonSchema();
  return kDone;
}

int newSpec(const std::string &name) {
  llvm::StringRef stem = llvm::sys::path::stem(name);
  bool valid = !stem.empty() && !llvm::isDigit(stem[0]) &&
               llvm::all_of(stem, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (!valid)
    return complain(kUsage, "expected a name of letters, digits and '_', but got '" + name + "'");
  std::string path = llvm::StringRef(name).ends_with(".incept") ? name : name + ".incept";
  if (llvm::sys::fs::exists(path))
    return complain(kInputAtFault, "'" + path + "' exists already");
  std::string text = ("// " + stem + R"(: say here what it is and where it was published.

network )" + stem + R"((classes = 10, size = 28) {
  input 1 x size x size
  stem: conv 3x3, 16
  2 * unit(32)
  max_pool 2x2, stride = 2
  2 * unit(64)
  global_avg_pool -> classifier: linear classes

  training {
    optimizer = sgd(momentum = 0.9)
    learning_rate = cosine(base = 0.05)
    weight_decay = 1e-4
    epochs = 3
  }
}

// Two convolutions, added to what flows in where the sizes allow it. A convolution has batch norm and
// a ReLU unless it says otherwise.
block unit(filters: int) {
  residual(activation = relu, when = filters == in.channels) {
    conv 3x3, filters -> conv 3x3, filters, no activation
  }
}
)")
                         .str();
  int status = writeText(path, text, "incept");
  if (status == kDone)
    llvm::outs() << "wrote " << path << "; next: incept check " << path << "\n";
  return status;
}

} // namespace incept
