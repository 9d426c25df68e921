// SPDX-License-Identifier: Apache-2.0
//
// PTX to machine code, through the toolkit's ptxas, and what it made of the same PTX before.
#pragma once

#include "mlir/Support/LLVM.h"
#include "runtime/support/Cache.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace incept::cuda {

/// What ptxas says of one kernel.
struct KernelUsage {
  std::string symbol;
  int64_t registers = 0, spillStores = 0, spillLoads = 0, stackBytes = 0, sharedBytes = 0;
};

class Assembler {
public:
  /// Runs `program`, a ptxas. Cubins are kept in `cacheDirectory`, which is created when one is written; none is kept
  /// where it is empty, or where the program does not say its version.
  explicit Assembler(std::string program, std::string cacheDirectory = "")
      : program(std::move(program)), cache(std::move(cacheDirectory)) {}

  /// What cubins depend on besides PTX and options, in one line: what the program says of its version, its size and its
  /// time, as they were when it was asked first.
  const std::string &identity() const { return identify().text; }

  /// The cubin of a module of PTX for `chip`, such as "sm_90". On failure `error` is a sentence without a final stop;
  /// failures are not kept, they may be of the moment.
  mlir::FailureOr<std::string> assemble(llvm::StringRef ptx, llvm::StringRef chip, std::string &error) const;
  /// What the program says of each kernel of the module.
  mlir::FailureOr<std::vector<KernelUsage>> measure(llvm::StringRef ptx, llvm::StringRef chip,
                                                    std::string &error) const;

  /// What a cubin is kept under: all that it depends on.
  std::string key(llvm::StringRef ptx, llvm::StringRef chip) const;
  /// The file in which it is kept.
  std::string path(llvm::StringRef ptx, llvm::StringRef chip) const { return cache.path(key(ptx, chip)); }

private:
  /// What the program prints, and the cubin that it writes.
  struct Output {
    std::string report, cubin;
  };
  mlir::FailureOr<Output> run(llvm::StringRef ptx, std::vector<std::string> options, std::string &error) const;
  struct Identity {
    std::string text;
    bool saysVersion = false;
  };
  const Identity &identify() const;

  std::string program;
  Cache cache;
  mutable std::once_flag asked; ///< several threads may want to know
  mutable Identity known;
};

} // namespace incept::cuda
