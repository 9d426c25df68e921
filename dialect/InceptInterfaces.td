// SPDX-License-Identifier: Apache-2.0
//
// Interfaces of graph-tier ops.
#ifndef INCEPT_INTERFACES_TD
#define INCEPT_INTERFACES_TD

include "mlir/IR/OpBase.td"
include "dialect/InceptBase.td"

def Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::incept";
  let description = [{
    An op with a gradient rule. The rules stand side by side in passes/GradientRules.cpp and are attached to the ops
    when the dialect is loaded with `registerGradientRules`: without it the interface is only promised.
  }];
  let methods = [InterfaceMethod<
    [{
      Builds the gradients of the operands from those of the results (null where a result's gradient is zero), at the
      builder's insertion point. Returns one value per operand, null where the operand gets none.
    }],
    "::mlir::SmallVector<::mlir::Value>", "buildGradient",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$diffResults)>];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{
    An op that is a generated kernel by itself, of the family `opaque`: a launch passes the addresses of its operands and
    of its results, in order. The rules stand side by side in passes/KernelRules.cpp and are attached with
    `registerKernelRules`; the loops are code of the targets, which is attached there.
  }];
  let methods = [
    InterfaceMethod<"Extents and units of the launch that computes this op.", "::incept::KernelWork", "getWork">,
    InterfaceMethod<"The kernel's loops, the same for all ops of this class.", "::incept::KernelLoops", "getLoops">,
    InterfaceMethod<"Gives attributes that launches pass as extents the values that stand for them in a kernel definition.",
                    "void", "eraseExtents">];
}

def CountedOpInterface : OpInterface<"CountedOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{
    A map op with an attribute `count`, the number of values that its sums are of. Launches of `flat` and `combine`
    kernels pass it as an extent, and it is 0 in kernel definitions.
  }];
  let methods = [
    InterfaceMethod<"The number of values.", "uint64_t", "getCount">,
    InterfaceMethod<"Sets it.", "void", "setCount", (ins "uint64_t":$count)>];
}

#endif // INCEPT_INTERFACES_TD
