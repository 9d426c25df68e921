// SPDX-License-Identifier: Apache-2.0
//
// Pixels outside an image are read from a row of zeros and written to a row that nobody reads: no loop asks where it
// is. Where pixels are normalised, a mask makes what is outside 0 again.
//
// Vectors of channels are read with a mask, the last ones as all others, so that the code of a transform, which is most
// of a kernel, is there once.
#include "codegen/cpu/TileLoops.h"
#include "codegen/kernels/LinearForms.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace incept::cpu {

namespace {

Type pointerType(CpuEmitter &e) { return LLVM::LLVMPointerType::get(e.builder.getContext()); }

Value isBelow(CpuEmitter &e, Value a, Value bound) { // and not negative
  return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ult, a, bound);
}

/// All bits of an i32, or none.
Value bitsIf(CpuEmitter &e, Value condition) {
  return arith::ExtSIOp::create(e.builder, e.loc, e.builder.getI32Type(), condition);
}

/// `value` at least `least`; a NaN stays.
Value atLeast(CpuEmitter &e, Value value, Value least) { return e.maxKeepingNan(value, least); }

/// body(c, lanes) for each vector of [from, to), of which the last may have fewer lanes.
void vectorsOf(CpuEmitter &e, const TileChannels &channels, llvm::function_ref<void(Value, Lanes)> body) {
  e.loop(channels.from, channels.to, e.width,
         [&](Value c) { body(c, e.lanesInside(e.index(0), e.sub(channels.to, c))); });
}

/// Writes each of `values` to channels [c, end) of where its address says, as many as a vector has.
void storeChannels(CpuEmitter &e, ArrayRef<std::pair<Value, Value>> values, Value c, Value end) {
  Value left = e.sub(end, c);
  auto store = [&](Lanes lanes) {
    for (auto [value, address] : values)
      e.storeVector(value, address, c, lanes);
  };
  // Not all processors are as quick with a mask.
  e.ifElse(
      e.less(left, e.index(e.width)), [&] { store(e.lanesInside(e.index(0), left)); }, [&] { store(Lanes()); });
}

/// Where tiles are.
class Places {
public:
  Places(CpuEmitter &e, const TileShape &shape, const TileGrid &grid)
      : e(e), shape(shape), grid(grid), down(grid.vertical), right(e.sub(e.index(1), grid.vertical)) {
    tileHeight = extent(down, shape.mw), tileWidth = extent(right, shape.mw);
  }

  struct Place {
    Value n, y, x;
  };

  /// The first place of a tile.
  Place of(Value tile) {
    Value across = e.ceilDiv(grid.width, tileWidth), along = e.ceilDiv(grid.height, tileHeight);
    Value x = e.rem(tile, across), rest = e.div(tile, across);
    return {e.div(rest, along), e.mul(e.rem(rest, along), tileHeight), e.mul(x, tileWidth)};
  }

  Value count(Value images) {
    return e.mul(images, e.mul(e.ceilDiv(grid.height, tileHeight), e.ceilDiv(grid.width, tileWidth)));
  }

  /// Writes from `first` on the addresses of the `size` pixels of a row or column at `place`, or the square of them, or
  /// `outside`, and where `insides` is not null there all bits for each that is in the image. Places are `step` pixels
  /// of it apart.
  void find(const TileImage &image, const Place &place, int64_t step, int64_t size, Value outside, Value addresses,
            Value first, Value insides) {
    Value rows = extent(down, size), columns = extent(right, size), top = e.mul(place.n, image.height);
    Value firstY = e.sub(e.mul(place.y, e.index(step)), image.padTop),
          firstX = e.sub(e.mul(place.x, e.index(step)), image.padLeft);
    e.loop(e.index(0), rows, 1, [&](Value row) {
      Value y = e.add(firstY, row), isRow = isBelow(e, y, image.height), line = e.mul(e.add(top, y), image.width);
      e.loop(e.index(0), columns, 1, [&](Value column) {
        Value x = e.add(firstX, column), index = e.add(first, e.add(e.mul(row, columns), column));
        Value isInside = arith::AndIOp::create(e.builder, e.loc, isRow, isBelow(e, x, image.width));
        Value inside = e.address(image.base, e.mul(e.add(line, x), image.stride), e.f32());
        e.storeScalar(arith::SelectOp::create(e.builder, e.loc, isInside, inside, outside), addresses, index);
        if (insides)
          e.storeScalar(bitsIf(e, isInside), insides, index);
      });
    });
  }

private:
  /// `size` in a direction that is there, else 1.
  Value extent(Value direction, int64_t size) {
    return shape.isSquare() ? e.index(size) : e.add(e.index(1), e.mul(direction, e.index(size - 1)));
  }

  CpuEmitter &e;
  TileShape shape;
  TileGrid grid;
  Value down, right; ///< 1 and 0, or 0 and 1, the direction of a window in a row
  Value tileHeight, tileWidth;
};

/// The pixels under one tile after another. While those of a tile are read, those of the next are asked for: a
/// processor does not foresee so many rows.
class Pixels {
public:
  /// Squares or rows of `size` pixels, `step` places apart; what is outside is read from `zeros`.
  Pixels(CpuEmitter &e, const TileShape &shape, Places &places, const TileImage &image, const TileRange &tiles,
         int64_t step, int64_t size, Value zeros, bool saysInside)
      : e(e), places(places), image(image), tiles(tiles), step(step), size(size), zeros(zeros),
        count(e.index(shape.isSquare() ? size * size : size)) {
    int64_t pixels = shape.isSquare() ? size * size : size;
    addresses = allocate(e, 2 * 2 * pixels);
    if (saysInside)
      insides = allocate(e, 2 * pixels);
    find(e.index(0), e.index(0));
  }

  /// Begins a tile of the range: the one after that of the call before.
  void go(Value tile) {
    here = e.mul(e.rem(tile, e.index(2)), count);
    next = e.sub(count, here);
    find(e.min(e.add(tile, e.index(1)), e.sub(tiles.count, e.index(1))), next);
  }

  Value load(Value pixel, Value c, Lanes lanes) {
    e.prefetch(addressOf(e.add(next, pixel)), c, e.f32(), /*isWritten=*/false);
    return e.loadVector(addressOf(e.add(here, pixel)), c, e.f32(), lanes);
  }
  /// All bits, or none.
  Value isInside(Value pixel) { return e.loadScalar(insides, e.add(here, pixel), e.builder.getI32Type()); }

private:
  void find(Value tile, Value first) {
    places.find(image, places.of(e.add(tiles.first, tile)), step, size, zeros, addresses, first, insides);
  }
  Value addressOf(Value index) { return e.loadScalar(addresses, index, pointerType(e)); }

  CpuEmitter &e;
  Places &places;
  TileImage image;
  TileRange tiles;
  int64_t step, size;
  Value zeros, count, addresses, insides; ///< of two tiles, one behind the other
  Value here, next;                       ///< where theirs begin
};

/// Transforms of one tile. A 2-D transform goes over the rows of a tile, then over the columns of what that gives.
class Transform {
public:
  Transform(CpuEmitter &e, const TileShape &shape) : e(e), shape(shape) {
    if (shape.isSquare())
      between = allocate(e, shape.points() * shape.lanes);
  }

  /// matrix * values * transpose(matrix), or matrix * values of a row: load(index) gives the vectors of the input, and
  /// store(values, first, distance) takes those of `first`, `first` + `distance`, ... of the output.
  void emit(const RealMatrix &matrix, llvm::function_ref<Value(Value)> load,
            llvm::function_ref<void(ArrayRef<Value>, Value, int64_t)> store) {
    int64_t size = int64_t(matrix.front().size()), results = int64_t(matrix.size());
    auto loadAll = [&](Value first) {
      SmallVector<Value> values;
      for (int64_t i = 0; i < size; ++i)
        values.push_back(load(e.add(first, e.index(i))));
      return values;
    };
    if (!shape.isSquare())
      return store(emitProduct(e, matrix, loadAll(e.index(0))), e.index(0), 1);
    auto slot = [&](Value row, Value column) {
      return e.mul(e.add(e.mul(row, e.index(results)), column), e.index(shape.lanes));
    };
    e.loop(e.index(0), e.index(size), 1, [&](Value row) {
      for (auto [column, value] : llvm::enumerate(emitProduct(e, matrix, loadAll(e.mul(row, e.index(size))))))
        e.storeVector(value, between, slot(row, e.index(column)), Lanes());
    });
    e.loop(e.index(0), e.index(results), 1, [&](Value column) {
      SmallVector<Value> values;
      for (int64_t row = 0; row < size; ++row)
        values.push_back(e.loadVector(between, slot(e.index(row), column), e.f32(), Lanes()));
      store(emitProduct(e, matrix, values), column, results);
    });
  }

private:
  CpuEmitter &e;
  TileShape shape;
  Value between; ///< what is transformed in one direction
};

/// The name of a function for such tiles.
std::string nameFor(StringRef what, const TileShape &shape, StringRef variant = "") {
  StringRef step = shape.stride == 1 ? "" : shape.transposed ? "transposed_" : "strided_";
  return ("tiles_" + what + "_" + Twine(shape.mw) + "_" + Twine(shape.kw) + (shape.isSquare() ? "_square_" : "_") +
          step + Twine(shape.lanes) + variant)
      .str();
}

/// Values in a row, to arguments and back.
SmallVector<Value> listOf(std::initializer_list<ValueRange> parts) {
  SmallVector<Value> values;
  for (ValueRange part : parts)
    llvm::append_range(values, part);
  return values;
}
class Given {
public:
  explicit Given(ValueRange values) : values(values) {}

  Value value() { return values[next++]; }
  TileImage image() { return {value(), value(), value(), value(), value(), value()}; }
  TileGrid grid() { return {value(), value(), value()}; }
  TileRange range() { return {value(), value()}; }
  TileChannels channels() { return {value(), value()}; }
  TileBuffer buffer() { return {value(), value(), value()}; }
  TileSums sums() { return {value(), value(), value(), value(), value()}; }
  TileNormalization normalization() { return {value(), value(), value()}; }

private:
  ValueRange values;
  size_t next = 0;
};
SmallVector<Value> list(const TileImage &i) { return {i.base, i.height, i.width, i.stride, i.padTop, i.padLeft}; }
SmallVector<Value> list(const TileGrid &g) { return {g.height, g.width, g.vertical}; }
SmallVector<Value> list(const TileRange &r) { return {r.first, r.count}; }
SmallVector<Value> list(const TileChannels &c) { return {c.from, c.to}; }
SmallVector<Value> list(const TileBuffer &b) { return {b.base, b.pitch, b.room}; }
SmallVector<Value> list(const TileSums &s) { return {s.base, s.pitch, s.blocks, s.panels, s.room}; }

/// Vectors of a channel each, that of a pixel normalised by them.
struct Vectors {
  Value center, scale, shift;

  Vectors(CpuEmitter &e, const TileNormalization &how, Value c, Lanes lanes)
      : center(e.loadVector(how.center, c, e.f32(), lanes)), scale(e.loadVector(how.scale, c, e.f32(), lanes)),
        shift(e.loadVector(how.shift, c, e.f32(), lanes)) {}

  /// What scale_shift and relu make of `value`, the same to the last bit; 0 where `inside` has no bits.
  Value normalize(CpuEmitter &e, Value value, Value inside) const {
    value = atLeast(e, e.fma(e.subf(value, center), scale, shift), e.splatReal(0.0));
    auto as = [&](Type element, Value vector) {
      return arith::BitcastOp::create(e.builder, e.loc, e.vectorOf(element), vector);
    };
    Value bits = as(e.builder.getI32Type(), value);
    return as(e.f32(), arith::AndIOp::create(e.builder, e.loc, bits, e.splat(inside)));
  }
};

/// One step of a product: where its scalars and its two vectors are.
struct Step {
  Value scalars, vectors;
};

/// Adds to c[rows][2 vectors] the products of `rows` scalars, `distance` elements apart, and two vectors.
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

} // namespace

TileTransform tileTransform(const TileShape &shape) {
  return *findTileTransform(shape.mw, shape.kw, {shape.stride, shape.transposed});
}

Value allocate(CpuEmitter &e, int64_t floats) {
  return LLVM::AllocaOp::create(e.builder, e.loc, pointerType(e), e.f32(), e.index(floats), /*alignment=*/64);
}

Value countTiles(CpuEmitter &e, const TileShape &shape, Value images, const TileGrid &grid) {
  return Places(e, shape, grid).count(images);
}

void emitFindOutputs(CpuEmitter &e, const TileShape &shape, const TileImage &image, const TileGrid &grid, Value outside,
                     const TileRange &tiles, Value addresses) {
  auto arguments = listOf({list(image), list(grid), list(tiles), {outside, addresses}});
  e.call(nameFor("outputs_of", shape), arguments, [&](ValueRange values) {
    Given given(values);
    TileImage image = given.image();
    Places places(e, shape, given.grid());
    TileRange tiles = given.range();
    Value outside = given.value(), addresses = given.value();
    int64_t step = shape.writeStep();
    e.loop(e.index(0), tiles.count, 1, [&](Value tile) {
      places.find(image, places.of(e.add(tiles.first, tile)), step, shape.mw * step, outside, addresses,
                  e.mul(tile, e.index(shape.outputs())), /*insides=*/Value());
    });
  });
}

void emitTransformInputs(CpuEmitter &e, const TileShape &shape, const TileNormalization *how, const TileImage &image,
                         const TileGrid &grid, Value zeros, const TileRange &tiles, const TileChannels &channels,
                         const TileBuffer &dst) {
  auto arguments = listOf({list(image), list(grid), list(tiles), list(channels), list(dst), {zeros}});
  if (how)
    arguments.append({how->center, how->scale, how->shift});
  e.call(nameFor("inputs", shape, how ? "_normalized" : ""), arguments, [&](ValueRange values) {
    Given given(values);
    TileImage image = given.image();
    Places places(e, shape, given.grid());
    TileRange tiles = given.range();
    TileChannels channels = given.channels();
    TileBuffer dst = given.buffer();
    Value zeros = given.value();
    std::optional<TileNormalization> normalization;
    if (how)
      normalization = given.normalization();
    RealMatrix matrix = toReal(tileTransform(shape).inputs);
    int64_t size = int64_t(matrix.front().size());
    Pixels pixels(e, shape, places, image, tiles, shape.readStep(), size, zeros, /*saysInside=*/bool(how));
    Transform transform(e, shape);
    e.loop(e.index(0), tiles.count, 1, [&](Value tile) {
      pixels.go(tile);
      vectorsOf(e, channels, [&](Value c, Lanes lanes) {
        std::optional<Vectors> by;
        if (normalization)
          by.emplace(e, *normalization, c, lanes);
        Value at = e.add(e.mul(e.sub(c, channels.from), dst.room), e.mul(tile, e.index(shape.lanes)));
        transform.emit(
            matrix,
            [&](Value pixel) {
              Value value = pixels.load(pixel, c, lanes);
              return by ? by->normalize(e, value, pixels.isInside(pixel)) : value;
            },
            [&](ArrayRef<Value> values, Value first, int64_t distance) {
              for (auto [i, value] : llvm::enumerate(values)) {
                Value point = e.add(first, e.index(int64_t(i) * distance));
                e.storeVector(value, dst.base, e.add(e.mul(point, dst.pitch), at), Lanes());
              }
            });
      });
    });
  });
}

void emitTransformGradients(CpuEmitter &e, const TileShape &shape, const TileImage &image, const TileGrid &grid,
                            Value zeros, const TileRange &tiles, const TileChannels &channels, const TileBuffer &dst) {
  auto arguments = listOf({list(image), list(grid), list(tiles), list(channels), list(dst), {zeros}});
  e.call(nameFor("gradients", shape), arguments, [&](ValueRange values) {
    Given given(values);
    TileImage image = given.image();
    Places places(e, shape, given.grid());
    TileRange tiles = given.range();
    TileChannels channels = given.channels();
    TileBuffer dst = given.buffer();
    Value zeros = given.value(), panel = e.index(shape.panel());
    RealMatrix matrix = transpose(toReal(tileTransform(shape).outputs));
    Pixels pixels(e, shape, places, image, tiles, shape.writeStep(), shape.mw, zeros, /*saysInside=*/false);
    Transform transform(e, shape);
    e.loop(e.index(0), tiles.count, 1, [&](Value tile) {
      pixels.go(tile);
      vectorsOf(e, channels, [&](Value c, Lanes lanes) {
        Value in = e.sub(c, channels.from), half = e.rem(in, panel);
        Value at = e.add(e.add(e.mul(e.sub(in, half), dst.room), e.mul(tile, panel)), half);
        transform.emit(
            matrix, [&](Value pixel) { return pixels.load(pixel, c, lanes); },
            [&](ArrayRef<Value> values, Value first, int64_t distance) {
              for (auto [i, value] : llvm::enumerate(values)) {
                Value point = e.add(first, e.index(int64_t(i) * distance));
                e.storeVector(value, dst.base, e.add(e.mul(point, dst.pitch), at), Lanes());
              }
            });
      });
    });
  });
}

void emitTileProducts(CpuEmitter &e, const TileShape &shape, const TileBuffer &tiles, Value weights, Value weightsPitch,
                      Value blocks, Value count, const TileBuffer &dst) {
  Value points = e.index(shape.points());
  auto arguments = listOf({list(tiles), list(dst), {weights, weightsPitch, points, blocks, count}});
  int64_t lanes = shape.lanes, panel = shape.panel(), rows = shape.rows(), fewRows = shape.fewRows();
  e.call(("tiles_products_" + Twine(lanes)).str(), arguments, [&](ValueRange values) {
    Given given(values);
    TileBuffer tiles = given.buffer(), dst = given.buffer();
    Value weights = given.value(), weightsPitch = given.value(), points = given.value(), blocks = given.value(),
          count = given.value();
    // As TileShape::inWholeProducts says.
    Value whole = e.mul(e.div(e.add(count, e.index(fewRows - 1)), e.index(rows)), e.index(rows));
    Value blockPitch = e.mul(tiles.room, e.index(lanes));
    e.loop(e.index(0), points, 1, [&](Value point) {
      Value left = e.address(tiles.base, e.mul(point, tiles.pitch), e.f32());
      Value right = e.address(weights, e.mul(point, weightsPitch), e.f32());
      Value result = e.address(dst.base, e.mul(point, dst.pitch), e.f32());
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
      e.loop(whole, count, fewRows, [&](Value row) { product(row, fewRows); });
    });
  });
}

void emitTransformOutputs(CpuEmitter &e, const TileShape &shape, const TileBuffer &products, Value addresses,
                          Value count, const TileChannels &channels, Value least, Value bias) {
  auto arguments = listOf({list(products), list(channels), {addresses, count, least}});
  if (bias)
    arguments.push_back(bias);
  e.call(nameFor("outputs", shape, bias ? "_bias" : ""), arguments, [&](ValueRange values) {
    Given given(values);
    TileBuffer products = given.buffer();
    TileChannels channels = given.channels();
    Value addresses = given.value(), count = given.value(), least = e.splat(given.value());
    Value biases = bias ? given.value() : Value(), panel = e.index(shape.panel());
    RealMatrix matrix = toReal(tileTransform(shape).outputs);
    Transform transform(e, shape);
    TileChannels here{channels.from, e.min(channels.to, e.add(channels.from, panel))};
    e.loop(e.index(0), count, 1, [&](Value tile) {
      Value row = e.address(products.base, e.mul(tile, panel), e.f32());
      auto placesOf = [&](Value tile) {
        return e.address(addresses, e.mul(tile, e.index(2 * shape.outputs())), e.f32());
      };
      Value to = placesOf(tile), later = placesOf(e.min(e.add(tile, e.index(1)), e.sub(count, e.index(1))));
      vectorsOf(e, here, [&](Value c, Lanes lanes) {
        Value add = bias ? e.loadVector(biases, c, e.f32(), lanes) : Value(), in = e.sub(c, channels.from);
        transform.emit(
            matrix,
            [&](Value point) { return e.loadVector(row, e.add(e.mul(point, products.pitch), in), e.f32(), Lanes()); },
            [&](ArrayRef<Value> values, Value first, int64_t distance) {
              SmallVector<std::pair<Value, Value>> stores;
              for (auto [i, value] : llvm::enumerate(values)) {
                Value output = e.add(first, e.index(int64_t(i) * distance));
                stores.push_back(
                    {atLeast(e, bias ? e.addf(value, add) : value, least), e.loadScalar(to, output, pointerType(e))});
                e.prefetch(e.loadScalar(later, output, pointerType(e)), c, e.f32(), /*isWritten=*/true);
              }
              storeChannels(e, stores, c, channels.to);
            });
      });
    });
  });
}

void emitSumProducts(CpuEmitter &e, const TileShape &shape, const TileBuffer &sources, const TileBuffer &gradients,
                     const TileRange &tiles, const TileSums &sums) {
  Value points = e.index(shape.points());
  auto arguments = listOf({list(sources), list(gradients), list(tiles), list(sums), {points}});
  int64_t lanes = shape.lanes, panel = shape.panel(), rows = shape.gradientRows();
  e.call(("tiles_sums_" + Twine(lanes)).str(), arguments, [&](ValueRange values) {
    Given given(values);
    TileBuffer sources = given.buffer(), gradients = given.buffer();
    TileRange tiles = given.range();
    TileSums sums = given.sums();
    Value points = given.value();
    Value blockPitch = e.mul(sources.room, e.index(lanes)), panelPitch = e.mul(gradients.room, e.index(panel));
    Value isFirst = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, tiles.first, e.index(0));
    e.loop(e.index(0), points, 1, [&](Value point) {
      Value left = e.address(sources.base, e.mul(point, sources.pitch), e.f32());
      Value right = e.address(gradients.base, e.mul(point, gradients.pitch), e.f32());
      Value result = e.address(sums.base, e.mul(point, sums.pitch), e.f32());
      // Half a vector of input channels at a time.
      e.loop(e.index(0), e.mul(sums.blocks, e.index(2)), 1, [&](Value half) {
        Value scalars = e.address(
            left, e.add(e.mul(e.div(half, e.index(2)), blockPitch), e.mul(e.rem(half, e.index(2)), e.index(rows))),
            e.f32());
        e.loop(e.index(0), sums.panels, 1, [&](Value p) {
          Value vectors = e.address(right, e.mul(p, panelPitch), e.f32());
          SmallVector<Value> added(2 * rows, e.splatReal(0.0));
          added = e.loop(e.index(0), tiles.count, 1, added, [&](Value tile, ValueRange carried) {
            Step at{e.address(scalars, e.mul(tile, e.index(lanes)), e.f32()),
                    e.address(vectors, e.mul(tile, e.index(panel)), e.f32())};
            return multiply(e, rows, 1, at, 0, carried);
          });
          Value at = e.mul(e.add(e.mul(half, sums.room), p), e.index(rows * panel));
          auto store = [&](bool adds) {
            for (auto [i, sum] : llvm::enumerate(added)) {
              Value to = e.add(at, e.index(int64_t(i) * lanes));
              Value whole = adds ? e.addf(e.loadVector(result, to, e.f32(), Lanes()), sum) : sum;
              e.storeVector(whole, result, to, Lanes());
            }
          };
          e.ifElse(
              isFirst, [&] { store(false); }, [&] { store(true); });
        });
      });
    });
  });
}

void emitTransformTaps(CpuEmitter &e, const TileShape &shape, const TileSums &sums, const TileChannels &inputs,
                       const TileChannels &outputs, Value k, Value o, Value diffWeights) {
  auto arguments = listOf({list(sums), list(inputs), list(outputs), {k, o, diffWeights}});
  int64_t panel = shape.panel(), rows = shape.gradientRows();
  e.call(nameFor("taps", shape), arguments, [&](ValueRange values) {
    Given given(values);
    TileSums sums = given.sums();
    TileChannels inputs = given.channels(), outputs = given.channels();
    Value k = given.value(), o = given.value(), diffWeights = given.value();
    RealMatrix matrix = transpose(toReal(tileTransform(shape).taps));
    Transform transform(e, shape);
    e.loop(inputs.from, inputs.to, 1, [&](Value channel) {
      Value in = e.sub(channel, inputs.from), half = e.div(in, e.index(rows)), row = e.rem(in, e.index(rows));
      Value of = e.add(e.mul(e.mul(half, sums.room), e.index(rows * panel)), e.mul(row, e.index(panel)));
      e.loop(outputs.from, outputs.to, e.width, [&](Value c) {
        Value my = e.sub(c, outputs.from), inPanel = e.rem(my, e.index(panel));
        Value at = e.add(of, e.add(e.mul(e.sub(my, inPanel), e.index(rows)), inPanel));
        transform.emit(
            matrix,
            [&](Value point) { return e.loadVector(sums.base, e.add(e.mul(point, sums.pitch), at), e.f32(), Lanes()); },
            [&](ArrayRef<Value> values, Value first, int64_t distance) {
              SmallVector<std::pair<Value, Value>> stores;
              for (auto [i, value] : llvm::enumerate(values)) {
                Value tap = e.add(first, e.index(int64_t(i) * distance));
                stores.push_back({value, e.address(diffWeights, e.mul(e.add(e.mul(tap, k), channel), o), e.f32())});
              }
              storeChannels(e, stores, c, outputs.to);
            });
      });
    });
  });
}

} // namespace incept::cpu
