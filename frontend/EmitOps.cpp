// SPDX-License-Identifier: Apache-2.0
//
// Emission of ops that compute, with their variables.

#include "frontend/GraphEmitter.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace incept {

/// Elements of one tensor: far beyond any memory, and small enough for all byte counts to fit 63 bits.
static constexpr int64_t kMaxElements = int64_t(1) << 40;

/// False, with a report, where the op would get a matrix.
bool GraphEmitter::needsImage(const Op &op, const Tensor &src, Frame &frame) {
  if (!src.known() || src.shape.size() == 4)
    return src.known();
  error(op.range,
        "expected an image (C,H,W) as input of '" + opInfo(op.kind).name + "', but got " + formatSize(src.shape) +
            "; move it before linear and flatten",
        frame);
  return false;
}

DictionaryAttr GraphEmitter::constantInit(StringRef kind) {
  return builder.getDictionaryAttr({builder.getNamedAttr("kind", builder.getStringAttr(kind))});
}

DictionaryAttr GraphEmitter::weightsInit(const Op &op, StringRef fallback, int64_t fanIn, int64_t fanOut,
                                         Frame &frame) {
  std::string kind = fallback.str();
  SmallVector<NamedAttribute> fields;
  if (Option option = find(op, "init", frame)) {
    if (option.argument->kind == ArgumentKind::Word)
      kind = option.argument->word;
    for (const Argument &item : option.argument->items)
      if (item.name.text == "kind")
        kind = item.word;
      else if (auto number = real(item.expr, *option.scope, "'" + item.name.text + "' of init", -1e30, 1e30, frame))
        fields.push_back(builder.getNamedAttr(item.name.text, builder.getF64FloatAttr(*number)));
    StringRef needed = kind == "constant" ? "value" : kind == "truncated_normal" ? "std" : "";
    if (!needed.empty() && llvm::none_of(fields, [&](NamedAttribute field) { return field.getName() == needed; }))
      error(option.argument->range, "expected key '" + needed + "' for init '" + kind + "'", frame);
  }
  fields.push_back(builder.getNamedAttr("kind", builder.getStringAttr(kind)));
  fields.push_back(builder.getNamedAttr("fan_in", builder.getI64IntegerAttr(fanIn)));
  fields.push_back(builder.getNamedAttr("fan_out", builder.getI64IntegerAttr(fanOut)));
  return builder.getDictionaryAttr(fields);
}

/// Declares a variable and reads it.
mlir::Value GraphEmitter::variable(const Op &op, const std::string &name, ArrayRef<int64_t> shape, VariableKind kind,
                                   DictionaryAttr init, bool decay, Frame &frame) {
  auto [first, inserted] = variables.emplace(name, op.place);
  if (!inserted) {
    diagnostics.error(op.range, "parameter name '" + name + "' is already taken");
    diagnostics.note(first->second, "first taken here");
    addUses(frame);
    return {};
  }
  auto elements = countElements(shape);
  if (failed(elements) || *elements > kMaxElements) {
    error(op.range, "expected a parameter of at most 2^40 elements, but got " + formatShape(shape), frame);
    return {};
  }
  Location loc = location(op.place);
  VariableOp::create(variableBuilder, loc, name, type(shape), kind, "", "", init, decay);
  return ReadOp::create(builder, loc, type(shape), FlatSymbolRefAttr::get(&context, name));
}

std::optional<int64_t> GraphEmitter::filters(const Op &op, Frame &frame) {
  Option option = find(op, "filters", frame);
  if (!option) {
    error(op.range, "expected key 'filters' of op '" + opInfo(op.kind).name + "'", frame);
    return std::nullopt;
  }
  auto count = integer(option.argument->expr, *option.scope, "filters", 1, kMaxDimension, frame);
  Option width = find(op, "width", frame), divisor = find(op, "divisor", frame);
  if (!count || !width)
    return count;
  auto factor = real(width.argument->expr, *width.scope, "width", 0, 1e6, frame);
  auto step = divisor ? integer(divisor.argument->expr, *divisor.scope, "divisor", 1, 1 << 16, frame)
                      : std::optional<int64_t>(8);
  if (!factor || !step)
    return std::nullopt;
  if (*factor == 1)
    return count; // exactly as written
  double scaled = std::max(std::round(*count * *factor / *step), 1.0) * *step;
  if (scaled <= kMaxDimension)
    return static_cast<int64_t>(scaled);
  error(op.range, "expected at most 2^31 - 1 filters, but the width makes them more", frame);
  return std::nullopt;
}

bool GraphEmitter::setPadding(Window &window, const Op &op, const Tensor &src, Frame &frame) {
  Option option = find(op, "padding", frame);
  bool same = op.kind == OpKind::Conv; // the language's default
  if (!option || option.argument->kind == ArgumentKind::Word) {
    if (option ? option.argument->word == "same" : same)
      setSamePadding(window, src.shape[2], src.shape[3]);
    return true;
  }
  return givenPadding(window, *option.argument, *option.scope, frame);
}

bool GraphEmitter::givenPadding(Window &window, const Argument &given, const ValueScope &scope, const Frame &frame) {
  if (given.kind != ArgumentKind::Record)
    return pair(given, scope, "padding", 0, window.padBegin, frame) &&
           pair(given, scope, "padding", 0, window.padEnd, frame);
  for (const Argument &item : given.items)
    if (!pair(item, scope, "padding", 0, item.name.text == "begin" ? window.padBegin : window.padEnd, frame))
      return false;
  return true;
}

bool GraphEmitter::givenWindow(Window &window, const Op &op, const Frame &frame) {
  bool valid = pair(op.main, frame.scope, "kernel", 1, window.kernel, frame);
  if (Option option = find(op, "stride", frame))
    valid &= pair(*option.argument, *option.scope, "stride", 1, window.stride, frame);
  if (Option option = find(op, "dilation", frame))
    valid &= pair(*option.argument, *option.scope, "dilation", 1, window.dilation, frame);
  return valid;
}

std::optional<Window> GraphEmitter::window(const Op &op, const Tensor &src, Frame &frame) {
  Window window;
  bool valid = givenWindow(window, op, frame);
  if (!valid || !src.known() || !setPadding(window, op, src, frame))
    return std::nullopt;
  bool ceil = flag(op, "ceil", false, frame);
  warnOfWindow(op, src, window, ceil, frame);
  if (ceil)
    setCeilMode(window, src.shape[2], src.shape[3]);
  return window;
}

/// The size of the result in numbers, below a mistake.
void GraphEmitter::explainWindow(const Op &op, const Tensor &src, const Window &window) {
  std::string text;
  bool fits = true;
  for (int axis : {0, 1}) {
    int64_t extent = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    int64_t padded = src.shape[axis + 2] + window.padBegin[axis] + window.padEnd[axis];
    fits &= padded >= extent;
    text +=
        (axis ? "; width: (" : "height: (") + std::to_string(src.shape[axis + 2]) + " + padding " +
        std::to_string(window.padBegin[axis] + window.padEnd[axis]) + " - window " + std::to_string(extent) + ") / " +
        std::to_string(window.stride[axis]) + " + 1" +
        (padded >= extent ? " = " + std::to_string((padded - extent) / window.stride[axis] + 1) : " is less than 1");
  }
  if (!fits) // else it is another mistake
    diagnostics.note(op.range, text);
}

/// What is allowed, but seldom meant.
void GraphEmitter::warnOfWindow(const Op &op, const Tensor &src, const Window &window, bool ceil, const Frame &frame) {
  for (int axis : {0, 1}) {
    const char *name = axis ? "column" : "row";
    int64_t size = src.shape[axis + 2], extent = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    int64_t padded = size + window.padBegin[axis] + window.padEnd[axis];
    if (extent > size && padded >= extent) {
      diagnostics.warning(op.range, "a window of " + Twine(extent) + " is larger than the image, which has " +
                                        Twine(size) + " " + name + (size == 1 ? "" : "s"));
      addUses(frame);
      return;
    }
    int64_t dropped = padded < extent || ceil ? 0 : (padded - extent) % window.stride[axis] - window.padEnd[axis];
    if (dropped > 0 && window.kernel[axis] > 1) {
      diagnostics.warning(op.range, "a stride of " + Twine(window.stride[axis]) + " leaves out the last " +
                                        (dropped == 1 ? Twine(name) : Twine(dropped) + " " + name + "s") + " of " +
                                        Twine(size));
      addUses(frame);
      return;
    }
  }
}

/// The groups of a convolution; nothing where they do not divide its channels, which is reported.
std::optional<int64_t> GraphEmitter::groups(const Op &op, const Tensor &src, int64_t filters, Frame &frame) {
  Option option = find(op, "groups", frame);
  if (!option)
    return 1;
  auto number = integer(option.argument->expr, *option.scope, "groups", 1, kMaxDimension, frame);
  if (!number || (src.shape[1] % *number == 0 && filters % *number == 0))
    return number;
  error(op.range,
        "expected groups to divide the " + Twine(src.shape[1]) + " channels of src and the " + Twine(filters) +
            " filters, but got " + Twine(*number) + " groups",
        frame);
  return std::nullopt;
}

Tensor GraphEmitter::emitConv(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  bool image = needsImage(op, src, frame);
  auto outputs = filters(op, frame);
  auto shape = window(op, image ? src : Tensor(), frame);
  if (!image || !outputs || !shape)
    return {};
  auto parts = groups(op, src, *outputs, frame);
  if (!parts)
    return src; // go on with it, to find what else is wrong
  int64_t weights[] = {*outputs, src.shape[1] / *parts, shape->kernel[0], shape->kernel[1]};
  auto dst = infer(op, src, frame,
                   [&](EmitError emitError) { return inferConv2D(emitError, src.shape, weights, *shape, *parts); });
  if (!dst) {
    explainWindow(op, src, *shape);
    return src; // go on with it, to find what else is wrong
  }

  bool norm = hasBatchNorm(op, frame), bias = flag(op, "bias", !norm, frame);
  std::string own = norm ? path + ".conv" : path;
  int64_t area = shape->kernel[0] * shape->kernel[1];
  int64_t fanIn, fanOut;
  auto work = countMultiplyAccumulates(weights, *dst);
  if (failed(work) || llvm::MulOverflow(weights[1], area, fanIn) || llvm::MulOverflow(*outputs, area, fanOut) ||
      llvm::AddOverflow(macs, *work, macs)) {
    error(op.range, "the number of multiply-accumulates does not fit 63 bits", frame);
    return {};
  }
  auto w = variable(op, own + ".weight", weights, VariableKind::Parameter,
                    weightsInit(op, "he_normal", fanIn, fanOut, frame),
                    /*decay=*/true, frame);
  auto b = bias ? variable(op, own + ".bias", {*outputs}, VariableKind::Parameter, constantInit("zeros"),
                           /*decay=*/false, frame)
                : mlir::Value();
  if (!w || (bias && !b))
    return {};
  auto one = builder.getF64FloatAttr(1.0);
  Tensor result = tensor(Conv2DOp::create(builder, location(op.place), type(*dst), src.value, w, b,
                                          /*residual=*/mlir::Value(), builder.getDenseI64ArrayAttr(shape->stride),
                                          builder.getDenseI64ArrayAttr(shape->padBegin),
                                          builder.getDenseI64ArrayAttr(shape->padEnd),
                                          builder.getDenseI64ArrayAttr(shape->dilation),
                                          builder.getI64IntegerAttr(*parts), one, /*relu=*/mlir::UnitAttr()),
                         own);
  if (norm)
    result = emitBatchNorm(op, result, path + ".bn", frame);
  std::string word = activation(op, "relu", frame);
  return emitActivation(op, word, result, path + "." + word, frame);
}

Tensor GraphEmitter::emitBatchNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto epsilon = batchNormField(op, "epsilon", 1e-5, std::numeric_limits<double>::min(), 1, frame);
  auto decay = batchNormField(op, "decay", 0.9, 0, 1, frame);
  if (!needsImage(op, src, frame) || !epsilon || !decay)
    return {};
  int64_t channels[] = {src.shape[1]};
  mlir::Value gamma;
  if (batchNormScale(op, frame)) {
    gamma =
        variable(op, path + ".weight", channels, VariableKind::Parameter, constantInit("ones"), /*decay=*/false, frame);
    if (!gamma)
      return {};
  }
  auto beta = variable(op, path + ".bias", channels, VariableKind::Parameter, constantInit("zeros"), false, frame);
  auto mean = variable(op, path + ".running_mean", channels, VariableKind::State, constantInit("zeros"), false, frame);
  auto variance =
      variable(op, path + ".running_var", channels, VariableKind::State, constantInit("ones"), false, frame);
  if (!beta || !mean || !variance)
    return {};
  return tensor(BatchNormOp::create(builder, location(op.place), src.value.getType(), src.value, gamma, beta, mean,
                                    variance, builder.getF64FloatAttr(*epsilon), builder.getF64FloatAttr(*decay)),
                path);
}

Tensor GraphEmitter::emitPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  bool image = needsImage(op, src, frame);
  auto shape = window(op, image ? src : Tensor(), frame);
  if (!image || !shape)
    return {};
  auto dst = infer(op, src, frame, [&](EmitError emitError) { return inferPool(emitError, src.shape, *shape); });
  if (!dst) {
    explainWindow(op, src, *shape);
    return src;
  }
  if (op.kind == OpKind::AvgPool)
    return tensor(AvgPoolOp::create(builder, location(op.place), type(*dst), src.value, shape->kernel, shape->stride,
                                    shape->padBegin, shape->padEnd, flag(op, "include_pad", false, frame)),
                  path);
  if (shape->kernel[0] * shape->kernel[1] > 255) {
    error(op.range,
          "expected a window of at most 255 elements for max_pool, but got " + Twine(shape->kernel[0]) + "x" +
              Twine(shape->kernel[1]),
          frame);
    return {};
  }
  return tensor(MaxPoolOp::create(builder, location(op.place), type(*dst), src.value, shape->kernel, shape->stride,
                                  shape->padBegin, shape->padEnd),
                path);
}

Tensor GraphEmitter::emitPadChannels(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto count = integer(op.main.expr, frame.scope, "channels", 0, kMaxDimension, frame);
  if (!needsImage(op, src, frame) || !count || *count == 0)
    return count ? src : Tensor();
  Location loc = location(op.place);
  Shape zeros = src.shape, dst = src.shape;
  zeros[1] = *count;
  dst[1] += *count;
  Tensor zero = tensor(ZerosOp::create(builder, loc, type(zeros)), path);
  return tensor(ConcatOp::create(builder, loc, type(dst), mlir::ValueRange{src.value, zero.value}), path);
}

Tensor GraphEmitter::emitLinear(const Op &op, const Tensor &image, const std::string &path, Frame &frame) {
  auto outputs = integer(op.main.expr, frame.scope, "outputs", 1, kMaxDimension, frame);
  std::string word = activation(op, "linear", frame);
  Tensor src = emitFlatten(op, image, path + ".flatten", frame);
  if (!src.known() || !outputs)
    return {};
  int64_t weights[] = {*outputs, src.shape[1]};
  auto dst = infer(op, src, frame, [&](EmitError emitError) { return inferLinear(emitError, src.shape, weights); });
  if (!dst)
    return {};
  auto work = countMultiplyAccumulates(weights, *dst);
  if (failed(work) || llvm::AddOverflow(macs, *work, macs)) {
    error(op.range, "the number of multiply-accumulates does not fit 63 bits", frame);
    return {};
  }
  auto w = variable(op, path + ".weight", weights, VariableKind::Parameter,
                    weightsInit(op, "glorot_uniform", weights[1], weights[0], frame), /*decay=*/true, frame);
  bool bias = flag(op, "bias", true, frame);
  auto b = bias ? variable(op, path + ".bias", {*outputs}, VariableKind::Parameter, constantInit("zeros"), false, frame)
                : mlir::Value();
  if (!w || (bias && !b))
    return {};
  Tensor result = tensor(LinearOp::create(builder, location(op.place), type(*dst), src.value, w, b), path);
  return emitActivation(op, word, result, path + "." + word, frame);
}

std::optional<Shape> GraphEmitter::infer(const Op &op, const Tensor &src, Frame &frame,
                                         llvm::function_ref<FailureOr<Shape>(EmitError)> rule) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  auto shape = rule([&] { return mlir::emitError(location(op.place)); });
  std::string input = formatSize(src.shape);
  if (failed(shape)) {
    error(op.range, message + " (src is " + input + ")", frame);
    return std::nullopt;
  }
  auto elements = countElements(*shape);
  if (succeeded(elements) && *elements > 0 && *elements <= kMaxElements)
    return *shape;
  error(op.range,
        "expected at most 2^40 elements, but '" + opInfo(op.kind).name + "' of " + input + " gives " +
            formatSize(*shape),
        frame);
  return std::nullopt;
}

} // namespace incept
