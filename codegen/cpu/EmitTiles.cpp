// SPDX-License-Identifier: Apache-2.0
//
// Convolutions by transforms of tiles (dialect/InceptTileOps.td). A unit goes through its tiles block by block:
// transforms what lies under each, multiplies matrices point by point, and transforms the products back. A transformed
// tile's channels are stored vector by vector with the tiles of a block side by side, [point][channels /
// lanes][tile][lane], so that a product reads one stretch of memory with constant distances between its rows.
//
// Pixels outside an image are read from a row of zeros and written to a row that nobody reads: no loop asks where it
// is. Where pixels are normalised, a mask makes what is outside 0 again.
#include "codegen/cpu/EmitTiles.h"
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/kernels/LinearForms.h"
#include "dialect/TileOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cpu {

namespace {

template <typename OpTy>
TileShape tileShape(OpTy op) {
  return TileShape{op.getKernel()[0], op.getKernel()[1], op.getTile()[0], op.getTile()[1], int64_t(op.getLanes())}
      .flat();
}

TileTransform transformOf(const TileShape &shape) { return *findTileTransform(shape.mw, shape.kw); }

/// The first `count` lanes; none where it is negative, all where it is more than there are.
Lanes lanesBelow(CpuEmitter &e, Value count) {
  SmallVector<int32_t> lanes(e.width);
  for (auto [i, lane] : llvm::enumerate(lanes))
    lane = i;
  Value iota = arith::ConstantOp::create(
      e.builder, e.loc, DenseElementsAttr::get(e.vectorOf(e.builder.getI32Type()), ArrayRef<int32_t>(lanes)));
  Value limit = e.splat(arith::TruncIOp::create(e.builder, e.loc, e.builder.getI32Type(), count));
  return Lanes{arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::slt, iota, limit)};
}

/// Memory of a call, outside of all loops.
Value allocate(CpuEmitter &e, int64_t floats) {
  return LLVM::AllocaOp::create(e.builder, e.loc, LLVM::LLVMPointerType::get(e.builder.getContext()), e.f32(),
                                e.index(floats), /*alignment=*/64);
}

Value isBelow(CpuEmitter &e, Value a, Value bound) { // and not negative
  return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ult, a, bound);
}

/// `value` at least `least`; a NaN stays.
Value atLeast(CpuEmitter &e, Value value, Value least) { return e.maxKeepingNan(value, least); }

/// Batch norm and ReLU of what tiles are read of: addresses of a value per channel.
struct Normalization {
  Value center, scale, shift;

  Normalization(CpuEmitter &e, unsigned first)
      : center(e.operand(first)), scale(e.operand(first + 1)), shift(e.operand(first + 2)) {}
};

/// A 2-D transform goes over the rows of a tile, then over the columns of what that gives.
class Tiles {
public:
  Tiles(CpuEmitter &e, const TileShape &shape, Value vertical)
      : e(e), shape(shape), down(vertical), right(e.sub(e.index(1), vertical)) {
    int64_t n = shape.mw + shape.kw - 1;
    if (shape.isSquare()) {
      places = allocate(e, 2 * n * n); // addresses have 8 bytes
      insides = allocate(e, n * n);
      between = allocate(e, n * n * shape.lanes);
    }
    tileHeight = shape.isSquare() ? e.index(shape.mh) : e.add(e.index(1), e.mul(down, e.index(shape.mw - 1)));
    tileWidth = shape.isSquare() ? e.index(shape.mw) : e.add(e.index(1), e.mul(right, e.index(shape.mw - 1)));
  }

  struct Image {
    Value base, height, width, stride;
  };
  struct Place {
    Value n, y, x;
  };

  /// The first output of tile `index` of images of oh x ow outputs.
  Place placeOf(Value index, Value oh, Value ow) {
    Value across = e.ceilDiv(ow, tileWidth), along = e.ceilDiv(oh, tileHeight);
    Value x = e.rem(index, across), rest = e.div(index, across);
    return {e.div(rest, along), e.mul(e.rem(rest, along), tileHeight), e.mul(x, tileWidth)};
  }

  Value countTiles(Value n, Value oh, Value ow) {
    return e.mul(n, e.mul(e.ceilDiv(oh, tileHeight), e.ceilDiv(ow, tileWidth)));
  }

  struct Pixel {
    Value address, isInside;
  };

  /// The address of pixel (row, column) of the tile at `place`, or `outside`.
  Pixel pixel(const Image &image, const Place &place, int64_t row, int64_t column, Value outside) {
    Value y = place.y, x = place.x;
    if (shape.isSquare()) {
      y = e.add(y, e.index(row));
      x = e.add(x, e.index(column));
    } else {
      y = e.add(y, e.mul(down, e.index(column)));
      x = e.add(x, e.mul(right, e.index(column)));
    }
    Value isInside = arith::AndIOp::create(e.builder, e.loc, isBelow(e, y, image.height), isBelow(e, x, image.width));
    Value at = e.mul(e.add(e.mul(e.add(e.mul(place.n, image.height), y), image.width), x), image.stride);
    return {arith::SelectOp::create(e.builder, e.loc, isInside, e.address(image.base, at, e.f32()), outside), isInside};
  }

  /// Transforms the channels [from, to) of the pixels at `place`, normalised where `how` is not null, by `matrix` in
  /// each direction, and hands out the vector of each point: store(value, point, c). `point` counts in rows of the
  /// square of points.
  void transform(const Image &image, const Normalization *how, const Place &place, const RealMatrix &matrix,
                 Value zeros, Value from, Value to, llvm::function_ref<void(Value value, Value point, Value c)> store) {
    int64_t size = int64_t(matrix.front().size()), points = int64_t(matrix.size());
    if (!shape.isSquare()) {
      SmallVector<std::pair<Value, Value>> pixels; // addresses, and bits to keep
      for (int64_t i = 0; i < size; ++i) {
        Pixel at = pixel(image, place, 0, i, zeros);
        pixels.push_back({at.address, how ? bitsIf(at.isInside) : Value()});
      }
      e.vectorsBetween(from, to, [&](Value c, Lanes lanes) {
        Vectors vectors = load(how, c, lanes);
        SmallVector<Value> values;
        for (auto [at, inside] : pixels)
          values.push_back(normalize(vectors, e.loadVector(at, c, e.f32(), lanes), inside));
        for (auto [point, value] : llvm::enumerate(emitProduct(e, matrix, values)))
          store(value, e.index(point), c);
      });
      return;
    }
    for (int64_t i = 0; i < size * size; ++i) {
      Pixel at = pixel(image, place, i / size, i % size, zeros);
      e.storeScalar(at.address, places, e.index(i));
      if (how)
        e.storeScalar(bitsIf(at.isInside), insides, e.index(i));
    }
    e.vectorsBetween(from, to, [&](Value c, Lanes lanes) {
      Vectors vectors = load(how, c, lanes);
      e.loop(e.index(0), e.index(size), 1, [&](Value row) {
        SmallVector<Value> values;
        for (int64_t i = 0; i < size; ++i) {
          Value at = e.add(e.mul(row, e.index(size)), e.index(i));
          Value inside = how ? e.loadScalar(insides, at, e.builder.getI32Type()) : Value();
          values.push_back(normalize(vectors, e.loadVector(address(at), c, e.f32(), lanes), inside));
        }
        keep(emitProduct(e, matrix, values), e.mul(row, e.index(points)), 1);
      });
      e.loop(e.index(0), e.index(points), 1, [&](Value column) {
        SmallVector<Value> values = kept(size, column, points);
        for (auto [row, value] : llvm::enumerate(emitProduct(e, matrix, values)))
          store(value, e.add(column, e.index(row * points)), c);
      });
    });
  }

  /// The way back: load(point) gives the vectors, store(value, output) takes those of matrix * values *
  /// transpose(matrix), where `output` counts in rows of the square of outputs.
  void transformBack(const RealMatrix &matrix, llvm::function_ref<Value(Value point)> load,
                     llvm::function_ref<void(Value value, Value output)> store) {
    int64_t points = int64_t(matrix.front().size()), size = int64_t(matrix.size());
    if (!shape.isSquare()) {
      SmallVector<Value> values;
      for (int64_t i = 0; i < points; ++i)
        values.push_back(load(e.index(i)));
      for (auto [output, value] : llvm::enumerate(emitProduct(e, matrix, values)))
        store(value, e.index(output));
      return;
    }
    e.loop(e.index(0), e.index(points), 1, [&](Value row) {
      SmallVector<Value> values;
      for (int64_t i = 0; i < points; ++i)
        values.push_back(load(e.add(e.mul(row, e.index(points)), e.index(i))));
      keep(emitProduct(e, matrix, values), e.mul(row, e.index(size)), 1);
    });
    e.loop(e.index(0), e.index(size), 1, [&](Value column) {
      SmallVector<Value> values = kept(points, column, size);
      for (auto [row, value] : llvm::enumerate(emitProduct(e, matrix, values)))
        store(value, e.add(column, e.index(row * size)));
    });
  }

private:
  struct Vectors {
    Value center, scale, shift;
  };

  /// All bits of an i32, or none.
  Value bitsIf(Value condition) { return arith::ExtSIOp::create(e.builder, e.loc, e.builder.getI32Type(), condition); }
  Vectors load(const Normalization *how, Value c, Lanes lanes) {
    auto of = [&](Value base) { return e.loadVector(base, c, e.f32(), lanes); };
    return how ? Vectors{of(how->center), of(how->scale), of(how->shift)} : Vectors();
  }
  /// What scale_shift and relu make of `value`, the same to the last bit; 0 where `inside` has no bits.
  Value normalize(const Vectors &by, Value value, Value inside) {
    if (!by.center)
      return value;
    value = atLeast(e, e.fma(e.subf(value, by.center), by.scale, by.shift), e.splatReal(0.0));
    auto as = [&](Type element, Value vector) {
      return arith::BitcastOp::create(e.builder, e.loc, e.vectorOf(element), vector);
    };
    Value bits = as(e.builder.getI32Type(), value);
    return as(e.f32(), arith::AndIOp::create(e.builder, e.loc, bits, e.splat(inside)));
  }

  Value address(Value index) { return e.loadScalar(places, index, LLVM::LLVMPointerType::get(e.builder.getContext())); }

  void keep(ArrayRef<Value> values, Value first, int64_t distance) {
    for (auto [i, value] : llvm::enumerate(values))
      e.storeVector(value, between, e.mul(e.add(first, e.index(int64_t(i) * distance)), e.index(shape.lanes)), Lanes());
  }
  SmallVector<Value> kept(int64_t count, Value first, int64_t distance) {
    SmallVector<Value> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(
          e.loadVector(between, e.mul(e.add(first, e.index(i * distance)), e.index(shape.lanes)), e.f32(), Lanes()));
    return values;
  }

  CpuEmitter &e;
  TileShape shape;
  Value down, right; ///< 1 and 0, or 0 and 1, the direction of a window in a row
  Value tileHeight, tileWidth;
  Value places, between; ///< addresses of a tile's pixels, and what is transformed in one direction
  Value insides;         ///< all bits for each of these pixels that is inside the image
};

/// Fills [0, count) with zeros, whole vectors.
void clear(CpuEmitter &e, Value base, Value count) {
  e.loop(e.index(0), count, e.width, [&](Value i) { e.storeVector(e.splatReal(0.0), base, i, Lanes()); });
}

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

void emitTransformWeights(TransformWeightsOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op);
  e.width = shape.lanes;
  bool transposed = op.getTransposed();
  RealMatrix matrix = toReal(transformOf(shape).taps);
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
      Lanes there = lanesBelow(e, e.sub(k, firstK));
      e.loop(e.index(0), e.index(2 * taps), 1, [&](Value i) {
        Value half = e.div(i, e.index(taps)), tap = e.rem(i, e.index(taps));
        Value first = e.add(e.mul(panel, e.index(shape.panel())), e.mul(half, lanes));
        Value base = e.address(weights, e.add(e.mul(plane, e.sub(e.index(taps - 1), tap)), firstK), e.f32());
        SmallVector<Value> rows;
        for (int64_t lane = 0; lane < shape.lanes; ++lane) {
          Value row = e.min(e.add(first, e.index(lane)), e.sub(o, e.index(1)));
          rows.push_back(e.loadVector(base, e.mul(row, outputs), e.f32(), there));
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
        Value value = e.loadVector(weights, at, e.f32(), lanesBelow(e, e.sub(o, first)));
        values.push_back(arith::SelectOp::create(e.builder, e.loc, isThere, value, e.splatReal(0.0)));
      }
      Value to = e.add(e.mul(panel, e.mul(pitch, e.index(shape.points()))),
                       e.add(e.mul(channel, e.index(shape.panel())), half));
      auto store = [&](Value value, int64_t point) {
        e.storeVector(value, dst, e.add(to, e.mul(pitch, e.index(point))), Lanes());
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

/// c[rows][2 vectors] = the products of `rows` scalars and two vectors, summed over [0, count) steps from `init` on.
/// load(step) gives the addresses of the step's scalars, `distance` elements apart, and of its vectors.
struct Step {
  Value scalars, vectors;
};

SmallVector<Value> multiply(CpuEmitter &e, int64_t rows, int64_t distance, const Step &at, int64_t step,
                            ValueRange sums) {
  SmallVector<Value> next(sums);
  SmallVector<Value> right;
  for (int64_t j = 0; j < 2; ++j)
    right.push_back(e.loadVector(at.vectors, e.index((2 * step + j) * e.width), e.f32(), Lanes()));
  for (int64_t i = 0; i < rows; ++i) {
    Value left = e.splat(e.loadScalar(at.scalars, e.index(i * distance + step), e.f32()));
    for (int64_t j = 0; j < 2; ++j)
      next[2 * i + j] = e.fma(left, right[j], next[2 * i + j]);
  }
  return next;
}

void emitConvolveTiles(ConvolveTilesOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op);
  e.width = shape.lanes;
  TileTransform transform = transformOf(shape);
  RealMatrix inputs = toReal(transform.inputs), outputs = toReal(transform.outputs);
  bool hasBias = bool(op.getBias());
  int64_t lanes = shape.lanes, panel = shape.panel(), rows = shape.rows(), points = shape.points();
  unsigned next = op.getCenter() ? 5 : 2; // operand
  std::optional<Normalization> how;
  if (op.getCenter())
    how.emplace(e, 2);
  Value src = e.operand(0), weights = e.operand(1), bias = hasBias ? e.operand(next++) : Value();
  Value dst = e.operand(next), scratchpad = e.operand(next + 1);
  Value n = e.extent(0), ih = e.extent(1), iw = e.extent(2), k = e.extent(3), oh = e.extent(4), ow = e.extent(5),
        o = e.extent(6), padTop = e.extent(7), padLeft = e.extent(8), units = e.extent(10), block = e.extent(11);
  Tiles tiles(e, shape, e.extent(9));
  Value least = e.splat(arith::SelectOp::create(e.builder, e.loc, isBelow(e, e.index(0), e.extent(12)), e.real(0.0),
                                                e.real(-std::numeric_limits<double>::infinity())));
  Value parts = e.extent(13), shares = e.div(units, parts); // of channels, of tiles
  Tiles::Image from{src, ih, iw, e.extent(14)}, to{dst, oh, ow, e.extent(15)};
  Value blocks = e.ceilDiv(k, e.index(lanes)), panels = e.ceilDiv(o, e.index(panel));
  // The parts of a unit's scratchpad, as convolveScratch counts them.
  Value zerosSize = e.mul(blocks, e.index(lanes)), spareSize = e.mul(panels, e.index(panel));
  Value placesSize = e.mul(e.ceilDiv(e.mul(block, e.index(2 * shape.outputs())), e.index(16)), e.index(16));
  Value tilePitch = e.add(e.mul(e.mul(blocks, block), e.index(lanes)), e.index(kTileSkew));
  Value productPitch = e.add(e.mul(block, e.index(panel)), e.index(kTileSkew));
  Value placesAt = e.add(zerosSize, spareSize), tilesAt = e.add(placesAt, placesSize);
  Value productsAt = e.add(tilesAt, e.mul(tilePitch, e.index(points)));
  Value size = e.add(productsAt, e.mul(productPitch, e.index(points)));
  Value blockPitch = e.mul(block, e.index(lanes)), panelPitch = e.mul(zerosSize, e.index(panel));
  Value total = tiles.countTiles(n, oh, ow);
  e.units([&](Value unit) {
    Value zeros = e.address(scratchpad, e.mul(unit, size), e.f32());
    auto part = [&](Value offset) { return e.address(zeros, offset, e.f32()); };
    Value spare = part(zerosSize), places = part(placesAt), transformed = part(tilesAt), products = part(productsAt);
    clear(e, zeros, zerosSize);
    auto cut = [&](Value index, Value count, Value parts) { return e.div(e.mul(index, count), parts); };
    Value ofTiles = e.div(unit, parts), ofPanels = e.rem(unit, parts), one = e.index(1);
    Value last = cut(e.add(ofTiles, one), total, shares);
    Value firstPanel = cut(ofPanels, panels, parts), lastPanel = cut(e.add(ofPanels, one), panels, parts);
    e.strided(cut(ofTiles, total, shares), last, block, {}, [&](Value first, ValueRange) {
      Value count = e.min(block, e.sub(last, first));
      // As inWholeProducts says.
      Value whole = e.mul(e.div(e.add(count, e.index(shape.fewRows() - 1)), e.index(rows)), e.index(rows));
      e.loop(e.index(0), count, 1, [&](Value tile) {
        Tiles::Place place = tiles.placeOf(e.add(first, tile), oh, ow);
        for (int64_t i = 0; i < shape.outputs(); ++i) {
          Tiles::Pixel at = tiles.pixel(to, place, i / shape.mw, i % shape.mw, spare);
          e.storeScalar(at.address, places, e.add(e.mul(tile, e.index(shape.outputs())), e.index(i)));
        }
        Tiles::Place under{place.n, e.sub(place.y, padTop), e.sub(place.x, padLeft)};
        const Normalization *by = how ? &*how : nullptr;
        tiles.transform(from, by, under, inputs, zeros, e.index(0), k, [&](Value value, Value point, Value c) {
          Value at = e.add(e.mul(point, tilePitch), e.add(e.mul(c, block), e.mul(tile, e.index(lanes))));
          e.storeVector(value, transformed, at, Lanes());
        });
      });
      e.loop(firstPanel, lastPanel, 1, [&](Value p) {
        e.loop(e.index(0), e.index(points), 1, [&](Value point) {
          Value left = e.address(transformed, e.mul(point, tilePitch), e.f32());
          Value right = e.address(weights, e.mul(e.add(e.mul(p, e.index(points)), point), panelPitch), e.f32());
          Value result = e.address(products, e.mul(point, productPitch), e.f32());
          // The last product's tiles behind `count` are not used. Where few are left, a smaller one takes them.
          auto product = [&](Value row, int64_t height) {
            SmallVector<Value> sums(2 * height, e.splatReal(0.0));
            Value start = e.address(left, e.mul(row, e.index(lanes)), e.f32());
            sums = e.loop(e.index(0), blocks, 1, sums, [&](Value b, ValueRange outer) {
              Value scalars = e.address(start, e.mul(b, blockPitch), e.f32());
              Value vectors = e.address(right, e.mul(b, e.index(lanes * panel)), e.f32());
              constexpr int64_t kUnroll = 2;
              return e.loop(e.index(0), e.index(lanes), kUnroll, outer, [&](Value i, ValueRange carried) {
                Step at{e.address(scalars, i, e.f32()), e.address(vectors, e.mul(i, e.index(panel)), e.f32())};
                SmallVector<Value> next(carried);
                for (int64_t step = 0; step < kUnroll; ++step)
                  next = multiply(e, height, lanes, at, step, next);
                return next;
              });
            });
            Value at = e.address(result, e.mul(row, e.index(panel)), e.f32());
            for (auto [i, sum] : llvm::enumerate(sums))
              e.storeVector(sum, at, e.index(int64_t(i) * lanes), Lanes());
          };
          e.loop(e.index(0), whole, rows, [&](Value row) { product(row, rows); });
          e.loop(whole, count, shape.fewRows(), [&](Value row) { product(row, shape.fewRows()); });
        });
        Value channel = e.mul(p, e.index(panel));
        e.loop(e.index(0), count, 1, [&](Value tile) {
          Value row = e.address(products, e.mul(tile, e.index(panel)), e.f32());
          Value outs = e.address(places, e.mul(tile, e.index(2 * shape.outputs())), e.f32());
          e.vectorsBetween(channel, e.min(o, e.add(channel, e.index(panel))), [&](Value c, Lanes mask) {
            Value add = hasBias ? e.loadVector(bias, c, e.f32(), mask) : Value(), in = e.sub(c, channel);
            tiles.transformBack(
                outputs,
                [&](Value point) { return e.loadVector(row, e.add(e.mul(point, productPitch), in), e.f32(), Lanes()); },
                [&](Value value, Value output) {
                  Value at = e.loadScalar(outs, output, LLVM::LLVMPointerType::get(e.builder.getContext()));
                  value = atLeast(e, hasBias ? e.addf(value, add) : value, least);
                  e.storeVector(value, at, c, mask);
                });
          });
        });
      });
      return SmallVector<Value>();
    });
  });
}

void emitCorrelateTiles(CorrelateTilesOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op);
  e.width = shape.lanes;
  TileTransform transform = transformOf(shape);
  RealMatrix inputs = toReal(transform.inputs), outputs = transpose(toReal(transform.outputs)),
             taps = transpose(toReal(transform.taps));
  int64_t lanes = shape.lanes, panel = shape.panel(), rows = shape.gradientRows(), points = shape.points();
  unsigned next = op.getCenter() ? 5 : 2; // operand
  std::optional<Normalization> how;
  if (op.getCenter())
    how.emplace(e, 2);
  Value src = e.operand(0), diffDst = e.operand(1), diffWeights = e.operand(next), scratchpad = e.operand(next + 1);
  Value n = e.extent(0), ih = e.extent(1), iw = e.extent(2), k = e.extent(3), oh = e.extent(4), ow = e.extent(5),
        o = e.extent(6), padTop = e.extent(7), padLeft = e.extent(8), gridK = e.extent(10), gridO = e.extent(11),
        block = e.extent(12);
  Tiles tiles(e, shape, e.extent(9));
  Tiles::Image source{src, ih, iw, e.extent(13)}, gradient{diffDst, oh, ow, e.extent(14)};
  Value blocks = e.ceilDiv(k, e.index(lanes)), panels = e.ceilDiv(o, e.index(panel));
  Value myBlocks = e.ceilDiv(blocks, gridK), myPanels = e.ceilDiv(panels, gridO);
  // The parts of a unit's scratchpad, as correlateScratch counts them.
  Value zerosSize = e.max(e.mul(blocks, e.index(lanes)), e.mul(panels, e.index(panel)));
  Value sourcePitch = e.add(e.mul(e.mul(myBlocks, block), e.index(lanes)), e.index(kTileSkew));
  Value gradientPitch = e.add(e.mul(e.mul(myPanels, block), e.index(panel)), e.index(kTileSkew));
  Value sumPitch = e.mul(e.mul(myBlocks, e.index(lanes)), e.mul(myPanels, e.index(panel)));
  Value gradientAt = e.add(zerosSize, e.mul(sourcePitch, e.index(points)));
  Value sumsAt = e.add(gradientAt, e.mul(gradientPitch, e.index(points)));
  Value sumsSize = e.mul(sumPitch, e.index(points)), size = e.add(sumsAt, sumsSize);
  Value blockPitch = e.mul(block, e.index(lanes)), panelPitch = e.mul(block, e.index(panel));
  Value total = tiles.countTiles(n, oh, ow);
  e.units([&](Value unit) {
    Value zeros = e.address(scratchpad, e.mul(unit, size), e.f32());
    auto part = [&](Value offset) { return e.address(zeros, offset, e.f32()); };
    Value sources = part(zerosSize), gradients = part(gradientAt), sums = part(sumsAt);
    clear(e, zeros, zerosSize);
    // This unit's channels, in whole vectors and panels.
    Value ofK = e.div(unit, gridO), ofO = e.rem(unit, gridO), one = e.index(1);
    auto cut = [&](Value index, Value count, Value parts) { return e.div(e.mul(index, count), parts); };
    Value firstBlock = cut(ofK, blocks, gridK), blockCount = e.sub(cut(e.add(ofK, one), blocks, gridK), firstBlock);
    Value firstPanel = cut(ofO, panels, gridO), panelCount = e.sub(cut(e.add(ofO, one), panels, gridO), firstPanel);
    Value kFrom = e.mul(firstBlock, e.index(lanes)),
          kTo = e.min(k, e.mul(e.add(firstBlock, blockCount), e.index(lanes)));
    Value oFrom = e.mul(firstPanel, e.index(panel)),
          oTo = e.min(o, e.mul(e.add(firstPanel, panelCount), e.index(panel)));
    e.strided(e.index(0), total, block, {}, [&](Value first, ValueRange) {
      Value count = e.min(block, e.sub(total, first));
      e.loop(e.index(0), count, 1, [&](Value tile) {
        Tiles::Place place = tiles.placeOf(e.add(first, tile), oh, ow);
        Tiles::Place under{place.n, e.sub(place.y, padTop), e.sub(place.x, padLeft)};
        const Normalization *by = how ? &*how : nullptr;
        tiles.transform(source, by, under, inputs, zeros, kFrom, kTo, [&](Value value, Value point, Value c) {
          Value at = e.add(e.mul(e.sub(c, kFrom), block), e.mul(tile, e.index(lanes)));
          e.storeVector(value, sources, e.add(e.mul(point, sourcePitch), at), Lanes());
        });
        tiles.transform(gradient, nullptr, place, outputs, zeros, oFrom, oTo, [&](Value value, Value point, Value c) {
          Value in = e.sub(c, oFrom), half = e.rem(in, e.index(panel));
          Value at = e.add(e.add(e.mul(e.sub(in, half), block), e.mul(tile, e.index(panel))), half);
          e.storeVector(value, gradients, e.add(e.mul(point, gradientPitch), at), Lanes());
        });
      });
      Value isFirst = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, first, e.index(0));
      Value isLater = e.less(e.index(0), first);
      e.loop(e.index(0), e.index(points), 1, [&](Value point) {
        Value left = e.address(sources, e.mul(point, sourcePitch), e.f32());
        Value right = e.address(gradients, e.mul(point, gradientPitch), e.f32());
        Value result = e.address(sums, e.mul(point, sumPitch), e.f32());
        // Half a vector of input channels at a time.
        e.loop(e.index(0), e.mul(blockCount, e.index(2)), 1, [&](Value half) {
          Value scalars = e.address(
              left, e.add(e.mul(e.div(half, e.index(2)), blockPitch), e.mul(e.rem(half, e.index(2)), e.index(rows))),
              e.f32());
          e.loop(e.index(0), panelCount, 1, [&](Value p) {
            Value vectors = e.address(right, e.mul(p, panelPitch), e.f32());
            SmallVector<Value> added(2 * rows, e.splatReal(0.0));
            added = e.loop(e.index(0), count, 1, added, [&](Value tile, ValueRange carried) {
              Step at{e.address(scalars, e.mul(tile, e.index(lanes)), e.f32()),
                      e.address(vectors, e.mul(tile, e.index(panel)), e.f32())};
              return multiply(e, rows, 1, at, 0, carried);
            });
            Value at = e.mul(e.add(e.mul(half, myPanels), p), e.index(rows * panel));
            e.ifThen(isFirst, [&] {
              for (auto [i, sum] : llvm::enumerate(added))
                e.storeVector(sum, result, e.add(at, e.index(int64_t(i) * lanes)), Lanes());
            });
            e.ifThen(isLater, [&] {
              for (auto [i, sum] : llvm::enumerate(added)) {
                Value to = e.add(at, e.index(int64_t(i) * lanes));
                e.storeVector(e.addf(e.loadVector(result, to, e.f32(), Lanes()), sum), result, to, Lanes());
              }
            });
          });
        });
      });
      return SmallVector<Value>();
    });
    e.loop(kFrom, kTo, 1, [&](Value channel) {
      Value in = e.sub(channel, kFrom), half = e.div(in, e.index(rows)), row = e.rem(in, e.index(rows));
      Value of = e.add(e.mul(e.mul(half, myPanels), e.index(rows * panel)), e.mul(row, e.index(panel)));
      e.vectorsBetween(oFrom, oTo, [&](Value c, Lanes mask) {
        Value my = e.sub(c, oFrom), inPanel = e.rem(my, e.index(panel));
        Value at = e.add(of, e.add(e.mul(e.sub(my, inPanel), e.index(rows)), inPanel));
        tiles.transformBack(
            taps, [&](Value point) { return e.loadVector(sums, e.add(e.mul(point, sumPitch), at), e.f32(), Lanes()); },
            [&](Value value, Value tap) {
              e.storeVector(value, diffWeights, e.add(e.mul(e.add(e.mul(tap, k), channel), o), c), mask);
            });
      });
    });
  });
}

} // namespace

void attachTileLoops(MLIRContext *context) {
  using Loops = LoopsRule<CpuEmitter>;
  Loops::attach<TransformWeightsOp, emitTransformWeights>(context);
  Loops::attach<ConvolveTilesOp, emitConvolveTiles>(context);
  Loops::attach<CorrelateTilesOp, emitCorrelateTiles>(context);
}

} // namespace incept::cpu
