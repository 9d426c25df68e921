// SPDX-License-Identifier: Apache-2.0
//
// The `input` and `training` sections: the shape of the batch, and the module's attributes.

#include "frontend/GraphEmitter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/GlobPattern.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace incept {

static const Argument *findField(const std::vector<Argument> &fields, StringRef name) {
  auto found = llvm::find_if(fields, [&](const Argument &field) { return field.name.text == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::optional<Shape> GraphEmitter::inputShape(Frame &frame) {
  if (!spec.input)
    return std::nullopt; // reported by the reader
  Shape shape{options.batchSize};
  for (StringRef key : {"channels", "height", "width"}) {
    const Argument *field = findField(spec.input->arguments, key);
    if (!field)
      continue; // reported by the reader
    if (auto size = integer(field->expr, networkScope, key, 1, 1 << 24, frame))
      shape.push_back(*size);
  }
  if (shape.size() != 4)
    return std::nullopt;
  auto elements = countElements(shape);
  if (succeeded(elements) && *elements <= (int64_t(1) << 40))
    return shape;
  error(spec.input->range, "expected an input of at most 2^40 elements, but got " + formatShape(shape), frame);
  return std::nullopt;
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A number of the training section: its range and what it is when it is absent.
struct Field {
  StringRef name;
  double least, most, fallback;
};
const Field kRate[] = {{"base", 0, kInfinity, 0.01},
                       {"gamma", 0, 1, 0.94},
                       {"every_epochs", 1e-6, kInfinity, 2.0},
                       {"final", 0, kInfinity, 0.0},
                       {"warmup_epochs", 0, kInfinity, 0.0}};
const Field kImages[] = {{"min_area", 1e-4, 1, 0},    {"max_area", 1e-4, 1, 0}, {"min_ratio", 0.01, 100, 0},
                         {"max_ratio", 0.01, 100, 0}, {"flip", 0, 1, 0},        {"erase", 0, 1, 0},
                         {"padding", 0, 1024, 0},     {"crop", 0.05, 1, 0},     {"mixup", 0, 100, 0},
                         {"cutmix", 0, 100, 0},       {"orient", 0, 1, 0},      {"scaled", 0, 1, 0}};
/// Of single schedules: emitted where they are given.
const Field kScheduleNumbers[] = {{"power", 0, 100, 1},
                                  {"rise", 0, 1, 0.3},
                                  {"start_divisor", 1, kInfinity, 25},
                                  {"end_divisor", 1, kInfinity, 10000}};
const Field kTraining[] = {{"weight_decay", 0, kInfinity, 0.0}, {"label_smoothing", 0, 0.999, 0.0}};
/// Emitted where they are given: each is code of its own. A limit of 0 would let nothing be learnt.
const Field kStepNumbers[] = {
    {"clip_norm", 1e-30, kInfinity, 0.0}, {"clip_value", 1e-30, kInfinity, 0.0}, {"ema", 1e-6, 1 - 1e-7, 0.0}};

} // namespace

void GraphEmitter::emitSections(Frame &frame) {
  auto number = [&](const std::vector<Argument> &fields, const Field &field) -> double {
    const Argument *given = findField(fields, field.name);
    auto result = given
                      ? real(given->expr, networkScope, ("'" + field.name + "'").str(), field.least, field.most, frame)
                      : std::optional(field.fallback);
    return result.value_or(field.fallback);
  };
  auto whole = [&](const std::vector<Argument> &fields, StringRef name, int64_t least, int64_t fallback) {
    const Argument *given = findField(fields, name);
    auto result = given ? integer(given->expr, networkScope, ("'" + name + "'").str(), least, int64_t(1) << 40, frame)
                        : std::optional(fallback);
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(result.value_or(fallback)));
  };
  auto record = [&](const std::vector<Argument> &fields, StringRef kind, ArrayRef<Field> table) {
    const Argument *given = findField(fields, "kind");
    SmallVector<NamedAttribute> entries = {
        builder.getNamedAttr("kind", builder.getStringAttr(given ? StringRef(given->word) : kind))};
    for (const Field &field : table)
      entries.push_back(builder.getNamedAttr(field.name, builder.getF64FloatAttr(number(fields, field))));
    return builder.getDictionaryAttr(entries);
  };
  auto schedule = [&](const std::vector<Argument> &fields) {
    SmallVector<Field> table(std::begin(kRate), std::end(kRate));
    for (const Field &field : kScheduleNumbers)
      if (findField(fields, field.name))
        table.push_back(field);
    SmallVector<NamedAttribute> entries(record(fields, "constant", table).getValue());
    if (const Argument *list = findField(fields, "milestones")) {
      std::vector<double> epochs;
      ArrayRef<Argument> items = list->kind == ArgumentKind::List ? ArrayRef(list->items) : ArrayRef(*list);
      for (const Argument &item : items)
        epochs.push_back(real(item.expr, networkScope, "'milestones'", 0, kInfinity, frame).value_or(0));
      if (!llvm::is_sorted(epochs))
        error(list->range, "expected milestones in ascending order", frame);
      entries.push_back(builder.getNamedAttr("milestones", builder.getDenseF64ArrayAttr(epochs)));
    }
    return builder.getDictionaryAttr(entries);
  };
  const std::vector<Argument> none;
  const std::vector<Argument> &training = spec.training ? spec.training->arguments : none;
  const Argument *optimizer = findField(training, "optimizer"), *rate = findField(training, "learning_rate");
  const std::vector<Argument> &ofOptimizer = optimizer ? optimizer->items : none;
  const Argument *optimizerKind = findField(ofOptimizer, "kind"), *loss = findField(training, "loss");
  // Its own numbers, and what is given besides.
  SmallVector<Field> optimizerFields;
  StringRef chosen = optimizerKind ? StringRef(optimizerKind->word) : StringRef(kOptimizers[0]->kind);
  const Optimizer &own = **llvm::find_if(kOptimizers, [&](const Optimizer *known) { return known->kind == chosen; });
  for (const Hyperparameter *number : optimizerNumbers(chosen))
    if (findField(ofOptimizer, number->key) ||
        llvm::any_of(own.hyperparameters, [&](const Hyperparameter &known) { return known.key == number->key; }))
      optimizerFields.push_back({number->key, number->least, number->most, number->fallback});
  SmallVector<NamedAttribute> entries = {
      builder.getNamedAttr("optimizer", record(ofOptimizer, kOptimizers[0]->kind, optimizerFields)),
      builder.getNamedAttr("learning_rate", schedule(rate ? rate->items : none)), whole(training, "epochs", 1, 1),
      whole(training, "seed", 0, 0)};
  // What is said of images goes to the program as it is: it knows what it leaves out.
  for (StringRef section : {"augmentation", "evaluation"}) {
    const Argument *given = findField(training, section);
    if (!given)
      continue;
    SmallVector<NamedAttribute> said;
    for (const Argument &item : given->items) {
      StringRef name = item.name.text;
      const Field *field = llvm::find_if(kImages, [&](const Field &known) { return known.name == name; });
      if (field == std::end(kImages)) {
        said.push_back(builder.getNamedAttr(name, builder.getStringAttr(item.word)));
        continue;
      }
      double value = number(given->items, *field);
      if ((name == "orient" || name == "scaled") && value != 0 && value != 1)
        error(item.range, "expected 0 or 1 for '" + name + "'", frame);
      said.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(value)));
    }
    entries.push_back(builder.getNamedAttr(section, builder.getDictionaryAttr(said)));
  }
  if (loss)
    entries.push_back(builder.getNamedAttr("loss", builder.getStringAttr(loss->word)));
  for (const Field &field : kTraining)
    entries.push_back(builder.getNamedAttr(field.name, builder.getF64FloatAttr(number(training, field))));

  for (const Field &field : kStepNumbers)
    if (findField(training, field.name))
      entries.push_back(builder.getNamedAttr(field.name, builder.getF64FloatAttr(number(training, field))));
  if (const Argument *norm = findField(training, "clip_norm"), *value = findField(training, "clip_value");
      norm && value)
    error(value->range, "expected 'clip_norm' or 'clip_value', but got both", frame);
  if (const Argument *ignored = findField(training, "ignore_label")) {
    constexpr int64_t kMost = int64_t(1) << 31;
    if (auto label = integer(ignored->expr, networkScope, "'ignore_label'", -kMost, kMost, frame))
      entries.push_back(builder.getNamedAttr("ignore_label", builder.getI64IntegerAttr(*label)));
  }
  if (const Argument *batches = findField(training, "accumulate")) {
    auto count = integer(batches->expr, networkScope, "'accumulate'", 1, 1 << 20, frame);
    if (count && *count > 1)
      entries.push_back(builder.getNamedAttr("accumulate", builder.getI64IntegerAttr(*count)));
  }

  Operation *op = module->getOperation();
  op->setAttr("incept.training", builder.getDictionaryAttr(entries));
  op->setAttr(InceptDialect::kPhaseAttr, builder.getStringAttr("graph"));
  op->setAttr("incept.network", builder.getStringAttr(spec.network.text));
  op->setAttr("incept.mode", builder.getStringAttr("train"));

  // Normalisation: one value per channel, or one for all.
  const Argument *channelsField = spec.input ? findField(spec.input->arguments, "channels") : nullptr;
  const Argument *normalization = spec.input ? findField(spec.input->arguments, "normalization") : nullptr;
  auto channels =
      channelsField ? integer(channelsField->expr, networkScope, "channels", 1, 1 << 24, frame) : std::nullopt;
  if (!channels || *channels > 4096)
    return; // an error, or images that no file format holds
  auto values = [&](StringRef name, double least, double fallback) {
    std::vector<double> numbers;
    const Argument *field = normalization ? findField(normalization->items, name) : nullptr;
    if (field && field->kind == ArgumentKind::List) {
      for (const Argument &item : field->items)
        numbers.push_back(real(item.expr, networkScope, name, least, 1e6, frame).value_or(fallback));
      if (static_cast<int64_t>(numbers.size()) != *channels)
        error(field->range,
              "expected " + name + " with one value per channel, " + Twine(*channels) + ", but got " +
                  Twine(numbers.size()),
              frame);
    } else {
      numbers.assign(*channels,
                     field ? real(field->expr, networkScope, name, least, 1e6, frame).value_or(fallback) : fallback);
    }
    return builder.getNamedAttr(name, builder.getDenseF64ArrayAttr(numbers));
  };
  op->setAttr("incept.normalization", builder.getDictionaryAttr({values("mean", -1e6, 0.5), values("std", 1e-6, 0.5)}));
}

/// A pattern of names, `*` for any part of one.
static std::optional<llvm::GlobPattern> readPattern(StringRef text) {
  auto pattern = llvm::GlobPattern::create(text);
  if (pattern)
    return std::move(*pattern);
  llvm::consumeError(pattern.takeError());
  return std::nullopt;
}

void GraphEmitter::markParameters(Frame &frame) {
  if (!spec.training)
    return;
  /// Calls `mark` for the parameters that a pattern names.
  auto forEach = [&](const Argument &item, StringRef text, llvm::function_ref<void(VariableOp)> mark) {
    auto pattern = readPattern(text);
    if (!pattern)
      return error(item.range, "expected a pattern of names, but got '" + text.take_front(80) + "'", frame);
    bool found = false;
    for (VariableOp variable : module->getOps<VariableOp>())
      if (variable.isParameter() && pattern->match(variable.getSymName())) {
        mark(variable);
        found = true;
      }
    if (!found)
      error(item.range, "no parameter has a name like '" + text.take_front(80) + "'", frame);
  };
  if (const Argument *frozen = findField(spec.training->arguments, "frozen"))
    for (const Argument &item : frozen->items)
      forEach(item, item.word, [](VariableOp variable) { variable.setFrozen(true); });
  if (const Argument *rates = findField(spec.training->arguments, "rates"))
    for (const Argument &item : rates->items) {
      auto [text, number] = StringRef(item.word).rsplit(' ');
      double rate = 0;
      if (number.empty() || number.getAsDouble(rate) || !(rate > 0 && rate <= 1e6)) {
        error(item.range,
              "expected a pattern of names and a positive number, as \"classifier.* 10\", but got '" +
                  StringRef(item.word).take_front(80) + "'",
              frame);
        continue;
      }
      forEach(item, text.trim(), [&](VariableOp variable) { variable.setRateAttr(builder.getF64FloatAttr(rate)); });
    }
  bool isTrained = llvm::any_of(module->getOps<VariableOp>(), [](VariableOp variable) { return variable.isTrained(); });
  if (const Argument *frozen = findField(spec.training->arguments, "frozen"); frozen && !isTrained)
    error(frozen->range, "expected a parameter that is not frozen", frame);
}

} // namespace incept
