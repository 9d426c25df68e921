// SPDX-License-Identifier: Apache-2.0
//
// The processor that kernels are compiled for.
#pragma once

#include "mlir/Support/LLVM.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace incept::cpu {

struct Processor {
  std::string asked;        ///< what it was asked for as; empty is this machine's
  std::string name;         ///< LLVM's name, e.g. "znver3"
  std::string features;     ///< LLVM's feature string, e.g. "+avx2,-avx512f"
  std::string isa = "avx2"; ///< the most that oneDNN can use of it, under oneDNN's name
  int64_t vectorBits = 128;

  /// The processor called `name`, or the one this runs on where it is empty. `error` says why it will not do.
  static mlir::FailureOr<Processor> find(llvm::StringRef name, std::string &error);

  /// A code generator, null with a sentence in `error` where there is none.
  std::unique_ptr<llvm::TargetMachine> createTargetMachine(std::string &error) const;
};

} // namespace incept::cpu
