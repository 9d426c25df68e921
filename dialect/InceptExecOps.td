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
    `kind` names the call, `config` holds its parameters under the library's names, strings and integers. Appears from
    the layout phase on, when groups name their plans.

    Example: `incept.exec.plan @plan_0 convolution_forward {mb = 8 : i64, ic = 3 : i64}`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Incept_PlanKindAttr:$kind, DictionaryAttr:$config);
  let assemblyFormat = "$sym_name `` $kind $config attr-dict";
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

def Exec_KernelDefOp : Incept_ExecOp<"kernel_def", [Symbol, IsolatedFromAbove,
                                            SingleBlockImplicitTerminator<"::incept::YieldOp">]> {
  let summary = "a generated kernel";
  let description = [{
    `family` says which loops surround the body (dialect/README.md lists families, operands and extents). Dimensions in
    the body are dynamic: a kernel is generic in extents.

    Example: `incept.exec.kernel_def @k0 "map" { ^bb0(%x: tensor<?x?x?x?xf32>): ... }`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$family);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $family attr-dict-with-keyword $body";
  let extraClassDeclaration = [{ ::incept::YieldOp getYield(); }];
}

def Exec_SliceOp : Incept_ExecOp<"slice", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a place in a region";
  let description = [{
    - (C1) the region exists and the slice lies inside it.

    Example: `%s = incept.exec.slice @arena at 4096 : memref<32x3x3x3xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$region, I64Attr:$offset);
  let results = (outs AnyMemRef:$slice);
  let assemblyFormat = "$region `at` $offset attr-dict `:` type($slice)";
}

def Exec_KernelOp : Incept_ExecOp<"kernel", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one launch of a generated kernel";
  let description = [{
    The kernel gets the addresses of its operands, the extents and a part of [0, units).
    - (C1) the kernel exists; `units` is positive.

    Example: `incept.exec.kernel @k0(%a, %b) extents [8, 32, 32, 32] units 8 : memref<...>, memref<...>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyMemRef>:$arguments, DenseI64ArrayAttr:$extents,
                       I64Attr:$units);
  let assemblyFormat = "$kernel `(` $arguments `)` `extents` $extents `units` $units attr-dict `:` type($arguments)";
}

def Exec_LibraryOp : Incept_ExecOp<"library", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one library call";
  let description = [{
    The order of the operands is fixed by the plan's kind (OneDnn.h).
    - (C1) the plan exists.
  }];
  let arguments = (ins FlatSymbolRefAttr:$plan, Variadic<AnyMemRef>:$arguments);
  let assemblyFormat = "$plan `(` $arguments `)` attr-dict `:` type($arguments)";
}

#endif // INCEPT_EXEC_OPS_TD
