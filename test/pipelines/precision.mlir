// The network of small.mlir in low precision through every phase, with the fake target.
// RUN: incept-opt %S/small.mlir --incept-to-training="precision=bf16" --incept-to-fused --incept-to-layout --incept-to-planned --incept-to-exec -o %t.bf16
// RUN: incept-opt %t.bf16 | FileCheck %s --check-prefix=BF16
// RUN: incept-opt %S/small.mlir --incept-to-training="precision=f16" --incept-to-fused --incept-to-layout --incept-to-planned --incept-to-exec -o %t.f16
// RUN: incept-opt %t.f16 | FileCheck %s --check-prefix=F16
// RUN: not incept-opt %S/small.mlir --incept-to-training="precision=half" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: expected precision f32, bf16 or f16

// Parameters: conv.weight (2304 elements in the fake target's format, 9216 bytes), b.weight (256), fc.weight (480). Their
// copies have the same offsets in elements; gradients of convolutions' weights are bf16 and updated at once.
// BF16: module attributes {{.*}}incept.precision = "bf16"
// BF16-DAG: incept.variable @conv.weight {{.*}}bytes = 9216 : i64, offset = 0 : i64
// BF16-DAG: incept.variable @"copy/conv.weight" {{.*}}bytes = 4608 : i64, offset = 0 : i64, region = @copy
// BF16-DAG: incept.variable @b.weight {{.*}}bytes = 1024 : i64, offset = 9216 : i64
// BF16-DAG: incept.variable @"copy/b.weight" {{.*}}bytes = 512 : i64, offset = 4608 : i64, region = @copy
// BF16-DAG: incept.variable @fc.weight {{.*}}bytes = 1920 : i64, offset = 10240 : i64
// BF16-DAG: incept.variable @"copy/fc.weight" {{.*}}bytes = 960 : i64, offset = 5120 : i64, region = @copy
// One launch makes all copies.
// BF16-LABEL: func.func @prepare_training
// BF16: incept.exec.kernel @{{.*}}cast ins({{.*}}) outs({{.*}}) extents [3040] units 3
// BF16-NOT: incept.exec.kernel
// BF16-LABEL: func.func @forward_backward
// Nothing casts weights; an update writes parameter, slots and copy.
// BF16-NOT: _cast
// BF16: incept.exec.kernel @{{.*}}rmsprop_update ins({{.*}}) outs({{.*}}memref<{{.*}}xbf16>) extents [
// BF16-LABEL: func.func @prepare_inference
// BF16: incept.exec.library @{{.*}} ins({{.*}} : memref<2304xf32>, memref<16xf32>) outs({{.*}} : memref<2304xf32>)
// BF16: incept.exec.kernel @{{.*}}cast
// BF16-LABEL: func.func @update
// BF16-NOT: count_nonfinite

// F16-DAG: incept.variable @"grad/conv.weight" {{.*}}offset = 0 : i64, region = @grads_f16
// F16-DAG: incept.variable @"grad/b.weight" {{.*}}offset = 4608 : i64, region = @grads_f16
// F16-DAG: incept.variable @"grad/fc.weight" {{.*}}offset = 0 : i64, region = @grads}
// F16-DAG: incept.variable @"loss_scale/scale" {{.*}}region = @loss_scale
// F16-LABEL: func.func @forward_backward
// F16: incept.exec.kernel @{{.*}}softmax_cross_entropy_backward ins({{.*}} : memref<4x10xf32>, memref<4xi64>, memref<f32>) outs({{.*}} : memref<4x10xf16>)
// F16-NOT: rmsprop_update
// F16-LABEL: func.func @update
// All gradients of a type are counted at once: 480 of fc.weight and three vectors of 16, 16 and 10 behind it; 2304 + 256.
// F16: incept.exec.kernel @{{.*}}count_nonfinite ins({{.*}} : memref<522xf32>) outs({{.*}} : memref<1xf32>) extents [522, 4096] units 1
// F16: incept.exec.kernel @{{.*}}count_nonfinite ins({{.*}} : memref<2560xf16>) outs({{.*}} : memref<1xf32>) extents [2560, 4096] units 1
// F16: incept.exec.kernel @{{.*}}combine ins({{.*}} : memref<2x1xf32>) outs({{.*}} : memref<1xf32>) extents [2, 1] units 1
// F16: incept.exec.kernel @{{.*}}loss_scale_update ins({{.*}}) outs({{.*}}) extents [1] units 1
// Gradients of either type and with or without copies make three kernels, each launched once.
// F16-COUNT-3: incept.exec.kernel @{{.*}}rmsprop_update
// F16-NOT: rmsprop_update
// Both running statistics.
// F16: incept.exec.kernel @{{.*}}select ins({{.*}}) outs({{.*}}) extents [32] units 1
// F16-NOT: incept.exec.kernel
// F16: return
