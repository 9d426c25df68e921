// SPDX-License-Identifier: Apache-2.0

#include "tools/incept-run/TensorFiles.h"
#include "dialect/InceptOps.h"
#include "llvm/ADT/StringSet.h"

#include <cctype>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace incept {

using reference::ElementKind;
using reference::Tensor;

namespace {

/// Reads elements of type T; a file's data need not be aligned.
template <typename T>
void convert(std::string_view bytes, std::vector<double> &values) {
  for (size_t index = 0; index < values.size(); ++index) {
    T element;
    std::memcpy(&element, bytes.data() + index * sizeof(T), sizeof(T));
    values[index] = double(element);
  }
}

std::string typeNames(ElementKind kind) {
  return kind == ElementKind::Float ? "F32 or F64" : kind == ElementKind::Int64 ? "I64" : "U8";
}

/// Fills `tensor`, which has its shape and kind.
LogicalResult readTensor(llvm::function_ref<InFlightDiagnostic()> error, StringRef name, const TensorView &view,
                         StringRef path, Tensor &tensor) {
  bool fits = tensor.kind == ElementKind::Float   ? view.type == "F32" || view.type == "F64"
              : tensor.kind == ElementKind::Int64 ? view.type == "I64"
                                                  : view.type == "U8";
  if (!fits || ArrayRef<int64_t>(view.shape) != ArrayRef<int64_t>(tensor.shape))
    return error() << "expected tensor '" << name << "' of type " << typeNames(tensor.kind) << " and shape "
                   << formatShape(tensor.shape) << ", but '" << path << "' has " << view.type << " of shape "
                   << formatShape(view.shape);
  if (view.type == "F32")
    convert<float>(view.bytes, tensor.values);
  else if (view.type == "F64")
    convert<double>(view.bytes, tensor.values);
  else if (view.type == "I64")
    convert<int64_t>(view.bytes, tensor.values);
  else
    convert<uint8_t>(view.bytes, tensor.values);
  if (tensor.kind == ElementKind::Int64)
    for (double value : tensor.values)
      if (std::abs(value) > 9007199254740992.0)
        return error() << "expected integers of at most 2^53 in tensor '" << name << "', which the interpreter holds "
                       << "exactly, but '" << path << "' has larger ones";
  return success();
}

/// The name that an argument has in the IR's text, without its percent sign; empty where its location is elsewhere.
StringRef nameInText(BlockArgument argument, const llvm::SourceMgr &sources) {
  auto location = dyn_cast<FileLineColLoc>(argument.getLoc());
  const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
  if (!location || location.getFilename() != buffer->getBufferIdentifier())
    return "";
  // FindLocForLineAndColumn is not const, though it changes nothing but a cache.
  SMLoc start = const_cast<llvm::SourceMgr &>(sources).FindLocForLineAndColumn(
      sources.getMainFileID(), location.getLine(), location.getColumn());
  if (!start.isValid())
    return "";
  StringRef text(start.getPointer(), buffer->getBufferEnd() - start.getPointer());
  if (!text.consume_front("%"))
    return "";
  return text.take_while(
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || StringRef("$._-").contains(c); });
}

} // namespace

Expected<InputFiles> InputFiles::open(ArrayRef<std::string> paths) {
  InputFiles inputs;
  inputs.files.reserve(paths.size()); // pointers into the files are kept
  for (const std::string &path : paths) {
    Expected<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file)
      return file.status();
    inputs.files.push_back(std::move(*file));
    for (const auto &[name, view] : inputs.files.back().tensors)
      if (auto [other, isNew] = inputs.tensors.try_emplace(name, Entry{&view, path}); !isNew)
        return inputError("'" + path + "' and '" + other->second.path + "' both have a tensor '" + name +
                          "': give only one of them");
  }
  return inputs;
}

const InputFiles::Entry *InputFiles::find(BlockArgument argument, const llvm::SourceMgr &sources,
                                          std::string &name) const {
  std::string ordinal = "arg" + std::to_string(argument.getArgNumber());
  for (const std::string &candidate : {nameInText(argument, sources).str(), ordinal})
    if (auto found = tensors.find(candidate); found != tensors.end()) {
      name = candidate;
      return &found->second;
    }
  name = ordinal;
  return nullptr;
}

FailureOr<SmallVector<Tensor>> InputFiles::arguments(func::FuncOp function, const llvm::SourceMgr &sources) const {
  SmallVector<Tensor> arguments;
  bool allGood = true;
  for (BlockArgument argument : function.getArguments()) {
    auto error = [&] { return emitError(argument.getLoc()); };
    FailureOr<Tensor> tensor = reference::makeTensor(argument.getType());
    if (failed(tensor))
      return error() << "expected arguments of static shape, but argument " << argument.getArgNumber() << " is "
                     << argument.getType();
    std::string name;
    if (const Entry *entry = find(argument, sources, name)) {
      allGood &= succeeded(readTensor(error, name, *entry->tensor, entry->path, *tensor));
    } else {
      error() << "expected a tensor '" << name << "' of shape " << formatShape(tensor->shape)
              << " in the files of --inputs, but there is none";
      allGood = false;
    }
    arguments.push_back(std::move(*tensor));
  }
  if (!allGood)
    return failure();
  return arguments;
}

LogicalResult InputFiles::apply(ModuleOp module, ArrayRef<std::string> functions, const llvm::SourceMgr &sources,
                                reference::Interpreter &interpreter) const {
  bool allGood = true;
  llvm::StringSet<> known; // variables that have a value, and names of arguments
  for (VariableOp variable : module.getOps<VariableOp>()) {
    std::string name = variable.getSymName().str();
    auto entry = tensors.find(name);
    auto value = interpreter.variables().find(name);
    if (entry == tensors.end() || value == interpreter.variables().end())
      continue;
    known.insert(name);
    allGood &= succeeded(readTensor([&] { return emitError(variable.getLoc()); }, name, *entry->second.tensor,
                                    entry->second.path, value->second));
  }
  for (const std::string &function : functions) {
    auto op = module.lookupSymbol<func::FuncOp>(function);
    if (!op || op.isExternal())
      continue; // the run itself says so
    allGood &= succeeded(arguments(op, sources));
    for (BlockArgument argument : op.getArguments()) {
      std::string name;
      find(argument, sources, name);
      known.insert(name);
    }
    op.walk([&](ReadOp read) {
      if (!known.insert(read.getVariable()).second)
        return;
      emitError(read.getLoc()) << "expected a tensor '" << read.getVariable()
                               << "', which is read here, in the files of --inputs, but there is none";
      allGood = false;
    });
    op.walk([&](WriteOp write) { known.insert(write.getVariable()); });
  }
  for (const auto &[name, entry] : tensors)
    if (!known.contains(name)) {
      emitError(module.getLoc()) << "expected only variables and arguments in '" << entry.path << "', but tensor '"
                                 << name << "' is neither";
      allGood = false;
    }
  return success(allGood);
}

Status writeTensors(const std::string &path, const std::map<std::string, Tensor> &tensors) {
  std::vector<std::string> buffers;
  std::vector<TensorToWrite> written;
  buffers.reserve(tensors.size()); // views of them are kept
  for (const auto &[name, tensor] : tensors) {
    std::string &bytes = buffers.emplace_back();
    for (double value : tensor.values) {
      if (tensor.kind == ElementKind::Float)
        bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
      else if (int64_t integer = int64_t(value); tensor.kind == ElementKind::Int64)
        bytes.append(reinterpret_cast<const char *>(&integer), sizeof integer);
      else
        bytes.push_back(static_cast<char>(integer));
    }
    const char *type = tensor.kind == ElementKind::Float ? "F64" : tensor.kind == ElementKind::Int64 ? "I64" : "U8";
    written.push_back({name, type, {tensor.shape.begin(), tensor.shape.end()}, bytes});
  }
  return writeSafetensors(path, written, {});
}

} // namespace incept
