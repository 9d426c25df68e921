// SPDX-License-Identifier: Apache-2.0
//
// Transforms of weights for convolutions by tiles (dialect/InceptTileOps.td): a vector of input channels and a panel of
// output channels at a time.
#include "codegen/cpu/TileLoops.h"
#include "codegen/kernels/LinearForms.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cpu {

namespace {

/// The transpose of `rows`, which are as many as they have lanes: blocks of 1, 2, 4, ... lanes change places.
SmallVector<Value> transposeLanes(CpuEmitter &e, SmallVector<Value> rows) {
  int64_t lanes = int64_t(rows.size());
  for (int64_t size = 1; size < lanes; size *= 2) {
    SmallVector<int64_t> upper, lower;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      upper.push_back(lane & size ? lanes + lane - size : lane);
      lower.push_back(lane & size ? lanes + lane : lane + size);
    }
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & size)
        continue;
      Value a = rows[i], b = rows[i + size];
      rows[i] = vector::ShuffleOp::create(e.builder, e.loc, a, b, upper);
      rows[i + size] = vector::ShuffleOp::create(e.builder, e.loc, a, b, lower);
    }
  }
  return rows;
}

} // namespace

void emitTransformWeights(TransformWeightsOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op).flat();
  e.width = shape.lanes;
  bool transposed = op.getTransposed();
  RealMatrix matrix = toReal(tileTransform(shape).taps);
  Value weights = e.operand(0), dst = e.operand(1), outputs = e.extent(0), inputs = e.extent(1);
  Value k = transposed ? outputs : inputs, o = transposed ? inputs : outputs;
  Value lanes = e.index(shape.lanes), blocks = e.ceilDiv(k, lanes), kPadded = e.mul(blocks, lanes);
  Value pitch = e.mul(kPadded, e.index(shape.panel())); // of points
  Value plane = e.mul(inputs, outputs);
  int64_t taps = shape.taps(), n = int64_t(matrix.size()), r = shape.kw, square = shape.lanes * shape.lanes;
  // Where channels change places: the unit's weights, [half][tap][input channel][lane].
  Value turned = transposed ? allocate(e, 2 * taps * square) : Value();
  e.units([&](Value unit) {
    Value panel = e.div(unit, blocks), block = e.rem(unit, blocks), firstK = e.mul(block, lanes);
    if (transposed) {
      Lanes there = e.lanesInside(e.index(0), e.sub(k, firstK));
      e.loop(e.index(0), e.index(2 * taps), 1, [&](Value i) {
        Value half = e.div(i, e.index(taps)), tap = e.rem(i, e.index(taps));
        Value first = e.add(e.mul(panel, e.index(shape.panel())), e.mul(half, lanes));
        Value base = e.address(weights, e.add(e.mul(plane, e.sub(e.index(taps - 1), tap)), firstK), e.f32());
        SmallVector<Value> rows;
        for (int64_t lane = 0; lane < shape.lanes; ++lane) {
          Value row = e.min(e.add(first, e.index(lane)), e.sub(o, e.index(1)));
          Value at = e.mul(row, outputs);
          e.prefetch(base, e.add(at, lanes), e.f32(), /*isWritten=*/false); // of the next block
          rows.push_back(e.loadVector(base, at, e.f32(), there));
        }
        for (auto [channel, vector] : llvm::enumerate(transposeLanes(e, std::move(rows))))
          e.storeVector(vector, turned, e.add(e.mul(i, e.index(square)), e.index(int64_t(channel) * shape.lanes)),
                        Lanes());
      });
    }
    e.loop(e.index(0), e.index(2 * shape.lanes), 1, [&](Value i) {
      // Two vectors for each input channel.
      Value inBlock = e.div(i, e.index(2)), side = e.rem(i, e.index(2)), half = e.mul(side, lanes);
      Value channel = e.add(firstK, inBlock), first = e.add(e.mul(panel, e.index(shape.panel())), half);
      Value isThere = e.less(channel, k), from = e.min(channel, e.sub(k, e.index(1)));
      SmallVector<Value> values;
      for (int64_t tap = 0; tap < taps; ++tap) {
        if (transposed) {
          Value of = e.add(e.mul(side, e.index(taps * square)), e.mul(inBlock, lanes));
          values.push_back(e.loadVector(turned, e.add(of, e.index(tap * square)), e.f32(), Lanes()));
          continue;
        }
        Value at = e.add(e.mul(plane, e.index(tap)), e.add(e.mul(from, outputs), first));
        e.prefetch(weights, e.add(at, e.mul(lanes, outputs)), e.f32(), /*isWritten=*/false); // of the next block
        Value value = e.loadVector(weights, at, e.f32(), e.lanesInside(e.index(0), e.sub(o, first)));
        values.push_back(arith::SelectOp::create(e.builder, e.loc, isThere, value, e.splatReal(0.0)));
      }
      Value to = e.add(e.mul(panel, e.mul(pitch, e.index(shape.points()))),
                       e.add(e.mul(channel, e.index(shape.panel())), half));
      auto store = [&](Value value, int64_t point) {
        constexpr int64_t kChannelsAhead = 8;
        Value at = e.add(to, e.mul(pitch, e.index(point)));
        e.prefetch(dst, e.add(at, e.index(kChannelsAhead * shape.panel())), e.f32(), /*isWritten=*/true);
        e.storeVector(value, dst, at, Lanes());
      };
      if (!shape.isSquare()) {
        for (auto [point, value] : llvm::enumerate(emitProduct(e, matrix, values)))
          store(value, point);
        return;
      }
      SmallVector<SmallVector<Value>> rows; // r rows of n points
      for (int64_t row = 0; row < r; ++row)
        rows.push_back(emitProduct(e, matrix, ArrayRef(values).slice(row * r, r)));
      for (int64_t column = 0; column < n; ++column) {
        SmallVector<Value> of = llvm::map_to_vector(rows, [&](auto &row) { return row[column]; });
        for (auto [row, value] : llvm::enumerate(emitProduct(e, matrix, of)))
          store(value, int64_t(row) * n + column);
      }
    });
  });
}

} // namespace incept::cpu
