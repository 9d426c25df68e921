// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-merge-siblings))' | FileCheck %s

// Beside a convolution that could merge stands another one that could not, for one reason each.
!x = tensor<2x32x4x4xf32>
!w = tensor<32x32x1x1xf32>
!y = tensor<2x32x4x4xf32>

module attributes {incept.target = #incept.target<fake>} {
incept.variable @a kind parameter : !w
incept.variable @b kind parameter : !w
incept.variable @c kind parameter : !w
incept.variable @odd kind parameter : tensor<24x32x1x1xf32>
incept.variable @high kind parameter : tensor<32x32x3x1xf32>
incept.variable @broad kind parameter : tensor<32x32x1x3xf32>
incept.variable @halves kind parameter : tensor<32x16x1x1xf32>
incept.variable @few kind parameter : tensor<32x24x1x1xf32>
incept.variable @few2 kind parameter : tensor<32x24x1x1xf32>

// CHECK-LABEL: func.func @filters_of_no_block
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @filters_of_no_block(%x: !x) -> (!y, tensor<2x24x4x4xf32>) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @odd : tensor<24x32x1x1xf32>
  %yb = incept.conv2d %x, %b : (!x, tensor<24x32x1x1xf32>) -> tensor<2x24x4x4xf32>
  return %ya, %yb : !y, tensor<2x24x4x4xf32>
}

// CHECK-LABEL: func.func @channels_of_no_block
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @channels_of_no_block(%x: tensor<2x24x4x4xf32>) -> (!y, !y) {
  %a = incept.read @few : tensor<32x24x1x1xf32>
  %ya = incept.conv2d %x, %a : (tensor<2x24x4x4xf32>, tensor<32x24x1x1xf32>) -> !y
  %b = incept.read @few2 : tensor<32x24x1x1xf32>
  %yb = incept.conv2d %x, %b : (tensor<2x24x4x4xf32>, tensor<32x24x1x1xf32>) -> !y
  return %ya, %yb : !y, !y
}

// CHECK-LABEL: func.func @windows
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @windows(%x: !x) -> (!y, !y, !y) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @high : tensor<32x32x3x1xf32>
  %yb = incept.conv2d %x, %b pad [1, 0] pad_end [1, 0] : (!x, tensor<32x32x3x1xf32>) -> !y
  %c = incept.read @broad : tensor<32x32x1x3xf32>
  %yc = incept.conv2d %x, %c pad [0, 1] pad_end [0, 1] : (!x, tensor<32x32x1x3xf32>) -> !y
  return %ya, %yb, %yc : !y, !y, !y
}

// Each half of the filters reads half of the channels.
// CHECK-LABEL: func.func @groups
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @groups(%x: !x) -> (!y, !y) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @halves : tensor<32x16x1x1xf32>
  %yb = incept.conv2d %x, %b groups 2 : (!x, tensor<32x16x1x1xf32>) -> !y
  return %ya, %yb : !y, !y
}

// A border of zeros before or behind the image makes the result larger.
// CHECK-LABEL: func.func @pads
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @pads(%x: !x) -> (!y, tensor<2x32x5x4xf32>, tensor<2x32x4x5xf32>) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b pad [1, 0] pad_end [0, 0] : (!x, !w) -> tensor<2x32x5x4xf32>
  %c = incept.read @c : !w
  %yc = incept.conv2d %x, %c pad [0, 0] pad_end [0, 1] : (!x, !w) -> tensor<2x32x4x5xf32>
  return %ya, %yb, %yc : !y, tensor<2x32x5x4xf32>, tensor<2x32x4x5xf32>
}

// CHECK-LABEL: func.func @bias
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @bias(%x: !x, %v: tensor<32xf32>) -> (!y, !y) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b bias %v : (!x, !w, tensor<32xf32>) -> !y
  return %ya, %yb : !y, !y
}

// CHECK-LABEL: func.func @residual_and_relu
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @residual_and_relu(%x: !x) -> (!y, !y, !y) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b residual %x : (!x, !w, !x) -> !y
  %c = incept.read @c : !w
  %yc = incept.conv2d %x, %c relu : (!x, !w) -> !y
  return %ya, %yb, %yc : !y, !y, !y
}

// The weights are needed by themselves too, or the variable is read a second time.
// CHECK-LABEL: func.func @weights_with_another_use
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @weights_with_another_use(%x: !x) -> (!y, !y, !w) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b : (!x, !w) -> !y
  return %ya, %yb, %b : !y, !y, !w
}

// CHECK-LABEL: func.func @weights_read_twice
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @weights_read_twice(%x: !x) -> (!y, !y, !w) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b : (!x, !w) -> !y
  %again = incept.read @b : !w
  %r = incept.relu %again : (!w) -> !w
  return %ya, %yb, %r : !y, !y, !w
}

// CHECK-LABEL: func.func @other_sources
//   CHECK-NOT:   incept.join_rows
//       CHECK:   return
func.func @other_sources(%x: !x, %z: !x) -> (!y, !y) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a : (!x, !w) -> !y
  %b = incept.read @b : !w
  %yb = incept.conv2d %z, %b : (!x, !w) -> !y
  return %ya, %yb : !y, !y
}

// The first one's stride is theirs who merge; the result has its size.
// CHECK-LABEL: func.func @strides
//       CHECK:   %[[W:.+]] = incept.join_rows %{{.+}}, %{{.+}} : (tensor<32x32x1x1xf32>, tensor<32x32x1x1xf32>) -> tensor<64x32x1x1xf32>
//       CHECK:   %[[Y:.+]] = incept.conv2d %arg0, %[[W]] stride [2, 1] : {{.*}} -> tensor<2x64x2x4xf32>
//       CHECK:   %[[P:.+]]:2 = incept.split %[[Y]]
//       CHECK:   %[[B:.+]] = incept.conv2d %arg0, %{{.+}} stride [1, 2]
//       CHECK:   return %[[P]]#0, %[[B]], %[[P]]#1
func.func @strides(%x: !x) -> (tensor<2x32x2x4xf32>, tensor<2x32x4x2xf32>, tensor<2x32x2x4xf32>) {
  %a = incept.read @a : !w
  %ya = incept.conv2d %x, %a stride [2, 1] : (!x, !w) -> tensor<2x32x2x4xf32>
  %b = incept.read @b : !w
  %yb = incept.conv2d %x, %b stride [1, 2] : (!x, !w) -> tensor<2x32x4x2xf32>
  %c = incept.read @c : !w
  %yc = incept.conv2d %x, %c stride [2, 1] : (!x, !w) -> tensor<2x32x2x4xf32>
  return %ya, %yb, %yc : tensor<2x32x2x4xf32>, tensor<2x32x4x2xf32>, tensor<2x32x2x4xf32>
}
}
