// RUN: incept-opt %s --incept-coalesce-launches | FileCheck %s

incept.exec.region @params 4096
incept.exec.region @step 64
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.copy %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
incept.exec.region @grads 4096
incept.exec.region @arena 4096

// 10 values from 0 and 16 from 64: the second begins where the first ends, aligned to 64 bytes. One launch of
// 64/4 + 16 = 32 elements.
// CHECK-LABEL: func.func @adjacent
//       CHECK:   incept.exec.kernel @k ins(%{{.+}} : memref<32xf32>) outs(%{{.+}} : memref<32xf32>) extents [32] units 1 {incept.bytes = 208 : i64, incept.flops = 26 : i64}
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @adjacent() {
  %0 = incept.exec.slice @grads at 0 : memref<10xf32>
  %1 = incept.exec.slice @params at 0 : memref<10xf32>
  incept.exec.kernel @k ins(%0 : memref<10xf32>) outs(%1 : memref<10xf32>) extents [10] units 1 {incept.bytes = 80 : i64, incept.flops = 10 : i64}
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1 {incept.bytes = 128 : i64, incept.flops = 16 : i64}
  return
}

// There is a gap of one cache line between the two.
// CHECK-LABEL: func.func @apart
// CHECK-COUNT-2: incept.exec.kernel
func.func @apart() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 128 : memref<16xf32>
  %3 = incept.exec.slice @params at 128 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}

// Memory has another order than the launches: the third is what lies between the first two, which are neighbours then. They
// become one at the place of the first.
// CHECK-LABEL: func.func @out_of_order
//       CHECK:   incept.exec.kernel @k ins(%{{.+}} : memref<48xf32>) outs(%{{.+}} : memref<48xf32>) extents [48] units 1
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @out_of_order() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 128 : memref<16xf32>
  %3 = incept.exec.slice @params at 128 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  %4 = incept.exec.slice @grads at 64 : memref<16xf32>
  %5 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%4 : memref<16xf32>) outs(%5 : memref<16xf32>) extents [16] units 1
  return
}

// The first launch is the second's neighbour from above, and reads what the second writes.
// CHECK-LABEL: func.func @behind_what_it_reads
// CHECK-COUNT-2: incept.exec.kernel
func.func @behind_what_it_reads() {
  %0 = incept.exec.slice @params at 64 : memref<16xf32>
  %1 = incept.exec.slice @params at 128 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%0 : memref<16xf32>) extents [16] units 1
  return
}

// The launch between writes what the third one reads.
// CHECK-LABEL: func.func @conflict_between
// CHECK-COUNT-3: incept.exec.kernel
func.func @conflict_between() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @params at 1024 : memref<16xf32>
  %3 = incept.exec.slice @grads at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  %4 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%3 : memref<16xf32>) outs(%4 : memref<16xf32>) extents [16] units 1
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
//       CHECK:   incept.exec.kernel @cast ins(%{{.+}} : memref<64xf32>) outs(%{{.+}} : memref<64xbf16>) extents [64] units 1
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @copies() {
  %0 = incept.exec.slice @params at 0 : memref<10xf32>
  %1 = incept.exec.slice @copy at 0 : memref<10xbf16>
  incept.exec.kernel @cast ins(%0 : memref<10xf32>) outs(%1 : memref<10xbf16>) extents [10] units 1
  %2 = incept.exec.slice @params at 64 : memref<48xf32>
  %3 = incept.exec.slice @copy at 32 : memref<48xbf16>
  incept.exec.kernel @cast ins(%2 : memref<48xf32>) outs(%3 : memref<48xbf16>) extents [48] units 1
  return
}

// The copies are adjacent, but not at the distance that the parameters have.
// CHECK-LABEL: func.func @copies_apart
// CHECK-COUNT-2: incept.exec.kernel
func.func @copies_apart() {
  %0 = incept.exec.slice @params at 0 : memref<10xf32>
  %1 = incept.exec.slice @copy at 0 : memref<10xbf16>
  incept.exec.kernel @cast ins(%0 : memref<10xf32>) outs(%1 : memref<10xbf16>) extents [10] units 1
  %2 = incept.exec.slice @params at 64 : memref<48xf32>
  %3 = incept.exec.slice @copy at 64 : memref<48xbf16>
  incept.exec.kernel @cast ins(%2 : memref<48xf32>) outs(%3 : memref<48xbf16>) extents [48] units 1
  return
}

// A scalar that decides, and one that a launch computes.
incept.exec.kernel_def @select flat {
^bb0(%c: tensor<f32>, %a: tensor<?xf32>, %b: tensor<?xf32>):
  %0 = incept.select %c, %a, %b : (tensor<f32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
incept.exec.kernel_def @relu_of_scalar flat {
^bb0(%a: tensor<f32>):
  %0 = incept.relu %a : (tensor<f32>) -> tensor<f32>
  incept.yield %0 : tensor<f32>
}

// Both read one scalar; what a launch between them does with other memory does not matter, nor that it reads theirs.
// CHECK-LABEL: func.func @launch_between_that_does_not_touch
//       CHECK:   incept.exec.kernel @select ins(%{{.+}}, %{{.+}}, %{{.+}} : memref<f32>, memref<32xf32>, memref<32xf32>) outs(%{{.+}} : memref<32xf32>) extents [32] units 1
//       CHECK:   incept.exec.kernel @k
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @launch_between_that_does_not_touch() {
  %c = incept.exec.slice @step at 24 : memref<f32>
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @select ins(%c, %0, %1 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 2048 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  %4 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @select ins(%c, %2, %4 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%4 : memref<16xf32>) extents [16] units 1
  return
}

// One launch has one value of each scalar.
// CHECK-LABEL: func.func @other_scalars
// CHECK-COUNT-2: incept.exec.kernel @select
func.func @other_scalars() {
  %c = incept.exec.slice @step at 24 : memref<f32>
  %d = incept.exec.slice @step at 28 : memref<f32>
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @select ins(%c, %0, %1 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @select ins(%d, %2, %3 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}

// The scalar has another value when the third launch reads it.
// CHECK-LABEL: func.func @scalar_written_between
// CHECK-COUNT-3: incept.exec.kernel
func.func @scalar_written_between() {
  %c = incept.exec.slice @grads at 1024 : memref<f32>
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @select ins(%c, %0, %1 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  incept.exec.kernel @relu_of_scalar ins(%c : memref<f32>) outs(%c : memref<f32>) extents [1] units 1
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @select ins(%c, %2, %3 : memref<f32>, memref<16xf32>, memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}

// All tensors follow, but the second launch reads what the first one writes: in one launch it might read it before.
// CHECK-LABEL: func.func @reads_what_the_first_writes
// CHECK-COUNT-2: incept.exec.kernel
func.func @reads_what_the_first_writes() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @grads at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 128 : memref<16xf32>
  incept.exec.kernel @k ins(%1 : memref<16xf32>) outs(%2 : memref<16xf32>) extents [16] units 1
  return
}

// The values per channel are an extent, and the two launches have others.
incept.exec.kernel_def @finalize flat {
^bb0(%a: tensor<?xf32>):
  %0:5 = incept.batch_norm_finalize %a, %a running %a, %a {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, count = 0 : i64} : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  incept.yield %0#0 : tensor<?xf32>
}
// CHECK-LABEL: func.func @unequal_extents
// CHECK-COUNT-2: incept.exec.kernel @finalize
func.func @unequal_extents() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @finalize ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16, 128] units 1
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @params at 64 : memref<16xf32>
  incept.exec.kernel @finalize ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16, 32] units 1
  return
}

// Adjacent in one region, and the outputs in two.
// CHECK-LABEL: func.func @other_regions
// CHECK-COUNT-2: incept.exec.kernel @k
func.func @other_regions() {
  %0 = incept.exec.slice @grads at 0 : memref<16xf32>
  %1 = incept.exec.slice @params at 0 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @grads at 64 : memref<16xf32>
  %3 = incept.exec.slice @copy at 64 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}

// Three become one; 192 + 200 elements are one unit, and 192 + 832 + 1 are two.
// CHECK-LABEL: func.func @units
//       CHECK:   incept.exec.kernel @k ins(%{{.+}} : memref<392xf32>) outs(%{{.+}} : memref<392xf32>) extents [392] units 1
//       CHECK:   return
// CHECK-LABEL: func.func @more_units
//       CHECK:   incept.exec.kernel @k ins(%{{.+}} : memref<1025xf32>) outs(%{{.+}} : memref<1025xf32>) extents [1025] units 2
//       CHECK:   return
incept.exec.region @long 8192
func.func @units() {
  %0 = incept.exec.slice @grads at 0 : memref<100xf32>
  %1 = incept.exec.slice @params at 0 : memref<100xf32>
  incept.exec.kernel @k ins(%0 : memref<100xf32>) outs(%1 : memref<100xf32>) extents [100] units 1
  %2 = incept.exec.slice @grads at 448 : memref<80xf32>
  %3 = incept.exec.slice @params at 448 : memref<80xf32>
  incept.exec.kernel @k ins(%2 : memref<80xf32>) outs(%3 : memref<80xf32>) extents [80] units 1
  %4 = incept.exec.slice @grads at 768 : memref<200xf32>
  %5 = incept.exec.slice @params at 768 : memref<200xf32>
  incept.exec.kernel @k ins(%4 : memref<200xf32>) outs(%5 : memref<200xf32>) extents [200] units 1
  return
}
func.func @more_units() {
  %0 = incept.exec.slice @long at 0 : memref<192xf32>
  %1 = incept.exec.slice @long at 0 : memref<192xf32>
  incept.exec.kernel @k ins(%0 : memref<192xf32>) outs(%1 : memref<192xf32>) extents [192] units 1
  %2 = incept.exec.slice @long at 768 : memref<833xf32>
  %3 = incept.exec.slice @long at 768 : memref<833xf32>
  incept.exec.kernel @k ins(%2 : memref<833xf32>) outs(%3 : memref<833xf32>) extents [833] units 1
  return
}

// What aligns values of the arena nobody has written: only what lies side by side is joined.
// CHECK-LABEL: func.func @gap_in_arena
// CHECK-COUNT-2: incept.exec.kernel
func.func @gap_in_arena() {
  %0 = incept.exec.slice @arena at 0 : memref<10xf32>
  %1 = incept.exec.slice @arena at 1024 : memref<10xf32>
  incept.exec.kernel @k ins(%0 : memref<10xf32>) outs(%1 : memref<10xf32>) extents [10] units 1
  %2 = incept.exec.slice @arena at 64 : memref<16xf32>
  %3 = incept.exec.slice @arena at 1088 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}

// CHECK-LABEL: func.func @dense_arena
//       CHECK:   incept.exec.kernel @k {{.*}} extents [32]
//   CHECK-NOT:   incept.exec.kernel
func.func @dense_arena() {
  %0 = incept.exec.slice @arena at 0 : memref<16xf32>
  %1 = incept.exec.slice @arena at 1024 : memref<16xf32>
  incept.exec.kernel @k ins(%0 : memref<16xf32>) outs(%1 : memref<16xf32>) extents [16] units 1
  %2 = incept.exec.slice @arena at 64 : memref<16xf32>
  %3 = incept.exec.slice @arena at 1088 : memref<16xf32>
  incept.exec.kernel @k ins(%2 : memref<16xf32>) outs(%3 : memref<16xf32>) extents [16] units 1
  return
}
