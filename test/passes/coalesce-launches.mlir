// RUN: incept-opt %s --incept-coalesce-launches | FileCheck %s

incept.exec.region @params 4096
incept.exec.region @step 64
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.copy %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
incept.exec.region @grads 4096

// 10 values from 0 and 16 from 64: the second begins where the first ends, aligned to 64 bytes. One launch of
// 64/4 + 16 = 32 elements.
// CHECK-LABEL: func.func @adjacent
//       CHECK:   incept.exec.kernel @k(%{{.+}}, %{{.+}}) extents [32] units 1 {incept.bytes = 208 : i64, incept.flops = 26 : i64}
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @adjacent() {
  %0 = incept.exec.slice @grads at 0 : memref<10xf32>
  %1 = incept.exec.slice @params at 0 : memref<10xf32>
  incept.exec.kernel @k(%0, %1) extents [10] units 1 {incept.bytes = 80 : i64, incept.flops = 10 : i64}
    : memref<10xf32>, memref<10xf32>
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @k(%2, %3) extents [16] units 1 {incept.bytes = 128 : i64, incept.flops = 16 : i64} : memref<16xf32>, memref<16xf32>
  return
}

// There is a gap of one cache line between the two.
// CHECK-LABEL: func.func @apart
// CHECK-COUNT-2: incept.exec.kernel
func.func @apart() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k(%0, %1) extents [16] units 1 : memref<16xf32>, memref<16xf32>
  %2 = incept.exec.slice @grads at 128 : memref<16xf32>
  %3 = incept.exec.slice @params at 128 : memref<16xf32>
  incept.exec.kernel @k(%2, %3) extents [16] units 1 : memref<16xf32>, memref<16xf32>
  return
}

// The launch between writes what the third one reads.
// CHECK-LABEL: func.func @conflict_between
// CHECK-COUNT-3: incept.exec.kernel
func.func @conflict_between() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k(%0, %1) extents [16] units 1 : memref<16xf32>, memref<16xf32>
  %2 = incept.exec.slice @params at 1024 : memref<16xf32>
  %3 = incept.exec.slice @grads at 64 : memref<16xf32>
  incept.exec.kernel @k(%2, %3) extents [16] units 1 : memref<16xf32>, memref<16xf32>
  %4 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @k(%3, %4) extents [16] units 1 : memref<16xf32>, memref<16xf32>
  return
}

// A copy in low precision lies at its parameter's offset counted in elements: 16 elements are 32 bytes there.
incept.exec.region @copy 2048
incept.exec.kernel_def @cast flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.cast %a : (tensor<?xf32>) -> tensor<?xbf16>
  incept.yield %0 : tensor<?xbf16>
}
// CHECK-LABEL: func.func @copies
//       CHECK:   incept.exec.kernel @cast(%{{.+}}, %{{.+}}) extents [64] units 1
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @copies() {
  %0 = incept.exec.slice @params at 0 : memref<10xf32>
  %1 = incept.exec.slice @copy at 0 : memref<10xbf16>
  incept.exec.kernel @cast(%0, %1) extents [10] units 1 : memref<10xf32>, memref<10xbf16>
  %2 = incept.exec.slice @params at 64 : memref<48xf32>
  %3 = incept.exec.slice @copy at 32 : memref<48xbf16>
  incept.exec.kernel @cast(%2, %3) extents [48] units 1 : memref<48xf32>, memref<48xbf16>
  return
}

// The copies are adjacent, but not at the distance that the parameters have.
// CHECK-LABEL: func.func @copies_apart
// CHECK-COUNT-2: incept.exec.kernel
func.func @copies_apart() {
  %0 = incept.exec.slice @params at 0 : memref<10xf32>
  %1 = incept.exec.slice @copy at 0 : memref<10xbf16>
  incept.exec.kernel @cast(%0, %1) extents [10] units 1 : memref<10xf32>, memref<10xbf16>
  %2 = incept.exec.slice @params at 64 : memref<48xf32>
  %3 = incept.exec.slice @copy at 64 : memref<48xbf16>
  incept.exec.kernel @cast(%2, %3) extents [48] units 1 : memref<48xf32>, memref<48xbf16>
  return
}
