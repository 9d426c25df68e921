// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of elementwise ops, dropout, concat and slices.

!image = tensor<2x4x3x3xf32>

incept.step_field @seed : ui64
incept.step_field @step : i64
incept.step_field @sample_base : i64
// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: !image, %y: !image) {
  // CHECK: incept.relu %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %0 = incept.relu %x : (!image) -> !image
  // CHECK: incept.copy
  %1 = incept.copy %x : (!image) -> !image
  // CHECK: incept.relu_backward %{{.*}}, %{{.*}} :
  %2 = incept.relu_backward %y, %0 : (!image, !image) -> !image
  // CHECK: incept.add %{{.*}}, %{{.*}} :
  %3 = incept.add %x, %y : (!image, !image) -> !image
  // CHECK: incept.add_n %{{.*}}, %{{.*}}, %{{.*}} :
  %4 = incept.add_n %x, %y, %x : (!image, !image, !image) -> !image
  // CHECK: incept.scale %{{.*}} by 1.700000e-01 :
  %5 = incept.scale %x by 1.7e-1 : (!image) -> !image
  // CHECK: incept.channel_sum %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<4xf32>
  %6 = incept.channel_sum %x : (!image) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @activations
func.func @activations(%x: !image, %d: !image) {
  // CHECK: incept.activate relu6 %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %0 = incept.activate relu6 %x : (!image) -> !image
  // CHECK: incept.activate leaky_relu %{{.*}} slope 2.000000e-01 :
  %1 = incept.activate leaky_relu %x slope 0.2 : (!image) -> !image
  // CHECK: incept.activate_backward gelu %{{.*}}, %{{.*}} : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>)
  %2 = incept.activate_backward gelu %d, %x : (!image, !image) -> !image
  // CHECK: incept.activate_backward leaky_relu %{{.*}}, %{{.*}} slope 2.000000e-01 :
  %3 = incept.activate_backward leaky_relu %d, %x slope 0.2 : (!image, !image) -> !image
  return
}

// CHECK-LABEL: func.func @channels
func.func @channels(%x: !image, %f: tensor<2x4x1x1xf32>, %v: tensor<4xf32>) {
  // CHECK: incept.multiply %{{.*}}, %{{.*}} :
  %0 = incept.multiply %x, %x : (!image, !image) -> !image
  // CHECK: incept.gate %{{.*}} by %{{.*}} : (tensor<2x4x3x3xf32>, tensor<2x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %1 = incept.gate %x by %f : (!image, tensor<2x4x1x1xf32>) -> !image
  // CHECK: incept.gate_backward %{{.*}}, %{{.*}} :
  %2 = incept.gate_backward %x, %x : (!image, !image) -> tensor<2x4x1x1xf32>
  // CHECK: incept.channel_affine %{{.*}}, %{{.*}} : (tensor<2x4x3x3xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  %3 = incept.channel_affine %x, %v : (!image, tensor<4xf32>) -> !image
  // CHECK: incept.channel_affine %{{.*}}, %{{.*}} shift %{{.*}} :
  %4 = incept.channel_affine %x, %v shift %v : (!image, tensor<4xf32>, tensor<4xf32>) -> !image
  // CHECK: incept.channel_shuffle %{{.*}} groups 2 :
  %5 = incept.channel_shuffle %x groups 2 : (!image) -> !image
  // CHECK: incept.flatten_pixels %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<2x36xf32>
  %6 = incept.flatten_pixels %x : (!image) -> tensor<2x36xf32>
  // CHECK: incept.unflatten_pixels %{{.*}} : (tensor<2x36xf32>) -> tensor<2x4x3x3xf32>
  %7 = incept.unflatten_pixels %6 : (tensor<2x36xf32>) -> !image
  // CHECK: incept.add_bias %{{.*}}, %{{.*}} : (tensor<2x4x3x3xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  %8 = incept.add_bias %x, %v : (!image, tensor<4xf32>) -> !image
  // CHECK: incept.pixel_rows %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<18x4xf32>
  %9 = incept.pixel_rows %x : (!image) -> tensor<18x4xf32>
  // CHECK: incept.pixel_rows %{{.*}} : (tensor<18x4xf32>) -> tensor<2x4x3x3xf32>
  %10 = incept.pixel_rows %9 : (tensor<18x4xf32>) -> !image
  return
}

// CHECK-LABEL: func.func @dropout
func.func @dropout(%x: !image) {
  // CHECK: incept.random_drop %{{.*}} keep 8.000000e-01 :
  %0 = incept.random_drop %x keep 8.0e-1 : (!image) -> !image
  // CHECK: incept.random_drop %{{.*}} keep 8.000000e-01 per_sample :
  %2 = incept.random_drop %x keep 8.0e-1 per_sample : (!image) -> !image
  %seed = incept.step_value @seed : tensor<i64>
  %step = incept.step_value @step : tensor<i64>
  %base = incept.step_value @sample_base : tensor<i64>
  // CHECK: incept.dropout %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {keep = 8.000000e-01 : f64, stream = -5 : i64} :
  %1 = incept.dropout %x, %seed, %step, %base {keep = 8.0e-1, stream = -5 : i64} : (!image, tensor<i64>, tensor<i64>, tensor<i64>) -> !image
  // CHECK: incept.dropout %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} per_sample {keep = 8.000000e-01 : f64, stream = 1 : i64} :
  %3 = incept.dropout %x, %seed, %step, %base per_sample {keep = 8.0e-1, stream = 1 : i64} : (!image, tensor<i64>, tensor<i64>, tensor<i64>) -> !image
  return
}

// CHECK-LABEL: func.func @concat
func.func @concat(%x: !image, %y: tensor<2x6x3x3xf32>) {
  // CHECK: %[[ALL:.*]] = incept.concat %{{.*}}, %{{.*}} : (tensor<2x4x3x3xf32>, tensor<2x6x3x3xf32>) -> tensor<2x10x3x3xf32>
  %0 = incept.concat %x, %y : (!image, tensor<2x6x3x3xf32>) -> tensor<2x10x3x3xf32>
  // CHECK: incept.slice %[[ALL]] at 4 : (tensor<2x10x3x3xf32>) -> tensor<2x6x3x3xf32>
  %1 = incept.slice %0 at 4 : (tensor<2x10x3x3xf32>) -> tensor<2x6x3x3xf32>
  // CHECK: incept.concat_view
  %2 = incept.concat_view %x, %y : (!image, tensor<2x6x3x3xf32>) -> tensor<2x10x3x3xf32>
  // CHECK: incept.slice_view %{{.*}} at 0 :
  %3 = incept.slice_view %2 at 0 : (tensor<2x10x3x3xf32>) -> !image
  return
}

// CHECK-LABEL: func.func @flatten
func.func @flatten(%x: tensor<2x4x1x1xf32>) {
  // CHECK: incept.flatten %{{.*}} : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %0 = incept.flatten %x : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  // CHECK: incept.flatten %{{.*}} : (tensor<2x4xf32>) -> tensor<2x4x1x1xf32>
  %1 = incept.flatten %0 : (tensor<2x4xf32>) -> tensor<2x4x1x1xf32>
  return
}

incept.variable @a kind parameter : tensor<4x3xf32>
incept.variable @b kind parameter : tensor<2x3xf32>

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<2x10x3x3xf32>) {
  %a = incept.read @a : tensor<4x3xf32>
  %b = incept.read @b : tensor<2x3xf32>
  // CHECK: incept.split %{{.*}} : (tensor<2x10x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x6x3x3xf32>)
  %0:2 = incept.split %x : (tensor<2x10x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x6x3x3xf32>)
  // CHECK: %[[W:.+]] = incept.join_rows %{{.*}}, %{{.*}} : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<6x3xf32>
  %1 = incept.join_rows %a, %b : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<6x3xf32>
  // CHECK: incept.slice_rows %[[W]] at 4 : (tensor<6x3xf32>) -> tensor<2x3xf32>
  %2 = incept.slice_rows %1 at 4 : (tensor<6x3xf32>) -> tensor<2x3xf32>
  return
}

// A layout is part of the type; a slice has the stride of the buffer it lies in.
// CHECK-LABEL: func.func @layouts
// CHECK-SAME: #incept.layout<nhwc>>
// CHECK-SAME: #incept.layout<nhwc, stride = 10, offset = 4>>
func.func @layouts(%x: tensor<2x4x3x3xf32, #incept.layout<nhwc>>,
                   %y: tensor<2x6x3x3xf32, #incept.layout<nhwc, stride = 10, offset = 4>>) {
  return
}

// CHECK-LABEL: func.func @types
func.func @types(%x: tensor<2x4x3x3xf32>, %c: tensor<f32>) {
  // CHECK: %[[LOW:.+]] = incept.cast %{{.*}} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xbf16>
  %0 = incept.cast %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xbf16>
  // CHECK: incept.select %{{.*}}, %[[LOW]], %[[LOW]] : (tensor<f32>, tensor<2x4x3x3xbf16>, tensor<2x4x3x3xbf16>) -> tensor<2x4x3x3xbf16>
  %1 = incept.select %c, %0, %0 : (tensor<f32>, tensor<2x4x3x3xbf16>, tensor<2x4x3x3xbf16>) -> tensor<2x4x3x3xbf16>
  return
}

// CHECK-LABEL: func.func @zeros
func.func @zeros() -> tensor<2x4x3x3xf32> {
  // CHECK: incept.zeros : tensor<2x4x3x3xf32>
  %0 = incept.zeros : tensor<2x4x3x3xf32>
  return %0 : tensor<2x4x3x3xf32>
}
