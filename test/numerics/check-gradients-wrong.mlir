// RUN: not incept-run %s --check-gradients 2>&1 | FileCheck %s
// A gradient that is wrong by one part in ten thousand is found. loss = mean over both rows of -log softmax(p)[label].

// CHECK-DAG: check-gradients-wrong.mlir:[[#@LINE+1]]:1: error: expected element 0 of the gradient to be {{-?0.[0-9]+}} by central differences, but got
incept.variable @wrong kind parameter : tensor<2x3xf32>
incept.variable @"grad/wrong" kind gradient of @wrong : tensor<2x3xf32>
// CHECK-DAG: gradient of right: 4 of 6 checked, largest 0.{{[0-9]+}}, largest difference {{[0-9.]+e-1[0-9]$}}
incept.variable @right kind parameter : tensor<2x3xf32>
incept.variable @"grad/right" kind gradient of @right : tensor<2x3xf32>
incept.variable @"io/loss" kind io role "loss" : tensor<f32>

func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %wrong = incept.read @wrong : tensor<2x3xf32>
  %right = incept.read @right : tensor<2x3xf32>
  %labels = arith.constant dense<[0, 2]> : tensor<2xi64>
  %logits = incept.add %wrong, %right : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = incept.softmax_cross_entropy %logits, %labels {label_smoothing = 0.1}
      : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<f32>
  incept.write @"io/loss", %loss : tensor<f32>
  %d = incept.softmax_cross_entropy_backward %logits, %labels {label_smoothing = 0.1, weight = 1.0}
      : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  incept.write @"grad/right", %d : tensor<2x3xf32>
  %e = incept.scale %d by 1.0001 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  incept.write @"grad/wrong", %e : tensor<2x3xf32>
  return
}
