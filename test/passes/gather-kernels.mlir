// RUN: incept-opt %s --incept-gather-kernels | FileCheck %s
// RUN: incept-opt %s --incept-gather-kernels --incept-plan-memory | FileCheck %s --check-prefix=PLAN
// RUN: incept-opt %s --incept-gather-kernels=memory-budget=100000 | FileCheck %s --check-prefix=ROOM
// RUN: incept-opt %s --incept-gather-kernels=memory-budget=50000 | FileCheck %s --check-prefix=TIGHT

!wide = tensor<1x64x8x8xf32, #incept.layout<nhwc>>
!a = tensor<1x16x8x8xf32, #incept.layout<nhwc>>
!b = tensor<1x32x8x8xf32, #incept.layout<nhwc>>
!c = tensor<16xf32, #incept.layout<dense>>
!d = tensor<32xf32, #incept.layout<dense>>

module attributes {incept.target = #incept.target<fake, joins>} {
incept.variable @a kind state : !a
incept.variable @b kind state : !b
incept.variable @c kind state : !c
incept.variable @d kind state : !d
incept.variable @wide kind state : !wide
incept.variable @out_a kind io role "out_a" : !a
incept.variable @out_b kind io role "out_b" : !b
incept.variable @out_c kind io role "out_c" : !c
incept.variable @out_d kind io role "out_d" : !d

// Two branches, one behind the other: a sum of channels, then its use. The sums are one kernel, so the second goes to the
// first, and takes along the ReLU that it needs; so do the uses. Extents may differ.
// CHECK-LABEL: func.func @branches
//       CHECK:   %[[R:.+]] = incept.group kernel({{.+}}) : ({{.+}}) -> tensor<1x32x8x8xf32
//       CHECK:     incept.relu
//       CHECK:   %[[S:.+]] = incept.group kernel(%{{.+}}) attributes {incept.with_next}
//       CHECK:     incept.channel_sum
//       CHECK:   %[[T:.+]] = incept.group kernel(%[[R]]) : {{.+}}
//       CHECK:     incept.channel_sum
//       CHECK:   incept.group kernel(%{{.+}}, %[[S]]) attributes {incept.with_next}
//       CHECK:     incept.channel_affine
//       CHECK:   incept.group kernel(%[[R]], %[[T]]) :
//       CHECK:     incept.channel_affine
//       CHECK:   return
// Partial sums of 2 rows, of 16 and of 32 channels: 128 and 256 bytes, which lie apart though both are there for one
// launch only.
//  PLAN-LABEL: func.func @branches
//        PLAN:   incept.group kernel(%{{.+}}) attributes {incept.with_next, offsets = array<i64: [[A:[0-9]+]]>, scratchpad = 128 : i64, scratchpad_offset = [[S:[0-9]+]] : i64}
//    PLAN-NOT:   scratchpad_offset = [[S]] :
//        PLAN:   return
func.func @branches() {
  %w = incept.read @wide : !wide
  %large = incept.group kernel(%w) : (!wide) -> !wide {
  ^bb0(%x: !wide):
    %y = incept.relu %x : (!wide) -> !wide
    incept.yield %y : !wide
  }
  %twice = incept.group kernel(%large) : (!wide) -> !wide {
  ^bb0(%x: !wide):
    %y = incept.scale %x by 2.0 : (!wide) -> !wide
    incept.yield %y : !wide
  }
  incept.write @wide, %twice : !wide
  %a = incept.read @a : !a
  %s = incept.group kernel(%a) : (!a) -> !c {
  ^bb0(%x: !a):
    %y = incept.channel_sum %x : (!a) -> !c
    incept.yield %y : !c
  }
  %u = incept.group kernel(%a, %s) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %u : !a
  %b = incept.read @b : !b
  %r = incept.group kernel(%b) : (!b) -> !b {
  ^bb0(%x: !b):
    %y = incept.relu %x : (!b) -> !b
    incept.yield %y : !b
  }
  %t = incept.group kernel(%r) : (!b) -> !d {
  ^bb0(%x: !b):
    %y = incept.channel_sum %x : (!b) -> !d
    incept.yield %y : !d
  }
  %v = incept.group kernel(%r, %t) : (!b, !d) -> !b {
  ^bb0(%x: !b, %k: !d):
    %y = incept.channel_affine %x, %k : (!b, !d) -> !b
    incept.yield %y : !b
  }
  incept.write @out_b, %v : !b
  return
}

// The second needs what the first gives.
// CHECK-LABEL: func.func @chain
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @chain() {
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %u = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  %v = incept.group kernel(%u, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %v : !a
  return
}

// Side by side both products would be alive at once, 12,288 bytes; one after the other, only one is, which is the peak.
// All variables take 41,344 bytes.
// CHECK-LABEL: func.func @would_need_more
//   CHECK-NOT:   with_next
//       CHECK:   return
//  ROOM-LABEL: func.func @would_need_more
//        ROOM:   incept.group kernel(%{{.+}}) attributes {incept.with_next}
//        ROOM:     incept.channel_affine
//        ROOM:   incept.group kernel(%{{.+}}) attributes {incept.with_next}
//        ROOM:     incept.channel_sum
//        ROOM:   return
// TIGHT-LABEL: func.func @would_need_more
//   TIGHT-NOT:   with_next
//       TIGHT:   return
func.func @would_need_more() {
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %u = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  %s = incept.group kernel(%u) : (!a) -> !c {
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
  %t = incept.group kernel(%v) : (!b) -> !d {
  ^bb0(%x: !b):
    %y = incept.channel_sum %x : (!b) -> !d
    incept.yield %y : !d
  }
  incept.write @out_d, %t : !d
  return
}

// Neither may go before the other's write of what it reads: the new value is computed in the old one's place.
// CHECK-LABEL: func.func @old_value
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @old_value() {
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %u = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %u : !a
  %o = incept.read @out_a : !a
  %v = incept.group kernel(%o, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @a, %v : !a
  return
}

// Other kernels, and flat ones.
// CHECK-LABEL: func.func @others
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @others() {
  %a = incept.read @a : !a
  %c = incept.read @c : !c
  %u = incept.group kernel(%a, %c) : (!a, !c) -> !a {
  ^bb0(%x: !a, %k: !c):
    %y = incept.channel_affine %x, %k : (!a, !c) -> !a
    incept.yield %y : !a
  }
  incept.write @out_a, %u : !a
  %s = incept.group kernel(%a) : (!a) -> !c {
  ^bb0(%x: !a):
    %y = incept.channel_sum %x : (!a) -> !c
    incept.yield %y : !c
  }
  incept.write @out_c, %s : !c
  %r = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%x: !a):
    %y = incept.relu %x : (!a) -> !a
    incept.yield %y : !a
  }
  incept.write @a, %r : !a
  %b = incept.read @b : !b
  %q = incept.group kernel(%b) : (!b) -> !b {
  ^bb0(%x: !b):
    %y = incept.relu %x : (!b) -> !b
    incept.yield %y : !b
  }
  incept.write @b, %q : !b
  return
}
}
