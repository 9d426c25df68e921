// RUN: incept-opt %s --incept-schedule | FileCheck %s

!big = tensor<1x16x8x8xf32, #incept.layout<nhwc>>
!small = tensor<1x16x1x1xf32, #incept.layout<nhwc>>
!first = tensor<1x16x8x8xf32, #incept.layout<nhwc, stride = 32, offset = 0>>
!second = tensor<1x16x8x8xf32, #incept.layout<nhwc, stride = 32, offset = 16>>
!wide = tensor<1x32x8x8xf32, #incept.layout<nhwc>>
!mean = tensor<1x32x1x1xf32, #incept.layout<nhwc>>

module attributes {incept.target = #incept.target<fake>} {
incept.variable @"io/f32_input" kind io role "f32_input" : !big
incept.variable @a kind state : !big
incept.variable @b kind state : !big
incept.variable @out kind io role "out" : !small
incept.variable @mean kind io role "mean" : !mean

// Both ReLUs first keep 2 * 4096 bytes alive; each followed by its mean, only one of them and a mean.
// CHECK-LABEL: func.func @branches
//       CHECK:   incept.relu
//       CHECK:   incept.global_avg_pool
//       CHECK:   incept.scale
//       CHECK:   incept.global_avg_pool
//       CHECK:   incept.add
//       CHECK:   incept.write @out
func.func @branches() {
  %x = incept.read @"io/f32_input" : !big
  %r = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !big
    incept.yield %y : !big
  }
  %s = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.scale %a0 by 2.0 : (!big) -> !big
    incept.yield %y : !big
  }
  %m = incept.group kernel(%r) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  %n = incept.group kernel(%s) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  %sum = incept.group kernel(%m, %n) : (!small, !small) -> !small {
  ^bb0(%a0: !small, %a1: !small):
    %y = incept.add %a0, %a1 : (!small, !small) -> !small
    incept.yield %y : !small
  }
  incept.write @out, %sum : !small
  return
}

// Every order has the same peak: it stays, though the scale could come first.
// CHECK-LABEL: func.func @nothing_to_gain
//       CHECK:   incept.relu
//       CHECK:   incept.scale
//       CHECK:   incept.add
//       CHECK:   incept.global_avg_pool
func.func @nothing_to_gain() {
  %x = incept.read @"io/f32_input" : !big
  %r = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !big
    incept.yield %y : !big
  }
  %s = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.scale %a0 by 2.0 : (!big) -> !big
    incept.yield %y : !big
  }
  %sum = incept.group kernel(%r, %s) : (!big, !big) -> !big {
  ^bb0(%a0: !big, %a1: !big):
    %y = incept.add %a0, %a1 : (!big, !big) -> !big
    incept.yield %y : !big
  }
  %m = incept.group kernel(%sum) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  incept.write @out, %m : !small
  return
}

// The sum is computed in the memory of @a. It would free the ReLU's result, but the scale reads the old value of @a and
// comes first; its result is alive until the sum is there.
// CHECK-LABEL: func.func @old_value_is_needed
//       CHECK:   incept.relu
//       CHECK:   incept.scale
//       CHECK:   %[[NEW:.+]] = incept.group
//  CHECK-NEXT:   ^bb0
//  CHECK-NEXT:   incept.add
//       CHECK:   incept.add
//       CHECK:   incept.write @a, %[[NEW]]
func.func @old_value_is_needed() {
  %x = incept.read @"io/f32_input" : !big
  %old = incept.read @a : !big
  %r = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !big
    incept.yield %y : !big
  }
  %s = incept.group kernel(%old) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.scale %a0 by 2.0 : (!big) -> !big
    incept.yield %y : !big
  }
  %new = incept.group kernel(%r, %old) : (!big, !big) -> !big {
  ^bb0(%a0: !big, %a1: !big):
    %y = incept.add %a0, %a1 : (!big, !big) -> !big
    incept.yield %y : !big
  }
  %later = incept.group kernel(%s, %new) : (!big, !big) -> !big {
  ^bb0(%a0: !big, %a1: !big):
    %y = incept.add %a0, %a1 : (!big, !big) -> !big
    incept.yield %y : !big
  }
  %m = incept.group kernel(%later) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  incept.write @a, %new : !big
  incept.write @out, %m : !small
  return
}

// The value of @a is copied to @b: that waits for the scale, which reads the old value of @b. The rest has a better order
// (as @branches).
// CHECK-LABEL: func.func @copy_waits
//       CHECK:   %[[A:.+]] = incept.read @a
//       CHECK:   incept.global_avg_pool
//       CHECK:   incept.scale
//       CHECK:   incept.write @b, %[[A]]
func.func @copy_waits() {
  %x = incept.read @"io/f32_input" : !big
  %old = incept.read @b : !big
  %a = incept.read @a : !big
  %r = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !big
    incept.yield %y : !big
  }
  %s = incept.group kernel(%old) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.scale %a0 by 2.0 : (!big) -> !big
    incept.yield %y : !big
  }
  %m = incept.group kernel(%r) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  %n = incept.group kernel(%s) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  %sum = incept.group kernel(%m, %n) : (!small, !small) -> !small {
  ^bb0(%a0: !small, %a1: !small):
    %y = incept.add %a0, %a1 : (!small, !small) -> !small
    incept.yield %y : !small
  }
  incept.write @b, %a : !big
  incept.write @out, %sum : !small
  return
}

// A part of a concat lives as long as the whole: the mean of the whole frees all of it.
// CHECK-LABEL: func.func @views
//       CHECK:   incept.concat_view
//       CHECK:   incept.global_avg_pool
//       CHECK:   incept.scale
//       CHECK:   incept.global_avg_pool
func.func @views() {
  %x = incept.read @"io/f32_input" : !big
  %r = incept.group kernel(%x) : (!big) -> !first {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !first
    incept.yield %y : !first
  }
  %q = incept.group kernel(%x) : (!big) -> !second {
  ^bb0(%a0: !big):
    %y = incept.relu %a0 : (!big) -> !second
    incept.yield %y : !second
  }
  %c = incept.concat_view %r, %q : (!first, !second) -> !wide
  %s = incept.group kernel(%x) : (!big) -> !big {
  ^bb0(%a0: !big):
    %y = incept.scale %a0 by 2.0 : (!big) -> !big
    incept.yield %y : !big
  }
  %m = incept.group kernel(%c) : (!wide) -> !mean {
  ^bb0(%a0: !wide):
    %y = incept.global_avg_pool %a0 : (!wide) -> !mean
    incept.yield %y : !mean
  }
  %n = incept.group kernel(%s) : (!big) -> !small {
  ^bb0(%a0: !big):
    %y = incept.global_avg_pool %a0 : (!big) -> !small
    incept.yield %y : !small
  }
  incept.write @mean, %m : !mean
  incept.write @out, %n : !small
  return
}
}
