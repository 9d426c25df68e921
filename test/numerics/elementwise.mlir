// RUN: incept-run %s --print --step sample_base=5 | FileCheck %s
// Elementwise ops, dropout, and joining and splitting of channels against values worked out by hand.

!vector = tensor<4xf32>

incept.step_field @sample_base : i64
// CHECK-LABEL: @maps
// CHECK-NEXT: result0 4 = 0 0 2 3{{$}}
// CHECK-NEXT: result1 4 = 0 0 30 40{{$}}
// CHECK-NEXT: result2 4 = 9 20 32 43{{$}}
// CHECK-NEXT: result3 4 = 8 20 34 46{{$}}
// CHECK-NEXT: result4 4 = -0.5 0 1 1.5{{$}}
// CHECK-NEXT: result5 4 = -1 0 2 3{{$}}
func.func @maps() -> (!vector, !vector, !vector, !vector, !vector, !vector) {
  %x = arith.constant dense<[-1., 0., 2., 3.]> : !vector
  %d = arith.constant dense<[10., 20., 30., 40.]> : !vector
  %relu = incept.relu %x : (!vector) -> !vector
  %back = incept.relu_backward %d, %relu : (!vector, !vector) -> !vector
  %add = incept.add %d, %x : (!vector, !vector) -> !vector
  %sum = incept.add_n %x, %d, %x : (!vector, !vector, !vector) -> !vector
  %scale = incept.scale %x by 0.5 : (!vector) -> !vector
  %copy = incept.copy %x : (!vector) -> !vector
  return %relu, %back, %add, %sum, %scale, %copy : !vector, !vector, !vector, !vector, !vector, !vector
}

// With seed, stream, step and sample 0 the words of elements 0 to 3 are Random123's known answer for zeros, 6627e8d5
// e169c58d bc57ac4c 9b00dbd8, that is 0.40 0.88 0.74 0.61 of 2^32: below 0.65 are the first and the last. With keep 1
// all stay.
// CHECK-LABEL: @dropout
// CHECK-NEXT: result0 1x1x2x2 = 10 0 0 40{{$}}
// CHECK-NEXT: result1 1x1x2x2 = 6.5 13 19.5 26{{$}}
func.func @dropout() -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %x = arith.constant dense<[[[[6.5, 13.], [19.5, 26.]]]]> : tensor<1x1x2x2xf32>
  %zero = arith.constant dense<0> : tensor<i64>
  %y = incept.dropout %x, %zero, %zero, %zero {keep = 0.65, stream = 0 : i64}
      : (tensor<1x1x2x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x1x2x2xf32>
  %z = incept.dropout %x, %zero, %zero, %zero {keep = 1.0, stream = 77 : i64}
      : (tensor<1x1x2x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x1x2x2xf32>
  return %y, %z : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// Seed and stream are combined by exclusive or; sample n of a batch is sample_base + n; (N,C) counts as (N,C,1,1). So
// each of these is the case above: seed = stream, and row 2 of a batch that begins at -2.
// CHECK-LABEL: @dropout_counters
// CHECK-NEXT: result0 1x4 = 1 0 0 1{{$}}
// CHECK-NEXT: result1 3x4 = {{.*}} 1 0 0 1{{$}}
func.func @dropout_counters() -> (tensor<1x4xf32>, tensor<3x4xf32>) {
  %y = arith.constant dense<0.625> : tensor<1x4xf32>
  %zero = arith.constant dense<0> : tensor<i64>
  %seed = arith.constant dense<81985529216486> : tensor<i64>
  %base = arith.constant dense<-2> : tensor<i64>
  %a = incept.dropout %y, %seed, %zero, %zero {keep = 0.625, stream = 81985529216486 : i64}
      : (tensor<1x4xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x4xf32>
  %rows = arith.constant dense<0.625> : tensor<3x4xf32>
  %b = incept.dropout %rows, %zero, %zero, %base {keep = 0.625, stream = 0 : i64}
      : (tensor<3x4xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3x4xf32>
  return %a, %b : tensor<1x4xf32>, tensor<3x4xf32>
}

// Outside training nothing is dropped.
// CHECK-LABEL: @random_drop
// CHECK-NEXT: result0 2x2 = 1 2 3 4{{$}}
func.func @random_drop() -> tensor<2x2xf32> {
  %x = arith.constant dense<[[1., 2.], [3., 4.]]> : tensor<2x2xf32>
  %y = incept.random_drop %x keep 0.5 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// Channels are joined per image; the views compute the same; slices give the parts back.
// CHECK-LABEL: @concat_and_slice
// CHECK-NEXT: result0 2x3x1x1 = 1 10 20 2 30 40{{$}}
// CHECK-NEXT: result1 2x3x1x1 = 1 10 20 2 30 40{{$}}
// CHECK-NEXT: result2 2x2x1x1 = 10 20 30 40{{$}}
// CHECK-NEXT: result3 2x1x1x1 = 20 40{{$}}
// CHECK-NEXT: result4 2x3 = 1 10 20 2 30 40{{$}}
func.func @concat_and_slice() -> (tensor<2x3x1x1xf32>, tensor<2x3x1x1xf32>, tensor<2x2x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2x3xf32>) {
  %a = arith.constant dense<[[[[1.]]], [[[2.]]]]> : tensor<2x1x1x1xf32>
  %b = arith.constant dense<[[[[10.]], [[20.]]], [[[30.]], [[40.]]]]> : tensor<2x2x1x1xf32>
  %concat = incept.concat %a, %b : (tensor<2x1x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x3x1x1xf32>
  %view = incept.concat_view %a, %b : (tensor<2x1x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x3x1x1xf32>
  %slice = incept.slice %concat at 1 : (tensor<2x3x1x1xf32>) -> tensor<2x2x1x1xf32>
  %part = incept.slice_view %view at 2 : (tensor<2x3x1x1xf32>) -> tensor<2x1x1x1xf32>
  %flat = incept.flatten %view : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
  return %concat, %view, %slice, %part, %flat : tensor<2x3x1x1xf32>, tensor<2x3x1x1xf32>, tensor<2x2x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2x3xf32>
}

// The field given on the command line.
// CHECK-LABEL: @step_value
// CHECK-NEXT: result0 scalar = 5{{$}}
func.func @step_value() -> tensor<i64> {
  %s = incept.step_value @sample_base : tensor<i64>
  return %s : tensor<i64>
}

// Of the same words as @dropout: the first of sample 0 is 0.40 of 2^32, and decides for all of the sample.
// CHECK-LABEL: @drop_path
// CHECK-NEXT: result0 1x1x2x2 = 10 20 30 40{{$}}
// CHECK-NEXT: result1 1x1x2x2 = 0 0 0 0{{$}}
func.func @drop_path() -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %x = arith.constant dense<[[[[5., 10.], [15., 20.]]]]> : tensor<1x1x2x2xf32>
  %zero = arith.constant dense<0> : tensor<i64>
  %y = incept.dropout %x, %zero, %zero, %zero per_sample {keep = 0.5, stream = 0 : i64}
      : (tensor<1x1x2x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x1x2x2xf32>
  %z = incept.dropout %x, %zero, %zero, %zero per_sample {keep = 0.3, stream = 0 : i64}
      : (tensor<1x1x2x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x1x2x2xf32>
  return %y, %z : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// Six channels of three groups: one of each group in turn, and back by the other number of groups.
// CHECK-LABEL: @channel_shuffle
// CHECK-NEXT: result0 1x6x1x1 = 0 2 4 1 3 5{{$}}
// CHECK-NEXT: result1 1x6x1x1 = 0 1 2 3 4 5{{$}}
func.func @channel_shuffle() -> (tensor<1x6x1x1xf32>, tensor<1x6x1x1xf32>) {
  %x = arith.constant dense<[[[[0.]], [[1.]], [[2.]], [[3.]], [[4.]], [[5.]]]]> : tensor<1x6x1x1xf32>
  %y = incept.channel_shuffle %x groups 3 : (tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
  %z = incept.channel_shuffle %y groups 2 : (tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
  return %y, %z : tensor<1x6x1x1xf32>, tensor<1x6x1x1xf32>
}

// The channels of one pixel are a row; two images, two channels, two pixels.
// CHECK-LABEL: @pixel_rows
// CHECK-NEXT: result0 4x2 = 1 10 2 20 3 30 4 40{{$}}
// CHECK-NEXT: result1 2x2x1x2 = 1 2 10 20 3 4 30 40{{$}}
// CHECK-NEXT: result2 4x2 = 6 17 7 27 8 37 9 47{{$}}
func.func @pixel_rows() -> (tensor<4x2xf32>, tensor<2x2x1x2xf32>, tensor<4x2xf32>) {
  %x = arith.constant dense<[[[[1., 2.]], [[10., 20.]]], [[[3., 4.]], [[30., 40.]]]]> : tensor<2x2x1x2xf32>
  %b = arith.constant dense<[5., 7.]> : tensor<2xf32>
  %y = incept.pixel_rows %x : (tensor<2x2x1x2xf32>) -> tensor<4x2xf32>
  %z = incept.pixel_rows %y : (tensor<4x2xf32>) -> tensor<2x2x1x2xf32>
  %s = incept.add_bias %y, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y, %z, %s : tensor<4x2xf32>, tensor<2x2x1x2xf32>, tensor<4x2xf32>
}
