// RUN: split-file %s %t
// RUN: incept-opt %t/graph.mlir -incept-verify-phase="phase=graph" | FileCheck %s --check-prefix=GRAPH
// RUN: incept-opt %t/training.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=training"
// RUN: not incept-opt %t/graph.mlir -incept-verify-phase="phase=fuzed" 2>&1 | FileCheck %s --check-prefix=NAME

//--- graph.mlir
// The phase's name is kept with the module.
// GRAPH: module attributes {incept.phase = "graph"}
// NAME: expected the name of a phase, but got 'fuzed'
module {
  func.func @network(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
    %0 = incept.random_drop %x keep 0.5 : (tensor<2x4xf32>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
  }
}

//--- training.mlir
func.func @random_drop(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{'incept.random_drop' op does not belong to phase training: it should have been expanded or decomposed}}
  %0 = incept.random_drop %x keep 0.5 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @block(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{'incept.block' op does not belong to phase training}}
  %0 = incept.block "a" of "b" (%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%y: tensor<2x4xf32>):
    incept.yield %y : tensor<2x4xf32>
  }
  return
}

// -----

func.func @batch_norm(%x: tensor<2x4x1x1xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{'incept.batch_norm' op does not belong to phase training}}
  %0 = incept.batch_norm %x beta %v mean %v variance %v {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<2x4x1x1xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x1x1xf32>
  return
}

// -----

incept.variable @v kind state : tensor<4xf32>
func.func @written_twice(%x: tensor<4xf32>) {
  // expected-note @+1 {{written here}}
  incept.write @v, %x : tensor<4xf32>
  // expected-error @+1 {{expected at most one write of variable 'v' in a function, after all reads}}
  incept.write @v, %x : tensor<4xf32>
  return
}

// -----

incept.variable @v kind state : tensor<4xf32>
func.func @read_after_write(%x: tensor<4xf32>) {
  // expected-note @+1 {{written here}}
  incept.write @v, %x : tensor<4xf32>
  // expected-error @+1 {{expected at most one write of variable 'v' in a function, after all reads}}
  %0 = incept.read @v : tensor<4xf32>
  return
}
