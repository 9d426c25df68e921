// SPDX-License-Identifier: Apache-2.0
//
// A dialect of the tests' own: an optimizer and a loss with its gradient.
#ifndef TRAINER_OPS_TD
#define TRAINER_OPS_TD

include "dialect/InceptInterfaces.td"

def Trainer_Dialect : Dialect {
  let name = "trainer";
  let cppNamespace = "::incept::trainer";
}

def Trainer_AdamwUpdateOp : Op<Trainer_Dialect, "adamw_update",
    [Incept_PlacedTrait, Incept_MapTrait, DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let summary = "one step of Adam with decoupled weight decay";
  let description = [{
    As Loshchilov and Hutter 2019 have it, with t = step + 1, of all steps, also those that were not made:
    m' = beta1 * m + (1 - beta1) * gradient; v' = beta2 * v + (1 - beta2) * gradient^2;
    parameter' = parameter - learning_rate * (m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon)
    + weight_decay * parameter), the last term only with `decay`. `unscale` and `copy` as in `incept.sgd_update`.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$first_moment,
                       Incept_Activation:$second_moment, Incept_Scalar:$learning_rate, Incept_Scalar:$beta1,
                       Incept_Scalar:$beta2, Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay,
                       Incept_IntScalar:$step, Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_first_moment,
                      Incept_Activation:$new_second_moment, Optional<Incept_Activation>:$copy);
  let assemblyFormat = "operands (`decay` $decay^)? attr-dict `:` functional-type(operands, results)";
}

def Trainer_BrierOp : Op<Trainer_Dialect, "brier",
    [Incept_PlacedTrait, Incept_OpaqueTrait, DeclareOpInterfaceMethods<LossOpInterface>,
     DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "mean squared error of the probabilities of a batch";
  let description = [{ loss = 1/N sum_n sum_k (softmax(logits)[n,k] - onehot(label)[n,k])^2. }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels);
  let results = (outs Incept_Scalar:$loss);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Trainer_BrierBackwardOp : Op<Trainer_Dialect, "brier_backward",
    [Incept_PlacedTrait, Incept_OpaqueTrait, DeclareOpInterfaceMethods<LossGradientOpInterface>,
     DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "gradient of brier with respect to logits";
  let description = [{
    With p = softmax(logits) and d = p - onehot(label), diff_logits = 2 * weight / N * p * (d - sum_k p[k] d[k]), times
    `scale` where it is given.
  }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels, Optional<Incept_Scalar>:$scale, F64Attr:$weight);
  let results = (outs Incept_Matrix:$diff_logits);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // TRAINER_OPS_TD
