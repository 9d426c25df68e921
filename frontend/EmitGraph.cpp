// SPDX-License-Identifier: Apache-2.0
//
// Emission of the network's structure: sequences, branches, blocks, and the names that follow from them.

#include "frontend/GraphEmitter.h"
#include "frontend/Label.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace incept {

static constexpr int64_t kMaxOps = 20000;

std::string formatSize(ArrayRef<int64_t> shape) {
  if (shape.size() == 2)
    return "a row of " + std::to_string(shape[1]);
  return formatShape(shape.drop_front());
}

std::string Names::ordinal(StringRef kind) { return kind.str() + std::to_string(++ordinals[kind.str()]); }

std::optional<SourceRange> Names::take(const std::string &name, SourceRange range) {
  auto [first, inserted] = taken.emplace(name, range);
  return inserted ? std::nullopt : std::optional(first->second);
}

GraphEmitter::GraphEmitter(MLIRContext &context, const Spec &spec, const LoadOptions &options, Diagnostics &diagnostics)
    : context(context), spec(spec), options(options), diagnostics(diagnostics), builder(&context),
      variableBuilder(&context), networkScope(spec) {}

OwningOpRef<ModuleOp> GraphEmitter::run() {
  module = ModuleOp::create(location(spec.network.range));
  emitNetwork();
  return std::move(module);
}

void GraphEmitter::emitNetwork() {
  Frame frame(spec, /*network=*/nullptr);
  setParameters(frame);
  networkScope = frame.scope;
  auto shape = inputShape(frame);
  emitSections(frame);
  if (shape)
    frame.scope.setInput((*shape)[1], (*shape)[2], (*shape)[3]);

  // The type of the result is known at the end, so the body is built first.
  Location loc = location(spec.network.range);
  Region region;
  auto *body = new mlir::Block;
  region.push_back(body);
  auto function = func::FuncOp::create(loc, "network", builder.getFunctionType({}, {}));
  module->push_back(function);
  variableBuilder.setInsertionPoint(function);
  builder.setInsertionPointToStart(body);
  Tensor src;
  if (shape)
    src = {body->addArgument(type(*shape), loc), *shape};
  Names names;
  frame.values["in"] = src;
  Tensor logits = emitSequence(spec.ops, src, names, frame);
  if (diagnostics.hasErrors() || !logits.known())
    return;
  if (!orderHeads(logits, frame) || !checkPixelScores(frame) || !checkHeads(frame))
    return;
  SmallVector<mlir::Value> results;
  SmallVector<double> weights;
  SmallVector<Attribute> outputs;
  for (const Head &head : heads) {
    results.push_back(head.logits.value);
    weights.push_back(head.weight);
    if (!head.name.empty())
      outputs.push_back(builder.getStringAttr(head.name));
  }
  func::ReturnOp::create(builder, loc, results);
  function.setType(builder.getFunctionType(type(*shape), mlir::ValueRange(results).getTypes()));
  if (!outputs.empty())
    (*module)->setAttr("incept.outputs", builder.getArrayAttr(outputs));
  if (heads.size() > 1 || weights.front() != 1)
    function->setAttr("incept.loss_weights", builder.getDenseF64ArrayAttr(weights));
  function.getBody().takeBody(region);
  (*module)->setAttr("incept.macs", builder.getI64IntegerAttr(macs));
  markParameters(frame);
  done = true;
}

/// The network's parameters: a default, or what the command line says.
void GraphEmitter::setParameters(Frame &frame) {
  std::vector<std::string> names;
  for (const Parameter &parameter : spec.parameters) {
    const std::string &name = parameter.name.text;
    names.push_back(name);
    auto given = options.parameters.find(name);
    std::optional<Value> fallback;
    if (parameter.value)
      fallback = value(*parameter.value, frame.scope, frame);
    if (fallback && !hasType(*fallback, parameter.type)) {
      error(parameter.value->range,
            "expected " + describeParameterType(parameter.type) + " for parameter '" + name + "', but got " +
                formatValue(*fallback),
            frame);
      fallback = std::nullopt;
    }
    if (given == options.parameters.end()) {
      if (parameter.required)
        error(parameter.name.range, "expected a value for parameter '" + name + "': give --set " + name + "=VALUE",
              frame);
      frame.scope.set(name, fallback);
      continue;
    }
    // The setting becomes a line of its own that messages can point into.
    std::string line = "--set " + name + "=";
    uint32_t file = diagnostics.files.add("<command line>", llvm::MemoryBuffer::getMemBufferCopy(line + given->second));
    SourceRange range = diagnostics.files.range(file, line.size(), given->second.size());
    auto expr = parseExpression(given->second, range, diagnostics);
    std::optional<Value> result;
    bool isWord = expr && expr->kind == ExprKind::Name;
    std::vector<std::string> words = {"none"};
    for (StringRef word : activationWords())
      words.push_back(word.str());
    if (isWord && parameter.type == ParameterType::Activation && !llvm::is_contained(words, expr->name))
      error(range,
            "expected an activation for parameter '" + name + "', but got '" + given->second + "'" +
                suggestion(expr->name, words),
            frame);
    else if (isWord && parameter.type != ParameterType::Activation)
      error(range, "expected a number, but got '" + given->second + "'", frame);
    else if (expr)
      result = value(*expr, frame.scope, frame);
    if (result && parameter.type != ParameterType::Any && !hasType(*result, parameter.type)) {
      error(range,
            "expected " + describeParameterType(parameter.type) + " for parameter '" + name + "', but got " +
                formatValue(*result),
            frame);
      result = std::nullopt;
    } else if (result && fallback && std::holds_alternative<int64_t>(*fallback) &&
               !std::holds_alternative<int64_t>(*result) && parameter.type == ParameterType::Any) {
      error(range, "expected an integer for parameter '" + name + "', but got " + formatValue(*result), frame);
      result = std::nullopt;
    }
    frame.scope.set(name, result);
  }
  for (const auto &[name, text] : options.parameters)
    if (!llvm::is_contained(names, name)) {
      std::string line = "--set " + name + "=" + text;
      uint32_t file = diagnostics.files.add("<command line>", llvm::MemoryBuffer::getMemBufferCopy(line));
      error(diagnostics.files.range(file, 6, name.size()),
            "unknown parameter '" + name + "' of network '" + spec.network.text + "'" + suggestion(name, names), frame);
    }
}

/// Counts what is emitted; false, with a report, where it is too much. Then nothing more is: loops end at once.
bool GraphEmitter::count(const Op &op, const Frame &frame) {
  if (emitted == kMaxOps)
    error(op.range, "expected a network of at most " + Twine(kMaxOps) + " ops", frame);
  return ++emitted <= kMaxOps;
}

/// What expressions of the next op call `src`.
void GraphEmitter::setSource(const Tensor &src, Frame &frame) {
  std::optional<Row> row;
  if (src.known())
    row = Row{"src", {}};
  if (src.known() && src.shape.size() == 4)
    row->entries = {{"channels", src.shape[1]}, {"height", src.shape[2]}, {"width", src.shape[3]}};
  frame.scope.setSource(std::move(row));
}

Tensor GraphEmitter::emitSequence(const std::vector<Op> &ops, Tensor src, Names &names, Frame &frame) {
  for (const Op &op : ops) {
    if (!count(op, frame)) // also what is repeated no times
      return {};
    setSource(src, frame);
    if (isControl(op.kind)) {
      src = emitControl(op, src, names, frame);
      continue;
    }
    int64_t times = 1;
    if (op.repeat) {
      auto given = integer(*op.repeat, frame.scope, "repeat", 0, 1000, frame);
      if (!given) {
        src = {};
        continue;
      }
      times = *given;
    }
    for (int64_t i = 0; i < times; ++i) {
      if (i > 0 && !count(op, frame))
        return {};
      setSource(src, frame);
      src = emitOp(op, src, nameOp(op, i, names, frame), names, frame);
      lastOp = &op;
    }
    if (!op.saveAs.text.empty()) {
      frame.values[op.saveAs.text] = src;
      frame.places[op.saveAs.text] = op.saveAs.range;
    }
  }
  setSource(src, frame);
  return src;
}

/// A label with its indices; where one has a mistake a name that nobody else has, so that its parameters are not
/// reported too.
std::string GraphEmitter::label(const Name &name, ArrayRef<Expr> indices, Names &names, Frame &frame) {
  SmallVector<int64_t> numbers;
  for (const Expr &index : indices) {
    auto number = integer(index, frame.scope, "an index", 0, 1000000, frame);
    if (!number)
      return names.ordinal(name.text);
    numbers.push_back(*number);
  }
  return fillLabel(name.text, numbers);
}

/// Takes a sibling's name; reports one that is taken and then gives it another, for the same reason.
std::string GraphEmitter::takeName(Names &names, const std::string &name, SourceRange range, const Frame &frame) {
  auto first = names.take(name, range);
  if (!first)
    return name;
  bool again = first->file == range.file && first->line == range.line && first->column == range.column;
  diagnostics.error(range, "name '" + name + "' is already taken" +
                               (again ? "; in a loop a label needs an index, as in " + name + "{i}" : ""));
  diagnostics.note(*first, "first taken here");
  addUses(frame);
  return names.ordinal(name + "_");
}

/// The op's name among its siblings; empty for an op that has none of its own.
std::string GraphEmitter::nameOp(const Op &op, int64_t index, Names &names, Frame &frame) {
  std::string name;
  if (!op.label.text.empty()) {
    // Whether there is a number depends on how the repeat is written, not on what it is: names stay what they are.
    name = label(op.label, op.labelIndices, names, frame);
    if (op.repeat && !isCondition(*op.repeat))
      name += std::to_string(index + 1);
  } else if (op.kind == OpKind::Invalid || op.kind == OpKind::Value || op.kind == OpKind::Identity ||
             (isCombination(op.kind) && !op.bodies.empty() && !op.repeat) ||
             ((op.kind == OpKind::Concat || op.kind == OpKind::Split) && !op.repeat))
    return ""; // the branches of a concat without a label are siblings of what is around it
  else
    name = names.ordinal(op.kind == OpKind::Block ? op.target.text : opInfo(op.kind).name);
  SourceRange range = op.label.text.empty() ? op.range : op.label.range;
  return takeName(names, name, range, frame);
}

Tensor GraphEmitter::emitOp(const Op &op, const Tensor &src, const std::string &name, Names &names, Frame &frame) {
  std::string path = names.path(name);
  switch (op.kind) {
  case OpKind::Invalid:
    return {};
  case OpKind::Conv:
    return emitConv(op, src, path, frame);
  case OpKind::ConvTranspose:
    return emitConvTranspose(op, src, path, frame);
  case OpKind::MaxPool:
  case OpKind::AvgPool:
    return emitPool(op, src, path, frame);
  case OpKind::AdaptiveAvgPool:
    return emitAdaptiveAvgPool(op, src, path, frame);
  case OpKind::Resize:
  case OpKind::Upsample:
    return emitResize(op, src, path, frame);
  case OpKind::GlobalAvgPool:
    return emitGlobalAvgPool(op, src, path, frame);
  case OpKind::BatchNorm:
    return emitBatchNorm(op, src, path, frame);
  case OpKind::Relu:
  case OpKind::Relu6:
  case OpKind::LeakyRelu:
  case OpKind::Sigmoid:
  case OpKind::Silu:
  case OpKind::HardSigmoid:
  case OpKind::HardSwish:
  case OpKind::Gelu:
    return emitActivation(op, opInfo(op.kind).name, src, path, frame);
  case OpKind::Dropout:
  case OpKind::DropPath:
    return emitDropout(op, src, path, frame);
  case OpKind::Linear:
    return emitLinear(op, src, path, frame);
  case OpKind::Flatten:
    return emitFlatten(op, src, path, frame);
  case OpKind::PixelScores:
    return emitPixelScores(op, src, path, frame);
  case OpKind::PadChannels:
    return emitPadChannels(op, src, path, frame);
  case OpKind::ChannelShuffle:
    return emitChannelShuffle(op, src, path, frame);
  case OpKind::ChannelScale:
    return emitChannelScale(op, src, path, frame);
  case OpKind::LayerNorm:
    return emitLayerNorm(op, src, path, frame);
  case OpKind::GroupNorm:
    return emitGroupNorm(op, src, path, frame);
  case OpKind::LocalResponseNorm:
    return emitLocalResponseNorm(op, src, path, frame);
  case OpKind::Softmax:
    return emitSoftmax(op, src, path);
  case OpKind::Concat:
    return emitConcat(op, SmallVector<Tensor>(op.bodies.size(), src), name, names, frame);
  case OpKind::Split:
    return emitSplit(op, src, name, names, frame);
  case OpKind::Residual:
    return emitResidual(op, src, path, frame);
  case OpKind::Sequence: {
    Names inner(path);
    return emitSequence(op.bodies[0].ops, src, inner, frame);
  }
  case OpKind::Add:
  case OpKind::Multiply:
    return op.bodies.empty() ? emitNamed(op, src, path, frame) : emitCombination(op, src, name, names, frame);
  case OpKind::Value: {
    auto found = frame.values.find(op.target.text);
    return found == frame.values.end() ? Tensor() : found->second;
  }
  case OpKind::Block:
    return emitBlock(op, src, name, path, frame);
  case OpKind::Auxiliary:
  case OpKind::Output:
    return emitHead(op, src, path, frame);
  case OpKind::Identity:
    return src;
  default:
    return {};
  }
}

Tensor GraphEmitter::emitBranch(const Branch &branch, const Tensor &src, Names &names, Frame &frame) {
  if (!branch.single) {
    std::string name =
        branch.label.text.empty() ? names.ordinal("branch") : label(branch.label, branch.labelIndices, names, frame);
    SourceRange range = branch.label.text.empty() ? branch.range : branch.label.range;
    name = takeName(names, name, range, frame);
    Names inner(names.path(name));
    return emitSequence(branch.ops, src, inner, frame);
  }
  if (branch.label.text.empty() || !branch.ops[0].label.text.empty())
    return emitSequence(branch.ops, src, names, frame);
  std::vector<Op> ops = branch.ops; // the branch's name is the op's
  ops[0].label = branch.label;
  ops[0].labelIndices = branch.labelIndices;
  return emitSequence(ops, src, names, frame);
}

/// The parts of what flows in that the branches of a split begin with: equal, or of the channels that it says.
SmallVector<Tensor> GraphEmitter::splitChannels(const Op &op, const Tensor &src, const std::string &path,
                                                Frame &frame) {
  SmallVector<Tensor> parts(op.bodies.size());
  int64_t count = int64_t(op.bodies.size()), sum = 0;
  Option option = find(op, "channels", frame);
  if (!needsImage(op, src, frame))
    return parts;
  SmallVector<Shape> shapes(op.bodies.size(), src.shape);
  if (option && option.argument->items.size() != op.bodies.size()) {
    error(option.argument->range,
          "expected a list of channels with one number per branch, " + Twine(count) + ", but got " +
              Twine(option.argument->kind == ArgumentKind::List ? option.argument->items.size() : 1),
          frame);
    return parts;
  }
  if (!option && src.shape[1] % count != 0) {
    error(op.range,
          "expected " + Twine(count) + " branches to divide the " + Twine(src.shape[1]) +
              " channels; give each its own: split(channels = [...])",
          frame);
    return parts;
  }
  for (auto [index, shape] : llvm::enumerate(shapes)) {
    auto channels =
        option ? integer(option.argument->items[index].expr, *option.scope, "channels", 1, kMaxDimension, frame)
               : std::optional(src.shape[1] / count);
    if (!channels)
      return parts;
    shape[1] = *channels;
    sum += *channels;
  }
  if (sum != src.shape[1]) {
    error(option.argument->range,
          "expected channels that sum to those of what flows in, " + Twine(src.shape[1]) + ", but got " + Twine(sum),
          frame);
    return parts;
  }
  SmallVector<Type> types;
  for (const Shape &shape : shapes)
    types.push_back(type(shape));
  auto split = SplitOp::create(builder, location(op.place), types, src.value);
  for (auto [part, result, shape] : llvm::zip(parts, split.getDsts(), shapes))
    part = {result, shape};
  setPath(split, path);
  return parts;
}

Tensor GraphEmitter::emitSplit(const Op &op, const Tensor &src, const std::string &name, Names &names, Frame &frame) {
  std::string path = names.path(name.empty() ? "split" : name + ".split");
  SmallVector<Tensor> parts = splitChannels(op, src, path, frame);
  Tensor result = emitConcat(op, parts, name, names, frame);
  return parts.front().known() ? result : src; // go on with it, to find what else is wrong
}

/// Branches side by side, each of its own source.
Tensor GraphEmitter::emitConcat(const Op &op, ArrayRef<Tensor> sources, const std::string &name, Names &names,
                                Frame &frame) {
  Names inner(names.path(name));
  Names &siblings = name.empty() ? names : inner;
  SmallVector<Tensor> results;
  bool known = true;
  for (auto [branch, src] : llvm::zip_equal(op.bodies, sources)) {
    results.push_back(emitBranch(branch, src, siblings, frame));
    if (results.back().known() && results.back().shape.size() != 4)
      known = needsImage(op, results.back(), frame);
    known &= results.back().known();
  }
  if (!known)
    return {};
  const Tensor &first = results.front();
  SmallVector<mlir::Value> operands;
  SmallVector<ArrayRef<int64_t>> shapes;
  bool mismatch = false;
  for (auto [branch, result] : llvm::zip(op.bodies, results)) {
    if (result.shape[2] != first.shape[2] || result.shape[3] != first.shape[3]) {
      diagnostics.error(branch.range, "expected branches of one height and width, but got " + formatSize(first.shape) +
                                          " and " + formatSize(result.shape));
      diagnostics.note(op.bodies.front().range, "the first branch gives " + formatSize(first.shape));
      addUses(frame);
      mismatch = true;
      continue;
    }
    operands.push_back(result.value);
    shapes.push_back(result.shape);
  }
  if (mismatch) // go on as if the others were like the first
    return first;
  auto shape = infer(op, sources.front(), frame, [&](EmitError emitError) { return inferConcat(emitError, shapes); });
  if (!shape)
    return {};
  return tensor(ConcatOp::create(builder, location(op.place), type(*shape), operands),
                names.path(name.empty() ? "concat" : name));
}

/// Branches added to each other, or multiplied, in the order written.
Tensor GraphEmitter::emitCombination(const Op &op, const Tensor &src, const std::string &name, Names &names,
                                     Frame &frame) {
  Names inner(names.path(name));
  Names &siblings = name.empty() ? names : inner;
  Tensor total;
  for (auto [index, branch] : llvm::enumerate(op.bodies)) {
    Tensor result = emitBranch(branch, src, siblings, frame);
    total =
        index == 0 ? result : combine(op, total, result, names.path(name.empty() ? opInfo(op.kind).name : name), frame);
  }
  return total;
}

Tensor GraphEmitter::combine(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path,
                             Frame &frame) {
  return op.kind == OpKind::Multiply ? multiply(op, lhs, rhs, path, frame) : sum(op, lhs, rhs, path, frame);
}

/// Element by element, or one operand has a factor for each channel.
Tensor GraphEmitter::multiply(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path,
                              Frame &frame) {
  if (!lhs.known() || !rhs.known())
    return {};
  auto isFactorOf = [](const Tensor &factor, const Tensor &image) {
    return image.shape.size() == 4 && factor.shape == Shape{image.shape[0], image.shape[1], 1, 1};
  };
  Location loc = location(op.place);
  if (lhs.shape == rhs.shape)
    return tensor(MultiplyOp::create(builder, loc, lhs.value.getType(), lhs.value, rhs.value), path);
  if (isFactorOf(rhs, lhs))
    return tensor(GateOp::create(builder, loc, lhs.value.getType(), lhs.value, rhs.value), path);
  if (isFactorOf(lhs, rhs))
    return tensor(GateOp::create(builder, loc, rhs.value.getType(), rhs.value, lhs.value), path);
  diagnostics.error(op.range, "expected both operands of the product to have one shape, or one of them to be 1x1 with "
                              "the other's channels, but got " +
                                  formatSize(lhs.shape) + " and " + formatSize(rhs.shape));
  explainOperands(op, lhs, rhs, frame);
  return lhs; // go on with it, to find what else is wrong
}

/// Where the operands of a sum or product come from, behind a mistake.
void GraphEmitter::explainOperands(const Op &op, const Tensor &lhs, const Tensor &rhs, Frame &frame) {
  if (op.bodies.empty()) {
    auto place = frame.places.find(op.target.text);
    if (place != frame.places.end())
      diagnostics.note(place->second, "'" + op.target.text + "' is " + formatSize(lhs.shape));
    diagnostics.note(op.range, "what flows in is " + formatSize(rhs.shape));
  } else {
    diagnostics.note(op.bodies.front().range, "the branches before give " + formatSize(lhs.shape));
  }
  addUses(frame);
}

Tensor GraphEmitter::sum(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path, Frame &frame) {
  if (!lhs.known() || !rhs.known())
    return {};
  if (lhs.shape == rhs.shape)
    return tensor(AddOp::create(builder, location(op.place), lhs.value.getType(), lhs.value, rhs.value), path);
  diagnostics.error(op.range, "expected both operands of the sum to have one shape, but got " + formatSize(lhs.shape) +
                                  " and " + formatSize(rhs.shape));
  bool images = lhs.shape.size() == 4 && rhs.shape.size() == 4;
  bool sameSize = images && lhs.shape[2] == rhs.shape[2] && lhs.shape[3] == rhs.shape[3];
  if (op.kind == OpKind::Residual) {
    const Op *last = nullptr;
    for (const Op &inner : op.bodies[0].ops)
      if (inner.kind != OpKind::Comment)
        last = &inner;
    bool given = op.bodies.size() > 1;
    diagnostics.note(given ? op.bodies[1].range : op.range,
                     (given ? "the shortcut gives " : "the shortcut is what flows in, ") + formatSize(lhs.shape) +
                         (!images || sameSize ? ""
                          : given             ? "; its strides must be those of the body"
                                              : "; give it a shortcut with the strides of the body"));
    if (last)
      diagnostics.note(last->range, "the residual branch gives " + formatSize(rhs.shape) +
                                        (sameSize && last->kind == OpKind::Conv
                                             ? "; give this convolution " + std::to_string(lhs.shape[1]) + " filters"
                                             : ""));
    addUses(frame);
  } else {
    explainOperands(op, lhs, rhs, frame);
  }
  return lhs; // go on with it, to find what else is wrong
}

Tensor GraphEmitter::emitResidual(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  Names inner(path);
  bool residual = flag(op, "when", true, frame);
  std::string word = activation(op, "linear", frame);
  Tensor branch = emitSequence(op.bodies[0].ops, src, inner, frame);
  if (!residual) // no sum: the body alone
    return emitActivation(op, word, branch, path + "." + word, frame);
  if (Option scale = find(op, "scale", frame)) {
    auto factor = real(scale.argument->expr, *scale.scope, "scale", -1e30, 1e30, frame);
    if (!factor)
      branch = {};
    else if (branch.known() && *factor != 1)
      branch = tensor(ScaleOp::create(builder, location(op.place), branch.value.getType(), branch.value,
                                      builder.getF64FloatAttr(*factor)),
                      path + ".scale");
  }
  Tensor shortcut = src;
  if (op.bodies.size() > 1) {
    Names shortcutNames(inner.path("shortcut"));
    shortcut = emitSequence(op.bodies[1].ops, src, shortcutNames, frame);
  }
  Tensor result = sum(op, shortcut, branch, path + ".add", frame);
  return emitActivation(op, word, result, path + "." + word, frame);
}

Tensor GraphEmitter::emitNamed(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto found = frame.values.find(op.target.text);
  return combine(op, found == frame.values.end() ? Tensor() : found->second, src, path, frame);
}

Location GraphEmitter::location(SourceRange range) const {
  return FileLineColLoc::get(&context, diagnostics.files.name(range.file), range.line, range.column);
}

void GraphEmitter::addUses(const Frame &frame) {
  // Of a long chain the inner and the outermost uses tell most.
  for (const Frame *use = &frame; use->parent; use = use->parent)
    if (frame.depth - use->depth < 6 || use->depth == 1)
      diagnostics.note(use->use, "in block '" + use->block->name.text + "', used here");
}

void GraphEmitter::error(SourceRange range, const Twine &message, const Frame &frame) {
  diagnostics.error(range, message);
  addUses(frame);
}

std::optional<Value> GraphEmitter::value(const Expr &expr, const ValueScope &scope, const Frame &frame) {
  size_t before = diagnostics.count();
  auto result = evaluate(expr, scope, diagnostics);
  if (!result && diagnostics.count() != before)
    addUses(frame);
  return result;
}

RankedTensorType GraphEmitter::type(ArrayRef<int64_t> shape) const {
  return RankedTensorType::get(shape, Float32Type::get(&context));
}

Tensor GraphEmitter::tensor(mlir::Value value, StringRef path) const {
  setPath(value.getDefiningOp(), path);
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  return {value, Shape(shape.begin(), shape.end())};
}

} // namespace incept
