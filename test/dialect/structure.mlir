// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of variables, blocks, groups and step values.

// CHECK: incept.step_field @learning_rate : f32
incept.step_field @learning_rate : f32
// CHECK: incept.variable @stem.conv.weight kind parameter decay init {fan_in = 27 : i64, fan_out = 288 : i64, kind = "he_normal"} : tensor<32x3x3x3xf32>
incept.variable @stem.conv.weight kind parameter decay init {kind = "he_normal", fan_in = 27 : i64, fan_out = 288 : i64} : tensor<32x3x3x3xf32>
// CHECK: incept.variable @stem.bn.running_mean kind state : tensor<32xf32>
incept.variable @stem.bn.running_mean kind state : tensor<32xf32>
// CHECK: incept.variable @"io/labels" kind io role "labels" : tensor<8xi64>
incept.variable @"io/labels" kind io role "labels" : tensor<8xi64>

// CHECK: incept.variable @"grad/stem.conv.weight" kind gradient of @stem.conv.weight : tensor<32x3x3x3xbf16>
incept.variable @"grad/stem.conv.weight" kind gradient of @stem.conv.weight : tensor<32x3x3x3xbf16>
// CHECK: incept.variable @"momentum/stem.conv.weight" kind slot of @stem.conv.weight role "momentum" {bytes = 3456 : i64, offset = 0 : i64, region = @momentum} : tensor<32x3x3x3xf32>
incept.variable @"momentum/stem.conv.weight" kind slot of @stem.conv.weight role "momentum" {region = @momentum, offset = 0 : i64, bytes = 3456 : i64} : tensor<32x3x3x3xf32>

// CHECK-LABEL: func.func @read_write
func.func @read_write() {
  // CHECK: %[[M:.*]] = incept.read @stem.bn.running_mean : tensor<32xf32>
  %m = incept.read @stem.bn.running_mean : tensor<32xf32>
  // CHECK: incept.write @stem.bn.running_mean, %[[M]] : tensor<32xf32>
  incept.write @stem.bn.running_mean, %m : tensor<32xf32>
  // CHECK: incept.step_value @learning_rate : tensor<f32>
  %r = incept.step_value @learning_rate : tensor<f32>
  return
}

// A read may have a layout that the variable's type lacks: symbols are compared by shape and element type.
// CHECK-LABEL: func.func @read_layout
func.func @read_layout() {
  // CHECK: incept.read @stem.bn.running_mean : tensor<32xf32, #incept.layout<nhwc>>
  %m = incept.read @stem.bn.running_mean : tensor<32xf32, #incept.layout<nhwc>>
  return
}

// CHECK-LABEL: func.func @block
func.func @block(%x: tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  // CHECK: incept.block "mixed_5b" of "inception_a"(%{{.*}}) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  %0 = incept.block "mixed_5b" of "inception_a" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<2x4x3x3xf32>):
  ^bb0(%a: tensor<2x4x3x3xf32>):
    // CHECK-NEXT: %[[R:.*]] = incept.relu %[[A]]
    %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    // CHECK-NEXT: incept.yield %[[R]] : tensor<2x4x3x3xf32>
    incept.yield %r : tensor<2x4x3x3xf32>
  }
  return %0 : tensor<2x4x3x3xf32>
}

incept.exec.plan @plan_0 convolution_forward {mb = 2 : i64} : (memref<2x3x8x8xf32>) -> memref<2x4x8x8xf32>

// CHECK-LABEL: func.func @group
func.func @group(%x: tensor<2x4x3x3xf32>, %w: tensor<6x4x1x1xf32>) {
  // CHECK: incept.group kernel(%{{.*}}) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  %0 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    incept.yield %r : tensor<2x4x3x3xf32>
  }
  // CHECK: incept.group library plan @plan_0(%{{.*}}, %{{.*}}) attributes {offsets = array<i64: 64>, scratchpad = 128 : i64, scratchpad_offset = 0 : i64}
  // CHECK-SAME: : (tensor<2x4x3x3xf32>, tensor<6x4x1x1xf32>) -> tensor<2x6x3x3xf32> {
  %1 = incept.group library plan @plan_0 (%x, %w) attributes {scratchpad = 128 : i64, offsets = array<i64: 64>, scratchpad_offset = 0 : i64}
      : (tensor<2x4x3x3xf32>, tensor<6x4x1x1xf32>) -> tensor<2x6x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>, %b: tensor<6x4x1x1xf32>):
    %y = incept.conv2d %a, %b : (tensor<2x4x3x3xf32>, tensor<6x4x1x1xf32>) -> tensor<2x6x3x3xf32>
    incept.yield %y : tensor<2x6x3x3xf32>
  }
  return
}
