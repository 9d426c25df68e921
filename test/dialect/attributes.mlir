// RUN: incept-opt %s -split-input-file -verify-diagnostics -o /dev/null
// What the attributes of the dialect may be: each of them with what it is not, at its place and elsewhere.

// All of them as they may be.
module attributes {incept.phase = "exec", incept.mode = "infer", incept.precision = "bf16", incept.target = #incept.target<cpu>, incept.network = "", incept.spec_text = "", incept.spec_hash = "", incept.training = {}, incept.normalization = {}, incept.image = {}, incept.label_map = {}, incept.memory = {}, incept.macs = 0 : i64, incept.batch_size = -1 : i64, incept.classes = 0 : i64, incept.keep_gradients, incept.training_only = [], incept.outputs = [], incept.path = "p"} {
  func.func @f() attributes {incept.entry = #incept.entry<infer>, incept.loss_weights = array<f64: 1.0>, incept.arena_bytes = -1 : i64, incept.arena_lower_bound = 0 : i64, incept.peak = [], incept.peak_group = 0 : i64, incept.path = "p", incept.candidates = "c", incept.apart = "a", incept.statistics = "s", incept.norm_gradient = "n", incept.with_next, incept.flops = 0 : i64, incept.bytes = 0 : i64} { return }
}

// -----

// expected-error @+1 {{expected the name of a phase for attribute 'incept.phase', but got "grap"}}
module attributes {incept.phase = "grap"} {}

// -----

// expected-error @+1 {{has attribute 'incept.phase', which belongs to a module}}
func.func @f() attributes {incept.phase = "grap"} { return }

// -----

// expected-error @+1 {{expected "train" or "infer" for attribute 'incept.mode', but got "training"}}
module attributes {incept.mode = "training"} {}

// -----

// expected-error @+1 {{has attribute 'incept.mode', which belongs to a module}}
func.func @f() attributes {incept.mode = "training"} { return }

// -----

// expected-error @+1 {{expected "f32", "bf16" or "f16" for attribute 'incept.precision', but got "f64"}}
module attributes {incept.precision = "f64"} {}

// -----

// expected-error @+1 {{has attribute 'incept.precision', which belongs to a module}}
func.func @f() attributes {incept.precision = "f64"} { return }

// -----

// expected-error @+1 {{expected #incept.target<...> for attribute 'incept.target', but got "cpu"}}
module attributes {incept.target = "cpu"} {}

// -----

// expected-error @+1 {{has attribute 'incept.target', which belongs to a module}}
func.func @f() attributes {incept.target = "cpu"} { return }

// -----

// expected-error @+1 {{expected a string for attribute 'incept.network', but got 1 : i64}}
module attributes {incept.network = 1 : i64} {}

// -----

// expected-error @+1 {{has attribute 'incept.network', which belongs to a module}}
func.func @f() attributes {incept.network = 1 : i64} { return }

// -----

// expected-error @+1 {{expected a string for attribute 'incept.spec_text', but got []}}
module attributes {incept.spec_text = []} {}

// -----

// expected-error @+1 {{has attribute 'incept.spec_text', which belongs to a module}}
func.func @f() attributes {incept.spec_text = []} { return }

// -----

// expected-error @+1 {{expected a string for attribute 'incept.spec_hash', but got unit}}
module attributes {incept.spec_hash = unit} {}

// -----

// expected-error @+1 {{has attribute 'incept.spec_hash', which belongs to a module}}
func.func @f() attributes {incept.spec_hash = unit} { return }

// -----

// expected-error @+1 {{expected a dictionary for attribute 'incept.training', but got []}}
module attributes {incept.training = []} {}

// -----

// expected-error @+1 {{has attribute 'incept.training', which belongs to a module}}
func.func @f() attributes {incept.training = []} { return }

// -----

// expected-error @+1 {{expected a dictionary for attribute 'incept.normalization', but got "x"}}
module attributes {incept.normalization = "x"} {}

// -----

// expected-error @+1 {{has attribute 'incept.normalization', which belongs to a module}}
func.func @f() attributes {incept.normalization = "x"} { return }

// -----

// expected-error @+1 {{expected a dictionary for attribute 'incept.image', but got 1 : i64}}
module attributes {incept.image = 1 : i64} {}

// -----

// expected-error @+1 {{has attribute 'incept.image', which belongs to a module}}
func.func @f() attributes {incept.image = 1 : i64} { return }

// -----

// expected-error @+1 {{expected a dictionary for attribute 'incept.label_map', but got []}}
module attributes {incept.label_map = []} {}

// -----

// expected-error @+1 {{has attribute 'incept.label_map', which belongs to a module}}
func.func @f() attributes {incept.label_map = []} { return }

// -----

// expected-error @+1 {{expected a dictionary for attribute 'incept.memory', but got unit}}
module attributes {incept.memory = unit} {}

// -----

// expected-error @+1 {{has attribute 'incept.memory', which belongs to a module}}
func.func @f() attributes {incept.memory = unit} { return }

// -----

// expected-error @+1 {{expected an i64 that is not negative for attribute 'incept.macs', but got -1 : i64}}
module attributes {incept.macs = -1 : i64} {}

// -----

// expected-error @+1 {{has attribute 'incept.macs', which belongs to a module}}
func.func @f() attributes {incept.macs = -1 : i64} { return }

// -----

// expected-error @+1 {{expected an i64 for attribute 'incept.batch_size', but got 2 : i32}}
module attributes {incept.batch_size = 2 : i32} {}

// -----

// expected-error @+1 {{has attribute 'incept.batch_size', which belongs to a module}}
func.func @f() attributes {incept.batch_size = 2 : i32} { return }

// -----

// expected-error @+1 {{expected an i64 for attribute 'incept.classes', but got 2.000000e+00 : f64}}
module attributes {incept.classes = 2.000000e+00 : f64} {}

// -----

// expected-error @+1 {{has attribute 'incept.classes', which belongs to a module}}
func.func @f() attributes {incept.classes = 2.000000e+00 : f64} { return }

// -----

// expected-error @+1 {{expected a unit attribute for attribute 'incept.keep_gradients', but got true}}
module attributes {incept.keep_gradients = true} {}

// -----

// expected-error @+1 {{has attribute 'incept.keep_gradients', which belongs to a module}}
func.func @f() attributes {incept.keep_gradients = true} { return }

// -----

// expected-error @+1 {{expected an array for attribute 'incept.training_only', but got {}}}
module attributes {incept.training_only = {}} {}

// -----

// expected-error @+1 {{has attribute 'incept.training_only', which belongs to a module}}
func.func @f() attributes {incept.training_only = {}} { return }

// -----

// expected-error @+1 {{expected an array for attribute 'incept.outputs', but got "a"}}
module attributes {incept.outputs = "a"} {}

// -----

// expected-error @+1 {{has attribute 'incept.outputs', which belongs to a module}}
func.func @f() attributes {incept.outputs = "a"} { return }

// -----

// expected-error @+1 {{expected #incept.entry<...> for attribute 'incept.entry', but got "infer"}}
func.func @f() attributes {incept.entry = "infer"} { return }

// -----

// expected-error @+1 {{has attribute 'incept.entry', which belongs to a function}}
module attributes {incept.entry = "infer"} {}

// -----

// expected-error @+1 {{expected an array<f64> for attribute 'incept.loss_weights', but got [1.000000e+00]}}
func.func @f() attributes {incept.loss_weights = [1.000000e+00]} { return }

// -----

// expected-error @+1 {{has attribute 'incept.loss_weights', which belongs to a function}}
module attributes {incept.loss_weights = [1.000000e+00]} {}

// -----

// expected-error @+1 {{expected an i64 for attribute 'incept.arena_bytes', but got 1 : i32}}
func.func @f() attributes {incept.arena_bytes = 1 : i32} { return }

// -----

// expected-error @+1 {{has attribute 'incept.arena_bytes', which belongs to a function}}
module attributes {incept.arena_bytes = 1 : i32} {}

// -----

// expected-error @+1 {{expected an i64 for attribute 'incept.arena_lower_bound', but got 1.000000e+00 : f64}}
func.func @f() attributes {incept.arena_lower_bound = 1.000000e+00 : f64} { return }

// -----

// expected-error @+1 {{has attribute 'incept.arena_lower_bound', which belongs to a function}}
module attributes {incept.arena_lower_bound = 1.000000e+00 : f64} {}

// -----

// expected-error @+1 {{expected an array for attribute 'incept.peak', but got {}}}
func.func @f() attributes {incept.peak = {}} { return }

// -----

// expected-error @+1 {{has attribute 'incept.peak', which belongs to a function}}
module attributes {incept.peak = {}} {}

// -----

// expected-error @+1 {{expected an i64 for attribute 'incept.peak_group', but got 1 : index}}
func.func @f() attributes {incept.peak_group = 1 : index} { return }

// -----

// expected-error @+1 {{has attribute 'incept.peak_group', which belongs to a function}}
module attributes {incept.peak_group = 1 : index} {}

// -----

// expected-error @+1 {{expected a string that is not empty for attribute 'incept.path', but got ""}}
func.func @f() attributes {incept.path = ""} { return }

// -----

// expected-error @+1 {{expected a string that is not empty for attribute 'incept.candidates', but got 1 : i64}}
func.func @f() attributes {incept.candidates = 1 : i64} { return }

// -----

// expected-error @+1 {{expected a string that is not empty for attribute 'incept.apart', but got ""}}
func.func @f() attributes {incept.apart = ""} { return }

// -----

// expected-error @+1 {{expected a string that is not empty for attribute 'incept.statistics', but got unit}}
func.func @f() attributes {incept.statistics = unit} { return }

// -----

// expected-error @+1 {{expected a string that is not empty for attribute 'incept.norm_gradient', but got []}}
func.func @f() attributes {incept.norm_gradient = []} { return }

// -----

// expected-error @+1 {{expected a unit attribute for attribute 'incept.with_next', but got true}}
func.func @f() attributes {incept.with_next = true} { return }

// -----

// expected-error @+1 {{expected an i64 that is not negative for attribute 'incept.flops', but got -1 : i64}}
func.func @f() attributes {incept.flops = -1 : i64} { return }

// -----

// expected-error @+1 {{expected an i64 that is not negative for attribute 'incept.bytes', but got 1 : i32}}
func.func @f() attributes {incept.bytes = 1 : i32} { return }

// -----

module { module attributes {incept.phase = "graph"} {}
module attributes {incept.phase = "training"} {}
module attributes {incept.phase = "fused"} {}
module attributes {incept.phase = "layout"} {}
module attributes {incept.phase = "planned"} {}
module attributes {incept.mode = "train", incept.precision = "f32"} {}
module attributes {incept.precision = "f16"} {} }

// -----

// expected-error @+1 {{expected a format}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<"">>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'dense', stride 8 and offset 0}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<dense, stride = 8, offset = 0>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride 0 and offset 1}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 0, offset = 1>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride -8 and offset 0}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = -8, offset = 0>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride 8 and offset -1}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8, offset = -1>>)

// -----

// expected-error @+1 {{expected a channel slice of nhwc with 0 <= offset < stride, but got format 'nhwc', stride 8 and offset 8}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8, offset = 8>>)

// -----

// The last channel, the only one, and no slice.
func.func private @f(tensor<2x1x3x3xf32, #incept.layout<nhwc, stride = 8, offset = 7>>, tensor<2x1x3x3xf32, #incept.layout<nhwc, stride = 1, offset = 0>>, tensor<2xf32, #incept.layout<nhwc, stride = 0, offset = 0>>)

// -----

// expected-error @+1 {{expected 'stride'}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, offset = 1>>)

// -----

// expected-error @+1 {{expected '='}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride 8, offset = 1>>)

// -----

// expected-error @+1 {{expected integer value}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = x, offset = 1>>)

// -----

// expected-error @+1 {{expected ','}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8>>)

// -----

// expected-error @+1 {{expected 'offset'}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8, depth = 1>>)

// -----

// expected-error @+1 {{expected '='}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8, offset 1>>)

// -----

// expected-error @+1 {{expected '>'}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<nhwc, stride = 8, offset = 1, >>)

// -----

// expected-error @+1 {{expected valid keyword or string}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout<>>)

// -----

// expected-error @+1 {{expected '<'}}
func.func private @f(tensor<2x4x3x3xf32, #incept.layout{}>)

// -----

// expected-error @+1 {{expected valid keyword}}
module attributes {incept.target = #incept.target<cpu, 3>} {}

// -----

// expected-error @+1 {{expected attribute value}}
module attributes {incept.target = #incept.target<cpu, threads = >} {}

// -----

// expected-error @+1 {{expected valid keyword}}
module attributes {incept.target = #incept.target<cpu, "a", "b">} {}

// -----

// expected-error @+1 {{expected a number or a text as setting 'tf32'}}
module attributes {incept.target = #incept.target<cpu, tf32 = [1]>} {}
