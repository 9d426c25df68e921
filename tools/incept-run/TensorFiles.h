// SPDX-License-Identifier: Apache-2.0
//
// Safetensors files instead of seeded values, and for results.
#pragma once

#include "dialect/reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/io/Safetensors.h"
#include "llvm/Support/SourceMgr.h"

namespace incept {

/// The tensors of --inputs. Variables take theirs by name; arguments by the name that they have in the IR's text
/// (`images` for `%images`), or `arg0`, `arg1`, ... in order.
class InputFiles {
public:
  /// Opens the files; no two may have a tensor of one name.
  static Expected<InputFiles> open(llvm::ArrayRef<std::string> paths);

  /// Sets the variables that the files have. It is an error, with a diagnostic for each, where a variable or an
  /// argument that `functions`, run in turn, read before they write it is missing, where shapes or types differ, and
  /// where a file's tensor belongs to nothing.
  mlir::LogicalResult apply(mlir::ModuleOp module, llvm::ArrayRef<std::string> functions,
                            const llvm::SourceMgr &sources, reference::Interpreter &interpreter) const;

  /// Arguments of `function` from the files, after `apply` has found them there.
  mlir::FailureOr<llvm::SmallVector<reference::Tensor>> arguments(mlir::func::FuncOp function,
                                                                  const llvm::SourceMgr &sources) const;

private:
  struct Entry {
    const TensorView *tensor;
    std::string path;
  };
  const Entry *find(mlir::BlockArgument argument, const llvm::SourceMgr &sources, std::string &name) const;

  std::vector<SafetensorsFile> files;
  std::map<std::string, Entry> tensors;
};

/// Writes floats as F64, which the interpreter computes in, and integers as I64 and U8.
Status writeTensors(const std::string &path, const std::map<std::string, reference::Tensor> &tensors);

} // namespace incept
