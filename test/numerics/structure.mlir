// RUN: incept-run %s --function=swap,nested --print | FileCheck %s
// Variables, blocks and groups.

incept.variable @a kind slot role "a" init {kind = "constant", value = 4.0 : f64} : tensor<1xf32>
incept.variable @b kind slot role "b" init {kind = "ones"} : tensor<1xf32>

// Reads see the values from before the function, even behind a write: the two change places.
// CHECK-LABEL: @swap
// CHECK-NEXT: result0 1 = [[A:[0-9.]+]]{{$}}
// CHECK-NEXT: result1 1 = [[B:[0-9.]+]]{{$}}
// CHECK-NEXT: a 1 = [[B]]{{$}}
// CHECK-NEXT: b 1 = [[A]]{{$}}
func.func @swap() -> (tensor<1xf32>, tensor<1xf32>) {
  %b = incept.read @b : tensor<1xf32>
  incept.write @a, %b : tensor<1xf32>
  %a = incept.read @a : tensor<1xf32>
  incept.write @b, %a : tensor<1xf32>
  return %a, %b : tensor<1xf32>, tensor<1xf32>
}

// A function sees what the one before wrote. A block may read inside; a group yields several values.
// CHECK-LABEL: @nested
// CHECK-NEXT: result0 1 = [[B]]{{$}}
// CHECK-NEXT: result1 1x2 = 3 0{{$}}
// CHECK-NEXT: result2 1x2 = 6 0{{$}}
func.func @nested() -> (tensor<1xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %x = arith.constant dense<[[3., -1.]]> : tensor<1x2xf32>
  %r, %y = incept.block "outer" of "o" (%x) : (tensor<1x2xf32>) -> (tensor<1xf32>, tensor<1x2xf32>) {
  ^bb0(%arg: tensor<1x2xf32>):
    %inner = incept.block "inner" of "i" (%arg) : (tensor<1x2xf32>) -> tensor<1x2xf32> {
    ^bb0(%deep: tensor<1x2xf32>):
      %relu = incept.relu %deep : (tensor<1x2xf32>) -> tensor<1x2xf32>
      incept.yield %relu : tensor<1x2xf32>
    }
    %read = incept.read @a : tensor<1xf32>
    incept.yield %read, %inner : tensor<1xf32>, tensor<1x2xf32>
  }
  %same, %double = incept.group kernel(%y) : (tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  ^bb0(%arg: tensor<1x2xf32>):
    %sum = incept.add %arg, %arg : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
    incept.yield %arg, %sum : tensor<1x2xf32>, tensor<1x2xf32>
  }
  return %r, %same, %double : tensor<1xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}
