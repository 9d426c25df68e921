// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of convolution and linear ops.

// CHECK-LABEL: func.func @conv2d
func.func @conv2d(%x: tensor<2x8x9x9xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<6xf32>) {
  // CHECK: incept.conv2d %{{.*}}, %{{.*}} bias %{{.*}} stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2 relu {incept.path = "a.conv"} : (tensor<2x8x9x9xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<2x6x4x6xf32>
  %0 = incept.conv2d %x, %w bias %b stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2 relu {incept.path = "a.conv"}
      : (tensor<2x8x9x9xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<2x6x4x6xf32>
  // CHECK: incept.conv2d_backward_data %{{.*}}, %{{.*}} stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2 : (tensor<2x6x4x6xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x9x9xf32>
  %1 = incept.conv2d_backward_data %0, %w stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2
      : (tensor<2x6x4x6xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x9x9xf32>
  // CHECK: incept.conv2d_backward_weights %{{.*}}, %{{.*}} stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2 : (tensor<2x8x9x9xf32>, tensor<2x6x4x6xf32>) -> tensor<6x4x3x3xf32>
  %2 = incept.conv2d_backward_weights %x, %0 stride [2, 1] pad [1, 0] pad_end [0, 1] dilation [1, 2] groups 2
      : (tensor<2x8x9x9xf32>, tensor<2x6x4x6xf32>) -> tensor<6x4x3x3xf32>
  return
}

// Attributes with their default values are not printed.
// CHECK-LABEL: func.func @conv2d_defaults
func.func @conv2d_defaults(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x1x1xf32>) {
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : (tensor<2x8x9x9xf32>, tensor<6x8x1x1xf32>) -> tensor<2x6x9x9xf32>
  %0 = incept.conv2d %x, %w stride [1, 1] pad [0, 0] dilation [1, 1] groups 1
      : (tensor<2x8x9x9xf32>, tensor<6x8x1x1xf32>) -> tensor<2x6x9x9xf32>
  return
}

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<2x8xf32>, %w: tensor<3x8xf32>, %b: tensor<3xf32>) {
  // CHECK: incept.linear %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<2x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %0 = incept.linear %x, %w bias %b : (tensor<2x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: incept.linear_backward_data
  %1 = incept.linear_backward_data %0, %w : (tensor<2x3xf32>, tensor<3x8xf32>) -> tensor<2x8xf32>
  // CHECK: incept.linear_backward_weights
  %2 = incept.linear_backward_weights %x, %0 : (tensor<2x8xf32>, tensor<2x3xf32>) -> tensor<3x8xf32>
  return
}

// CHECK-LABEL: func.func @reorder
func.func @reorder(%w: tensor<3x8x1x1xf32>, %s: tensor<3xf32>) {
  // CHECK: incept.reorder %{{.*}} scales %{{.*}} : (tensor<3x8x1x1xf32>, tensor<3xf32>) -> tensor<3x8x1x1xf32>
  %0 = incept.reorder %w scales %s : (tensor<3x8x1x1xf32>, tensor<3xf32>) -> tensor<3x8x1x1xf32>
  // CHECK: incept.reorder %{{.*}} : (tensor<3x8x1x1xf32>) -> tensor<3x8x1x1xf32, #incept.layout<"32x8/blocked">>
  %1 = incept.reorder %w : (tensor<3x8x1x1xf32>) -> tensor<3x8x1x1xf32, #incept.layout<"32x8/blocked">>
  return
}

// CHECK-LABEL: func.func @conv2d_stats
func.func @conv2d_stats(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>) {
  // CHECK: incept.conv2d_stats %{{.*}}, %{{.*}} stride [2, 2] pad [1, 1] : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x4x4xf16>, tensor<6xf32>, tensor<6xf32>)
  %0:3 = incept.conv2d_stats %x, %w stride [2, 2] pad [1, 1]
      : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x4x4xf16>, tensor<6xf32>, tensor<6xf32>)
  return
}

// CHECK-LABEL: func.func @conv2d_normalized
func.func @conv2d_normalized(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>, %f: tensor<8xf16>) {
  // CHECK: incept.conv2d_stats %{{.*}}, %{{.*}} normalized %{{.*}}, %{{.*}} stride [2, 2] pad [1, 1] : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>, tensor<8xf16>, tensor<8xf16>) ->
  %0:3 = incept.conv2d_stats %x, %w normalized %f, %f stride [2, 2] pad [1, 1]
      : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>, tensor<8xf16>, tensor<8xf16>) -> (tensor<2x6x4x4xf16>, tensor<6xf32>, tensor<6xf32>)
  // CHECK: incept.conv2d_backward_weights %{{.*}}, %{{.*}} normalized %{{.*}}, %{{.*}} stride [2, 2] pad [1, 1] : (tensor<2x8x9x9xf16>, tensor<2x6x4x4xf16>, tensor<8xf16>, tensor<8xf16>) -> tensor<6x8x3x3xf16>
  %1 = incept.conv2d_backward_weights %x, %0#0 normalized %f, %f stride [2, 2] pad [1, 1]
      : (tensor<2x8x9x9xf16>, tensor<2x6x4x4xf16>, tensor<8xf16>, tensor<8xf16>) -> tensor<6x8x3x3xf16>
  return
}

// CHECK-LABEL: func.func @conv2d_backward_norm
func.func @conv2d_backward_norm(%d: tensor<2x6x4x4xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf16>, %v: tensor<8xf32>) {
  // CHECK: incept.conv2d_backward_norm %{{.*}}, %{{.*}} of %{{.*}}, %{{.*}}, %{{.*}} gamma %{{.*}} beta %{{.*}} stride [2, 2] pad [1, 1] : (tensor<2x6x4x4xf16>,
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v stride [2, 2] pad [1, 1]
      : (tensor<2x6x4x4xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
      -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}
