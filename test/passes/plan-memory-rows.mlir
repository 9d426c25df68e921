// RUN: incept-opt %s --incept-plan-memory | FileCheck %s
// RUN: incept-opt %s --incept-plan-memory --incept-lower-to-exec | FileCheck %s --check-prefix=EXEC

!x = tensor<48x16xf32, #incept.layout<dense>>
!a = tensor<16x16xf32, #incept.layout<dense>>
!b = tensor<32x16xf32, #incept.layout<dense>>

module attributes {incept.target = #incept.target<fake>} {
incept.variable @a kind parameter : !a
incept.variable @b kind parameter : !b
incept.variable @c kind parameter : !a
incept.variable @"grad/a" kind gradient of @a : !a
incept.variable @"grad/b" kind gradient of @b : !b
incept.variable @"grad/c" kind gradient of @c : !a
incept.variable @x kind state : !x

// What a and b are joined of lies side by side, and so do their gradients: what is written to both is computed there.
// CHECK-LABEL: func.func @joined
//       CHECK:   %[[G:.+]] = incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
//   CHECK-NOT:   incept.copy
//       CHECK:   incept.slice_rows %[[G]] at 16
//       CHECK:   return
//  EXEC-LABEL: func.func @joined
//        EXEC:   %[[X:.+]] = incept.exec.slice @params at 0 : memref<48x16xf32>
//        EXEC:   %[[G:.+]] = incept.exec.slice @grads at 0 : memref<48x16xf32>
//        EXEC:   incept.exec.kernel {{.+}} ins(%[[X]] : memref<48x16xf32>) outs(%[[G]] : memref<48x16xf32>)
//    EXEC-NOT:   incept.exec.kernel
//        EXEC:   return
func.func @joined() {
  %a = incept.read @a : !a
  %b = incept.read @b : !b
  %j = incept.join_rows %a, %b : (!a, !b) -> !x
  %g = incept.group kernel(%j) : (!x) -> !x {
  ^bb0(%x: !x):
    %y = incept.scale %x by 2.0 : (!x) -> !x
    incept.yield %y : !x
  }
  %gb = incept.slice_rows %g at 16 : (!x) -> !b
  incept.write @"grad/b", %gb : !b
  %ga = incept.slice_rows %g at 0 : (!x) -> !a
  incept.write @"grad/a", %ga : !a
  return
}

// Another order, another use of the whole, a part alone, and gradients of parameters that are not joined.
// CHECK-LABEL: func.func @other_order
// CHECK-COUNT-2: incept.copy
//       CHECK:   return
func.func @other_order() {
  %x = incept.read @x : !x
  %g = incept.group kernel(%x) : (!x) -> !x {
  ^bb0(%k: !x):
    %y = incept.scale %k by 2.0 : (!x) -> !x
    incept.yield %y : !x
  }
  %gb = incept.slice_rows %g at 0 : (!x) -> !b
  incept.write @"grad/b", %gb : !b
  %ga = incept.slice_rows %g at 32 : (!x) -> !a
  incept.write @"grad/a", %ga : !a
  return
}

// CHECK-LABEL: func.func @used
// CHECK-COUNT-3: incept.copy
//       CHECK:   return
func.func @used() {
  %x = incept.read @x : !x
  %g = incept.group kernel(%x) : (!x) -> !x {
  ^bb0(%k: !x):
    %y = incept.scale %k by 2.0 : (!x) -> !x
    incept.yield %y : !x
  }
  %h = incept.group kernel(%g) : (!x) -> !x {
  ^bb0(%k: !x):
    %y = incept.copy %k : (!x) -> !x
    incept.yield %y : !x
  }
  incept.write @x, %h : !x
  %ga = incept.slice_rows %g at 0 : (!x) -> !a
  incept.write @"grad/a", %ga : !a
  %gb = incept.slice_rows %g at 16 : (!x) -> !b
  incept.write @"grad/b", %gb : !b
  return
}

// CHECK-LABEL: func.func @part
// CHECK-COUNT-1: incept.copy
//       CHECK:   return
func.func @part() {
  %x = incept.read @x : !x
  %g = incept.group kernel(%x) : (!x) -> !x {
  ^bb0(%k: !x):
    %y = incept.scale %k by 2.0 : (!x) -> !x
    incept.yield %y : !x
  }
  %ga = incept.slice_rows %g at 0 : (!x) -> !a
  incept.write @"grad/a", %ga : !a
  return
}

// CHECK-LABEL: func.func @not_joined
// CHECK-COUNT-2: incept.copy
//       CHECK:   return
func.func @not_joined() {
  %x = incept.read @x : !x
  %g = incept.group kernel(%x) : (!x) -> !x {
  ^bb0(%k: !x):
    %y = incept.scale %k by 2.0 : (!x) -> !x
    incept.yield %y : !x
  }
  %gc = incept.slice_rows %g at 0 : (!x) -> !a
  incept.write @"grad/c", %gc : !a
  %gb = incept.slice_rows %g at 16 : (!x) -> !b
  incept.write @"grad/b", %gb : !b
  return
}
}
