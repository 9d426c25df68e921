// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-merge-siblings))' | FileCheck %s
// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-merge-siblings,incept-place-concats,incept-form-groups),incept-assign-layouts,incept-plan-memory,incept-lower-to-exec)' | FileCheck %s --check-prefix=EXEC

!x = tensor<2x32x4x4xf32>

module attributes {incept.target = #incept.target<fake>} {
// The pieces' parameters lie side by side, in the order of the convolutions, whatever was declared between them.
// EXEC-DAG: incept.variable @a {{.*}}bytes = 8192 : i64, offset = 0 : i64
// EXEC-DAG: incept.variable @b {{.*}}bytes = 4096 : i64, offset = 8192 : i64
// EXEC-DAG: incept.variable @odd {{.*}}offset = 12288 : i64
incept.variable @b kind parameter : tensor<32x32x1x1xf32>
incept.variable @odd kind parameter : tensor<8x32x1x1xf32>
incept.variable @a kind parameter : tensor<64x32x1x1xf32>
incept.variable @wide kind parameter : tensor<64x32x3x3xf32>
incept.variable @bias kind parameter : tensor<64xf32>
incept.variable @x kind io role "x" : !x
incept.variable @ya kind io role "ya" : tensor<2x64x4x4xf32>
incept.variable @yb kind io role "yb" : tensor<2x32x4x4xf32>

// CHECK-LABEL: func.func @merges
//   CHECK-DAG:   %[[X:.+]] = incept.read @x
//   CHECK-DAG:   %[[A:.+]] = incept.read @a
//   CHECK-DAG:   %[[B:.+]] = incept.read @b
//       CHECK:   %[[W:.+]] = incept.join_rows %[[A]], %[[B]]
//       CHECK:   %[[Y:.+]] = incept.conv2d %[[X]], %[[W]]
//       CHECK:   %[[P:.+]]:2 = incept.split %[[Y]]
//   CHECK-NOT:   incept.conv2d
//       CHECK:   incept.relu %[[P]]#0
//       CHECK:   incept.relu %[[P]]#1
func.func @merges() {
  %x = incept.read @x : !x
  %a = incept.read @a : tensor<64x32x1x1xf32>
  %ya = incept.conv2d %x, %a : (!x, tensor<64x32x1x1xf32>) -> tensor<2x64x4x4xf32>
  %ra = incept.relu %ya : (tensor<2x64x4x4xf32>) -> tensor<2x64x4x4xf32>
  %b = incept.read @b : tensor<32x32x1x1xf32>
  %yb = incept.conv2d %x, %b : (!x, tensor<32x32x1x1xf32>) -> tensor<2x32x4x4xf32>
  %rb = incept.relu %yb : (tensor<2x32x4x4xf32>) -> tensor<2x32x4x4xf32>
  incept.write @ya, %ra : tensor<2x64x4x4xf32>
  incept.write @yb, %rb : tensor<2x32x4x4xf32>
  return
}

// 8 filters are no multiple of 16; a 3x3 window is no 1x1; a bias, another stride and a second reader keep one apart.
// CHECK-LABEL: func.func @keeps
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @keeps() {
  %x = incept.read @x : !x
  %odd = incept.read @odd : tensor<8x32x1x1xf32>
  %y0 = incept.conv2d %x, %odd : (!x, tensor<8x32x1x1xf32>) -> tensor<2x8x4x4xf32>
  %wide = incept.read @wide : tensor<64x32x3x3xf32>
  %y1 = incept.conv2d %x, %wide pad [1, 1] pad_end [1, 1] : (!x, tensor<64x32x3x3xf32>) -> tensor<2x64x4x4xf32>
  %a = incept.read @a : tensor<64x32x1x1xf32>
  %bias = incept.read @bias : tensor<64xf32>
  %y2 = incept.conv2d %x, %a bias %bias : (!x, tensor<64x32x1x1xf32>, tensor<64xf32>) -> tensor<2x64x4x4xf32>
  %b = incept.read @b : tensor<32x32x1x1xf32>
  %y3 = incept.conv2d %x, %b stride [2, 2] : (!x, tensor<32x32x1x1xf32>) -> tensor<2x32x2x2xf32>
  return
}

// The fake target's format spreads 48 rows: the parts are dense, and the whole is reordered for the library.
// EXEC-DAG: incept.variable @c kind parameter {{.*}}tensor<48x32x1x1xf32, #incept.layout<dense>>
// EXEC-DAG: incept.exec.plan @{{.+}} reorder {{.*}}from = "", {{.*}}to = "blocked"
incept.variable @c kind parameter : tensor<48x32x1x1xf32>
incept.variable @d kind parameter : tensor<48x32x1x1xf32>
incept.variable @yc kind io role "yc" : tensor<2x48x4x4xf32>
incept.variable @yd kind io role "yd" : tensor<2x48x4x4xf32>
// CHECK-LABEL: func.func @spread
//       CHECK:   incept.join_rows
func.func @spread() {
  %x = incept.read @x : !x
  %c = incept.read @c : tensor<48x32x1x1xf32>
  %yc = incept.conv2d %x, %c : (!x, tensor<48x32x1x1xf32>) -> tensor<2x48x4x4xf32>
  %rc = incept.relu %yc : (tensor<2x48x4x4xf32>) -> tensor<2x48x4x4xf32>
  %d = incept.read @d : tensor<48x32x1x1xf32>
  %yd = incept.conv2d %x, %d : (!x, tensor<48x32x1x1xf32>) -> tensor<2x48x4x4xf32>
  %rd = incept.relu %yd : (tensor<2x48x4x4xf32>) -> tensor<2x48x4x4xf32>
  incept.write @yc, %rc : tensor<2x48x4x4xf32>
  incept.write @yd, %rd : tensor<2x48x4x4xf32>
  return
}

// CHECK-LABEL: func.func @infer
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.read @x : !x
  %a = incept.read @a : tensor<64x32x1x1xf32>
  %ya = incept.conv2d %x, %a : (!x, tensor<64x32x1x1xf32>) -> tensor<2x64x4x4xf32>
  %b = incept.read @b : tensor<32x32x1x1xf32>
  %yb = incept.conv2d %x, %b : (!x, tensor<32x32x1x1xf32>) -> tensor<2x32x4x4xf32>
  return
}
}
