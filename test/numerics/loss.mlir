// RUN: incept-run %s --print | FileCheck %s
// Images and the loss against values worked out by hand.

// Logits ln 1, ln 3 give probabilities 1/4 and 3/4. Loss of label 1: -ln 3/4 = 0.287682; of label 0: ln 4 = 1.38629;
// the mean of both rows 0.836988. Gradients: (p - onehot)/2.
// CHECK-LABEL: @cross_entropy
// CHECK-NEXT: result0 scalar = 0.836988{{$}}
// CHECK-NEXT: result1 2x2 = 0.125 -0.125 -0.375 0.375{{$}}
func.func @cross_entropy() -> (tensor<f32>, tensor<2x2xf32>) {
  %logits = arith.constant dense<[[0., 1.0986122886681098], [0., 1.0986122886681098]]> : tensor<2x2xf32>
  %labels = arith.constant dense<[1, 0]> : tensor<2xi64>
  %loss = incept.softmax_cross_entropy %logits, %labels {label_smoothing = 0.0}
      : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<f32>
  %d = incept.softmax_cross_entropy_backward %logits, %labels {label_smoothing = 0.0, weight = 1.0}
      : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return %loss, %d : tensor<f32>, tensor<2x2xf32>
}

// Smoothing 0.2 of two classes: q = (0.1, 0.9), loss = 0.1 ln 4 - 0.9 ln 3/4 = 0.397543; gradient (1/4 - 0.1, 3/4 - 0.9),
// and times 8 with that weight. A constant added to all logits changes nothing.
// CHECK-LABEL: @label_smoothing
// CHECK-NEXT: result0 scalar = 0.397543{{$}}
// CHECK-NEXT: result1 1x2 = 1.2 -1.2{{$}}
// CHECK-NEXT: result2 scalar = 0.397543{{$}}
func.func @label_smoothing() -> (tensor<f32>, tensor<1x2xf32>, tensor<f32>) {
  %logits = arith.constant dense<[[0., 1.0986122886681098]]> : tensor<1x2xf64>
  %large = arith.constant dense<[[1000., 1001.0986122886681098]]> : tensor<1x2xf64>
  %labels = arith.constant dense<1> : tensor<1xi64>
  %loss = incept.softmax_cross_entropy %logits, %labels {label_smoothing = 0.2}
      : (tensor<1x2xf64>, tensor<1xi64>) -> tensor<f32>
  %d = incept.softmax_cross_entropy_backward %logits, %labels {label_smoothing = 0.2, weight = 8.0}
      : (tensor<1x2xf64>, tensor<1xi64>) -> tensor<1x2xf32>
  %same = incept.softmax_cross_entropy %large, %labels {label_smoothing = 0.2}
      : (tensor<1x2xf64>, tensor<1xi64>) -> tensor<f32>
  return %loss, %d, %same : tensor<f32>, tensor<1x2xf32>, tensor<f32>
}

// The second row is ignored, whatever its logits are: of the two that count the loss is ln 4 and -ln 3/4, the gradients
// (p - onehot)/2. With all rows ignored all is 0.
// CHECK-LABEL: @ignored_rows
// CHECK-NEXT: result0 scalar = 0.836988{{$}}
// CHECK-NEXT: result1 scalar = 2{{$}}
// CHECK-NEXT: result2 3x2 = 0.125 -0.125 0 0 -0.375 0.375{{$}}
// CHECK-NEXT: result3 scalar = 0{{$}}
// CHECK-NEXT: result4 scalar = 0{{$}}
// CHECK-NEXT: result5 3x2 = 0 0 0 0 0 0{{$}}
func.func @ignored_rows() -> (tensor<f32>, tensor<f32>, tensor<3x2xf32>, tensor<f32>, tensor<f32>, tensor<3x2xf32>) {
  %logits = arith.constant dense<[[0., 1.0986122886681098], [7., -3.], [0., 1.0986122886681098]]> : tensor<3x2xf32>
  %labels = arith.constant dense<[1, 255, 0]> : tensor<3xi64>
  %loss, %count = incept.softmax_cross_entropy %logits, %labels ignore 255 {label_smoothing = 0.0}
      : (tensor<3x2xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<f32>)
  %d = incept.softmax_cross_entropy_backward %logits, %labels ignore 255 count %count {label_smoothing = 0.0, weight = 1.0}
      : (tensor<3x2xf32>, tensor<3xi64>, tensor<f32>) -> tensor<3x2xf32>
  %none = arith.constant dense<-1> : tensor<3xi64>
  %zero, %no = incept.softmax_cross_entropy %logits, %none ignore -1 {label_smoothing = 0.1}
      : (tensor<3x2xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<f32>)
  %dz = incept.softmax_cross_entropy_backward %logits, %none ignore -1 count %no {label_smoothing = 0.1, weight = 1.0}
      : (tensor<3x2xf32>, tensor<3xi64>, tensor<f32>) -> tensor<3x2xf32>
  return %loss, %count, %d, %zero, %no, %dz
      : tensor<f32>, tensor<f32>, tensor<3x2xf32>, tensor<f32>, tensor<f32>, tensor<3x2xf32>
}

// Bytes lie as N,H,W,C: pixel (255, 0), pixel (51, 102). Channel 0: (1 - 0.5)/0.5 and (0.2 - 0.5)/0.5.
// CHECK-LABEL: @images
// CHECK-NEXT: result0 1x2x1x2 = 1 -0.6 0 0.4{{$}}
// CHECK-NEXT: result1 1x2x1x2 = 1 -0.6 0 0.4{{$}}
func.func @images() -> (tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>) {
  %x = arith.constant dense<[[[[255, 0], [51, 102]]]]> : tensor<1x1x2x2xui8>
  %y = incept.normalize_image %x {mean = array<f64: 0.5, 0.0>, std = array<f64: 0.5, 1.0>}
      : (tensor<1x1x2x2xui8>) -> tensor<1x2x1x2xf32>
  %z = incept.import_image %y : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32>
  return %y, %z : tensor<1x2x1x2xf32>, tensor<1x2x1x2xf32>
}
