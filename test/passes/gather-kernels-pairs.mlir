// RUN: incept-opt %s --incept-gather-kernels=memory-budget=1000000 | FileCheck %s
// RUN: incept-opt %s --incept-gather-kernels="memory-budget=1000000 pair=false" | FileCheck %s --check-prefix=APART
// RUN: sed 's/joins, pairs/joins/' %s | incept-opt --incept-gather-kernels=memory-budget=1000000 | FileCheck %s --check-prefix=APART
// RUN: incept-opt %s --incept-gather-kernels | FileCheck %s --check-prefix=LITTLE

!a = tensor<1x16x8x8xf32, #incept.layout<nhwc>>
!b = tensor<1x32x8x8xf32, #incept.layout<nhwc>>
!c = tensor<16xf32, #incept.layout<dense>>
!d = tensor<32xf32, #incept.layout<dense>>
!one = tensor<1x16x1x1xf32, #incept.layout<nhwc>>

// Groups of one kernel come together in any case.
// APART-COUNT-1: with_next
// APART-NOT: with_next
module attributes {incept.target = #incept.target<fake, joins, pairs>} {
incept.variable @a kind state : !a
incept.variable @b kind state : !b
incept.variable @c kind state : !c
incept.variable @d kind state : !d
incept.variable @out_a kind io role "out_a" : !a
incept.variable @other kind io role "other" : !a
incept.variable @out_b kind io role "out_b" : !b
incept.variable @out_c kind io role "out_c" : !c
incept.variable @one kind io role "one" : !one

// The pool goes down to a kernel of another branch, and what needs it comes behind both.
// CHECK-LABEL: func.func @down
//       CHECK:   incept.group kernel({{.+}}) attributes {incept.with_next}
//       CHECK:     incept.channel_affine
//       CHECK:   %[[P:.+]] = incept.group kernel({{.+}}) :
//       CHECK:     incept.avg_pool
//       CHECK:   incept.group kernel(%[[P]]) :
//       CHECK:     incept.channel_sum
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @down() {
  %a = incept.read @a : !a
  %p = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!a) -> !a
    incept.yield %y : !a
  }
  %s = incept.group kernel(%p) : (!a) -> !c {
  ^bb0(%x: !a):
    %y = incept.channel_sum %x : (!a) -> !c
    incept.yield %y : !c
  }
  incept.write @out_c, %s : !c
  %b = incept.read @b : !b
  %d = incept.read @d : !d
  %v = incept.group kernel(%b, %d) : (!b, !d) -> !b {
  ^bb0(%x: !b, %k: !d):
    %y = incept.channel_affine %x, %k : (!b, !d) -> !b
    incept.yield %y : !b
  }
  incept.write @out_b, %v : !b
  return
}

// The pool goes up to kernels that it does not need, over one that is flat.
// CHECK-LABEL: func.func @up
//       CHECK:   incept.group kernel({{.+}}) attributes {incept.with_next}
//       CHECK:     incept.channel_affine
//       CHECK:   incept.group kernel({{.+}}) attributes {incept.with_next}
//       CHECK:     incept.channel_affine
//       CHECK:   incept.group kernel({{.+}}) :
//       CHECK:     incept.avg_pool
//       CHECK:   incept.group kernel({{.+}}) :
//       CHECK:     incept.relu
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @up() {
  %b = incept.read @b : !b
  %d = incept.read @d : !d
  %v = incept.group kernel(%b, %d) : (!b, !d) -> !b {
  ^bb0(%x: !b, %k: !d):
    %y = incept.channel_affine %x, %k : (!b, !d) -> !b
    incept.yield %y : !b
  }
  %r = incept.group kernel(%v) : (!b) -> !b {
  ^bb0(%x: !b):
    %y = incept.relu %x : (!b) -> !b
    incept.yield %y : !b
  }
  incept.write @out_b, %r : !b
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %w = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @other, %w : !a
  %p = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!a) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %p : !a
  return
}

// Each needs the one before it.
// CHECK-LABEL: func.func @chain
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @chain() {
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %p = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!a) -> !a
    incept.yield %y : !a
  }
  %v = incept.group kernel(%p, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  %s = incept.group kernel(%v) : (!a) -> !c {
  ^bb0(%x: !a):
    %y = incept.channel_sum %x : (!a) -> !c
    incept.yield %y : !c
  }
  incept.write @out_c, %s : !c
  return
}

// A kernel that runs beside no other; an old value that the second computes anew in its place, which the first reads.
// CHECK-LABEL: func.func @never
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @never() {
  %a = incept.read @a : !a
  %g = incept.group kernel(%a) : (!a) -> !one {
  ^bb0(%x: !a):
    %y = incept.global_avg_pool %x : (!a) -> !one
    incept.yield %y : !one
  }
  incept.write @one, %g : !one
  %c = incept.read @c : !c
  %p = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!a) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %p : !a
  %v = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @a, %v : !a
  return
}

// Side by side both pools would be alive at once, which is more than the peak: only a budget has room for that.
//  CHECK-LABEL: func.func @would_need_more
//        CHECK:   with_next
//        CHECK:   return
// LITTLE-LABEL: func.func @would_need_more
//   LITTLE-NOT:   with_next
//       LITTLE:   return
func.func @would_need_more() {
  %a = incept.read @a : !a
  %p = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!a) -> !a
    incept.yield %y : !a
  }
  %g = incept.group kernel(%p) : (!a) -> !one {
  ^bb0(%x: !a):
    %y = incept.global_avg_pool %x : (!a) -> !one
    incept.yield %y : !one
  }
  incept.write @one, %g : !one
  %b = incept.read @b : !b
  %d = incept.read @d : !d
  %v = incept.group kernel(%b, %d) : (!b, !d) -> !b {
  ^bb0(%x: !b, %k: !d):
    %y = incept.channel_affine %x, %k : (!b, !d) -> !b
    incept.yield %y : !b
  }
  %q = incept.group kernel(%v) : (!b) -> !b {
  ^bb0(%x: !b):
    %y = incept.relu %x : (!b) -> !b
    incept.yield %y : !b
  }
  incept.write @out_b, %q : !b
  return
}
}
