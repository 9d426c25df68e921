// SPDX-License-Identifier: Apache-2.0
//
// The dialect, its attributes and interfaces, and the fusion traits. Ops are in InceptOps.h.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"

#include "dialect/Kernels.h"

#include "dialect/InceptDialect.h.inc"

#include "dialect/InceptEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/InceptAttrs.h.inc"

#include "dialect/InceptInterfaces.h.inc"

namespace incept {

/// How an op may become part of an `incept.group`; InceptBase.td says what each means.
namespace OpTrait {
template <typename ConcreteType>
class Map : public mlir::OpTrait::TraitBase<ConcreteType, Map> {};
template <typename ConcreteType>
class Reduce : public mlir::OpTrait::TraitBase<ConcreteType, Reduce> {};
template <typename ConcreteType>
class Opaque : public mlir::OpTrait::TraitBase<ConcreteType, Opaque> {};
template <typename ConcreteType>
class Library : public mlir::OpTrait::TraitBase<ConcreteType, Library> {};
template <typename ConcreteType>
class View : public mlir::OpTrait::TraitBase<ConcreteType, View> {};
} // namespace OpTrait

/// The op's path in the network description, empty where it has none.
llvm::StringRef getPath(mlir::Operation *op);
/// Gives `op` the path `path`; an empty one is not stored.
void setPath(mlir::Operation *op, llvm::StringRef path);

} // namespace incept
