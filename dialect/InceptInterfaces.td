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

#endif // INCEPT_INTERFACES_TD
