// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Weights.h"
#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "runtime/io/Safetensors.h"
#include "tools/incept/NameMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept {

namespace {

/// More than a map of any network has.
constexpr uint64_t kMaxMapBytes = 64 << 20;

/// A tensor of the network under both names.
struct Weight {
  std::string from, to;
  std::vector<int64_t> shape;
};

int complain(int status, const llvm::Twine &message) {
  llvm::errs() << "incept: error: " << message << "\n";
  return status;
}

/// The map's file: as given, or maps/NAME.json beside the description, or specs/maps/NAME.json.
std::string findMap(llvm::StringRef map, llvm::StringRef spec) {
  if (llvm::sys::path::extension(map) == ".json" || llvm::sys::path::has_parent_path(map))
    return map.str();
  llvm::SmallString<128> path(spec.empty() ? "specs" : llvm::sys::path::parent_path(spec));
  llvm::sys::path::append(path, "maps", map + ".json");
  return path.str().str();
}

/// Names and shapes of what makes up a file of weights of the network.
FailureOr<std::vector<Weight>> listWeights(const CompileOptions &network, const NameMap &map, bool reverse,
                                           Diagnostics &diagnostics) {
  auto context = createContext();
  auto module = loadGraph(*context, network);
  if (failed(module))
    return failure();
  std::vector<Weight> weights;
  for (VariableOp variable : (**module).getOps<VariableOp>()) {
    std::string ours = variable.getSymName().str();
    auto theirs = mapName(map, ours, diagnostics);
    if (!theirs)
      return failure();
    auto shape = cast<RankedTensorType>(variable.getType()).getShape();
    weights.push_back({reverse ? ours : *theirs, reverse ? *theirs : ours, shape.vec()});
  }
  return weights;
}

std::string formatTensor(llvm::StringRef type, llvm::ArrayRef<int64_t> shape) {
  return type.str() + " " + (shape.empty() ? "scalar" : formatShape(shape));
}

/// PyTorch counts batches beside batch norm's statistics; nothing needs the count.
bool isBatchCount(llvm::StringRef name) { return name.ends_with(".num_batches_tracked"); }

/// True for shapes that are the same values in one order: a linear layer's and a 1x1 convolution's.
bool sameButForOnes(std::vector<int64_t> a, std::vector<int64_t> b) {
  llvm::erase(a, 1);
  llvm::erase(b, 1);
  return a == b;
}

/// Reports what is missing, of another shape or unexpected; true where nothing is.
bool checkTensors(const SafetensorsFile &file, llvm::StringRef path, llvm::ArrayRef<Weight> weights) {
  bool complete = true;
  auto report = [&](const llvm::Twine &message) {
    complain(kInputAtFault, "'" + path + "': " + message);
    complete = false;
  };
  std::map<std::string, const Weight *> expected;
  for (const Weight &weight : weights) {
    auto [first, inserted] = expected.emplace(weight.from, &weight);
    if (!inserted)
      report("the map gives '" + weight.from + "' to both '" + first->second->to + "' and '" + weight.to + "'");
  }
  for (const auto &[name, weight] : expected) {
    auto found = file.tensors.find(name);
    if (found == file.tensors.end())
      report("missing tensor '" + name + "', expected " + formatTensor("F32", weight->shape) + " for '" + weight->to +
             "'");
    else if (found->second.type != "F32" || !sameButForOnes(found->second.shape, weight->shape))
      report("expected " + formatTensor("F32", weight->shape) + " for tensor '" + name + "', but got " +
             formatTensor(found->second.type, found->second.shape));
  }
  for (const auto &[name, tensor] : file.tensors)
    if (!expected.count(name) && !isBatchCount(name))
      report("unexpected tensor '" + name + "', " + formatTensor(tensor.type, tensor.shape));
  return complete;
}

int report(const Status &status) { return complain(static_cast<int>(status.code()), status.message()); }

} // namespace

int convertWeights(const WeightsOptions &options, CompileOptions network) {
  std::string path = findMap(options.map, network.spec);
  SourceFiles files;
  Diagnostics diagnostics(files);
  auto text = LoadedFile::open(path, kMaxMapBytes);
  if (!text)
    return complain(static_cast<int>(text.status().code()), "--map: " + text.status().message());
  auto map = readNameMap(files.add(path, llvm::MemoryBuffer::getMemBufferCopy(text->bytes(), path)), diagnostics);
  if (map && network.spec.empty() && map->spec.empty())
    return complain(kUsage, "expected --spec=FILE, since map '" + path + "' names no description");
  if (map && network.spec.empty()) {
    llvm::SmallString<128> spec(llvm::sys::path::parent_path(path));
    llvm::sys::path::append(spec, map->spec);
    llvm::sys::path::remove_dots(spec, /*remove_dot_dot=*/true);
    network.spec = spec.str().str();
  }
  if (map && network.network.empty())
    network.network = map->network;
  FailureOr<std::vector<Weight>> weights = failure();
  if (map)
    weights = listWeights(network, *map, options.reverse, diagnostics);
  diagnostics.print(llvm::errs());
  if (failed(weights))
    return kInputAtFault;

  auto input = SafetensorsFile::open(options.input);
  if (!input)
    return report(input.status());
  if (!checkTensors(*input, options.input, *weights))
    return kInputAtFault;
  llvm::sort(*weights, [](const Weight &a, const Weight &b) { return a.to < b.to; });
  std::vector<TensorToWrite> tensors;
  for (const Weight &weight : *weights)
    tensors.push_back({weight.to, "F32", weight.shape, input->tensors.at(weight.from).bytes});
  Status written = writeSafetensors(options.output, tensors, input->metadata);
  return written.ok() ? kDone : report(written);
}

} // namespace incept
