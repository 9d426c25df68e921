// RUN: incept-opt %s -verify-diagnostics -split-input-file -incept-verify-phase="phase=exec"

func.func @f() attributes {incept.entry = #incept.entry<infer>} {
  // expected-error @+1 {{'incept.zeros' op does not belong to phase exec}}
  %x = incept.zeros : tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{'incept.step_field' op does not belong to phase exec}}
incept.step_field @learning_rate : f32

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 64
  // expected-error @+1 {{expected a region, an offset and bytes in phase exec}}
  incept.variable @v kind parameter {region = @params, offset = 0 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  // expected-error @+1 {{expected a region named 'params', but there is none}}
  incept.variable @v kind parameter {region = @params, offset = 0 : i64, bytes = 16 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 64
  // expected-error @+1 {{expected 16 bytes or more at a multiple of 4 inside region 'params' of 64 bytes, but got 12 at 0}}
  incept.variable @v kind parameter {region = @params, offset = 0 : i64, bytes = 12 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 64
  // expected-error @+1 {{expected 16 bytes or more at a multiple of 4 inside region 'params' of 64 bytes, but got 16 at 52}}
  incept.variable @v kind parameter {region = @params, offset = 52 : i64, bytes = 16 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 64
  // expected-note @+1 {{defined here}}
  incept.variable @v kind parameter {region = @params, offset = 0 : i64, bytes = 32 : i64} : tensor<4xf32>
  // expected-error @+1 {{expected bytes of its own, but 'v' has 32 at 0}}
  incept.variable @w kind parameter {region = @params, offset = 16 : i64, bytes = 16 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @step 64
  incept.exec.field "learning_rate" of @step at 24 : f32
  // expected-error @+1 {{expected a region of variables, but got 'step', which holds fields}}
  incept.variable @v kind parameter {region = @step, offset = 0 : i64, bytes = 16 : i64} : tensor<4xf32>
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @step 64
  incept.exec.field "seed" of @step at 8 : ui64
  incept.exec.field "learning_rate" of @step at 24 : f32
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    %0 = incept.exec.slice @step at 8 : memref<i64>
    %1 = incept.exec.slice @step at 24 : memref<f32>
    // expected-error @+1 {{expected one field of region 'step', but there is none of 'i32' at 24}}
    %2 = incept.exec.slice @step at 24 : memref<i32>
    return
  }
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 192
  incept.variable @v kind parameter {region = @params, offset = 0 : i64, bytes = 16 : i64} : tensor<4xf32>
  incept.variable @w kind parameter {region = @params, offset = 64 : i64, bytes = 16 : i64} : tensor<4xf32>
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    // Both, and what lies between them.
    %0 = incept.exec.slice @params at 0 : memref<20xf32>
    %1 = incept.exec.slice @params at 72 : memref<2xf32>
    // expected-error @+1 {{expected variables at bytes 72 to 84 of region 'params', but there are none from 80 on}}
    %2 = incept.exec.slice @params at 72 : memref<3xf32>
    return
  }
}

// -----

module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @params 64
  // expected-note @+1 {{defined here}}
  incept.variable @v kind parameter {region = @params, offset = 0 : i64, bytes = 16 : i64} : tensor<4xf32>
  func.func @f() attributes {incept.entry = #incept.entry<update>} {
    // expected-error @+1 {{expected variables of 'i32' there, but 'v' is of 'tensor<4xf32>'}}
    %0 = incept.exec.slice @params at 0 : memref<4xi32>
    return
  }
}

// -----

!x = memref<1x4x2x2xf32, strided<[32, 1, 16, 8]>>
module attributes {incept.target = #incept.target<fake>} {
  incept.exec.region @arena 512
  incept.variable @v kind derived {region = @arena, offset = 256 : i64, bytes = 128 : i64} : tensor<1x4x2x2xf32>
  incept.exec.kernel_def @relu map {
  ^bb0(%x: tensor<?x?x?x?xf32>):
    %y = incept.relu %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
    incept.yield %y : tensor<?x?x?x?xf32>
  }
  func.func @f() attributes {incept.entry = #incept.entry<infer>} {
    %v = incept.exec.slice @arena at 256 : !x
    %a = incept.exec.slice @arena at 0 : !x
    %b = incept.exec.slice @arena at 16 : !x
    %c = incept.exec.slice @arena at 128 : !x
    // Derived variables are prepared, channels beside each other make a tensor.
    incept.exec.kernel @relu ins(%v : !x) outs(%a : !x) extents [4, 4, 8, 8] units 4
    incept.exec.kernel @relu ins(%a : !x) outs(%c : !x) extents [4, 4, 8, 8] units 4
    incept.exec.kernel @relu ins(%v : !x) outs(%b : !x) extents [4, 4, 8, 8] units 4
    %all = incept.exec.slice @arena at 0 : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>
    incept.exec.kernel @relu ins(%all : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>) outs(%all : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>) extents [4, 8, 8, 8] units 4
    // expected-note @+1 {{which are in this slice}}
    %d = incept.exec.slice @arena at 144 : !x
    // expected-error @+1 {{expected to read what an earlier launch of @f has written, but operand 0 has bytes that none has}}
    incept.exec.kernel @relu ins(%d : !x) outs(%c : !x) extents [4, 4, 8, 8] units 4
    return
  }
}
