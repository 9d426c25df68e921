// SPDX-License-Identifier: Apache-2.0

#include "ExecInterpreter.h"
#include "dialect/reference/Interpreter.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "runtime/device/cpu/OneDnn.h"
#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace mlir;
using incept::reference::Tensor;

namespace incept::test {

namespace {

/// Why a launch has no meaning.
struct Problem {
  std::string why;
};

/// An address with what lies behind it to the end of the region.
class Operand {
public:
  Operand(char *base, int64_t left, Type element) : base(base), left(left), element(element) {}

  double load(int64_t index) const {
    const char *from = check(index);
    if (element.isF32())
      return copy<float>(from);
    if (element.isInteger(64))
      return double(copy<int64_t>(from));
    if (element.isInteger(8))
      return double(uint8_t(*from));
    throw Problem{"an element type that the test does not know"};
  }

  void store(int64_t index, double value) const {
    char *to = check(index);
    if (element.isF32()) {
      float rounded = float(value);
      std::memcpy(to, &rounded, 4);
    } else if (element.isInteger(8)) {
      *to = char(uint8_t(value));
    } else {
      throw Problem{"an element type that the test does not know"};
    }
  }

  /// What begins so many elements behind.
  Operand from(int64_t elements) const {
    int64_t bytes = elements * (element.getIntOrFloatBitWidth() / 8);
    return Operand(base + bytes, left - bytes, element);
  }

  /// Elements as they lie there, for the library's formats.
  float *floats(int64_t count) const {
    check(0);
    check(count - 1);
    return reinterpret_cast<float *>(base);
  }

private:
  template <typename T>
  static T copy(const char *from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }

  char *check(int64_t index) const {
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    if (index < 0 || index > left / bytes - 1)
      throw Problem{"an access outside of its region"};
    return base + index * bytes;
  }

  char *base;
  int64_t left;
  Type element;
};

/// Logical (outer, channels, rest...) against rows of channels, `stride` elements apart.
template <typename Visit>
void forEachInRows(ArrayRef<int64_t> shape, int64_t stride, Visit visit) {
  int64_t channels = shape.size() > 1 ? shape[1] : 1, rest = 1;
  for (size_t i = 2; i < shape.size(); ++i)
    rest *= shape[i];
  for (int64_t n = 0; n < shape[0]; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < rest; ++i)
        visit((n * channels + c) * rest + i, (n * rest + i) * stride + c);
}

/// How a value of a kernel lies in memory.
struct Place {
  SmallVector<int64_t> shape;
  int64_t stride = 1;     ///< of rows, where there are some
  bool isLogical = false; ///< dense in the order of the shape

  Tensor load(const Operand &operand) const {
    Tensor tensor;
    tensor.shape.assign(shape.begin(), shape.end());
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    tensor.values.resize(count);
    forEach([&](int64_t index, int64_t at) { tensor.values[index] = operand.load(at); });
    return tensor;
  }
  void store(const Tensor &tensor, const Operand &operand) const {
    forEach([&](int64_t index, int64_t at) { operand.store(at, tensor.values[index]); });
  }

private:
  template <typename Visit>
  void forEach(Visit visit) const {
    if (shape.size() > 1 && !isLogical)
      return forEachInRows(shape, stride, visit);
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    for (int64_t i = 0; i < count; ++i)
      visit(i, i);
  }
};

class KernelRun {
public:
  KernelRun(exec::KernelOp launch, exec::KernelDefOp definition, ArrayRef<Operand> operands)
      : launch(launch), definition(definition), operands(operands), body(definition.getBody().front()),
        extents(launch.getExtents()) {}

  void run() {
    switch (definition.getFamily()) {
    case KernelFamily::Flat:
      return runOnce([&](Value value) { return isScalar(value) ? Place() : vector(extents[0], rankOf(value)); });
    case KernelFamily::Map:
      return runMap(0, extents[0], 2);
    case KernelFamily::Reduce:
      for (int64_t part = 0; part < int64_t(launch.getUnits()); ++part)
        runReduce(part);
      return;
    case KernelFamily::Combine:
      return runOnce([&](Value value) {
        return isScalar(value)      ? Place()
               : rankOf(value) == 2 ? Place{{extents[0], extents[1]}, extents[1], false}
                                    : vector(extents[1], 1);
      });
    case KernelFamily::ReduceCombine:
      throw Problem{"kernel " + definition.getSymName().str() + " is of a family that no CPU has"};
    case KernelFamily::Opaque:
      return runOpaque();
    }
  }

private:
  static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }
  static bool isScalar(Value value) { return rankOf(value) == 0; }
  static Place vector(int64_t size, int64_t rank) {
    Place place{{size}, 1, true};
    place.shape.append(rank - 1, 1);
    return place;
  }

  /// The values of the body's results for those of its arguments, with the shapes that `shapeOf` gives values by rank.
  SmallVector<Tensor> evaluate(ArrayRef<Tensor> inputs, llvm::function_ref<SmallVector<int64_t>(Value)> shapeOf,
                               llvm::function_ref<void(Operation *)> prepare) {
    MLIRContext *context = definition.getContext();
    OpBuilder builder(context);
    Location loc = definition.getLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    builder.setInsertionPointToStart(module->getBody());
    auto typeOf = [&](Value value) -> Type {
      return RankedTensorType::get(shapeOf(value), getElementTypeOrSelf(value.getType()));
    };
    auto types = [&](auto values) { return llvm::map_to_vector(values, typeOf); };
    ValueRange results = definition.getYield().getValues();
    auto function = func::FuncOp::create(builder, loc, "kernel",
                                         builder.getFunctionType(types(body.getArguments()), types(results)));
    function.setPrivate();
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToStart(block);
    IRMapping mapping;
    mapping.map(body.getArguments(), block->getArguments());
    for (Operation &op : body.without_terminator()) {
      Operation *clone = builder.clone(op, mapping);
      for (auto [result, original] : llvm::zip(clone->getResults(), op.getResults()))
        result.setType(typeOf(original));
      prepare(clone);
    }
    func::ReturnOp::create(builder, loc,
                           llvm::map_to_vector(results, [&](Value value) { return mapping.lookup(value); }));
    std::string messages;
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "; ";
      return success();
    });
    SmallVector<Tensor> outputs;
    if (failed(verify(*module)) || failed(reference::Interpreter(*module).run("kernel", inputs, outputs)))
      throw Problem{"kernel " + definition.getSymName().str() + ": " + messages};
    return outputs;
  }

  /// `count` attributes are extents, from index `first` on.
  auto counts(size_t first) {
    return [this, next = first](Operation *op) mutable {
      if (auto counted = dyn_cast<CountedOpInterface>(op))
        counted.setCount(uint64_t(extents[next++]));
    };
  }

  void runOnce(llvm::function_ref<Place(Value)> placeOf) {
    SmallVector<Tensor> inputs;
    for (auto [index, argument] : llvm::enumerate(body.getArguments()))
      inputs.push_back(placeOf(argument).load(operands[index]));
    auto prepare = counts(definition.getFamily() == KernelFamily::Flat ? 1 : 2);
    SmallVector<Tensor> outputs = evaluate(
        inputs, [&](Value value) { return placeOf(value).shape; }, prepare);
    for (auto [index, result] : llvm::enumerate(definition.getYield().getValues()))
      placeOf(result).store(outputs[index], operands[inputs.size() + index]);
  }

  /// Rows [from, to); partial sums are stored in row `part`.
  void runMap(int64_t from, int64_t to, size_t stride, int64_t part = -1) {
    int64_t channels = extents[1];
    auto placeOf = [&](Value value) {
      int64_t rank = rankOf(value);
      if (rank == 0)
        return Place();
      Place place = vector(rank == 1 ? channels : to - from, rank);
      if (rank > 1) {
        place.shape[1] = channels;
        place.isLogical = false;
      }
      return place;
    };
    auto moved = [&](size_t index, int64_t elements) { return operands[index].from(elements); };
    SmallVector<Tensor> inputs;
    for (auto [index, argument] : llvm::enumerate(body.getArguments())) {
      Place place = placeOf(argument);
      if (rankOf(argument) < 2) {
        inputs.push_back(place.load(operands[index]));
        continue;
      }
      place.stride = extents[stride++];
      inputs.push_back(place.load(moved(index, from * place.stride)));
    }
    SmallVector<Tensor> outputs = evaluate(
        inputs, [&](Value value) { return placeOf(value).shape; }, [](Operation *) {});
    for (auto [number, result] : llvm::enumerate(definition.getYield().getValues())) {
      size_t index = inputs.size() + number;
      Place place = placeOf(result);
      if (rankOf(result) < 2) {
        place.store(outputs[number], part < 0 ? operands[index] : moved(index, part * channels));
        continue;
      }
      place.stride = extents[stride++];
      place.store(outputs[number], moved(index, from * place.stride));
    }
  }

  void runReduce(int64_t part) {
    int64_t from = part * extents[2];
    runMap(from, std::min(extents[0], from + extents[2]), 3, part);
  }

  void runOpaque() {
    Operation &op = body.front();
    ArrayRef<int64_t> e = extents;
    SmallVector<Place> places;
    auto image = [&](ArrayRef<int64_t> shape, int64_t stride) {
      places.push_back({SmallVector<int64_t>(shape), stride, false});
    };
    auto logical = [&](ArrayRef<int64_t> shape) { places.push_back({SmallVector<int64_t>(shape), 1, true}); };
    if (isa<MaxPoolOp, MaxPoolWithIndexOp, AvgPoolOp, MaxPoolBackwardOp, AvgPoolBackwardOp>(op)) {
      bool isBackward = isa<MaxPoolBackwardOp, AvgPoolBackwardOp>(op);
      size_t count = op.getNumOperands() + op.getNumResults();
      for (size_t i = 0; i < count; ++i) {
        bool isLarge = i == (isBackward ? count - 1 : 0);
        image(isLarge ? ArrayRef<int64_t>{e[0], e[3], e[1], e[2]} : ArrayRef<int64_t>{e[0], e[3], e[4], e[5]},
              e[14 + i]);
      }
    } else if (isa<GlobalAvgPoolOp>(op)) {
      image({e[0], e[2], e[1], 1}, e[3]);
      image({e[0], e[2], 1, 1}, e[4]);
    } else if (isa<GlobalAvgPoolBackwardOp>(op)) {
      image({e[0], e[2], 1, 1}, e[3]);
      image({e[0], e[2], e[1], 1}, e[4]);
    } else if (isa<DropoutOp>(op)) {
      SmallVector<int64_t> shape = {e[0], e[1], e[2], 1};
      image(ArrayRef(shape).take_front(rankOf(op.getOperand(0))), e[3]);
      places.append(3, Place());
      image(ArrayRef(shape).take_front(rankOf(op.getOperand(0))), e[4]);
    } else if (isa<SoftmaxCrossEntropyOp>(op)) {
      if (e[2] < e[0])
        throw Problem{"the test does not know losses in parts"};
      image({e[0], e[1]}, e[3]);
      logical({e[0]});
      places.append(op.getNumResults(), Place());
    } else if (isa<SoftmaxCrossEntropyBackwardOp>(op)) {
      image({e[0], e[1]}, e[2]);
      logical({e[0]});
      places.append(op.getNumOperands() - 2, Place());
      image({e[0], e[1]}, e[3]);
    } else if (isa<NormalizeImageOp>(op)) {
      logical({e[0], 1, 1, e[1]});
      image({e[0], e[1], 1, 1}, e[2]);
    } else if (isa<ImportImageOp>(op)) {
      logical({e[0], e[1], e[2], 1});
      image({e[0], e[1], e[2], 1}, e[3]);
    } else {
      throw Problem{"the test does not know kernels of " + op.getName().getStringRef().str()};
    }
    SmallVector<Tensor> inputs;
    size_t reads = op.getNumOperands();
    for (size_t i = 0; i < reads; ++i)
      inputs.push_back(places[i].load(operands[i]));
    auto shapeOf = [&](Value value) {
      return places[isa<BlockArgument>(value) ? cast<BlockArgument>(value).getArgNumber()
                                              : reads + cast<OpResult>(value).getResultNumber()]
          .shape;
    };
    auto prepare = [&](Operation *clone) {
      if (!clone->hasAttr("kernel"))
        return;
      const char *names[] = {"kernel", "stride", "pad_begin", "pad_end"};
      for (auto [index, name] : llvm::enumerate(names))
        clone->setAttr(name, DenseI64ArrayAttr::get(clone->getContext(), e.slice(6 + 2 * index, 2)));
    };
    SmallVector<Tensor> outputs = evaluate(inputs, shapeOf, prepare);
    for (size_t i = 0; i < outputs.size(); ++i)
      places[reads + i].store(outputs[i], operands[reads + i]);
  }

  exec::KernelOp launch;
  exec::KernelDefOp definition;
  ArrayRef<Operand> operands;
  Block &body;
  ArrayRef<int64_t> extents;
};

/// One call of oneDNN, as OneDnn.h has it.
class LibraryRun {
public:
  LibraryRun(exec::PlanOp plan, ArrayRef<Operand> operands) : operands(operands) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (NamedAttribute entry : plan.getConfig())
      if (auto text = dyn_cast<StringAttr>(entry.getValue()); text && entry.getName() != "impl")
        fields.emplace_back(entry.getName().str(), text.str());
    std::string error;
    if (!onednn::decode(fields, p, error))
      throw Problem{error};
  }

  void run() {
    switch (p.kind) {
    case onednn::Kind::ConvolutionForward:
      return forward();
    case onednn::Kind::ConvolutionBackwardData:
      return backwardData();
    case onednn::Kind::ConvolutionBackwardWeights:
      return backwardWeights();
    case onednn::Kind::MatMul:
      return product();
    case onednn::Kind::Reorder:
      return reorder();
    }
  }

private:
  /// Calls `visit` with the logical index of a source element, of a weight and of a destination element that meet.
  template <typename Visit>
  void forEachProduct(Visit visit) {
    int64_t ic = p.ic / p.g, oc = p.oc / p.g;
    for (int64_t n = 0; n < p.mb; ++n)
      for (int64_t o = 0; o < p.oc; ++o)
        for (int64_t h = 0; h < p.oh; ++h)
          for (int64_t w = 0; w < p.ow; ++w)
            for (int64_t i = 0; i < ic; ++i)
              for (int64_t kh = 0; kh < p.kh; ++kh)
                for (int64_t kw = 0; kw < p.kw; ++kw) {
                  int64_t ih = h * p.sh - p.pt + kh * p.dh, iw = w * p.sw - p.pl + kw * p.dw;
                  if (ih < 0 || ih >= p.ih || iw < 0 || iw >= p.iw)
                    continue;
                  visit(((n * p.ic + o / oc * ic + i) * p.ih + ih) * p.iw + iw, ((o * ic + i) * p.kh + kh) * p.kw + kw,
                        ((n * p.oc + o) * p.oh + h) * p.ow + w);
                }
  }

  std::vector<int64_t> srcDims() const { return {p.mb, p.ic, p.ih, p.iw}; }
  std::vector<int64_t> dstDims() const { return {p.mb, p.oc, p.oh, p.ow}; }
  std::vector<int64_t> weightsDims() const { return {p.oc, p.ic / p.g, p.kh, p.kw}; }

  static int64_t count(const std::vector<int64_t> &dims) {
    int64_t result = 1;
    for (int64_t size : dims)
      result *= size;
    return result;
  }

  std::vector<float> load(size_t index, const std::vector<int64_t> &dims, const std::string &format) {
    std::vector<float> values(count(dims));
    uint64_t bytes = 0;
    std::string error;
    if (!onednn::formatBytes(dims, format, bytes, error) ||
        !onednn::unpack(dims, format, aligned(operands[index].floats(bytes / 4), bytes).data(), values.data(), error))
      throw Problem{error};
    return values;
  }

  void store(size_t index, const std::vector<int64_t> &dims, const std::string &format,
             const std::vector<double> &values) {
    std::vector<float> rounded(values.begin(), values.end());
    uint64_t bytes = 0;
    std::string error;
    if (!onednn::formatBytes(dims, format, bytes, error))
      throw Problem{error};
    std::vector<float> packed(bytes / 4);
    if (!onednn::pack(dims, format, rounded.data(), packed.data(), error))
      throw Problem{error};
    std::memcpy(operands[index].floats(bytes / 4), packed.data(), bytes);
  }

  static std::vector<float> aligned(const float *from, uint64_t bytes) { return {from, from + bytes / 4}; }

  void forward() {
    std::vector<float> src = load(0, srcDims(), p.activations), weights = load(1, weightsDims(), p.weightsFormat), bias;
    if (p.bias)
      bias = load(2, {p.oc}, "");
    std::vector<double> dst(count(dstDims()));
    forEachProduct([&](int64_t s, int64_t w, int64_t d) { dst[d] += double(src[s]) * weights[w]; });
    int64_t plane = p.oh * p.ow;
    for (size_t i = 0; i < dst.size(); ++i) {
      dst[i] += p.bias ? bias[int64_t(i) / plane % p.oc] : 0;
      dst[i] = p.relu ? std::max(dst[i], 0.0) : dst[i];
    }
    store(p.bias ? 3 : 2, dstDims(), p.activations, dst);
  }

  void backwardData() {
    std::vector<float> diff = load(0, dstDims(), p.activations), weights = load(1, weightsDims(), p.weightsFormat);
    std::vector<double> src(count(srcDims()));
    forEachProduct([&](int64_t s, int64_t w, int64_t d) { src[s] += double(diff[d]) * weights[w]; });
    store(2, srcDims(), p.activations, src);
  }

  void backwardWeights() {
    std::vector<float> src = load(0, srcDims(), p.activations), diff = load(1, dstDims(), p.activations);
    std::vector<double> weights(count(weightsDims()));
    forEachProduct([&](int64_t s, int64_t w, int64_t d) { weights[w] += double(src[s]) * diff[d]; });
    store(2, weightsDims(), p.weightsFormat, weights);
  }

  void product() {
    const Operand &a = operands[0], &b = operands[1], &c = operands[p.bias ? 3 : 2];
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = p.bias ? operands[2].load(j) : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += a.load(p.transposeA ? k * p.lda + i : i * p.lda + k) *
                 b.load(p.transposeB ? j * p.ldb + k : k * p.ldb + j);
        c.store(i * p.ldc + j, sum);
      }
  }

  void reorder() {
    std::vector<float> src = load(0, p.dims, p.srcFormat);
    std::vector<double> dst(src.begin(), src.end());
    int64_t row = count(p.dims) / p.dims[0];
    for (size_t i = 0; p.scales && i < dst.size(); ++i)
      dst[i] *= operands[1].load(int64_t(i) / row);
    store(p.scales ? 2 : 1, p.dims, p.dstFormat, dst);
  }

  ArrayRef<Operand> operands;
  onednn::Problem p;
};

} // namespace

ExecInterpreter::ExecInterpreter(ModuleOp module) : module(module) {
  for (exec::RegionOp region : module.getOps<exec::RegionOp>())
    memory[region.getSymName().str()].resize(region.getBytes());
}

void ExecInterpreter::fill(StringRef region, float value) {
  std::vector<char> &bytes = memory[region.str()];
  for (size_t i = 0; i + 4 <= bytes.size(); i += 4)
    std::memcpy(bytes.data() + i, &value, 4);
}

std::string ExecInterpreter::run(EntryPoint entry) {
  func::FuncOp function = findEntry(module, entry);
  SymbolTable symbols(module);
  for (Operation &op : function.getBody().front()) {
    if (!isa<exec::KernelOp, exec::LibraryOp>(op))
      continue;
    SmallVector<Operand> operands;
    for (Value value : op.getOperands()) {
      auto slice = value.getDefiningOp<exec::SliceOp>();
      std::vector<char> &bytes = memory[slice.getRegion().str()];
      operands.emplace_back(bytes.data() + slice.getOffset(), int64_t(bytes.size()) - int64_t(slice.getOffset()),
                            cast<MemRefType>(slice.getType()).getElementType());
    }
    try {
      if (auto kernel = dyn_cast<exec::KernelOp>(op))
        KernelRun(kernel, symbols.lookup<exec::KernelDefOp>(kernel.getKernel()), operands).run();
      else
        LibraryRun(symbols.lookup<exec::PlanOp>(cast<exec::LibraryOp>(op).getPlan()), operands).run();
    } catch (const Problem &problem) {
      return problem.why;
    }
  }
  return "";
}

} // namespace incept::test
