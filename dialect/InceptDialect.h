// SPDX-License-Identifier: Apache-2.0
//
// The dialect, its attributes and interfaces, and the fusion traits. Ops are in InceptOps.h.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <optional>

#include "dialect/Losses.h"
#include "dialect/Optimizers.h"

#include "dialect/Kernels.h"

#include "dialect/InceptDialect.h.inc"

#include "dialect/InceptEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/InceptAttrs.h.inc"

namespace incept {

/// What `read` and `write` touch.
struct VariableResource : mlir::SideEffects::Resource::Base<VariableResource> {
  llvm::StringRef getName() final { return "variables"; }
};

using MemoryEffectList = llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>;
/// Says that `op` allocates memory for each result, or only for those that are placed in a concat_view.
void addAllocations(mlir::Operation *op, bool onlyPlaced, MemoryEffectList &effects);

/// Checks what UpdateOpInterface promises.
mlir::LogicalResult verifyUpdate(mlir::Operation *op);

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
template <typename ConcreteType>
class Allocates : public mlir::OpTrait::TraitBase<ConcreteType, Allocates> {
public:
  void getEffects(MemoryEffectList &effects) { addAllocations(this->getOperation(), false, effects); }
};
template <typename ConcreteType>
class Placed : public mlir::OpTrait::TraitBase<ConcreteType, Placed> {
public:
  void getEffects(MemoryEffectList &effects) { addAllocations(this->getOperation(), true, effects); }
};
} // namespace OpTrait

/// The op's path in the network description, empty where it has none.
llvm::StringRef getPath(mlir::Operation *op);
/// Gives `op` the path `path`; an empty one is not stored.
void setPath(mlir::Operation *op, llvm::StringRef path);

} // namespace incept

#include "dialect/InceptInterfaces.h.inc"
