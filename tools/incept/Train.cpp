// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Train.h"
#include "codegen/Codegen.h"
#include "frontend/LoadSpec.h"
#include "passes/Target.h"
#include "runtime/io/Dataset.h"
#include "runtime/support/Checksum.h"
#include "tools/Output.h"
#include "tools/incept/ProgramCache.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace incept {

static int complain(const Status &status) {
  llvm::errs() << "incept: error: " << status.message() << "\n";
  return static_cast<int>(status.code());
}

/// The checksum of a file's bytes, "-" where it cannot be read.
static std::string checksumOf(const std::string &path) {
  auto bytes = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return bytes ? Checksum().add({(*bytes)->getBufferStart(), (*bytes)->getBufferSize()}).text() : "-";
}

/// Everything the program depends on, line by line: the network, its text, options, what the target finds on this
/// machine, and this compiler.
static mlir::FailureOr<std::string> cacheKey(const CompileOptions &options, int &status) {
  status = kInputAtFault;
  auto context = createContext();
  auto target = describeTarget(*context, options, /*known=*/{}, status);
  if (!target)
    return mlir::failure();
  auto found = findTarget(target);
  const Backend *backend = found ? (*found)->backend() : nullptr;
  if (!backend) {
    status =
        complain(found ? usageError("no programs can be made for target '" + options.target + "'") : found.status());
    return mlir::failure();
  }
  auto module = loadGraph(*context, options);
  if (mlir::failed(module))
    return mlir::failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "network " << (**module)->getAttrOfType<mlir::StringAttr>("incept.spec_hash").getValue() << "\nspec "
         << checksumOf(options.spec) << "\ntarget " << target << " " << options.phases.precision << "\nkeep_gradients "
         << options.keepGradients << "\nmemory_budget " << options.memoryBudget << "\n";
  for (const RewriteFlag &rewrite : kRewriteFlags)
    stream << rewrite.flag << " " << !(options.phases.*rewrite.member) << "\n";
  stream << "machine " << backend->identity() << "\n" << versionText("incept") << "\n";
  for (std::string program : {std::string("incept"), backend->stub().str()})
    stream << program << " " << checksumOf(programDirectory() + "/" + program) << "\n";
  return text;
}

/// Replaces this process by PROGRAM train ARGUMENTS.
static int run(const std::string &program, const CompileOptions &options, const std::vector<std::string> &arguments) {
  // In messages the program has the description's name.
  std::vector<std::string> line = {llvm::sys::path::stem(options.spec).str(), "train"};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::vector<char *> argv;
  for (std::string &word : line)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return complain(machineError("cannot run '" + program + "': " + std::strerror(errno)));
}

/// The value of --data among a program's arguments, empty where there is none.
static std::string findSource(const std::vector<std::string> &arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--data" && i + 1 < arguments.size())
      return arguments[i + 1];
    if (llvm::StringRef(arguments[i]).starts_with("--data="))
      return arguments[i].substr(std::strlen("--data="));
  }
  return "";
}

/// Gives a network that has a parameter `classes` as many as the data have, unless --set says how many.
static CompileOptions withClasses(CompileOptions options, const std::vector<std::string> &arguments) {
  int64_t classes = options.parameters.count("classes") ? 0 : countClasses(findSource(arguments));
  if (classes == 0)
    return options;
  SourceFiles files;
  Diagnostics diagnostics(files); // mistakes are said when the network is compiled
  std::optional<Spec> spec = loadSpec(options.spec, {options.importPaths, options.network}, diagnostics);
  if (spec && llvm::any_of(spec->parameters, [](const Parameter &known) { return known.name.text == "classes"; }))
    options.parameters["classes"] = std::to_string(classes);
  return options;
}

int train(const CompileOptions &given, const std::vector<std::string> &arguments) {
  CompileOptions options = withClasses(given, arguments);
  auto root = cacheRoot();
  if (!root)
    return complain({root.status().code(), root.status().message() + ", or use incept compile"});
  int status = kDone;
  auto key = cacheKey(options, status);
  if (mlir::failed(key))
    return status;
  ProgramCache cache;
  if (auto program = cache.find(*key))
    return run(*program, options, arguments);
  auto place = cache.place(*key);
  if (!place)
    return complain(place.status());
  CompileOptions cached = options;
  cached.output = *place;
  if ((status = compile(cached)))
    return status;
  if (Status kept = cache.keep(*key); !kept.ok())
    return complain(kept);
  return run(*place, options, arguments);
}

} // namespace incept
