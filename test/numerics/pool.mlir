// RUN: incept-run %s --print | FileCheck %s
// Pools of the reference interpreter against values worked out by hand.

// Windows of ones at corners, edges and the centre of a 3x3 image hold 4, 6 and 9 image elements.
// CHECK-LABEL: @avg_pool_of_ones
// CHECK-NEXT: result0 1x1x3x3 = 0.444444 0.666667 0.444444 0.666667 1 0.666667 0.444444 0.666667 0.444444{{$}}
// CHECK-NEXT: result1 1x1x3x3 = 1 1 1 1 1 1 1 1 1{{$}}
func.func @avg_pool_of_ones() -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>) {
  %x = arith.constant dense<1.> : tensor<1x1x3x3xf32>
  %include = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad
      : (tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  %exclude = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  return %include, %exclude : tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>
}

// Padding on the left only; the last of six columns is out of reach of stride 2. Padding counts: 1/2, (2+3)/2; without: 1, 2.5.
// CHECK-LABEL: @avg_pool_stride
// CHECK-NEXT: result0 1x1x1x3 = 0.5 2.5 4.5{{$}}
// CHECK-NEXT: result1 1x1x1x3 = 1 2.5 4.5{{$}}
func.func @avg_pool_stride() -> (tensor<1x1x1x3xf32>, tensor<1x1x1x3xf32>) {
  %x = arith.constant dense<[[[[1., 2., 3., 4., 5., 6.]]]]> : tensor<1x1x1x6xf32>
  %include = incept.avg_pool %x kernel [1, 2] stride [1, 2] pad [0, 1] include_pad
      : (tensor<1x1x1x6xf32>) -> tensor<1x1x1x3xf32>
  %exclude = incept.avg_pool %x kernel [1, 2] stride [1, 2] pad [0, 1] : (tensor<1x1x1x6xf32>) -> tensor<1x1x1x3xf32>
  return %include, %exclude : tensor<1x1x1x3xf32>, tensor<1x1x1x3xf32>
}

// Each output's gradient is shared among the elements it averaged: the corner windows count 1, the middle one 2.
// CHECK-LABEL: @avg_pool_backward
// CHECK-NEXT: result0 1x1x1x2 = 6 9{{$}}
// CHECK-NEXT: result1 1x1x1x2 = 3 6{{$}}
func.func @avg_pool_backward() -> (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) {
  %dy = arith.constant dense<[[[[2., 8., 5.]]]]> : tensor<1x1x1x3xf32>
  %exclude = incept.avg_pool_backward %dy kernel [1, 2] pad [0, 1] pad_end [0, 1]
      : (tensor<1x1x1x3xf32>) -> tensor<1x1x1x2xf32>
  %dz = arith.constant dense<[[[[2., 4., 8.]]]]> : tensor<1x1x1x3xf32>
  %include = incept.avg_pool_backward %dz kernel [1, 2] pad [0, 1] pad_end [0, 1] include_pad
      : (tensor<1x1x1x3xf32>) -> tensor<1x1x1x2xf32>
  return %exclude, %include : tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>
}

// All values are negative, so padding would win if it were zero.
// CHECK-LABEL: @padding_never_wins
// CHECK-NEXT: result0 1x1x2x2 = -1 -1 -1 -1{{$}}
func.func @padding_never_wins() -> tensor<1x1x2x2xf32> {
  %x = arith.constant dense<[[[[-4., -3.], [-2., -1.]]]]> : tensor<1x1x2x2xf32>
  %y = incept.max_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// Window positions count from the window's corner, padding included; of equal values the first wins. Windows of
// [-, 3, 3], [3, 3, 1], [3, 1, 7]; the gradient goes to one element each: 10 and 100 to columns 0 and 0, 1000 to 3.
// CHECK-LABEL: @first_maximum
// CHECK-NEXT: result0 1x1x1x3 = 3 3 7{{$}}
// CHECK-NEXT: result1 1x1x1x3 = 1 0 2{{$}}
// CHECK-NEXT: result2 1x1x1x4 = 110 0 0 1000{{$}}
func.func @first_maximum() -> (tensor<1x1x1x3xf32>, tensor<1x1x1x3xui8>, tensor<1x1x1x4xf32>) {
  %x = arith.constant dense<[[[[3., 3., 1., 7.]]]]> : tensor<1x1x1x4xf32>
  %y, %workspace = incept.max_pool_with_index %x kernel [1, 3] pad [0, 1]
      : (tensor<1x1x1x4xf32>) -> (tensor<1x1x1x3xf32>, tensor<1x1x1x3xui8>)
  %dy = arith.constant dense<[[[[10., 100., 1000.]]]]> : tensor<1x1x1x3xf32>
  %dx = incept.max_pool_backward %dy, %workspace kernel [1, 3] pad [0, 1]
      : (tensor<1x1x1x3xf32>, tensor<1x1x1x3xui8>) -> tensor<1x1x1x4xf32>
  return %y, %workspace, %dx : tensor<1x1x1x3xf32>, tensor<1x1x1x3xui8>, tensor<1x1x1x4xf32>
}

// Position kh*KW + kw: the 9 lies in row 1, column 2 of its 2x3 window.
// CHECK-LABEL: @position_in_window
// CHECK-NEXT: result0 1x1x1x1 = 5{{$}}
func.func @position_in_window() -> tensor<1x1x1x1xui8> {
  %x = arith.constant dense<[[[[1., 2., 3.], [4., 5., 9.]]]]> : tensor<1x1x2x3xf32>
  %y, %workspace = incept.max_pool_with_index %x kernel [2, 3]
      : (tensor<1x1x2x3xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1x1xui8>)
  return %workspace : tensor<1x1x1x1xui8>
}

// CHECK-LABEL: @global_avg_pool
// CHECK-NEXT: result0 1x2x1x1 = 2.5 25{{$}}
// CHECK-NEXT: result1 1x2x2x2 = 2 2 2 2 3 3 3 3{{$}}
func.func @global_avg_pool() -> (tensor<1x2x1x1xf32>, tensor<1x2x2x2xf32>) {
  %x = arith.constant dense<[[[[1., 2.], [3., 4.]], [[10., 20.], [30., 40.]]]]> : tensor<1x2x2x2xf32>
  %y = incept.global_avg_pool %x : (tensor<1x2x2x2xf32>) -> tensor<1x2x1x1xf32>
  %dy = arith.constant dense<[[[[8.]], [[12.]]]]> : tensor<1x2x1x1xf32>
  %dx = incept.global_avg_pool_backward %dy : (tensor<1x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %y, %dx : tensor<1x2x1x1xf32>, tensor<1x2x2x2xf32>
}

// Two pixels become four: each twice, or at -1/4, 1/4, 3/4 and 5/4, the first and last held at the border. A gradient of
// 1, 2, 3, 4 comes back as 1 + 2 and 3 + 4, or as 1 + 3/4*2 + 1/4*3 and 1/4*2 + 3/4*3 + 4.
// CHECK-LABEL: @resize
// CHECK-NEXT: result0 1x1x1x4 = 10 10 20 20{{$}}
// CHECK-NEXT: result1 1x1x1x4 = 10 12.5 17.5 20{{$}}
// CHECK-NEXT: result2 1x1x1x2 = 3 7{{$}}
// CHECK-NEXT: result3 1x1x1x2 = 3.25 6.75{{$}}
func.func @resize() -> (tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) {
  %x = arith.constant dense<[[[[10., 20.]]]]> : tensor<1x1x1x2xf32>
  %d = arith.constant dense<[[[[1., 2., 3., 4.]]]]> : tensor<1x1x1x4xf32>
  %n = incept.resize nearest %x : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x4xf32>
  %b = incept.resize bilinear %x : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x4xf32>
  %dn = incept.resize_backward nearest %d : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x2xf32>
  %db = incept.resize_backward bilinear %d : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x2xf32>
  return %n, %b, %dn, %db : tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>
}

// Three become two: pixels 0 and floor(3/2) = 1; positions 1/4 and 7/4. The gradient of what nothing read is 0.
// CHECK-LABEL: @resize_smaller
// CHECK-NEXT: result0 1x1x2x1 = 10 20{{$}}
// CHECK-NEXT: result1 1x1x2x1 = 12.5 35{{$}}
// CHECK-NEXT: result2 1x1x3x1 = 4 8 0{{$}}
func.func @resize_smaller() -> (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x3x1xf32>) {
  %x = arith.constant dense<[[[[10.], [20.], [40.]]]]> : tensor<1x1x3x1xf32>
  %d = arith.constant dense<[[[[4.], [8.]]]]> : tensor<1x1x2x1xf32>
  %n = incept.resize nearest %x : (tensor<1x1x3x1xf32>) -> tensor<1x1x2x1xf32>
  %b = incept.resize bilinear %x : (tensor<1x1x3x1xf32>) -> tensor<1x1x2x1xf32>
  %dn = incept.resize_backward nearest %d : (tensor<1x1x2x1xf32>) -> tensor<1x1x3x1xf32>
  return %n, %b, %dn : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x3x1xf32>
}
