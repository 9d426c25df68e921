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
    InterfaceMethod<"The kernel's loops, the same for all ops of this class.", "::incept::KernelLoops", "getLoops">,
    InterfaceMethod<"Extents of the launch that computes this op.", "::incept::KernelExtents", "getExtents">,
    InterfaceMethod<[{
      What a launch with `extents`, as many as the loops have and none negative, makes of it, also of an op in a kernel
      definition: its units, and what it touches, which launches are checked against.
    }], "::incept::KernelReach", "getReach", (ins "::llvm::ArrayRef<int64_t>":$extents)>,
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

def UpdateOpInterface : OpInterface<"UpdateOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{
    One step of an optimizer for one parameter. Its operands are the parameter, its gradient, the optimizer's slots, the
    hyper-parameters (scalars, in the order of the optimizer's table), the sums of squares of parameter and direction where
    the optimizer asks for norms and, where gradients are scaled, `unscale`; its results the new parameter, the new slots
    and, where one is kept, the new copy in low precision. All of them in this order: passes add the last two.

    Whoever registers such an op has added an optimizer: `incept-insert-optimizer` finds it by the kind it gives.
  }];
  let methods = [
    StaticInterfaceMethod<"The optimizer that this op is a step of.", "const ::incept::Optimizer &", "getOptimizer">,
    StaticInterfaceMethod<[{
      The tensor whose sum of squares the op takes beside the parameter's, where the optimizer asks for norms: of an op
      with the first `operands`, up to the hyper-parameters, and with decay. `unscale` is null where there is none yet.
    }], "::mlir::Value", "buildDirection",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands,
         "::mlir::Value":$unscale), "", "return operands[1];">];
  let extraClassDeclaration = [{
    /// The op for the optimizer `kind` among all that are registered, none where there is no such optimizer.
    static std::optional<::mlir::RegisteredOperationName> find(::mlir::MLIRContext *context, ::llvm::StringRef kind);

    ::mlir::Value getParameter() { return (*this)->getOperand(0); }
    ::mlir::OpOperand &getGradientOperand() { return (*this)->getOpOperand(1); }
    ::mlir::Value getGradient() { return getGradientOperand().get(); }
    ::mlir::OperandRange getSlots() { return (*this)->getOperands().slice(2, getOptimizer().slots.size()); }
    ::mlir::Value getNewParameter() { return (*this)->getResult(0); }
    ::mlir::ResultRange getNewSlots() { return (*this)->getResults().slice(1, getOptimizer().slots.size()); }
    /// Null where gradients are not scaled.
    ::mlir::Value getUnscale() {
      unsigned index = 2 + getOptimizer().slots.size() + getOptimizer().scalars();
      return (*this)->getNumOperands() > index ? (*this)->getOperand(index) : ::mlir::Value();
    }
    /// Null where no copy is kept.
    ::mlir::Value getCopy() {
      unsigned index = 1 + getOptimizer().slots.size();
      return (*this)->getNumResults() > index ? ::mlir::Value((*this)->getResult(index)) : ::mlir::Value();
    }
  }];
  let verify = [{ return ::incept::verifyUpdate($_op); }];
}

def UnscalingOpInterface : OpInterface<"UnscalingOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{ An op of `@update`, besides the updates, that computes with gradients and knows their scale. }];
  let methods = [
    InterfaceMethod<"Multiplies gradients by the scalar `unscale`, unless something multiplies them already.", "void",
                    "setUnscale", (ins "::mlir::Value":$unscale)>];
}

def LossOpInterface : OpInterface<"LossOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{
    The number that training makes smaller, a function of logits and labels. Behind it in a function stands the backward
    pass. Whoever registers such an op has added a loss: `incept-differentiate` finds it by the kind it gives.
  }];
  let methods = [
    StaticInterfaceMethod<"Its name in a description.", "::llvm::StringRef", "getLossKind">,
    StaticInterfaceMethod<"Builds the loss as `training`, the module's dictionary (null for none), has it.",
                          "::mlir::Value", "buildLoss",
                          (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$logits,
                               "::mlir::Value":$labels, "::mlir::DictionaryAttr":$training)>,
    InterfaceMethod<"Builds the gradient with respect to the logits of `weight` times the loss.", "::mlir::Value",
                    "buildGradient", (ins "::mlir::OpBuilder &":$builder, "double":$weight)>,
    InterfaceMethod<"The scores that it judges; f32 whatever the precision.", "::mlir::OpOperand &", "getLogitsOperand">,
    InterfaceMethod<[{
      Lets it take the labels in the opposite order: those of the images that the batch's are mixed with. False where it
      cannot.
    }], "bool", "reverseLabels", (ins), "", "return false;">];
  let extraClassDeclaration = [{
    static std::optional<::mlir::RegisteredOperationName> find(::mlir::MLIRContext *context, ::llvm::StringRef kind);
  }];
}

def LossGradientOpInterface : OpInterface<"LossGradientOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{ The gradient that a loss builds: where the backward pass begins. }];
  let methods = [
    InterfaceMethod<"The scores that it reads; f32 whatever the precision.", "::mlir::OpOperand &", "getLogitsOperand">,
    InterfaceMethod<"Multiplies the gradient by the scalar `scale`.", "void", "setLossScale",
                    (ins "::mlir::Value":$scale)>];
}

def WeightsOpInterface : OpInterface<"WeightsOpInterface"> {
  let cppNamespace = "::incept";
  let description = [{
    A library op with weights that the library may want in a format of its own. The op that decides it is the forward
    one: variables are kept in the format it wants, others reorder where they want another.
  }];
  let methods = [
    InterfaceMethod<"The operand that is weights, null for the op that computes their gradient.", "::mlir::OpOperand *",
                    "getWeightsOperand", (ins), "", "return nullptr;">,
    InterfaceMethod<"The result that is a gradient of weights, null for others.", "::mlir::OpResult",
                    "getWeightsResult", (ins), "", "return {};">,
    InterfaceMethod<"True for an op whose wish decides, if it is the first to read the weights.", "bool", "decidesWeightsFormat", (ins), "",
                    "return false;">];
}

#endif // INCEPT_INTERFACES_TD
