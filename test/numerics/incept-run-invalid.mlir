// RUN: not incept-run %s --function=unknown_op 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not incept-run %s --function=bad_label 2>&1 | FileCheck %s --check-prefix=LABEL
// RUN: not incept-run %s --function=two_writes 2>&1 | FileCheck %s --check-prefix=WRITES
// RUN: not incept-run %s --function=dynamic 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not incept-run %s --function=huge 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not incept-run %s --function=large_seed 2>&1 | FileCheck %s --check-prefix=SEED
// RUN: not incept-run %s --function=missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not incept-run %s --function=bad_label --step rate=1 2>&1 | FileCheck %s --check-prefix=STEP
// RUN: not incept-run %s --check-gradients=0 2>&1 | FileCheck %s --check-prefix=SAMPLES
// RUN: not incept-run %s --check-gradients 2>&1 | FileCheck %s --check-prefix=FORWARD
// What the interpreter cannot run is an error at the op, never a crash.

incept.variable @x kind io role "x" : tensor<2xf32>
incept.exec.region @arena 4096

// UNKNOWN: incept-run-invalid.mlir:[[#@LINE+2]]:8: error: 'incept.exec.slice' op has a result of type 'memref<2xf32>', which the interpreter cannot hold
func.func @unknown_op() {
  %s = incept.exec.slice @arena at 0 : memref<2xf32>
  return
}

// LABEL: incept-run-invalid.mlir:[[#@LINE+4]]:11: error: 'incept.softmax_cross_entropy' op expected labels from 0 to 1, but got 2
func.func @bad_label() -> tensor<f32> {
  %logits = arith.constant dense<0.> : tensor<1x2xf32>
  %labels = arith.constant dense<2> : tensor<1xi64>
  %loss = incept.softmax_cross_entropy %logits, %labels {label_smoothing = 0.0}
      : (tensor<1x2xf32>, tensor<1xi64>) -> tensor<f32>
  return %loss : tensor<f32>
}

// WRITES: error: 'incept.write' op expected one write of variable 'x' in a function, but this is the second
func.func @two_writes() {
  %x = incept.read @x : tensor<2xf32>
  incept.write @x, %x : tensor<2xf32>
  incept.write @x, %x : tensor<2xf32>
  return
}

// DYNAMIC: error: expected arguments of static shape, but argument 0 is 'tensor<?xf32>'
func.func @dynamic(%x: tensor<?xf32>) {
  return
}

// HUGE: error: expected arguments of static shape, but argument 0 is 'tensor<1000000x1000000xf32>'
func.func @huge(%x: tensor<1000000x1000000xf32>) {
  return
}


// SEED: error: 'incept.dropout' op expected seed, step and sample_base of at most 2^53
func.func @large_seed(%x: tensor<1x2xf32>) {
  %seed = arith.constant dense<9223372036854775807> : tensor<i64>
  %y = incept.dropout %x, %seed, %seed, %seed {keep = 0.5, stream = 0 : i64}
      : (tensor<1x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x2xf32>
  return
}

// MISSING: error: expected a function 'missing', but there is none
// STEP: error: expected --step FIELD=VALUE with one of the fields learning_rate {{.*}}, but got 'rate=1'
// SAMPLES: error: expected --check-gradients=N with a positive N, but got '0'
// FORWARD: error: expected a function 'forward_backward' with a body, but there is none
