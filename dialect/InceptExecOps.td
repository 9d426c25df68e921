// SPDX-License-Identifier: Apache-2.0
//
// The executable tier: one op per call that the runtime makes, on slices of regions.
#ifndef INCEPT_EXEC_OPS_TD
#define INCEPT_EXEC_OPS_TD

include "dialect/InceptAttrs.td"

class Incept_ExecOp<string mnemonic, list<Trait> traits = []> : Incept_Op<"exec." # mnemonic, traits> {
  let cppNamespace = "::incept::exec";
}

def Exec_PlanOp : Incept_ExecOp<"plan", [Symbol]> {
  let summary = "a library primitive";
  let description = [{
    `kind` names the call, `config` holds its parameters under the library's names, strings and integers; `signature` says
    how what it reads and what it writes lies in memory, `swapped` that the first two are the op's in the other order.
    Appears from the layout phase on, when groups name their plans.
    - (C1) the signature is from memrefs to memrefs.

    Example: `incept.exec.plan @plan_0 matmul {m = "8", n = "4", k = "16"} : (memref<8x16xf32>, memref<4x16xf32>) -> memref<8x4xf32>`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Incept_PlanKindAttr:$kind, DictionaryAttr:$config,
                       TypeAttrOf<FunctionType>:$signature, UnitAttr:$swapped);
  let assemblyFormat = "$sym_name `` $kind (`swapped` $swapped^)? $config attr-dict `:` $signature";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bytes of temporary memory that a call needs.
    int64_t getScratchpadBytes();
  }];
}

def Exec_RegionOp : Incept_ExecOp<"region", [Symbol]> {
  let summary = "one allocation";
  let description = [{
    - (C1) `bytes` is not negative.

    Example: `incept.exec.region @arena 1048576`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$bytes);
  let assemblyFormat = "$sym_name $bytes attr-dict";
  let hasVerifier = 1;
}

def Exec_FieldOp : Incept_ExecOp<"field", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a number that the runtime writes into a region before each step";
  let description = [{
    - (C1) the region exists, and the field lies inside it, at a multiple of its size.
    - (C2) no other field has its name or its bytes.

    Example: `incept.exec.field "learning_rate" of @step at 24 : f32`
  }];
  let arguments = (ins StrAttr:$name, FlatSymbolRefAttr:$region, I64Attr:$offset,
                       TypeAttrOf<AnyTypeOf<[F32, I64, UI64]>>:$type);
  let assemblyFormat = "$name `of` $region `at` $offset attr-dict `:` $type";
  let extraClassDeclaration = [{ int64_t getBytes() { return getType().getIntOrFloatBitWidth() / 8; } }];
}

def Exec_KernelDefOp : Incept_ExecOp<"kernel_def", [Symbol, IsolatedFromAbove,
                                            SingleBlockImplicitTerminator<"::incept::YieldOp">]> {
  let summary = "a generated kernel";
  let description = [{
    `family` says which loops surround the body (dialect/README.md lists families, operands and extents). Dimensions in
    the body are dynamic: a kernel is generic in extents.
    - (C1) an `opaque` kernel has one op, which takes the arguments, in order, and whose results it yields, in order.

    Example: `incept.exec.kernel_def @k0 map { ^bb0(%x: tensor<?x?x?x?xf32>): ... }`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Incept_KernelFamilyAttr:$family);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `` $family attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::incept::YieldOp getYield();
    /// Sums that a `reduce` or `reduce_combine` kernel leaves in memory in parts, or adds up from there.
    unsigned countSums();
    /// The ops that come when sums are complete: all but the `channel_sum`s of a `combine` kernel, and what goes on with
    /// the sums of a `reduce_combine` kernel.
    ::llvm::SetVector<::mlir::Operation *> getLateOps();
    /// What a launch has to know. Reports an opaque kernel whose op has no rule (KernelOpInterface).
    ::mlir::FailureOr<::incept::KernelLoops> getLoops();
    /// What a launch with these extents makes of it, none where the rule of an opaque kernel does not say it.
    ::incept::KernelReach getReach(::llvm::ArrayRef<int64_t> extents);
  }];
}

def Exec_SliceOp : Incept_ExecOp<"slice", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a place in a region";
  let description = [{
    The type says which bytes it is, from the byte `offset` on: dimensions are logical, strides physical (an NHWC tensor, a
    channel slice of a wider one). A tensor in a library's own format is a flat row of the elements that the format has,
    padding included.
    - (C1) the region exists and the slice lies inside it.
    - (C2) shape and strides are static, and the elements lie in rows of one length that are equally far apart.
    - (C3) it begins at a multiple of an element's size.

    Example: `%s = incept.exec.slice @arena at 4096 : memref<8x3x35x35xf32, strided<[3675, 1, 105, 3]>>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$region, I64Attr:$offset);
  let results = (outs AnyMemRef:$slice);
  let assemblyFormat = "$region `at` $offset attr-dict `:` type($slice)";
}

def Exec_KernelOp : Incept_ExecOp<"kernel", [AttrSizedOperandSegments,
                                            DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one launch of a generated kernel";
  let description = [{
    The kernel gets the addresses of what it reads, then of what it writes, the extents and a part of [0, units). Where a
    target launches grids, `incept-shape-launches` says how: code compiled for vectors of `width`, and the sizes of the grid
    and of its blocks. A launch of several parts (`incept-join-launches`) has the operands, extents and sizes of each. One that
    is `with_next` runs in one launch with the next, which may be another kernel's (`incept-pair-launches`).
    - (C1) the kernel exists; `units` is positive.
    - (C2) it reads and writes as many tensors as the kernel, or as some parts of one that is not opaque, of the same element
      types, and scalars where the kernel does.
    - (C3) `grid` and `block` are three positive sizes each, for each part, those of `block` at most 1024 threads.
    - (C4) there are as many extents for each part, and units for all, as the kernel's family has (dialect/README.md).
    - (C5) the slices are what the extents make it touch, no more and no fewer elements.
    - (C6) what it writes lies apart from everything else that it reads or writes; where its kernel is not opaque, it may
      write element by element on what it reads, but channel vectors that a map kernel gives only on running
      statistics, and nothing on the image that it takes statistics of again.
    - (C7) behind one that is `with_next` comes another kernel launch, with nothing but slices between; both have a grid, and
      neither works on what the other writes, nor do those further behind that run with them.

    Example: `incept.exec.kernel @k0 ins(%a : memref<...>) outs(%b : memref<...>) extents [8, 32, 32, 32] units 8 width 4 grid [1, 1, 1] block [8, 8, 1]`
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Arg<Variadic<AnyMemRef>, "what it reads", [MemRead]>:$ins,
                       Arg<Variadic<AnyMemRef>, "what it writes", [MemWrite]>:$outs, DenseI64ArrayAttr:$extents,
                       I64Attr:$units, OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$width,
                       OptionalAttr<DenseI64ArrayAttr>:$grid, OptionalAttr<DenseI64ArrayAttr>:$block,
                       UnitAttr:$with_next);
  let assemblyFormat = [{
    $kernel (`ins` `(` $ins^ `:` type($ins) `)`)? (`outs` `(` $outs^ `:` type($outs) `)`)?
    `extents` $extents `units` $units (`width` $width^ `grid` $grid `block` $block)? (`with_next` $with_next^)? attr-dict
  }];
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$kernel, "::mlir::ValueRange":$ins, "::mlir::ValueRange":$outs,
                   "::llvm::ArrayRef<int64_t>":$extents, "int64_t":$units),
              [{ build($_builder, $_state, kernel, ins, outs, extents, units, nullptr, nullptr, nullptr); }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The name of the code that it runs: the kernel's, followed by "_v" and the width where it has one.
    std::string getCodeSymbol();
  }];
}

def Exec_LibraryOp : Incept_ExecOp<"library", [AttrSizedOperandSegments,
                                              DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one library call";
  let description = [{
    What it reads, what it writes and its temporary memory; the order among them is fixed by the plan's kind (OneDnn.h).
    - (C1) the plan exists.
    - (C2) what it reads and writes lies in memory as the plan's signature says.
    - (C3) the scratchpad is as large as the plan's.
    - (C4) what it writes, the scratchpad too, lies apart from everything else.

    Example: `incept.exec.library @plan_0 ins(%x, %w : memref<...>, memref<...>) outs(%y : memref<...>) scratchpad(%s : memref<64xi8>)`
  }];
  let arguments = (ins FlatSymbolRefAttr:$plan, Arg<Variadic<AnyMemRef>, "what it reads", [MemRead]>:$ins,
                       Arg<Variadic<AnyMemRef>, "what it writes", [MemWrite]>:$outs,
                       Arg<AnyMemRef, "temporary memory", [MemWrite]>:$scratchpad);
  let assemblyFormat = [{
    $plan (`ins` `(` $ins^ `:` type($ins) `)`)? (`outs` `(` $outs^ `:` type($outs) `)`)?
    `scratchpad` `(` $scratchpad `:` type($scratchpad) `)` attr-dict
  }];
}

#endif // INCEPT_EXEC_OPS_TD
