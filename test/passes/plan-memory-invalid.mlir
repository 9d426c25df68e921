// RUN: incept-opt %s --incept-plan-memory --split-input-file --verify-diagnostics
// RUN: incept-opt %s --incept-schedule --split-input-file --verify-diagnostics

module attributes {incept.target = #incept.target<fake>} {
// An argument has no place in memory: values come from variables.
// expected-error @below {{expected a body without arguments and results, but got '(tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> ()': read and write variables instead}}
func.func @argument(%x: tensor<1x16x1x2xf32, #incept.layout<nhwc>>) {
  %0 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Nor would anyone find a result.
incept.variable @x kind state : tensor<16xf32, #incept.layout<dense>>

// expected-error @below {{expected a body without arguments and results, but got '() -> tensor<16xf32, #incept.layout<dense>>'}}
func.func @result() -> tensor<16xf32, #incept.layout<dense>> {
  %x = incept.read @x : tensor<16xf32, #incept.layout<dense>>
  return %x : tensor<16xf32, #incept.layout<dense>>
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// expected-error @below {{expected a body without arguments and results}}
func.func private @declaration()
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Only groups compute.
incept.variable @x kind state : tensor<16xf32, #incept.layout<dense>>

func.func @outside_a_group() {
  %x = incept.read @x : tensor<16xf32, #incept.layout<dense>>
  // expected-error @below {{computes a value outside a group, which has no place in memory}}
  %y = incept.scale %x by 2.0 : (tensor<16xf32, #incept.layout<dense>>) -> tensor<16xf32, #incept.layout<dense>>
  %z = incept.group kernel(%y) : (tensor<16xf32, #incept.layout<dense>>) -> tensor<16xf32, #incept.layout<dense>> {
  ^bb0(%a: tensor<16xf32, #incept.layout<dense>>):
    %r = incept.scale %a by 2.0 : (tensor<16xf32, #incept.layout<dense>>) -> tensor<16xf32, #incept.layout<dense>>
    incept.yield %r : tensor<16xf32, #incept.layout<dense>>
  }
  incept.write @x, %z : tensor<16xf32, #incept.layout<dense>>
  return
}
}
