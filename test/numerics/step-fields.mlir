// RUN: incept-run %s --print | FileCheck %s --check-prefix=OWN
// RUN: incept-run %s --print --step beta=0.5 --step other=2 | FileCheck %s --check-prefix=GIVEN
// A field that only this module has is the optimizer's number of that name, and may be given; one that is no number is 0.

module attributes {incept.training = {optimizer = {beta = 0.25 : f64, kind = "none"}}} {
  incept.step_field @beta : f32
  incept.step_field @other : f32
  // OWN: result0 {{.*}}= 0.25{{$}}
  // OWN: result1 {{.*}}= 0{{$}}
  // GIVEN: result0 {{.*}}= 0.5{{$}}
  // GIVEN: result1 {{.*}}= 2{{$}}
  func.func @f() -> (tensor<f32>, tensor<f32>) {
    %beta = incept.step_value @beta : tensor<f32>
    %other = incept.step_value @other : tensor<f32>
    return %beta, %other : tensor<f32>, tensor<f32>
  }
}
