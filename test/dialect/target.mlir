// RUN: incept-opt %s -split-input-file -verify-diagnostics --verify-roundtrip | FileCheck %s

// Settings are printed in the order of their names; a device comes first.
// CHECK: module attributes {incept.target = #incept.target<cuda, "h100", cudnn = "9.1.0", tf32, threads = 8>}
module attributes {incept.target = #incept.target<cuda, "h100", tf32, threads = 8, cudnn = "9.1.0">} {
}

// -----

// CHECK: module attributes {incept.target = #incept.target<"a b", "c d", e.f = "g">}
module attributes {incept.target = #incept.target<"a b", "c d", e.f = "g">} {
}

// -----

// expected-error @+1 {{setting 'threads' is there twice}}
module attributes {incept.target = #incept.target<cpu, threads = 1, threads = 2>} {
}

// -----

// expected-error @+1 {{expected a number or a text as setting 'threads'}}
module attributes {incept.target = #incept.target<cpu, threads = 1.5>} {
}

// -----

// expected-error @+1 {{expected a number or a text as setting 'threads'}}
module attributes {incept.target = #incept.target<cpu, threads = 1 : i32>} {
}
