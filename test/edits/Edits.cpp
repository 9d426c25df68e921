// SPDX-License-Identifier: Apache-2.0

#include "Edits.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cctype>
#include <random>

using namespace mlir;

namespace incept::test {

namespace {

class Random {
public:
  explicit Random(uint64_t seed) : generator(seed) {}

  /// Of [0, count).
  size_t below(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(generator); }
  template <typename Range>
  auto &of(Range &range) {
    return range[below(std::size(range))];
  }

private:
  std::mt19937_64 generator;
};

template <typename T>
T changed(T value, Random &random) {
  switch (random.below(5)) {
  case 0:
    return value + 1;
  case 1:
    return value - 1;
  case 2:
    return T(0);
  case 3:
    return T(-1);
  default:
    return value * 2;
  }
}

/// Changes one number, or one enumerator or symbol, of an attribute or a type. A first visit counts what there is, a
/// second changes the one that was drawn.
class LeafEdit {
public:
  enum Kind { Numbers, Enums, Symbols, Dimensions };

  LeafEdit(Kind kind, Random &random, ArrayRef<StringRef> symbols = {})
      : kind(kind), random(random), symbols(symbols) {}

  /// The attribute with one leaf changed, null where it has none.
  Attribute operator()(Attribute attribute) {
    visit(attribute);
    return draw() ? visit(attribute) : Attribute();
  }
  Type operator()(Type type) {
    visit(type);
    return draw() ? visit(type) : Type();
  }

private:
  bool draw() {
    if (count == 0)
      return false;
    chosen = int(random.below(count));
    count = 0;
    return true;
  }

  bool isNext(Kind which) { return which == kind && count++ == chosen; }

  template <typename T>
  SmallVector<T> visitNumbers(ArrayRef<T> values, Kind which) {
    SmallVector<T> result(values);
    for (T &value : result)
      if (isNext(which))
        value = changed(value, random);
    return result;
  }

  template <typename AttrTy, typename Enum>
  Attribute visitEnum(AttrTy attribute, int cases) {
    if (!isNext(Enums))
      return attribute;
    int value = int(attribute.getValue());
    return AttrTy::get(attribute.getContext(), Enum((value + 1 + int(random.below(cases - 1))) % cases));
  }

  Attribute visitText(StringAttr text, bool inDictionary) {
    StringRef value = text.getValue();
    if (!inDictionary || kind != Numbers)
      return text;
    if (value == "true" || value == "false")
      return isNext(Numbers) ? StringAttr::get(text.getContext(), value == "true" ? "false" : "true") : text;
    std::string result;
    for (size_t i = 0; i < value.size();) {
      size_t end = i;
      while (end < value.size() && std::isdigit(value[end]))
        ++end;
      int64_t number = 0;
      if (end == i) {
        result += value[i++];
        continue;
      }
      bool isNumber = !value.slice(i, end).getAsInteger(10, number);
      result += isNumber && isNext(Numbers) ? std::to_string(changed(number, random)) : value.slice(i, end).str();
      i = end;
    }
    return StringAttr::get(text.getContext(), result);
  }

  Attribute visit(Attribute attribute, bool inDictionary = false) {
    MLIRContext *context = attribute.getContext();
    return TypeSwitch<Attribute, Attribute>(attribute)
        .Case([&](DictionaryAttr dictionary) {
          NamedAttrList entries;
          for (NamedAttribute entry : dictionary)
            entries.set(entry.getName(), visit(entry.getValue(), true));
          return entries.getDictionary(context);
        })
        .Case([&](ArrayAttr array) {
          return ArrayAttr::get(context, llvm::map_to_vector(array, [&](Attribute a) { return visit(a); }));
        })
        .Case([&](DenseI64ArrayAttr array) {
          return DenseI64ArrayAttr::get(context, visitNumbers(array.asArrayRef(), Numbers));
        })
        .Case([&](DenseI32ArrayAttr array) {
          return DenseI32ArrayAttr::get(context, visitNumbers(array.asArrayRef(), Numbers));
        })
        .Case([&](DenseF64ArrayAttr array) {
          return DenseF64ArrayAttr::get(context, visitNumbers(array.asArrayRef(), Numbers));
        })
        .Case(
            [&](BoolAttr flag) { return isNext(Numbers) ? BoolAttr::get(context, !flag.getValue()) : Attribute(flag); })
        .Case([&](IntegerAttr number) {
          return isNext(Numbers) ? IntegerAttr::get(number.getType(), changed(number.getValue().getSExtValue(), random))
                                 : number;
        })
        .Case([&](FloatAttr number) {
          return isNext(Numbers) ? FloatAttr::get(number.getType(), changed(number.getValueAsDouble(), random))
                                 : number;
        })
        .Case([&](StringAttr text) { return visitText(text, inDictionary); })
        .Case([&](FlatSymbolRefAttr symbol) {
          return !symbols.empty() && isNext(Symbols) ? FlatSymbolRefAttr::get(context, random.of(symbols)) : symbol;
        })
        .Case([&](TypeAttr type) { return TypeAttr::get(visit(type.getValue())); })
        .Case([&](TargetAttr target) {
          return TargetAttr::get(context, target.getKind(), target.getDevice(),
                                 cast<DictionaryAttr>(visit(target.getSettings())));
        })
        .Case([&](LayoutAttr layout) {
          int64_t stride = layout.getStride(), offset = layout.getOffset();
          if (isNext(Dimensions))
            stride = changed(stride, random);
          if (isNext(Dimensions))
            offset = changed(offset, random);
          bool isOther = isNext(Dimensions);
          StringRef format = !isOther ? layout.getFormat() : layout.getFormat() == "nhwc" ? "dense" : "nhwc";
          auto result = LayoutAttr::getChecked([&] { return emitError(UnknownLoc::get(context)); }, context, format,
                                               stride, offset);
          return result ? result : layout;
        })
        .Case([&](VariableKindAttr kind) { return visitEnum<VariableKindAttr, VariableKind>(kind, 8); })
        .Case([&](GroupKindAttr kind) { return visitEnum<GroupKindAttr, GroupKind>(kind, 2); })
        .Case([&](PlanKindAttr kind) { return visitEnum<PlanKindAttr, PlanKind>(kind, 5); })
        .Case([&](KernelFamilyAttr kind) { return visitEnum<KernelFamilyAttr, KernelFamily>(kind, 6); })
        .Case([&](EntryPointAttr kind) { return visitEnum<EntryPointAttr, EntryPoint>(kind, 7); })
        .Default([](Attribute other) { return other; });
  }

  Type visitElement(Type element) {
    if (!isNext(Dimensions))
      return element;
    Builder b(element.getContext());
    SmallVector<Type> types = {b.getF32Type(), b.getF64Type(), b.getBF16Type(), b.getI64Type(),
                               b.getIntegerType(8, false)};
    llvm::erase(types, element);
    return random.of(types);
  }

  Type visit(Type type) {
    MLIRContext *context = type.getContext();
    return TypeSwitch<Type, Type>(type)
        .Case([&](RankedTensorType tensor) -> Type {
          SmallVector<int64_t> shape = visitShape(tensor.getShape());
          Type element = visitElement(tensor.getElementType());
          Attribute encoding = tensor.getEncoding();
          return RankedTensorType::get(shape, element, encoding ? visit(encoding) : encoding);
        })
        .Case([&](MemRefType memref) -> Type {
          SmallVector<int64_t> shape = visitShape(memref.getShape());
          Type element = visitElement(memref.getElementType());
          MemRefLayoutAttrInterface layout = memref.getLayout();
          if (auto strided = dyn_cast<StridedLayoutAttr>(layout))
            layout =
                StridedLayoutAttr::get(context, strided.getOffset(), visitNumbers(strided.getStrides(), Dimensions));
          if (MemRefType::getChecked([&] { return emitError(UnknownLoc::get(context)); }, shape, element, layout,
                                     Attribute()))
            return MemRefType::get(shape, element, layout);
          return memref;
        })
        .Case([&](FunctionType function) -> Type {
          auto each = [&](ArrayRef<Type> types) {
            return llvm::map_to_vector(types, [&](Type t) { return visit(t); });
          };
          SmallVector<Type> inputs = each(function.getInputs()), results = each(function.getResults());
          return FunctionType::get(context, inputs, results);
        })
        .Default([](Type other) { return other; });
  }

  /// Sizes below zero cannot be written down.
  SmallVector<int64_t> visitShape(ArrayRef<int64_t> shape) {
    SmallVector<int64_t> result = visitNumbers(shape, Dimensions);
    for (int64_t &size : result)
      if (size < 0)
        size = ShapedType::kDynamic;
    return result;
  }

  Kind kind;
  Random &random;
  ArrayRef<StringRef> symbols;
  int count = 0, chosen = -1;
};

class Editor {
public:
  Editor(ModuleOp module, uint64_t seed) : module(module), random(seed) {
    module.walk([&](Operation *op) {
      auto &alike = byName[op->getName().getStringRef()];
      if (alike.empty())
        names.push_back(op->getName().getStringRef());
      alike.push_back(op);
      all.push_back(op);
    });
  }

  std::string run() {
    // Rare ops as often as frequent ones, half of the time.
    Operation *op = random.of(random.below(2) ? byName[random.of(names)] : all);
    std::string what = describe(op) + ": ";
    using Edit = std::string (Editor::*)(Operation *);
    static constexpr Edit edits[] = {&Editor::changeNumber,   &Editor::changeNumber,  &Editor::changeNumber,
                                     &Editor::dropAttribute,  &Editor::takeAttribute, &Editor::swapOperands,
                                     &Editor::replaceOperand, &Editor::changeSymbol,  &Editor::changeType,
                                     &Editor::changeType,     &Editor::erase,         &Editor::duplicate,
                                     &Editor::move,           &Editor::changeEnum};
    std::string done = (this->*random.of(edits))(op);
    return done.empty() ? "" : what + done;
  }

private:
  static std::string text(Attribute attribute) {
    std::string result;
    llvm::raw_string_ostream(result) << attribute;
    return result;
  }

  static std::string describe(Operation *op) {
    std::string result = op->getName().getStringRef().str();
    if (auto symbol = op->getAttrOfType<StringAttr>("sym_name"))
      result += " @" + symbol.str();
    std::string location;
    llvm::raw_string_ostream(location) << op->getLoc();
    return result + " " + location;
  }

  /// Changes a leaf of one of the op's attributes.
  std::string changeLeaf(Operation *op, LeafEdit::Kind kind, ArrayRef<StringRef> symbols = {}) {
    SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
    std::shuffle(attributes.begin(), attributes.end(), std::mt19937(random.below(1 << 30)));
    for (NamedAttribute attribute : attributes)
      if (Attribute result = LeafEdit(kind, random, symbols)(attribute.getValue());
          result && result != attribute.getValue()) {
        op->setAttr(attribute.getName(), result);
        return attribute.getName().str() + " = " + text(result);
      }
    return "";
  }

  std::string changeNumber(Operation *op) { return changeLeaf(op, LeafEdit::Numbers); }
  std::string changeEnum(Operation *op) { return changeLeaf(op, LeafEdit::Enums); }

  std::string changeSymbol(Operation *op) {
    // Of the same kind as the one that is named.
    for (NamedAttribute attribute : op->getAttrDictionary()) {
      auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute.getValue());
      Operation *named = symbol ? SymbolTable::lookupNearestSymbolFrom(op, symbol) : nullptr;
      if (!named)
        continue;
      SmallVector<StringRef> others;
      for (Operation *other : byName[named->getName().getStringRef()])
        if (other != named)
          others.push_back(SymbolTable::getSymbolName(other).getValue());
      return others.empty() ? "" : changeLeaf(op, LeafEdit::Symbols, others);
    }
    return "";
  }

  std::string dropAttribute(Operation *op) {
    SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
    if (attributes.empty())
      return "";
    NamedAttribute attribute = random.of(attributes);
    op->removeAttr(attribute.getName());
    // What has a default has it when the IR is read again.
    if (OpaqueProperties properties = op->getPropertiesStorage())
      op->getName().populateDefaultProperties(properties);
    if (op->getAttr(attribute.getName()) == attribute.getValue())
      return "";
    return "without " + attribute.getName().str();
  }

  /// An attribute of another op of its name.
  std::string takeAttribute(Operation *op) {
    Operation *other = random.of(byName[op->getName().getStringRef()]);
    SmallVector<NamedAttribute> attributes(other->getAttrDictionary().getValue());
    llvm::erase_if(attributes, [&](NamedAttribute a) { return op->getAttr(a.getName()) == a.getValue(); });
    if (attributes.empty())
      return "";
    NamedAttribute attribute = random.of(attributes);
    op->setAttr(attribute.getName(), attribute.getValue());
    return attribute.getName().str() + " = " + text(attribute.getValue());
  }

  std::string swapOperands(Operation *op) {
    if (op->getNumOperands() < 2)
      return "";
    unsigned first = random.below(op->getNumOperands()), second = random.below(op->getNumOperands());
    Value a = op->getOperand(first), b = op->getOperand(second);
    if (a == b)
      return "";
    op->setOperand(first, b);
    op->setOperand(second, a);
    return "operands " + std::to_string(first) + " and " + std::to_string(second) + " swapped";
  }

  std::string replaceOperand(Operation *op) {
    if (op->getNumOperands() == 0)
      return "";
    unsigned index = random.below(op->getNumOperands());
    Value old = op->getOperand(index);
    SmallVector<Value> others;
    auto add = [&](ValueRange values) {
      for (Value value : values)
        if (value != old && value.getType() == old.getType())
          others.push_back(value);
    };
    add(op->getBlock()->getArguments());
    for (Operation &other : *op->getBlock())
      if (&other != op)
        add(other.getResults());
    if (others.empty())
      return "";
    Value value = random.of(others);
    op->setOperand(index, value);
    return "operand " + std::to_string(index) + " is another's result " +
           (value.getDefiningOp() ? describe(value.getDefiningOp()) : "an argument");
  }

  std::string changeType(Operation *op) {
    SmallVector<Value> values(op->getResults());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::append_range(values, block.getArguments());
    if (values.empty())
      return changeLeaf(op, LeafEdit::Dimensions);
    Value value = random.of(values);
    Type type = LeafEdit(LeafEdit::Dimensions, random)(value.getType());
    if (!type || type == value.getType())
      return "";
    value.setType(type);
    return "type " + text(TypeAttr::get(type));
  }

  std::string erase(Operation *op) {
    if (op == module || !op->use_empty())
      return "";
    op->erase();
    return "erased";
  }

  std::string duplicate(Operation *op) {
    if (op == module)
      return "";
    op->getBlock()->getOperations().insert(std::next(op->getIterator()), op->clone());
    return "twice";
  }

  std::string move(Operation *op) {
    if (op == module)
      return "";
    SmallVector<Operation *> others;
    for (Operation &other : *op->getBlock())
      others.push_back(&other);
    Operation *other = random.of(others);
    if (other == op || other->getPrevNode() == op)
      return "";
    op->moveBefore(other);
    return "before " + describe(other);
  }

  ModuleOp module;
  Random random;
  llvm::StringMap<SmallVector<Operation *>> byName;
  SmallVector<StringRef> names;
  SmallVector<Operation *> all;
};

} // namespace

std::string edit(ModuleOp module, uint64_t seed) { return Editor(module, seed).run(); }

} // namespace incept::test
