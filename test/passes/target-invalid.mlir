// A pass that asks the target refuses a module whose target is missing or cannot be made, and says why. Fusing a ReLU
// asks on behalf of a function; the place is the module's.
// RUN: incept-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(incept-fuse-conv-relu))'
// RUN: incept-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(incept-fuse-conv-residual))'
// RUN: incept-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(incept-place-concats))'
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-assign-precision=precision=bf16
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-assign-layouts
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-schedule
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-plan-memory
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-lower-to-exec
// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-shape-launches

// expected-error @+1 {{expected the module's attribute incept.target, such as #incept.target<cpu>}}
module {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{expected #incept.target<...> for attribute 'incept.target', but got "cpu"}}
module attributes {incept.target = "cpu"} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{unknown target 'tpu': expected cpu or cuda:DEVICE, e.g. cuda:h100 or fake}}
module attributes {incept.target = #incept.target<tpu>} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{target fake has no setting 'threads'}}
module attributes {incept.target = #incept.target<fake, threads = 2>} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{target fake has no devices, but got 'h100'}}
module attributes {incept.target = #incept.target<fake, "h100">} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{target cpu has no setting 'tf32': expected threads, same_bits, isa, onednn}}
module attributes {incept.target = #incept.target<cpu, tf32>} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{target cpu expects a number of at least 1 as 'threads'}}
module attributes {incept.target = #incept.target<cpu, threads = 0>} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{target cpu expects a number of at least 1 as 'threads'}}
module attributes {incept.target = #incept.target<cpu, threads = "many">} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{the target says onednn '0.1', but here it is '}}
module attributes {incept.target = #incept.target<cpu, onednn = "0.1">} {
  func.func @infer() {
    return
  }
}

// -----

// expected-error @+1 {{unknown device 'h10': did you mean 'h100'?}}
module attributes {incept.target = #incept.target<cuda, "h10">} {
  func.func @infer() {
    return
  }
}
