// RUN: incept-run %s --print --step learning_rate=0.5 --step momentum=0.5 --step rms_decay=0.75 --step rms_epsilon=1 --step weight_decay=0.25 | FileCheck %s
// Low precision and loss scaling against values worked out by hand.

!s = tensor<f32>
!v = tensor<2xf32>

incept.step_field @learning_rate : f32
incept.step_field @momentum : f32
incept.step_field @rms_decay : f32
incept.step_field @rms_epsilon : f32
incept.step_field @weight_decay : f32
// bf16 has 8 significant bits: 1 + 2^-8 lies between 1 and 1 + 2^-7 and goes to the even one, 1 + 3*2^-8 too. Halfway
// from the largest, (2 - 2^-7)*2^127, to 2^128 is infinity. f16 has 11, the least is 2^-24 and the largest 65504.
// CHECK-LABEL: @rounding
// CHECK-NEXT: result0 6 = 1 1.01562 -1.00781 3.38953e+38 inf 0{{$}}
// CHECK-NEXT: result1 8 = 1 1.00195 65504 inf -inf 5.96046e-08 0 5.96046e-08{{$}}
func.func @rounding() -> (tensor<6xbf16>, tensor<8xf16>) {
  %a = arith.constant dense<[1.00390625, 1.01171875, -1.0078, 3.39e38, 3.3962e38, 0.0]> : tensor<6xf64>
  %b = arith.constant dense<[1.00048828125, 1.00146484375, 65519., 65520., -1.0e6, 4.0e-8, 2.98023223876953125e-8, 4.470348358154297e-8]> : tensor<8xf64>
  %0 = incept.cast %a : (tensor<6xf64>) -> tensor<6xbf16>
  %1 = incept.cast %b : (tensor<8xf64>) -> tensor<8xf16>
  return %0, %1 : tensor<6xbf16>, tensor<8xf16>
}

// Every op rounds what it gives: 257 is no bf16, nor is 256 + 1.
// CHECK-LABEL: @ops_round
// CHECK-NEXT: result0 2 = 256 3{{$}}
func.func @ops_round() -> tensor<2xbf16> {
  %a = arith.constant dense<[256., 2.]> : tensor<2xbf16>
  %b = arith.constant dense<1.> : tensor<2xbf16>
  %0 = incept.add %a, %b : (tensor<2xbf16>, tensor<2xbf16>) -> tensor<2xbf16>
  return %0 : tensor<2xbf16>
}

// CHECK-LABEL: @select
// CHECK-NEXT: result0 2 = 1 2{{$}}
// CHECK-NEXT: result1 2 = inf 4{{$}}
func.func @select() -> (!v, !v) {
  %x = arith.constant dense<[1., 2.]> : !v
  %y = arith.constant dense<[0x7F800000, 4.]> : !v
  %yes = arith.constant dense<0.25> : !s
  %no = arith.constant dense<0.> : !s
  %0 = incept.select %yes, %x, %y : (!s, !v, !v) -> !v
  %1 = incept.select %no, %x, %y : (!s, !v, !v) -> !v
  return %0, %1 : !v, !v
}

// Two infinities and a NaN.
// CHECK-LABEL: @count
// CHECK-NEXT: result0 scalar = 3{{$}}
// CHECK-NEXT: result1 scalar = 0{{$}}
func.func @count() -> (!s, !s) {
  %x = arith.constant dense<[0x7F800000, 3.0e38]> : !v
  %y = arith.constant dense<[0xFC00, 0x7E00, 65504.]> : tensor<3xf16>
  %z = arith.constant dense<[0., 1.]> : !v
  %0 = incept.count_nonfinite %x, %y : (!v, tensor<3xf16>) -> !s
  %1 = incept.count_nonfinite %z : (!v) -> !s
  return %0, %1 : !s, !s
}

// A good step, the second good one of two, a bad one; then the scale at its least and its largest.
// CHECK-LABEL: @loss_scale
// CHECK-NEXT: result0 scalar = 0.25{{$}}
// CHECK-NEXT: result1 scalar = 4{{$}}
// CHECK-NEXT: result2 scalar = 1{{$}}
// CHECK-NEXT: result3 scalar = 0.25{{$}}
// CHECK-NEXT: result4 scalar = 8{{$}}
// CHECK-NEXT: result5 scalar = 0{{$}}
// CHECK-NEXT: result6 scalar = 0{{$}}
// CHECK-NEXT: result7 scalar = 2{{$}}
// CHECK-NEXT: result8 scalar = 0{{$}}
// CHECK-NEXT: result9 scalar = 1{{$}}
// CHECK-NEXT: result10 scalar = 1.67772e+07{{$}}
func.func @loss_scale() -> (!s, !s, !s, !s, !s, !s, !s, !s, !s, !s, !s) {
  %zero = arith.constant dense<0.> : !s
  %one = arith.constant dense<1.> : !s
  %four = arith.constant dense<4.> : !s
  %most = arith.constant dense<16777216.> : !s
  %a:3 = incept.loss_scale_update %zero, %four, %zero every 2 : (!s, !s, !s) -> (!s, !s, !s)
  %b:3 = incept.loss_scale_update %zero, %four, %one every 2 : (!s, !s, !s) -> (!s, !s, !s)
  %c:3 = incept.loss_scale_update %one, %four, %one every 2 : (!s, !s, !s) -> (!s, !s, !s)
  %d:3 = incept.loss_scale_update %four, %one, %one every 2 : (!s, !s, !s) -> (!s, !s, !s)
  %e:3 = incept.loss_scale_update %zero, %most, %one every 2 : (!s, !s, !s) -> (!s, !s, !s)
  return %a#0, %a#1, %a#2, %b#0, %b#1, %b#2, %c#0, %c#1, %c#2, %d#1, %e#1 : !s, !s, !s, !s, !s, !s, !s, !s, !s, !s, !s
}

// The steps of optimizer.mlir with gradients four times as large, and a copy that rounds 2.5 to an f16 exactly and -7 too;
// with `unscale` 0 all stays, whatever the gradients are.
// CHECK-LABEL: @updates
// CHECK-NEXT: result0 2 = 1.5 -7{{$}}
// CHECK-NEXT: result1 2 = 5 -2{{$}}
// CHECK-NEXT: result2 2 = 1.5 -7{{$}}
// CHECK-NEXT: result3 2 = 2.5 0{{$}}
// CHECK-NEXT: result4 2 = 15 0.75{{$}}
// CHECK-NEXT: result5 2 = 1.5 0{{$}}
// CHECK-NEXT: result6 2 = 4 -8{{$}}
// CHECK-NEXT: result7 2 = 2 0{{$}}
// CHECK-NEXT: result8 2 = 4 -8{{$}}
// CHECK-NEXT: result9 2 = 4 -8{{$}}
// CHECK-NEXT: result10 2 = 2 0{{$}}
// CHECK-NEXT: result11 2 = 4 -8{{$}}
func.func @updates() -> (!v, !v, tensor<2xf16>, !v, !v, !v, !v, !v, tensor<2xf16>, !v, !v, !v) {
  %p = arith.constant dense<[4., -8.]> : !v
  %q = arith.constant dense<[4., 0.]> : !v
  %g = arith.constant dense<[12., 0.]> : tensor<2xf16>
  %bad = arith.constant dense<[0x7C00, 0x7E00]> : tensor<2xf16>
  %v = arith.constant dense<[2., 0.]> : !v
  %ms = arith.constant dense<[14.666666666666667, 1.]> : !v
  %unscale = arith.constant dense<0.25> : !s
  %none = arith.constant dense<0.> : !s
  %rate = incept.step_value @learning_rate : !s
  %momentum = incept.step_value @momentum : !s
  %rms_decay = incept.step_value @rms_decay : !s
  %epsilon = incept.step_value @rms_epsilon : !s
  %weight_decay = incept.step_value @weight_decay : !s
  %a:3 = incept.sgd_update %p, %g, %v rate %rate momentum %momentum weight_decay %weight_decay unscale %unscale decay
      : (!v, tensor<2xf16>, !v, !s, !s, !s, !s) -> (!v, !v, tensor<2xf16>)
  %b:3 = incept.rmsprop_update %q, %g, %ms, %v rate %rate momentum %momentum rms_decay %rms_decay epsilon %epsilon
      weight_decay %weight_decay unscale %unscale decay : (!v, tensor<2xf16>, !v, !v, !s, !s, !s, !s, !s, !s) -> (!v, !v, !v)
  %c:3 = incept.sgd_update %p, %bad, %v rate %rate momentum %momentum weight_decay %weight_decay unscale %none decay
      : (!v, tensor<2xf16>, !v, !s, !s, !s, !s) -> (!v, !v, tensor<2xf16>)
  %d:4 = incept.rmsprop_update %p, %bad, %p, %v rate %rate momentum %momentum rms_decay %rms_decay epsilon %epsilon
      weight_decay %weight_decay unscale %none : (!v, tensor<2xf16>, !v, !v, !s, !s, !s, !s, !s, !s) -> (!v, !v, !v, !v)
  return %a#0, %a#1, %a#2, %b#0, %b#1, %b#2, %c#0, %c#1, %c#2, %d#0, %d#2, %d#3
      : !v, !v, tensor<2xf16>, !v, !v, !v, !v, !v, tensor<2xf16>, !v, !v, !v
}

// The scale goes into the gradient of the loss: loss.mlir's (p - onehot)/2, times 8.
// CHECK-LABEL: @scaled_loss
// CHECK-NEXT: result0 2x2 = 1 -1 -3 3{{$}}
func.func @scaled_loss() -> tensor<2x2xf16> {
  %logits = arith.constant dense<[[0., 1.0986122886681098], [0., 1.0986122886681098]]> : tensor<2x2xf32>
  %labels = arith.constant dense<[1, 0]> : tensor<2xi64>
  %scale = arith.constant dense<8.> : !s
  %d = incept.softmax_cross_entropy_backward %logits, %labels scale %scale {label_smoothing = 0.0, weight = 1.0}
      : (tensor<2x2xf32>, tensor<2xi64>, !s) -> tensor<2x2xf16>
  return %d : tensor<2x2xf16>
}
