// REQUIRES: torch
// RUN: rm -rf %t && mkdir %t
// RUN: %{torch_python} %S/Inputs/incept_run_files.py incept-run %s %t
// RUN: not incept-run %s --function=pair --inputs=%t/wrong.safetensors --output=%t/none.safetensors 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not ls %t/none.safetensors
// RUN: not incept-run %s --inputs=%t/all.safetensors,%t/again.safetensors 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not incept-run %s --inputs=%t/absent.safetensors 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not incept-run %s --inputs=%t/all.safetensors --compare=%s 2>&1 | FileCheck %s --check-prefix=USAGE
// RUN: not incept-run %s --function=pair --output=%t/no/folder.safetensors 2>&1 | FileCheck %s --check-prefix=FOLDER
// Variables and arguments come from files by name; results and written variables go to one.

incept.variable @x kind slot role "x" init {kind = "ones"} : tensor<3xf32>
incept.variable @labels kind io role "labels" : tensor<2xi64>
incept.variable @copy kind io role "copy" : tensor<2xi64>

// WRONG-DAG: files.mlir:[[#@LINE-4]]:1: error: expected tensor 'x' of type F32 or F64 and shape 3, but '{{.*}}wrong.safetensors' has F32 of shape 4
// WRONG-DAG: files.mlir:[[#@LINE-4]]:1: error: expected tensor 'labels' of type I64 and shape 2, but '{{.*}}wrong.safetensors' has F32 of shape 2
// WRONG-DAG: files.mlir:[[#@LINE+7]]:17: error: expected tensor 'a' of type F32 or F64 and shape 3, but '{{.*}}wrong.safetensors' has I64 of shape 3
// WRONG-DAG: files.mlir:[[#@LINE+6]]:36: error: expected a tensor 'arg1' of shape 1x3 in the files of --inputs, but there is none
// WRONG-DAG: files.mlir:0:0: error: expected only variables and arguments in '{{.*}}wrong.safetensors', but tensor 'y' is neither
// TWICE: error: '{{.*}}again.safetensors' and '{{.*}}all.safetensors' both have a tensor 'x': give only one of them
// ABSENT: error: cannot read '{{.*}}absent.safetensors'
// USAGE: error: expected --inputs and --output without --compare
// FOLDER: error: cannot write '{{.*}}no/folder.safetensors'
func.func @pair(%a: tensor<3xf32>, %rows: tensor<1x3xf32>) -> (tensor<3xf32>, tensor<1x3xf32>) {
  %x = incept.read @x : tensor<3xf32>
  %l = incept.read @labels : tensor<2xi64>
  %sum = incept.add %x, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  incept.write @x, %sum : tensor<3xf32>
  incept.write @copy, %l : tensor<2xi64>
  return %a, %rows : tensor<3xf32>, tensor<1x3xf32>
}

// Reads what @pair wrote: no file needs to have it where both run.
func.func @after() {
  %l = incept.read @copy : tensor<2xi64>
  incept.write @labels, %l : tensor<2xi64>
  return
}
