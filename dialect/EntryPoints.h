// SPDX-License-Identifier: Apache-2.0
//
// The functions of a module by what the runtime runs them for. Their names are for readers only.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace incept {

/// What the runtime runs `function` for, none for a function that it does not run.
inline std::optional<EntryPoint> entryOf(mlir::Operation *function) {
  auto entry = function->getAttrOfType<EntryPointAttr>(InceptDialect::kEntryAttr);
  return entry ? std::optional(entry.getValue()) : std::nullopt;
}

inline bool isEntry(mlir::Operation *function, EntryPoint entry) { return entryOf(function) == entry; }

/// The function that is run for `entry`, null where there is none.
inline mlir::func::FuncOp findEntry(mlir::ModuleOp module, EntryPoint entry) {
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (isEntry(function, entry))
      return function;
  return {};
}

/// Creates the function for `entry`, named after it, without arguments and results, and its body's only block.
inline mlir::func::FuncOp createEntry(mlir::OpBuilder &builder, mlir::Location loc, EntryPoint entry) {
  auto function = mlir::func::FuncOp::create(builder, loc, stringifyEntryPoint(entry), builder.getFunctionType({}, {}));
  function->setAttr(InceptDialect::kEntryAttr, EntryPointAttr::get(builder.getContext(), entry));
  function.addEntryBlock();
  return function;
}

/// Whether training images may be mixed of two, as `augmentation` of `incept.training` says, which is null for none.
inline bool mixesImages(mlir::DictionaryAttr training) {
  auto images = training ? training.getAs<mlir::DictionaryAttr>("augmentation") : mlir::DictionaryAttr();
  auto isThere = [&](llvm::StringRef key) {
    auto number = images ? images.getAs<mlir::FloatAttr>(key) : mlir::FloatAttr();
    return number && number.getValueAsDouble() > 0;
  };
  return isThere("mixup") || isThere("cutmix");
}

/// Batches of one step, each a run of forward_backward: `accumulate` of `incept.training`, which is null for none.
inline int64_t batchesOf(mlir::DictionaryAttr training) {
  auto number = training ? training.getAs<mlir::IntegerAttr>("accumulate") : mlir::IntegerAttr();
  return number ? number.getInt() : 1;
}

} // namespace incept
