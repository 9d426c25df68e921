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

// With betas of 0.5, an epsilon of 0 and no steps before: m' / 0.5 = 2 m' and v' / 0.5 = 2 v'. Element 0: m' = 0.5*0 + 0.5*3 = 1.5,
// v' = 0.5*0 + 0.5*9 = 4.5, so that the direction is 3 / 3 + 0.25*4 = 2; element 1, of gradient -2: -2 / 2 + 0.25*-12 = -4.
// p' = p - 0.5 * 4/5 * d where the norms are 4 and 5, and 4 - 0.5 * 2 and -12 + 0.5 * 4 where one is 0; without decay
// the directions are 1 and -1.
// CHECK-LABEL: @lamb
// CHECK-NEXT: result0 2 = 2 -4{{$}}
// CHECK-NEXT: result1 2 = 3.2 -10.4{{$}}
// CHECK-NEXT: result2 2 = 1.5 -1{{$}}
// CHECK-NEXT: result3 2 = 4.5 2{{$}}
// CHECK-NEXT: result4 2 = 3 -10{{$}}
// CHECK-NEXT: result5 2 = 3.5 -11.5{{$}}
func.func @lamb() -> (!p, !p, !p, !p, !p, !p) {
  %p = arith.constant dense<[4., -12.]> : !p
  %g = arith.constant dense<[3., -2.]> : !p
  %zero = arith.constant dense<0.> : !p
  %none = arith.constant dense<0.> : !s
  %half = arith.constant dense<0.5> : !s
  %size = arith.constant dense<16.> : !s
  %length = arith.constant dense<25.> : !s
  %t = arith.constant dense<0> : tensor<i64>
  %rate = incept.step_value @learning_rate : !s
  %weight_decay = incept.step_value @weight_decay : !s
  %d = incept.lamb_direction %p, %g, %zero, %zero betas %half, %half epsilon %none weight_decay %weight_decay step %t
      : (!p, !p, !p, !p, !s, !s, !s, !s, tensor<i64>) -> !p
  %a:3 = incept.lamb_update %p, %g, %zero, %zero rate %rate betas %half, %half epsilon %none weight_decay %weight_decay
      step %t squares %size, %length decay
      : (!p, !p, !p, !p, !s, !s, !s, !s, !s, tensor<i64>, !s, !s) -> (!p, !p, !p)
  %b:3 = incept.lamb_update %p, %g, %zero, %zero rate %rate betas %half, %half epsilon %none weight_decay %weight_decay
      step %t squares %none, %length decay
      : (!p, !p, !p, !p, !s, !s, !s, !s, !s, tensor<i64>, !s, !s) -> (!p, !p, !p)
  %c:3 = incept.lamb_update %p, %g, %zero, %zero rate %rate betas %half, %half epsilon %none weight_decay %weight_decay
      step %t squares %none, %none
      : (!p, !p, !p, !p, !s, !s, !s, !s, !s, tensor<i64>, !s, !s) -> (!p, !p, !p)
  return %d, %a#0, %a#1, %a#2, %b#0, %c#0 : !p, !p, !p, !p, !p, !p
}
