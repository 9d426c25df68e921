// SPDX-License-Identifier: Apache-2.0
//
// Attributes: the kinds of things that have kinds, and the physical layout of a tensor.
#ifndef INCEPT_ATTRS_TD
#define INCEPT_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialect/InceptBase.td"

class Incept_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::incept";
  let genSpecializedAttr = 0;
}

def Incept_KernelFamily : Incept_Enum<"KernelFamily", "the loops around a kernel's body (dialect/README.md)", [
  I32EnumAttrCase<"Flat", 0, "flat">,       // over elements
  I32EnumAttrCase<"Map", 1, "map">,         // over rows and channels
  I32EnumAttrCase<"Reduce", 2, "reduce">,   // the same, with sums over rows
  I32EnumAttrCase<"Combine", 3, "combine">, // over partial sums
  I32EnumAttrCase<"Opaque", 4, "opaque">,   // those of the body's one op
]>;
def Incept_KernelFamilyAttr : EnumAttr<Incept_Dialect, Incept_KernelFamily, "kernel_family">;

def Incept_LayoutAttr : AttrDef<Incept_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "physical layout of a tensor";
  let description = [{
    The encoding of a tensor type after the layout phase. `format` is `nhwc` for activations (also for matrices and
    vectors, where it means dense), `dense` for weights in logical order, or a library's own format in quotes.
    `stride` (elements from one pixel to the next) and `offset` (first channel) are present where the tensor is a
    channel slice of a wider buffer.

    Examples: `#incept.layout<nhwc>`, `#incept.layout<nhwc, stride = 384, offset = 96>`,
    `#incept.layout<"32x16x3x3/...">`.
  }];
  let parameters = (ins StringRefParameter<>:$format, DefaultValuedParameter<"int64_t", "0">:$stride,
                        DefaultValuedParameter<"int64_t", "0">:$offset);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$format), [{ return $_get($_ctxt, format, 0, 0); }]>];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool isSlice() const { return getStride() != 0; }
  }];
}

#endif // INCEPT_ATTRS_TD
