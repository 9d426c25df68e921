// SPDX-License-Identifier: Apache-2.0
//
// The dialect, its type constraints and the base classes that every op file builds on.
#ifndef INCEPT_BASE_TD
#define INCEPT_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Incept_Dialect : Dialect {
  let name = "incept";
  let cppNamespace = "::incept";
  let summary = "Convolutional networks, from a description to a list of launches";
  let description = [{
    Two tiers in one dialect. The *graph tier* (`incept.conv2d`) works on tensors in logical N,C,H,W order (weights
    O,I,H,W). The *executable tier* (`incept.exec.kernel`) mirrors the calls that the runtime makes on arena slices.

    Every computing op may carry the discardable attribute `incept.path`, the op's path in the network description.
    Discardable attributes `incept.NAME` are those of dialect/README.md: the dialect refuses others, other types, and those
    that stand at the wrong op.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Discardable attribute: the op's path in the network description.
    static constexpr ::llvm::StringLiteral kPathAttr = "incept.path";
    /// Module attribute: the phase whose contract the IR fulfils ("graph", "training", ...).
    static constexpr ::llvm::StringLiteral kPhaseAttr = "incept.phase";
    /// Module attribute: what the module is compiled for, a TargetAttr.
    static constexpr ::llvm::StringLiteral kTargetAttr = "incept.target";
    /// Function attribute: what the runtime runs the function for.
    static constexpr ::llvm::StringLiteral kEntryAttr = "incept.entry";
  }];
}

// Types. Element types are left open (f32 today, bf16 and f16 with the precision pass).
def Incept_Activation : RankedTensorOf<[AnyFloat]>;             // any rank, floating point
def Incept_Image : 4DTensorOf<[AnyFloat]>;                      // (N,C,H,W)
def Incept_Weights : 4DTensorOf<[AnyFloat]>;                    // (O,I,H,W)
def Incept_Matrix : 2DTensorOf<[AnyFloat]>;                     // (N,C)
def Incept_ChannelVector : 1DTensorOf<[AnyFloat]>;              // (C)
def Incept_Scalar : 0DTensorOf<[AnyFloat]>;
def Incept_IntScalar : 0DTensorOf<[I64]>;
def Incept_Labels : 1DTensorOf<[I64]>;                          // (N)
def Incept_Index : 4DTensorOf<[UI8]>;                           // (N,C,H,W) window positions

// How an op may become part of an `incept.group`. A trait says it; passes read it.
class Incept_FusionTrait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::incept::OpTrait";
}
/// Computes each element from the same element of its operands (channel vectors and scalars are broadcast).
def Incept_MapTrait : Incept_FusionTrait<"Map">;
/// Sums over everything but channels; its results are channel vectors.
def Incept_ReduceTrait : Incept_FusionTrait<"Reduce">;
/// A kernel of its own.
def Incept_OpaqueTrait : Incept_FusionTrait<"Opaque">;
/// One library call.
def Incept_LibraryTrait : Incept_FusionTrait<"Library">;
/// Names another part or shape of a buffer; computes nothing.
def Incept_ViewTrait : Incept_FusionTrait<"View">;

/// Gives memory of its own: two ops that compute the same are two places, and CSE may not make them one.
def Incept_AllocatesTrait : TraitList<[Incept_FusionTrait<"Allocates">, MemoryEffectsOpInterface]>;
/// The same where a result is placed in a concat_view's buffer, otherwise pure.
def Incept_PlacedTrait : TraitList<[Incept_FusionTrait<"Placed">, MemoryEffectsOpInterface, AlwaysSpeculatable]>;

class Incept_Op<string mnemonic, list<Trait> traits = []> : Op<Incept_Dialect, mnemonic, traits>;

class Incept_PureOp<string mnemonic, list<Trait> traits = []> : Incept_Op<mnemonic, !listconcat([Pure], traits)>;
class Incept_PlacedOp<string mnemonic, list<Trait> traits = []>
    : Incept_Op<mnemonic, !listconcat([Incept_PlacedTrait], traits)>;
class Incept_MapOp<string mnemonic, list<Trait> traits = []>
    : Incept_PlacedOp<mnemonic, !listconcat([Incept_MapTrait], traits)>;
class Incept_ReduceOp<string mnemonic, list<Trait> traits = []>
    : Incept_PureOp<mnemonic, !listconcat([Incept_ReduceTrait], traits)>;
class Incept_OpaqueOp<string mnemonic, list<Trait> traits = []>
    : Incept_PlacedOp<mnemonic, !listconcat([Incept_OpaqueTrait], traits)>;
class Incept_LibraryOp<string mnemonic, list<Trait> traits = []>
    : Incept_PlacedOp<mnemonic, !listconcat([Incept_LibraryTrait], traits)>;
class Incept_ViewOp<string mnemonic, list<Trait> traits = []>
    : Incept_PureOp<mnemonic, !listconcat([Incept_ViewTrait], traits)>;

/// A sliding window; vertical value first. Padding is explicit: the frontend resolves SAME and ceil mode.
defvar Incept_WindowArguments = (ins
  DenseI64ArrayAttr:$kernel,
  DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
  DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$pad_begin,
  DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$pad_end);

#endif // INCEPT_BASE_TD
