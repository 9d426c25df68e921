// RUN: split-file %s %t
// RUN: incept-run %t/first.mlir --compare %t/same.mlir | FileCheck %s --check-prefix=SAME
// RUN: not incept-run %t/first.mlir --compare %t/different.mlir 2>&1 | FileCheck %s --check-prefix=DIFFERENT
// RUN: incept-run %t/first.mlir --compare %t/different.mlir --tolerance=1e-2 | FileCheck %s --check-prefix=TOLERATED
// RUN: not incept-run %t/first.mlir --compare %t/nothing.mlir 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not incept-run %t/first.mlir --compare %t/shape.mlir 2>&1 | FileCheck %s --check-prefix=SHAPE
// Two modules are run on the same values, variables by name; what both wrote or returned is compared.

// SAME: f#0: largest difference 0{{$}}
// SAME: x: largest difference 0{{$}}
// DIFFERENT: first.mlir:1:1: error: expected 'x' to be the same in both modules, but the values differ by 0.00
// TOLERATED: x: largest difference 0.00
// NOTHING: error: expected results or written variables that both modules have, but there are none
// SHAPE: error: expected 'x' of shape 4, but got 3

//--- first.mlir
incept.variable @x kind slot role "x" init {kind = "ones"} : tensor<4xf32>
func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %x = incept.read @x : tensor<4xf32>
  %y = incept.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  incept.write @x, %y : tensor<4xf32>
  return %a : tensor<4xf32>
}

//--- same.mlir
incept.variable @other kind slot role "other" : tensor<2xf32>
incept.variable @x kind slot role "x" init {kind = "ones"} : tensor<4xf32>
func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %x = incept.read @x : tensor<4xf32>
  %y = incept.scale %x by 2.0 : (tensor<4xf32>) -> tensor<4xf32>
  incept.write @x, %y : tensor<4xf32>
  return %a : tensor<4xf32>
}

//--- different.mlir
incept.variable @x kind slot role "x" init {kind = "ones"} : tensor<4xf32>
func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %x = incept.read @x : tensor<4xf32>
  %y = incept.scale %x by 2.001 : (tensor<4xf32>) -> tensor<4xf32>
  incept.write @x, %y : tensor<4xf32>
  return %a : tensor<4xf32>
}

//--- nothing.mlir
incept.variable @z kind slot role "z" : tensor<4xf32>

//--- shape.mlir
incept.variable @x kind slot role "x" : tensor<3xf32>
func.func @f() {
  %x = incept.read @x : tensor<3xf32>
  incept.write @x, %x : tensor<3xf32>
  return
}
