module attributes {incept.macs = 154032 : i64, incept.mode = "train", incept.network = "edits", incept.normalization = {mean = array<f64: 5.000000e-01, 4.000000e-01, 3.000000e-01>, std = array<f64: 2.000000e-01, 3.000000e-01, 4.000000e-01>}, incept.phase = "graph", incept.spec_hash = "6833b7b1101c77ad", incept.target = #incept.target<cpu, threads = 1>, incept.training = {epochs = 1 : i64, label_smoothing = 1.000000e-01 : f64, learning_rate = {base = 1.000000e-01 : f64, every_epochs = 2.000000e+00 : f64, final = 0.000000e+00 : f64, gamma = 0.93999999999999994 : f64, kind = "constant", warmup_epochs = 0.000000e+00 : f64}, optimizer = {decay = 9.000000e-01 : f64, epsilon = 1.000000e+00 : f64, kind = "rmsprop", momentum = 9.000000e-01 : f64}, seed = 0 : i64, weight_decay = 1.000000e-04 : f64}} {
  incept.variable @stem.conv.weight kind parameter decay init {fan_in = 27 : i64, fan_out = 144 : i64, kind = "he_normal"} : tensor<16x3x3x3xf32>
  incept.variable @stem.bn.weight kind parameter init {kind = "ones"} : tensor<16xf32>
  incept.variable @stem.bn.bias kind parameter init {kind = "zeros"} : tensor<16xf32>
  incept.variable @stem.bn.running_mean kind state init {kind = "zeros"} : tensor<16xf32>
  incept.variable @stem.bn.running_var kind state init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.pool.conv1.conv.weight kind parameter decay init {fan_in = 16 : i64, fan_out = 16 : i64, kind = "he_normal"} : tensor<16x16x1x1xf32>
  incept.variable @mixed.pool.conv1.bn.weight kind parameter init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.pool.conv1.bn.bias kind parameter init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.pool.conv1.bn.running_mean kind state init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.pool.conv1.bn.running_var kind state init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.b1x1.conv.weight kind parameter decay init {fan_in = 16 : i64, fan_out = 16 : i64, kind = "he_normal"} : tensor<16x16x1x1xf32>
  incept.variable @mixed.b1x1.bn.weight kind parameter init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.b1x1.bn.bias kind parameter init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.b1x1.bn.running_mean kind state init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.b1x1.bn.running_var kind state init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.b3x3.conv1.conv.weight kind parameter decay init {fan_in = 16 : i64, fan_out = 16 : i64, kind = "he_normal"} : tensor<16x16x1x1xf32>
  incept.variable @mixed.b3x3.conv1.bn.weight kind parameter init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.b3x3.conv1.bn.bias kind parameter init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.b3x3.conv1.bn.running_mean kind state init {kind = "zeros"} : tensor<16xf32>
  incept.variable @mixed.b3x3.conv1.bn.running_var kind state init {kind = "ones"} : tensor<16xf32>
  incept.variable @mixed.b3x3.conv2.weight kind parameter decay init {fan_in = 144 : i64, fan_out = 72 : i64, kind = "he_normal"} : tensor<8x16x3x3xf32>
  incept.variable @mixed.b3x3.conv2.bias kind parameter init {kind = "zeros"} : tensor<8xf32>
  incept.variable @residual.conv1.weight kind parameter decay init {fan_in = 40 : i64, fan_out = 40 : i64, kind = "he_normal"} : tensor<40x40x1x1xf32>
  incept.variable @residual.conv1.bias kind parameter init {kind = "zeros"} : tensor<40xf32>
  incept.variable @reduction.b3x3.conv.weight kind parameter decay init {fan_in = 360 : i64, fan_out = 72 : i64, kind = "he_normal"} : tensor<8x40x3x3xf32>
  incept.variable @reduction.b3x3.bn.weight kind parameter init {kind = "ones"} : tensor<8xf32>
  incept.variable @reduction.b3x3.bn.bias kind parameter init {kind = "zeros"} : tensor<8xf32>
  incept.variable @reduction.b3x3.bn.running_mean kind state init {kind = "zeros"} : tensor<8xf32>
  incept.variable @reduction.b3x3.bn.running_var kind state init {kind = "ones"} : tensor<8xf32>
  incept.variable @classifier.weight kind parameter decay init {fan_in = 48 : i64, fan_out = 5 : i64, kind = "glorot_uniform"} : tensor<5x48xf32>
  incept.variable @classifier.bias kind parameter init {kind = "zeros"} : tensor<5xf32>
  func.func @network(%arg0: tensor<2x3x11x11xf32>) -> tensor<2x5xf32> {
    %0 = incept.read @stem.conv.weight : tensor<16x3x3x3xf32>
    %1 = incept.conv2d %arg0, %0 stride [2, 2] pad [1, 1] pad_end [1, 1] {incept.path = "stem.conv"} : (tensor<2x3x11x11xf32>, tensor<16x3x3x3xf32>) -> tensor<2x16x6x6xf32>
    %2 = incept.read @stem.bn.weight : tensor<16xf32>
    %3 = incept.read @stem.bn.bias : tensor<16xf32>
    %4 = incept.read @stem.bn.running_mean : tensor<16xf32>
    %5 = incept.read @stem.bn.running_var : tensor<16xf32>
    %6 = incept.batch_norm %1 gamma %2 beta %3 mean %4 variance %5 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "stem.bn"} : (tensor<2x16x6x6xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16x6x6xf32>
    %7 = incept.relu %6 {incept.path = "stem.relu"} : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
    %8 = incept.avg_pool %7 kernel [3, 3] pad [1, 1] pad_end [1, 1] {incept.path = "mixed.pool.avg_pool1"} : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
    %9 = incept.read @mixed.pool.conv1.conv.weight : tensor<16x16x1x1xf32>
    %10 = incept.conv2d %8, %9 {incept.path = "mixed.pool.conv1.conv"} : (tensor<2x16x6x6xf32>, tensor<16x16x1x1xf32>) -> tensor<2x16x6x6xf32>
    %11 = incept.read @mixed.pool.conv1.bn.weight : tensor<16xf32>
    %12 = incept.read @mixed.pool.conv1.bn.bias : tensor<16xf32>
    %13 = incept.read @mixed.pool.conv1.bn.running_mean : tensor<16xf32>
    %14 = incept.read @mixed.pool.conv1.bn.running_var : tensor<16xf32>
    %15 = incept.batch_norm %10 gamma %11 beta %12 mean %13 variance %14 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "mixed.pool.conv1.bn"} : (tensor<2x16x6x6xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16x6x6xf32>
    %16 = incept.relu %15 {incept.path = "mixed.pool.conv1.relu"} : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
    %17 = incept.read @mixed.b1x1.conv.weight : tensor<16x16x1x1xf32>
    %18 = incept.conv2d %7, %17 {incept.path = "mixed.b1x1.conv"} : (tensor<2x16x6x6xf32>, tensor<16x16x1x1xf32>) -> tensor<2x16x6x6xf32>
    %19 = incept.read @mixed.b1x1.bn.weight : tensor<16xf32>
    %20 = incept.read @mixed.b1x1.bn.bias : tensor<16xf32>
    %21 = incept.read @mixed.b1x1.bn.running_mean : tensor<16xf32>
    %22 = incept.read @mixed.b1x1.bn.running_var : tensor<16xf32>
    %23 = incept.batch_norm %18 gamma %19 beta %20 mean %21 variance %22 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "mixed.b1x1.bn"} : (tensor<2x16x6x6xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16x6x6xf32>
    %24 = incept.relu %23 {incept.path = "mixed.b1x1.relu"} : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
    %25 = incept.read @mixed.b3x3.conv1.conv.weight : tensor<16x16x1x1xf32>
    %26 = incept.conv2d %7, %25 {incept.path = "mixed.b3x3.conv1.conv"} : (tensor<2x16x6x6xf32>, tensor<16x16x1x1xf32>) -> tensor<2x16x6x6xf32>
    %27 = incept.read @mixed.b3x3.conv1.bn.weight : tensor<16xf32>
    %28 = incept.read @mixed.b3x3.conv1.bn.bias : tensor<16xf32>
    %29 = incept.read @mixed.b3x3.conv1.bn.running_mean : tensor<16xf32>
    %30 = incept.read @mixed.b3x3.conv1.bn.running_var : tensor<16xf32>
    %31 = incept.batch_norm %26 gamma %27 beta %28 mean %29 variance %30 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "mixed.b3x3.conv1.bn"} : (tensor<2x16x6x6xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16x6x6xf32>
    %32 = incept.relu %31 {incept.path = "mixed.b3x3.conv1.relu"} : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
    %33 = incept.read @mixed.b3x3.conv2.weight : tensor<8x16x3x3xf32>
    %34 = incept.read @mixed.b3x3.conv2.bias : tensor<8xf32>
    %35 = incept.conv2d %32, %33 bias %34 pad [1, 1] pad_end [1, 1] {incept.path = "mixed.b3x3.conv2"} : (tensor<2x16x6x6xf32>, tensor<8x16x3x3xf32>, tensor<8xf32>) -> tensor<2x8x6x6xf32>
    %36 = incept.relu %35 {incept.path = "mixed.b3x3.conv2.relu"} : (tensor<2x8x6x6xf32>) -> tensor<2x8x6x6xf32>
    %37 = incept.concat %16, %24, %36 {incept.path = "mixed"} : (tensor<2x16x6x6xf32>, tensor<2x16x6x6xf32>, tensor<2x8x6x6xf32>) -> tensor<2x40x6x6xf32>
    %38 = incept.read @residual.conv1.weight : tensor<40x40x1x1xf32>
    %39 = incept.read @residual.conv1.bias : tensor<40xf32>
    %40 = incept.conv2d %37, %38 bias %39 {incept.path = "residual.conv1"} : (tensor<2x40x6x6xf32>, tensor<40x40x1x1xf32>, tensor<40xf32>) -> tensor<2x40x6x6xf32>
    %41 = incept.scale %40 by 5.000000e-01 {incept.path = "residual.scale"} : (tensor<2x40x6x6xf32>) -> tensor<2x40x6x6xf32>
    %42 = incept.add %37, %41 {incept.path = "residual.add"} : (tensor<2x40x6x6xf32>, tensor<2x40x6x6xf32>) -> tensor<2x40x6x6xf32>
    %43 = incept.relu %42 {incept.path = "residual.relu"} : (tensor<2x40x6x6xf32>) -> tensor<2x40x6x6xf32>
    %44 = incept.max_pool %43 kernel [3, 3] stride [2, 2] {incept.path = "reduction.pool"} : (tensor<2x40x6x6xf32>) -> tensor<2x40x2x2xf32>
    %45 = incept.read @reduction.b3x3.conv.weight : tensor<8x40x3x3xf32>
    %46 = incept.conv2d %43, %45 stride [2, 2] {incept.path = "reduction.b3x3.conv"} : (tensor<2x40x6x6xf32>, tensor<8x40x3x3xf32>) -> tensor<2x8x2x2xf32>
    %47 = incept.read @reduction.b3x3.bn.weight : tensor<8xf32>
    %48 = incept.read @reduction.b3x3.bn.bias : tensor<8xf32>
    %49 = incept.read @reduction.b3x3.bn.running_mean : tensor<8xf32>
    %50 = incept.read @reduction.b3x3.bn.running_var : tensor<8xf32>
    %51 = incept.batch_norm %46 gamma %47 beta %48 mean %49 variance %50 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "reduction.b3x3.bn"} : (tensor<2x8x2x2xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x2x2xf32>
    %52 = incept.relu %51 {incept.path = "reduction.b3x3.relu"} : (tensor<2x8x2x2xf32>) -> tensor<2x8x2x2xf32>
    %53 = incept.concat %44, %52 {incept.path = "reduction"} : (tensor<2x40x2x2xf32>, tensor<2x8x2x2xf32>) -> tensor<2x48x2x2xf32>
    %54 = incept.global_avg_pool %53 {incept.path = "global_avg_pool1"} : (tensor<2x48x2x2xf32>) -> tensor<2x48x1x1xf32>
    %55 = incept.random_drop %54 keep 7.500000e-01 {incept.path = "dropout1"} : (tensor<2x48x1x1xf32>) -> tensor<2x48x1x1xf32>
    %56 = incept.flatten %55 {incept.path = "classifier.flatten"} : (tensor<2x48x1x1xf32>) -> tensor<2x48xf32>
    %57 = incept.read @classifier.weight : tensor<5x48xf32>
    %58 = incept.read @classifier.bias : tensor<5xf32>
    %59 = incept.linear %56, %57 bias %58 {incept.path = "classifier"} : (tensor<2x48xf32>, tensor<5x48xf32>, tensor<5xf32>) -> tensor<2x5xf32>
    return %59 : tensor<2x5xf32>
  }
}
