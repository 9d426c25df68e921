// SPDX-License-Identifier: Apache-2.0
//
// Attributes: the physical layout of a tensor.
#ifndef INCEPT_ATTRS_TD
#define INCEPT_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "dialect/InceptBase.td"

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
