// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Train.h"
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

/// The user's cache, empty where the environment names none: a shared directory could hold another user's programs.
static std::string cacheDirectory() {
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/incept";
  if (const char *home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/incept";
  return "";
}

/// A key of everything the program depends on: the network, options, and this compiler.
static mlir::FailureOr<std::string> cacheKey(const CompileOptions &options, int &status) {
  auto context = createContext();
  auto target = describeTarget(*context, options, status);
  if (!target)
    return mlir::failure();
  auto module = loadGraph(*context, options);
  if (mlir::failed(module))
    return mlir::failure();
  std::string text = (**module)->getAttrOfType<mlir::StringAttr>("incept.spec_hash").str();
  llvm::raw_string_ostream stream(text);
  stream << ' ' << target << ' ' << options.phases.precision << ' ' << options.keepGradients;
  for (const RewriteFlag &rewrite : kRewriteFlags)
    stream << ' ' << options.phases.*rewrite.member;
  for (const char *program : {"/incept", "/incept-stub-cpu", "/incept-stub-cuda"}) {
    llvm::sys::fs::file_status status;
    if (!llvm::sys::fs::status(programDirectory() + program, status))
      stream << ' ' << status.getSize() << ' ' << llvm::sys::toTimeT(status.getLastModificationTime());
  }
  return llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true, 16);
}

int train(const CompileOptions &options, const std::vector<std::string> &arguments) {
  int status = kInputAtFault;
  auto key = cacheKey(options, status);
  if (mlir::failed(key))
    return status;
  std::string directory = cacheDirectory();
  if (directory.empty()) {
    llvm::errs()
        << "incept: error: no place for compiled programs: set HOME or XDG_CACHE_HOME, or use incept compile\n";
    return kMachineAtFault;
  }
  if (auto error = llvm::sys::fs::create_directories(directory)) {
    llvm::errs() << "incept: error: cannot create '" << directory << "': " << error.message() << "\n";
    return kMachineAtFault;
  }
  CompileOptions cached = options;
  cached.output = directory + "/" + llvm::sys::path::stem(options.spec).str() + "-" + *key;
  if (!llvm::sys::fs::can_execute(cached.output))
    if (int failed = compile(cached))
      return failed;
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
