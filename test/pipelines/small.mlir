module attributes {incept.network = "small", incept.mode = "train",
                   incept.training = {label_smoothing = 1.000000e-01 : f64, optimizer = {kind = "rmsprop"}}} {
  incept.variable @conv.weight kind "parameter" decay : tensor<16x3x3x3xf32>
  incept.variable @bn.weight kind "parameter" : tensor<16xf32>
  incept.variable @bn.bias kind "parameter" : tensor<16xf32>
  incept.variable @bn.running_mean kind "state" : tensor<16xf32>
  incept.variable @bn.running_var kind "state" : tensor<16xf32>
  incept.variable @b.weight kind "parameter" decay : tensor<16x16x1x1xf32>
  incept.variable @fc.weight kind "parameter" decay : tensor<10x48xf32>
  incept.variable @fc.bias kind "parameter" : tensor<10xf32>
  func.func @network(%images: tensor<4x3x9x9xf32>) -> tensor<4x10xf32> {
    %0 = incept.block "stem" of "stem" (%images) : (tensor<4x3x9x9xf32>) -> tensor<4x16x4x4xf32> {
    ^bb0(%x: tensor<4x3x9x9xf32>):
      %w = incept.read @conv.weight : tensor<16x3x3x3xf32>
      %y = incept.conv2d %x, %w stride [2, 2] {incept.path = "conv"} : (tensor<4x3x9x9xf32>, tensor<16x3x3x3xf32>) -> tensor<4x16x4x4xf32>
      %g = incept.read @bn.weight : tensor<16xf32>
      %b = incept.read @bn.bias : tensor<16xf32>
      %m = incept.read @bn.running_mean : tensor<16xf32>
      %v = incept.read @bn.running_var : tensor<16xf32>
      %n = incept.batch_norm %y gamma %g beta %b mean %m variance %v {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, incept.path = "bn"} : (tensor<4x16x4x4xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16x4x4xf32>
      %r = incept.relu %n : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
      incept.yield %r : tensor<4x16x4x4xf32>
    }
    %p = incept.avg_pool %0 kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
    %mp = incept.max_pool %0 kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
    %bw = incept.read @b.weight : tensor<16x16x1x1xf32>
    %bc = incept.conv2d %0, %bw : (tensor<4x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<4x16x4x4xf32>
    %c = incept.concat %p, %mp, %bc : (tensor<4x16x4x4xf32>, tensor<4x16x4x4xf32>, tensor<4x16x4x4xf32>) -> tensor<4x48x4x4xf32>
    %gap = incept.global_avg_pool %c : (tensor<4x48x4x4xf32>) -> tensor<4x48x1x1xf32>
    %d = incept.random_drop %gap keep 8.000000e-01 {incept.path = "dropout"} : (tensor<4x48x1x1xf32>) -> tensor<4x48x1x1xf32>
    %f = incept.flatten %d : (tensor<4x48x1x1xf32>) -> tensor<4x48xf32>
    %fw = incept.read @fc.weight : tensor<10x48xf32>
    %fb = incept.read @fc.bias : tensor<10xf32>
    %l = incept.linear %f, %fw bias %fb : (tensor<4x48xf32>, tensor<10x48xf32>, tensor<10xf32>) -> tensor<4x10xf32>
    return %l : tensor<4x10xf32>
  }
}
