// RUN: split-file %s %t
// RUN: incept-opt %t/graph.mlir -incept-verify-phase="phase=graph" | FileCheck %s --check-prefix=GRAPH
// RUN: not incept-opt %t/graph.mlir -incept-verify-phase="phase=fuzed" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: incept-opt %t/graph-invalid.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=graph"
// RUN: incept-opt %t/training.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=training"
// RUN: incept-opt %t/fused.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=fused"
// RUN: incept-opt %t/layout.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=layout"
// RUN: incept-opt %t/planned.mlir -verify-diagnostics -split-input-file -incept-verify-phase="phase=planned"

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

//--- graph-invalid.mlir
// Nothing of later phases, in the module and in functions.
// expected-error @+1 {{'incept.exec.region' op does not belong to phase graph}}
incept.exec.region @arena 4096
func.func @network(%x: tensor<2x4x5x5xf32>, %y: tensor<2x4x5x5xf32>) {
  // expected-error @+1 {{'incept.exec.slice' op does not belong to phase graph}}
  %0 = incept.exec.slice @arena at 0 : memref<8xf32>
  // expected-error @+1 {{'incept.relu_backward' op does not belong to phase graph}}
  %1 = incept.relu_backward %x, %y : (tensor<2x4x5x5xf32>, tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  return
}

// -----

// expected-error @+1 {{expected one function in phase graph, the network}}
module {
  func.func @network() { return }
  func.func @other() { return }
}

// -----

// expected-error @+1 {{expected a parameter or a state in phase graph, but got a variable of kind derived}}
incept.variable @v kind derived : tensor<4xf32>
func.func @network() { return }

//--- training.mlir
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.zeros : tensor<2x4xf32>
  // expected-error @+1 {{'incept.random_drop' op does not belong to phase training}}
  %0 = incept.random_drop %x keep 0.5 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.zeros : tensor<2x4xf32>
  // expected-error @+1 {{'incept.block' op does not belong to phase training}}
  %0 = incept.block "a" of "b" (%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%y: tensor<2x4xf32>):
    // expected-error @+1 {{'incept.yield' op does not belong to phase training}}
    incept.yield %y : tensor<2x4xf32>
  }
  return
}

// -----

func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.zeros : tensor<2x4x1x1xf32>
  %v = incept.zeros : tensor<4xf32>
  // expected-error @+1 {{'incept.batch_norm' op does not belong to phase training}}
  %0 = incept.batch_norm %x beta %v mean %v variance %v {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<2x4x1x1xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x1x1xf32>
  return
}

// -----

incept.variable @v kind state : tensor<4xf32>
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.zeros : tensor<4xf32>
  // expected-note @+1 {{written here}}
  incept.write @v, %x : tensor<4xf32>
  // expected-error @+1 {{expected at most one write of variable 'v' in a function, after all reads}}
  incept.write @v, %x : tensor<4xf32>
  return
}

// -----

incept.variable @v kind state : tensor<4xf32>
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.zeros : tensor<4xf32>
  // expected-note @+1 {{written here}}
  incept.write @v, %x : tensor<4xf32>
  // expected-error @+1 {{expected at most one write of variable 'v' in a function, after all reads}}
  %0 = incept.read @v : tensor<4xf32>
  return
}

// -----

incept.variable @v kind derived : tensor<4xf32>
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.read @v : tensor<4xf32>
  return
}
func.func @g() attributes {incept.entry = #incept.entry<update>} {
  // expected-error @+1 {{expected variable 'v', which is derived, to be written by prepare_inference and read by infer only}}
  %x = incept.read @v : tensor<4xf32>
  return
}

// -----

incept.variable @v kind derived : tensor<4xf32>
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  // expected-error @+1 {{expected variable 'v', which is derived, to be written by prepare_inference}}
  %x = incept.read @v : tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{expected incept.entry, which says what the runtime runs it for}}
func.func @f() { return }

// -----

// expected-error @+1 {{expected no arguments and results, but got '(tensor<4xf32>) -> ()': read and write variables instead}}
func.func @f(%x: tensor<4xf32>) attributes {incept.entry = #incept.entry<infer>} { return }

// -----

// expected-note @+1 {{the first one}}
func.func @f() attributes {incept.entry = #incept.entry<infer>} { return }
// expected-error @+1 {{expected one function for entry point infer}}
func.func @g() attributes {incept.entry = #incept.entry<infer>} { return }

//--- fused.mlir
func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  // expected-error @+1 {{'incept.zeros' op does not belong to phase fused}}
  %x = incept.zeros : tensor<4xf32>
  return
}

//--- layout.mlir
// Layouts that no shape has are refused where they are made.
// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride 0 and offset 4}}
func.func private @f(tensor<2x4x5x5xf32, #incept.layout<nhwc, stride = 0, offset = 4>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride 4 and offset 400}}
func.func private @g(tensor<2x4x5x5xf32, #incept.layout<nhwc, stride = 4, offset = 400>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'made up', stride -3 and offset -7}}
func.func private @h(tensor<2x4xf32, #incept.layout<"made up", stride = -3, offset = -7>>)

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : tensor<4xf32>
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    // expected-error @+1 {{has a result without a layout in phase layout}}
    %0 = incept.read @v : tensor<4xf32>
    return
  }
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : tensor<1x4x2x2xf32>
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    // expected-error @+1 {{expected a dense layout, where it lies, but got #incept.layout<nhwc, stride = 8, offset = 0>}}
    %0 = incept.read @v : tensor<1x4x2x2xf32, #incept.layout<nhwc, stride = 8, offset = 0>>
    return
  }
}

// -----

!x = tensor<1x8x2x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    %0 = incept.read @v : !x
    // expected-error @+1 {{expected channels 4 on of 8, where it lies, but got #incept.layout<nhwc, stride = 8, offset = 0>}}
    %1 = incept.slice_view %0 at 4 : (!x) -> tensor<1x4x2x2xf32, #incept.layout<nhwc, stride = 8, offset = 0>>
    return
  }
}

// -----

!x = tensor<1x8x2x2xf32, #incept.layout<nchw8c>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    %0 = incept.read @v : !x
    // expected-error @+1 {{expected no tensor in blocks of channels in a kernel, which works on NHWC}}
    %1 = incept.group kernel(%0) : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

!x = tensor<1x8x2x2xf32, #incept.layout<nhwc>>
!y = tensor<1x8x2x2xf32, #incept.layout<dense>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : !y
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    %0 = incept.read @v : !y
    // expected-error @+1 {{expected tensors that lie in one order in a kernel, but got 'dense' and 'nhwc'}}
    %1 = incept.group kernel(%0) : (!y) -> !x {
    ^bb0(%a: !y):
      %r = incept.relu %a : (!y) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

!x = tensor<1x8x2x2xf32, #incept.layout<nhwc>>
!w = tensor<8x8x1x1xf32, #incept.layout<dense>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind state : !x
  incept.variable @w kind parameter : !w
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    %0 = incept.read @v : !x
    %1 = incept.read @w : !w
    // expected-error @+1 {{has no plan in phase layout}}
    %2 = incept.group library(%0, %1) : (!x, !w) -> !x {
    ^bb0(%a: !x, %b: !w):
      %r = incept.conv2d %a, %b : (!x, !w) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  // expected-note @+1 {{variable of type 'tensor<4x4x1x1xf32, #incept.layout<blocked>>'}}
  incept.variable @v kind parameter : tensor<4x4x1x1xf32, #incept.layout<"blocked">>
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    // expected-error @+1 {{expected the variable's layout, but got #incept.layout<dense>}}
    %0 = incept.read @v : tensor<4x4x1x1xf32, #incept.layout<dense>>
    return
  }
}

// -----

!x = tensor<4x4x1x1xf32, #incept.layout<dense>>
!y = tensor<4x4x1x1xf32, #incept.layout<"blocked">>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @v kind parameter : !x
  incept.variable @w kind parameter : !y
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    %0 = incept.read @v : !x
    %1 = incept.read @w : !y
    // expected-error @+1 {{expected tensors that lie in one order in a kernel, but got 'dense' and 'blocked'}}
    %2 = incept.group kernel(%0, %1) : (!x, !y) -> !x {
    ^bb0(%a: !x, %b: !y):
      %r = incept.add %a, %b : (!x, !y) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

!w = tensor<128x4x1x1xf32, #incept.layout<"blocked">>
!p = tensor<64x4x1x1xf32, #incept.layout<"blocked">>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @w kind parameter : !w
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    %0 = incept.read @w : !w
    %1 = incept.slice_rows %0 at 64 : (!w) -> !p
    // expected-error @+1 {{expected rows that lie together in #incept.layout<blocked>, but got 64 from row 33 on}}
    %2 = incept.slice_rows %0 at 33 : (!w) -> !p
    return
  }
}

// -----

!w = tensor<96x4x1x1xf32, #incept.layout<"blocked">>
!p = tensor<64x4x1x1xf32, #incept.layout<"blocked">>
!q = tensor<32x4x1x1xf32, #incept.layout<dense>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @p kind parameter : !p
  incept.variable @q kind parameter : !q
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    %0 = incept.read @p : !p
    %1 = incept.read @q : !q
    // expected-error @+1 {{expected 32 rows of #incept.layout<blocked> in format 'blocked', but got #incept.layout<dense>}}
    %2 = incept.join_rows %0, %1 : (!p, !q) -> !w
    return
  }
}

// -----

// expected-error @+1 {{expected the module's attribute incept.target}}
module {
  func.func @f() attributes {incept.entry = #incept.entry<infer>} { return }
}

//--- planned.mlir
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  // expected-error @+1 {{expected incept.arena_bytes in phase planned}}
  func.func @f() attributes {incept.entry = #incept.entry<infer>} { return }
}

// -----

!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 128 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-error @+1 {{expected an offset per result in phase planned}}
    %0 = incept.group kernel(%x) : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

// Not aligned.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 256 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-error @+1 {{expected a result of 128 bytes at a multiple of 64 inside the arena of 256 bytes, but got offset 3}}
    %0 = incept.group kernel(%x) attributes {offsets = array<i64: 3>} : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

// Beyond the arena.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 128 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-error @+1 {{expected a result of 128 bytes at a multiple of 64 inside the arena of 128 bytes, but got offset 64}}
    %0 = incept.group kernel(%x) attributes {offsets = array<i64: 64>} : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    return
  }
}

// -----

// Two values that the third group reads lie in one place.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  incept.variable @"io/y" kind io role "y" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 192 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-note @+1 {{which is this op's}}
    %0 = incept.group kernel(%x) attributes {offsets = array<i64: 0>} : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    // expected-error @+1 {{expected a result at 64 apart from what is needed at the same time, but a result of 128 bytes lies at 0}}
    %1 = incept.group kernel(%x) attributes {offsets = array<i64: 64>} : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.scale %a by 2.0 : (!x) -> !x
      incept.yield %r : !x
    }
    %2 = incept.group kernel(%0, %1) attributes {offsets = array<i64: -1>} : (!x, !x) -> !x {
    ^bb0(%a: !x, %b: !x):
      %r = incept.add %a, %b : (!x, !x) -> !x
      incept.yield %r : !x
    }
    incept.write @"io/y", %2 : !x
    return
  }
}

// -----

// What is written to a variable lives there, and nothing else does.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  incept.variable @"io/y" kind io role "y" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 192 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-error @+1 {{expected offset -1 for a result that lives in the variable it is written to, and for no other, but got 0}}
    %0 = incept.group kernel(%x) attributes {offsets = array<i64: 0>} : (!x) -> !x {
    ^bb0(%a: !x):
      %r = incept.relu %a : (!x) -> !x
      incept.yield %r : !x
    }
    incept.write @"io/y", %0 : !x
    return
  }
}

// -----

// A part of a concat lies in it.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc, stride = 32, offset = 0>>
!y = tensor<1x16x1x2xf32, #incept.layout<nhwc, stride = 32, offset = 16>>
!v = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
!c = tensor<1x32x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !v
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 256 : i64} {
    %x = incept.read @"io/f32_input" : !v
    %0 = incept.group kernel(%x) attributes {offsets = array<i64: 0>} : (!v) -> !x {
    ^bb0(%a: !v):
      %r = incept.relu %a : (!v) -> !x
      incept.yield %r : !x
    }
    // expected-error @+1 {{expected offset 64, its place in the concat, but got 128}}
    %1 = incept.group kernel(%x) attributes {offsets = array<i64: 128>} : (!v) -> !y {
    ^bb0(%a: !v):
      %r = incept.scale %a by 2.0 : (!v) -> !y
      incept.yield %r : !y
    }
    %2 = incept.concat_view %0, %1 {offset = 0 : i64} : (!x, !y) -> !c
    return
  }
}

// -----

// The value is another variable's.
!x = tensor<1x16x1x2xf32, #incept.layout<nhwc>>
module attributes {incept.target = #incept.target<fake>} {
  incept.variable @"io/f32_input" kind io role "f32_input" : !x
  incept.variable @"io/y" kind io role "y" : !x
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.arena_bytes = 192 : i64} {
    %x = incept.read @"io/f32_input" : !x
    // expected-error @+1 {{expected a value that is computed in the variable, but it lives elsewhere: a copy is missing}}
    incept.write @"io/y", %x : !x
    return
  }
}
