// RUN: incept-run %s --print --step learning_rate=0.5 --step momentum=0.5 --step rms_decay=0.75 --step rms_epsilon=1 --step weight_decay=0.25 | FileCheck %s
// One step of each optimizer against values worked out by hand.

!p = tensor<2xf32>
!s = tensor<f32>

incept.step_field @learning_rate : f32
incept.step_field @momentum : f32
incept.step_field @weight_decay : f32
incept.step_field @rms_decay : f32
incept.step_field @rms_epsilon : f32
// With decay: g = 3 + 0.25*4 = 4 and 0 - 0.25*8 = -2; v' = 0.5*2 + 4 = 5 and -2; p' = 4 - 0.5*5 and -8 + 1.
// Without: g = 3 and 0; v' = 4 and 0; p' = 2 and -8.
// CHECK-LABEL: @sgd
// CHECK-NEXT: result0 2 = 1.5 -7{{$}}
// CHECK-NEXT: result1 2 = 5 -2{{$}}
// CHECK-NEXT: result2 2 = 2 -8{{$}}
// CHECK-NEXT: result3 2 = 4 0{{$}}
func.func @sgd() -> (!p, !p, !p, !p) {
  %p = arith.constant dense<[4., -8.]> : !p
  %g = arith.constant dense<[3., 0.]> : !p
  %v = arith.constant dense<[2., 0.]> : !p
  %rate = incept.step_value @learning_rate : !s
  %momentum = incept.step_value @momentum : !s
  %weight_decay = incept.step_value @weight_decay : !s
  %a:2 = incept.sgd_update %p, %g, %v rate %rate momentum %momentum weight_decay %weight_decay decay
      : (!p, !p, !p, !s, !s, !s) -> (!p, !p)
  %b:2 = incept.sgd_update %p, %g, %v rate %rate momentum %momentum weight_decay %weight_decay
      : (!p, !p, !p, !s, !s, !s) -> (!p, !p)
  return %a#0, %a#1, %b#0, %b#1 : !p, !p, !p, !p
}

// Element 0: g = 3 + 0.25*4 = 4; ms' = 0.75*44/3 + 0.25*4^2 = 15, and with
// epsilon inside the root sqrt(15 + 1) = 4; v' = 0.5*2 + 0.5*4/4 = 1.5; p' = 4 - 1.5. Element 1: nothing moves.
// CHECK-LABEL: @rmsprop
// CHECK-NEXT: result0 2 = 2.5 0{{$}}
// CHECK-NEXT: result1 2 = 15 0.75{{$}}
// CHECK-NEXT: result2 2 = 1.5 0{{$}}
func.func @rmsprop() -> (!p, !p, !p) {
  %p = arith.constant dense<[4., 0.]> : !p
  %g = arith.constant dense<[3., 0.]> : !p
  %ms = arith.constant dense<[14.666666666666667, 1.]> : !p
  %v = arith.constant dense<[2., 0.]> : !p
  %rate = incept.step_value @learning_rate : !s
  %momentum = incept.step_value @momentum : !s
  %rms_decay = incept.step_value @rms_decay : !s
  %epsilon = incept.step_value @rms_epsilon : !s
  %weight_decay = incept.step_value @weight_decay : !s
  %a:3 = incept.rmsprop_update %p, %g, %ms, %v rate %rate momentum %momentum rms_decay %rms_decay epsilon %epsilon
      weight_decay %weight_decay decay : (!p, !p, !p, !p, !s, !s, !s, !s, !s) -> (!p, !p, !p)
  return %a#0, %a#1, %a#2 : !p, !p, !p
}
