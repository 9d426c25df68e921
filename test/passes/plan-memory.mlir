// RUN: incept-opt %s --incept-plan-memory | FileCheck %s

!a = tensor<96xf32, #incept.layout<dense>>
!b = tensor<80xf32, #incept.layout<dense>>
!c = tensor<64xf32, #incept.layout<dense>>
!d = tensor<48xf32, #incept.layout<dense>>
!h = tensor<48xf32, #incept.layout<dense>>
!f = tensor<32xf32, #incept.layout<dense>>

module attributes {incept.target = #incept.target<fake>} {
incept.variable @a kind state : !a
incept.variable @b kind state : !b
incept.variable @c kind state : !c
incept.variable @d kind state : !d
incept.variable @h kind state : !h
incept.variable @f kind state : !f
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
incept.variable @"io/logits" kind io role "logits" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>

// Each value has 128 bytes. The first dies when the third is made, so two places serve; the last lives in its variable.
// CHECK-LABEL: func.func @chain
//  CHECK-SAME:   incept.arena_bytes = 256 : i64, incept.arena_lower_bound = 256 : i64
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 128>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
func.func @chain() {
  %x = incept.read @"io/f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %0 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %1 = incept.group kernel(%0) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %2 = incept.group kernel(%1) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %3 = incept.group kernel(%2) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/logits", %3 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  return
}

// The old value of the variable is read after the new one is made: a copy is written at the end instead.
// CHECK-LABEL: func.func @old_value_needed
//       CHECK:   %[[NEW:.+]] = incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}})
//       CHECK:   %[[COPY:.+]] = incept.group kernel(%[[NEW]]) attributes {offsets = array<i64: -1>}
//       CHECK:     incept.copy
//       CHECK:   incept.write @"io/f32_input", %[[COPY]]
func.func @old_value_needed() {
  %x = incept.read @"io/f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %0 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %1 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.scale %a by 2.0 : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/f32_input", %0 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  incept.write @"io/logits", %1 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  return
}

// The largest is placed first, and all but %f are alive together: they lie one behind the other. %f fits in the place of %b
// (5 times 64 bytes) and in that of %d (3 times); the smaller one is taken, though the other lies before it.
// CHECK-LABEL: func.func @smallest_gap
//  CHECK-SAME:   incept.arena_bytes = 1344 : i64, incept.arena_lower_bound = 1344 : i64
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 384>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 704>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 960>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 1152>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 960>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
func.func @smallest_gap() {
  %xa = incept.read @a : !a
  %xb = incept.read @b : !b
  %xc = incept.read @c : !c
  %xd = incept.read @d : !d
  %xh = incept.read @h : !h
  %xf = incept.read @f : !f
  %a = incept.group kernel(%xa) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %b = incept.group kernel(%xb) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %c = incept.group kernel(%xc) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  %d = incept.group kernel(%xd) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  %h = incept.group kernel(%xh) : (!h) -> !h {
  ^bb0(%i: !h):
    %y = incept.scale %i by 2.0 : (!h) -> !h
    incept.yield %y : !h
  }
  %new_b = incept.group kernel(%b) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %new_d = incept.group kernel(%d) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  %f = incept.group kernel(%xf) : (!f) -> !f {
  ^bb0(%i: !f):
    %y = incept.scale %i by 2.0 : (!f) -> !f
    incept.yield %y : !f
  }
  %new_a = incept.group kernel(%a) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %new_c = incept.group kernel(%c) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  %new_h = incept.group kernel(%h) : (!h) -> !h {
  ^bb0(%i: !h):
    %y = incept.scale %i by 2.0 : (!h) -> !h
    incept.yield %y : !h
  }
  %new_f = incept.group kernel(%f) : (!f) -> !f {
  ^bb0(%i: !f):
    %y = incept.scale %i by 2.0 : (!f) -> !f
    incept.yield %y : !f
  }
  incept.write @a, %new_a : !a
  incept.write @b, %new_b : !b
  incept.write @c, %new_c : !c
  incept.write @d, %new_d : !d
  incept.write @h, %new_h : !h
  incept.write @f, %new_f : !f
  return
}

// Three orders are tried. The largest first: %s and %q lie at 0, %p behind %q, %r behind %p: 768. Placed by size times
// lifetime, or by lifetime, %r and %p come first, and %s and %q do not fit below them: 832. The best stays, not the last.
// CHECK-LABEL: func.func @best_by_size
//  CHECK-SAME:   incept.arena_bytes = 768 : i64, incept.arena_lower_bound = 576 : i64
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 320>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 576>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
func.func @best_by_size() {
  %xp = incept.read @c : !c
  %xq = incept.read @b : !b
  %xr = incept.read @d : !d
  %xs = incept.read @a : !a
  %p = incept.group kernel(%xp) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  %q = incept.group kernel(%xq) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %new_q = incept.group kernel(%q) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %r = incept.group kernel(%xr) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  %new_p = incept.group kernel(%p) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  %s = incept.group kernel(%xs) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %new_s = incept.group kernel(%s) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %new_r = incept.group kernel(%r) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  incept.write @c, %new_p : !c
  incept.write @b, %new_q : !b
  incept.write @d, %new_r : !d
  incept.write @a, %new_s : !a
  return
}

// The same values with the sizes of two exchanged. The largest first: %r lies behind %s, %p behind %r, 832. By lifetime alone
// %r lies behind %p and %s behind %r, 832. By both %r comes first, then %p behind it, %s behind %r and %q behind %p: 768.
// CHECK-LABEL: func.func @best_by_size_and_life
//  CHECK-SAME:   incept.arena_bytes = 768 : i64, incept.arena_lower_bound = 640 : i64
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 256>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 448>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 256>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
func.func @best_by_size_and_life() {
  %xp = incept.read @d : !d
  %xq = incept.read @b : !b
  %xr = incept.read @c : !c
  %xs = incept.read @a : !a
  %p = incept.group kernel(%xp) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  %q = incept.group kernel(%xq) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %new_q = incept.group kernel(%q) : (!b) -> !b {
  ^bb0(%i: !b):
    %y = incept.scale %i by 2.0 : (!b) -> !b
    incept.yield %y : !b
  }
  %r = incept.group kernel(%xr) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  %new_p = incept.group kernel(%p) : (!d) -> !d {
  ^bb0(%i: !d):
    %y = incept.scale %i by 2.0 : (!d) -> !d
    incept.yield %y : !d
  }
  %s = incept.group kernel(%xs) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %new_s = incept.group kernel(%s) : (!a) -> !a {
  ^bb0(%i: !a):
    %y = incept.scale %i by 2.0 : (!a) -> !a
    incept.yield %y : !a
  }
  %new_r = incept.group kernel(%r) : (!c) -> !c {
  ^bb0(%i: !c):
    %y = incept.scale %i by 2.0 : (!c) -> !c
    incept.yield %y : !c
  }
  incept.write @d, %new_p : !d
  incept.write @b, %new_q : !b
  incept.write @c, %new_r : !c
  incept.write @a, %new_s : !a
  return
}

// The old value is read after the write: the copy comes behind that.
// CHECK-LABEL: func.func @old_value_read_after_the_write
//       CHECK:   %[[OLD:.+]] = incept.read @"io/f32_input"
//       CHECK:   %[[NEW:.+]] = incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel(%[[OLD]]) attributes {offsets = array<i64: -1>}
//       CHECK:     incept.scale
//       CHECK:   %[[COPY:.+]] = incept.group kernel(%[[NEW]]) attributes {offsets = array<i64: -1>}
//       CHECK:   incept.write @"io/f32_input", %[[COPY]]
func.func @old_value_read_after_the_write() {
  %x = incept.read @"io/f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %new = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/f32_input", %new : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %y = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.scale %a by 2.0 : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/logits", %y : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  return
}
}
