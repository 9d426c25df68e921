// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Train.h"
#include "frontend/Frontend.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace incept {

static std::string cacheDirectory() {
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/incept";
  if (const char *home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/incept";
  return "/tmp/incept-" + std::to_string(::getuid());
}

/// A key of everything the program depends on: the network after imports and parameters, options, and this compiler.
static mlir::FailureOr<std::string> cacheKey(const CompileOptions &options) {
  auto context = createContext();
  LoadOptions load;
  load.batchSize = options.batchSize;
  load.parameters = options.parameters;
  auto module = loadNetwork(*context, options.spec, load, llvm::errs());
  if (mlir::failed(module))
    return mlir::failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  (**module).print(stream);
  stream << options.threads << options.keepGradients << options.phases.fuse << options.phases.recompute
         << options.phases.coalesce;
  for (const char *program : {"/incept", "/incept-stub-cpu"}) {
    llvm::sys::fs::file_status status;
    if (!llvm::sys::fs::status(programDirectory() + program, status))
      stream << status.getSize() << llvm::sys::toTimeT(status.getLastModificationTime());
  }
  return llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true, 16);
}

int train(const CompileOptions &options, const std::vector<std::string> &arguments) {
  auto key = cacheKey(options);
  if (mlir::failed(key))
    return kInputAtFault;
  std::string directory = cacheDirectory();
  if (auto error = llvm::sys::fs::create_directories(directory)) {
    llvm::errs() << "incept: error: cannot create '" << directory << "': " << error.message() << "\n";
    return kMachineAtFault;
  }
  CompileOptions cached = options;
  cached.output = directory + "/" + llvm::sys::path::stem(options.spec).str() + "-" + *key;
  if (!llvm::sys::fs::can_execute(cached.output))
    if (int status = compile(cached))
      return status;
  std::vector<std::string> line = {cached.output, "train"};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::vector<char *> argv;
  for (std::string &word : line)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  llvm::errs() << "incept: error: cannot run '" << cached.output << "': " << std::strerror(errno) << "\n";
  return kMachineAtFault;
}

} // namespace incept
