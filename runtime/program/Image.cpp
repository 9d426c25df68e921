// SPDX-License-Identifier: Apache-2.0

#include "runtime/program/Image.h"
#include "runtime/support/Checksum.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <elf.h>
#include <map>
#include <set>

using nlohmann::json;

namespace incept::program {

namespace {

/// Beyond this a size is a damaged image, not a network.
constexpr uint64_t kMaxBytes = uint64_t(1) << 46;

/// The reason an image is refused; thrown inside this file only, so that the reader below can be written straight down.
struct Bad {
  std::string why;
};

const json &get(const json &object, const char *key) {
  if (!object.is_object() || !object.contains(key))
    throw Bad{std::string("it lacks '") + key + "'"};
  return object[key];
}

std::string text(const json &object, const char *key) {
  const json &value = get(object, key);
  if (!value.is_string())
    throw Bad{std::string("'") + key + "' is not a string"};
  return value.get<std::string>();
}

int64_t integer(const json &value, const char *what, int64_t low = 0, int64_t high = int64_t(kMaxBytes)) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX)) ||
      value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw Bad{std::string("'") + what + "' is not an integer in range"};
  return value.get<int64_t>();
}

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

/// The integer at a key.
int64_t field(const json &object, const char *key, int64_t low = 0) { return integer(get(object, key), key, low); }

const json &list(const json &object, const char *key) {
  const json &value = get(object, key);
  if (!value.is_array())
    throw Bad{std::string("'") + key + "' is not a list"};
  return value;
}

bool boolean(const json &object, const char *key) {
  const json &value = get(object, key);
  if (!value.is_boolean())
    throw Bad{std::string("'") + key + "' is neither true nor false"};
  return value.get<bool>();
}

/// The bytes that `range` ({offset, bytes}) names in `all`.
std::string_view part(const json &range, std::string_view all, const std::string &what) {
  uint64_t offset = field(range, "offset"), size = field(range, "bytes");
  if (size > all.size() || offset > all.size() - size)
    throw Bad{what + " outside it"};
  return all.substr(offset, size);
}

std::string describe(const Launch &launch) { return "'" + launch.op + "' (" + launch.location + ")"; }

/// What is wrong with the operands of a launch, empty where nothing is.
std::string findOutside(const Image &image, const Launch &launch, const std::vector<OperandSize> &sizes) {
  if (launch.operands.size() != sizes.size())
    return describe(launch) + " has " + std::to_string(launch.operands.size()) + " operands, but expected " +
           std::to_string(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Operand &operand = launch.operands[i];
    const Region &region = image.regions[operand.region];
    if (operand.offset % sizes[i].alignment != 0 || sizes[i].bytes > region.bytes ||
        operand.offset > region.bytes - sizes[i].bytes)
      return "operand " + std::to_string(i) + " of " + describe(launch) + " has " + std::to_string(sizes[i].bytes) +
             " bytes at " + std::to_string(operand.offset) + " of region '" + region.name + "', which has " +
             std::to_string(region.bytes);
  }
  return "";
}

void readTarget(const json &header, Image &image) {
  const json &target = get(header, "target");
  image.target = text(target, "kind");
  image.threads = integer(get(target, "threads"), "threads", 1, 1024);
  image.precision = text(header, "precision");
  if (!isOneOf(image.precision, {"f32", "bf16", "f16"}))
    throw Bad{"its precision '" + image.precision + "' is not f32, bf16 or f16"};
  if (image.target == "cpu") {
    image.isa = text(target, "isa");
    image.onednn = text(target, "onednn");
    image.vectorBits = field(target, "vector_bits");
  } else if (image.target == "cuda") {
    image.device = text(target, "device");
    image.arch = text(target, "arch");
    image.cudnn = text(target, "cudnn");
    image.card = text(target, "card");
    image.multiprocessors = integer(get(target, "multiprocessors"), "multiprocessors", 1, 1 << 20);
    image.tf32 = boolean(header, "tf32");
  } else {
    throw Bad{"its target is of unknown kind '" + image.target + "'"};
  }
}

/// What the blobs hold; `blobs` is everything behind the header. Returns the blob of plans.
std::string_view readBlobs(const json &header, std::string_view blobs, Image &image) {
  const json &table = get(header, "blobs");
  auto find = [&](const char *name, bool needed) {
    return needed || (table.is_object() && table.contains(name))
               ? part(get(table, name), blobs, "blob '" + std::string(name) + "' lies")
               : std::string_view();
  };
  if (image.target == "cpu") {
    image.kernelObject = find("kernels", true);
    return {};
  }
  image.ptx = find("ptx", true);
  image.cubin = find("cubin", false);
  return find("plans", false);
}

/// The rule of a tensor's first value; numbers are optional.
void checkInit(const json &init) {
  if (!isOneOf(text(init, "kind"),
               {"zeros", "ones", "constant", "copy", "he_normal", "he_uniform", "glorot_uniform", "truncated_normal"}))
    throw Bad{"a tensor's init is of unknown kind '" + text(init, "kind") + "'"};
  for (const auto &[key, value] : init.items())
    if (key != "kind" && !value.is_number())
      throw Bad{"'" + key + "' of a tensor's init is not a number"};
}

void readTensors(const json &header, Image &image) {
  std::set<std::string> names;
  for (const json &entry : list(header, "tensors")) {
    Tensor tensor;
    tensor.name = text(entry, "name");
    tensor.kind = text(entry, "kind");
    tensor.type = text(entry, "type");
    tensor.format = text(entry, "format");
    tensor.region = field(entry, "region");
    tensor.offset = field(entry, "offset");
    tensor.bytes = field(entry, "bytes");
    uint64_t size = typeBytes(tensor.type);
    tensor.elements = 1;
    for (const json &dim : list(entry, "shape")) {
      tensor.shape.push_back(integer(dim, "shape", 1));
      if (__builtin_mul_overflow(tensor.elements, tensor.shape.back(), &tensor.elements) ||
          uint64_t(tensor.elements) > kMaxBytes)
        throw Bad{"tensor '" + tensor.name + "' is too large"};
    }
    if (size == 0 || tensor.region >= image.regions.size() || tensor.offset % size != 0 ||
        tensor.bytes > image.regions[tensor.region].bytes ||
        tensor.offset > image.regions[tensor.region].bytes - tensor.bytes ||
        tensor.bytes < uint64_t(tensor.elements) * size)
      throw Bad{"tensor '" + tensor.name + "' does not fit its region"};
    if (!isOneOf(tensor.kind, {"parameter", "state", "slot", "gradient", "io", "derived", "copy", "pending"}))
      throw Bad{"tensor '" + tensor.name + "' is of unknown kind '" + tensor.kind + "'"};
    if (entry.contains("init")) {
      checkInit(entry["init"]);
      tensor.init = entry["init"];
    }
    if (!names.insert(tensor.name).second)
      throw Bad{"tensor '" + tensor.name + "' appears twice"};
    image.tensors.push_back(std::move(tensor));
  }
}

void readPlans(const json &header, std::string_view blob, Image &image) {
  bool cuda = image.target == "cuda";
  std::vector<std::string_view> own = {"name", "impl", "scratchpad_bytes", "weights_bytes"};
  if (cuda)
    own.insert(own.end(), {"engine", "knobs", "serialized", "tensor_core"});
  for (const json &entry : list(header, "plans")) {
    Plan plan;
    plan.kind = text(entry, "kind");
    plan.impl = text(entry, "impl");
    plan.scratchpadBytes = field(entry, "scratchpad_bytes");
    if (cuda) {
      std::string engine = text(entry, "engine");
      auto [stop, error] = std::from_chars(engine.data(), engine.data() + engine.size(), plan.engine);
      if (error != std::errc() || stop != engine.data() + engine.size() || plan.engine < 0)
        throw Bad{"a plan's engine '" + engine + "' is not a number"};
      plan.knobs = text(entry, "knobs");
      if (entry.contains("tensor_core")) {
        if (!entry["tensor_core"].is_boolean())
          throw Bad{"a plan's 'tensor_core' is neither true nor false"};
        plan.tensorCore = entry["tensor_core"].get<bool>();
      }
      plan.serialized = part(get(entry, "serialized"), blob, "a serialized plan lies");
    }
    for (const auto &[key, value] : entry.items()) {
      if (std::find(own.begin(), own.end(), key) != own.end())
        continue;
      if (!value.is_string())
        throw Bad{"plan field '" + key + "' is not a string"};
      plan.fields.emplace_back(key, value.get<std::string>());
    }
    image.plans.push_back(std::move(plan));
  }
}

std::vector<KernelOperand> readKernelOperands(const json &entry, const char *key) {
  std::vector<KernelOperand> operands;
  for (const json &operand : list(entry, key)) {
    if (!operand.is_array() || operand.size() != 2 || !operand[0].is_string())
      throw Bad{"an operand of a kernel is not [type, rank]"};
    auto type = operand[0].get<std::string>();
    uint64_t size = typeBytes(type);
    if (size == 0)
      throw Bad{"an operand of a kernel is of unknown type '" + type + "'"};
    operands.push_back({size, integer(operand[1], key), type});
  }
  return operands;
}

/// Makes a kernel that of launches with as many parts as `entry` says: the inputs of all, then the outputs of all. They
/// are of launches of grids.
void readParts(const json &entry, bool hasGrids, Kernel &kernel) {
  if (!entry.contains("parts"))
    return;
  kernel.parts = field(entry, "parts", 1);
  if (kernel.parts > size_t(kMostParts) || (kernel.parts > 1 && (kernel.family == "fixed" || !hasGrids)))
    throw Bad{"kernel '" + kernel.name + "' cannot have " + std::to_string(kernel.parts) + " parts"};
  std::vector<KernelOperand> all;
  auto middle = kernel.operands.begin() + ptrdiff_t(kernel.inputs);
  for (size_t p = 0; p < kernel.parts; ++p)
    all.insert(all.end(), kernel.operands.begin(), middle);
  for (size_t p = 0; p < kernel.parts; ++p)
    all.insert(all.end(), middle, kernel.operands.end());
  kernel.inputs *= kernel.parts;
  kernel.operands = std::move(all);
}

/// True for two `fixed` kernels of one signature.
bool isSameCode(const Kernel &a, const Kernel &b) {
  auto sameBytes = [](const KernelOperand &x, const KernelOperand &y) { return x.elementBytes == y.elementBytes; };
  return a.family == "fixed" && b.family == "fixed" && a.inputs == b.inputs && a.extents.size() == b.extents.size() &&
         a.extents != b.extents &&
         std::equal(a.operands.begin(), a.operands.end(), b.operands.begin(), b.operands.end(), sameBytes);
}

/// What a launch of one kernel touches.
Kernel readKernel(const json &entry, bool hasGrids) {
  Kernel kernel;
  kernel.name = text(entry, "name");
  kernel.family = text(entry, "family");
  kernel.operands = readKernelOperands(entry, "inputs");
  kernel.inputs = kernel.operands.size();
  for (const KernelOperand &operand : readKernelOperands(entry, "outputs"))
    kernel.operands.push_back(operand);
  kernel.counts = field(entry, "counts");
  if (kernel.family == "fixed") {
    for (const json &extent : list(entry, "extents"))
      kernel.extents.push_back(integer(extent, "extents"));
    kernel.units = field(entry, "units", 1);
  }
  if (!isKernelFamily(kernel.family))
    throw Bad{"kernel '" + kernel.name + "' is of unknown family '" + kernel.family + "'"};
  readParts(entry, hasGrids, kernel);
  return kernel;
}

/// What a launch of several kernels touches: the inputs of all, then the outputs of all.
Kernel readMixed(const json &entry, bool hasGrids) {
  Kernel kernel;
  kernel.name = text(entry, "name");
  kernel.family = kMixedFamily;
  kernel.parts = 0;
  for (const json &own : list(entry, "members")) {
    Kernel member = readKernel(own, hasGrids);
    if (member.family == "fixed")
      throw Bad{"kernel '" + member.name + "' cannot be a part of a launch"};
    kernel.parts += member.parts;
    kernel.members.push_back(std::move(member));
  }
  if (kernel.members.size() < 2 || kernel.parts > size_t(kMostParts) || !hasGrids)
    throw Bad{"kernel '" + kernel.name + "' cannot have " + std::to_string(kernel.members.size()) + " kernels of " +
              std::to_string(kernel.parts) + " parts"};
  for (const Kernel &member : kernel.members)
    kernel.operands.insert(kernel.operands.end(), member.operands.begin(),
                           member.operands.begin() + ptrdiff_t(member.inputs));
  kernel.inputs = kernel.operands.size();
  for (const Kernel &member : kernel.members)
    kernel.operands.insert(kernel.operands.end(), member.operands.begin() + ptrdiff_t(member.inputs),
                           member.operands.end());
  return kernel;
}

void readKernels(const json &header, Image &image) {
  std::map<std::string, Kernel> seen;
  const bool hasGrids = image.target == "cuda";
  for (const json &entry : list(header, "kernels")) {
    Kernel kernel = text(entry, "family") == kMixedFamily ? readMixed(entry, hasGrids) : readKernel(entry, hasGrids);
    // Code goes by its name: two entries of one name could not both be right about it, unless they are for other
    // extents.
    auto [first, isNew] = seen.try_emplace(kernel.name, kernel);
    if (!isNew && !isSameCode(first->second, kernel))
      throw Bad{"kernel '" + kernel.name + "' appears twice"};
    image.kernels.push_back(std::move(kernel));
  }
}

/// Three sizes of a launch, each up to the most that the hardware takes.
std::array<unsigned, 3> readSizes(const json &entry, const char *key, const std::array<int64_t, 3> &most) {
  const json &sizes = list(entry, key);
  if (sizes.size() != 3)
    throw Bad{std::string("'") + key + "' is not [x, y, z]"};
  std::array<unsigned, 3> result{};
  for (size_t i = 0; i < 3; ++i)
    result[i] = static_cast<unsigned>(integer(sizes[i], key, 1, most[i]));
  return result;
}

void readShape(const json &entry, Launch &launch) {
  launch.grid = readSizes(entry, "grid", {INT32_MAX, 65535, 65535});
  launch.block = readSizes(entry, "block", {1024, 1024, 64});
  if (launch.block[0] * launch.block[1] * launch.block[2] > 1024)
    throw Bad{"a block has more than 1024 threads"};
}

void checkKernelLaunch(const Launch &launch, const Image &image) {
  std::vector<OperandSize> sizes;
  int64_t units = 0;
  std::string why;
  if (!measureLaunch(image.kernels[launch.index], launch.extents, sizes, units, why))
    throw Bad{describe(launch) + ": " + why};
  if (image.target == "cpu" && launch.units != units)
    throw Bad{describe(launch) + ": expected " + std::to_string(units) + " units, but got " +
              std::to_string(launch.units)};
  if (image.target == "cuda" && !isGridOf(image.kernels[launch.index], launch.extents, launch.grid, launch.block))
    throw Bad{describe(launch) + ": its grid is not what kernel '" + image.kernels[launch.index].name + "' can take"};
  if (std::string problem = findOutside(image, launch, sizes); !problem.empty())
    throw Bad{problem};
}

Launch readLaunch(const json &entry, const Image &image) {
  Launch launch;
  launch.isKernel = entry.is_object() && entry.contains("kernel");
  launch.index = field(entry, launch.isKernel ? "kernel" : "plan");
  if (launch.index >= (launch.isKernel ? image.kernels.size() : image.plans.size()))
    throw Bad{"a launch names a kernel or plan that is not there"};
  for (const json &operand : list(entry, "operands")) {
    if (!operand.is_array() || operand.size() != 2)
      throw Bad{"an operand is not [region, offset]"};
    Operand place;
    place.region = integer(operand[0], "operands");
    place.offset = integer(operand[1], "operands");
    if (place.region >= image.regions.size() || place.offset > image.regions[place.region].bytes)
      throw Bad{"an operand lies outside its region"};
    launch.operands.push_back(place);
  }
  launch.op = text(entry, "op");
  launch.location = text(entry, "loc");
  launch.flops = field(entry, "flops");
  launch.bytes = field(entry, "bytes");
  if (launch.isKernel) {
    for (const json &extent : list(entry, "extents"))
      launch.extents.push_back(integer(extent, "extents"));
    if (image.target == "cuda")
      readShape(entry, launch);
    else
      launch.units = field(entry, "units", 1);
    checkKernelLaunch(launch, image);
  }
  return launch;
}

void checkKeys(const json &header) {
  for (const auto &[key, value] : header.items())
    if (!isOneOf(key, {"format_version", "network",    "spec",    "target", "mode",           "precision",
                       "tf32",           "batch_size", "classes", "image",  "normalization",  "label_map",
                       "outputs",        "parameters", "states",  "macs",   "keep_gradients", "training_only",
                       "training",       "regions",    "tensors", "plans",  "kernels",        "entries",
                       "step",           "memory",     "blobs"}))
      throw Bad{"it has an unknown key '" + key + "'"};
}

void readOutputs(const json &header, Image &image) {
  constexpr size_t kMostOutputs = 64, kMostCharacters = 256;
  for (const json &name : list(header, "outputs")) {
    std::string text = name.is_string() ? name.get<std::string>() : "";
    bool isName = !text.empty() && text.size() <= kMostCharacters &&
                  std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (!isName || std::find(image.outputs.begin(), image.outputs.end(), text) != image.outputs.end() ||
        image.outputs.size() == kMostOutputs)
      throw Bad{"'outputs' is no list of different names"};
    image.outputs.push_back(std::move(text));
  }
  if (image.outputs.empty())
    throw Bad{"'outputs' is no list of different names"};
}

void readHeader(const json &header, std::string_view blobs, Image &image) {
  if (field(header, "format_version") != kFormatVersion)
    throw Bad{"it has format version " + std::to_string(field(header, "format_version")) + ", but this runtime reads " +
              std::to_string(kFormatVersion) + ": compile it again"};
  checkKeys(header);
  image.network = text(header, "network");
  image.specHash = text(get(header, "spec"), "hash");
  image.specText = text(get(header, "spec"), "text");
  readTarget(header, image);
  image.mode = text(header, "mode");
  if (!isOneOf(image.mode, {"train", "infer"}))
    throw Bad{"its mode '" + image.mode + "' is neither train nor infer"};
  image.batchSize = field(header, "batch_size", 1);
  image.classes = field(header, "classes", 1);
  const json &shape = get(header, "image");
  image.channels = field(shape, "channels", 1);
  image.height = field(shape, "height", 1);
  image.width = field(shape, "width", 1);
  int64_t values = image.batchSize;
  for (int64_t factor : {image.channels, image.height, image.width})
    if (__builtin_mul_overflow(values, factor, &values) || uint64_t(values) > kMaxBytes)
      throw Bad{"its images are too large"};
  if (header.contains("label_map")) {
    const json &map = get(header, "label_map");
    image.labelHeight = field(map, "height", 1);
    image.labelWidth = field(map, "width", 1);
    if (map.contains("ignore"))
      image.ignoreLabel = field(map, "ignore", INT64_MIN);
  }
  values = image.batchSize;
  for (int64_t factor :
       {image.classes, std::max<int64_t>(image.labelHeight, 1), std::max<int64_t>(image.labelWidth, 1)})
    if (__builtin_mul_overflow(values, factor, &values) || uint64_t(values) > kMaxBytes)
      throw Bad{"its logits are too large"};
  if (header.contains("outputs"))
    readOutputs(header, image);
  image.parameters = field(header, "parameters");
  image.states = field(header, "states");
  image.macs = field(header, "macs");
  image.keepGradients = boolean(header, "keep_gradients");
  if (header.contains("training_only"))
    for (const json &name : list(header, "training_only")) {
      if (!name.is_string())
        throw Bad{"a name in 'training_only' is not a string"};
      image.trainingOnly.push_back(name.get<std::string>());
    }
  const json &memory = get(header, "memory");
  image.arenaBytes = field(memory, "arena_bytes");
  image.persistentBytes = field(memory, "persistent_bytes");
  image.peakBytes = field(memory, "peak_bytes");
  for (const json &entry : list(header, "regions"))
    image.regions.push_back({text(entry, "name"), uint64_t(field(entry, "bytes"))});
  readTensors(header, image);
  readPlans(header, readBlobs(header, blobs, image), image);
  readKernels(header, image);
  const json &entries = get(header, "entries");
  if (!entries.is_object())
    throw Bad{"'entries' is not an object"};
  for (const auto &[name, launches] : entries.items()) {
    if (!isOneOf(name, {kStageU8, kStageF32, kForwardBackward, kUpdate, kPrepareTraining, kPrepareInference, kInfer}))
      throw Bad{"it has an unknown entry point '" + name + "'"};
    if (!launches.is_array())
      throw Bad{"entry point '" + name + "' is not a list"};
    for (const json &launch : launches)
      image.entries[name].push_back(readLaunch(launch, image));
  }
  for (const auto &[name, launches] : entries.items())
    image.entries[name]; // an empty list is an entry too
  int stepRegion = image.findRegion(kStepRegion);
  for (const json &entry : list(header, "step")) {
    StepField place{text(entry, "type"), uint64_t(field(entry, "offset"))};
    uint64_t size = typeBytes(place.type);
    // The runtime writes such a field as an f32 or as 8 bytes.
    if (stepRegion < 0 || (place.type != "f32" && size != 8) || place.offset % size != 0 ||
        place.offset + size > image.regions[stepRegion].bytes)
      throw Bad{"a field of the step block lies outside it"};
    image.step[text(entry, "name")] = place;
  }
  image.training = get(header, "training");
}

} // namespace

uint64_t typeBytes(std::string_view type) {
  struct Size {
    std::string_view type;
    uint64_t bytes;
  };
  constexpr Size sizes[] = {{"f32", 4}, {"bf16", 2}, {"f16", 2}, {"i64", 8}, {"u64", 8}, {"u8", 1}};
  for (const Size &size : sizes)
    if (size.type == type)
      return size.bytes;
  return 0;
}

const Tensor *Image::find(const std::string &name) const {
  for (const Tensor &tensor : tensors)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

int Image::findRegion(const std::string &name) const {
  for (size_t i = 0; i < regions.size(); ++i)
    if (regions[i].name == name)
      return static_cast<int>(i);
  return -1;
}

uint64_t imageChecksum(std::string_view bytes) {
  return Checksum().add(bytes.substr(0, 8)).add(bytes.substr(kPrefixBytes)).value();
}

Status checkOperands(const Image &image, const Launch &launch, const std::vector<OperandSize> &sizes) {
  std::string problem = findOutside(image, launch, sizes);
  return problem.empty() ? Status() : inputError("the program image is damaged: " + problem);
}

static uint64_t readWord(std::string_view bytes) {
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i)
    word = word << 8 | static_cast<unsigned char>(bytes[i]);
  return word;
}

Status parseImage(std::string_view bytes, Image &image) {
  auto bad = [](const std::string &why) { return inputError("the program image is damaged: " + why); };
  if (bytes.size() < kPrefixBytes)
    return bad("it is shorter than " + std::to_string(kPrefixBytes) + " bytes");
  // Version 1 had no checksum: there the header begins where it would be.
  if (bytes.substr(8).starts_with("{\"format"))
    return inputError("the program image has format version 1, but this runtime reads " +
                      std::to_string(kFormatVersion) + ": compile it again");
  uint64_t length = readWord(bytes);
  if (length > bytes.size() - kPrefixBytes)
    return bad("its header is longer than the image");
  if (readWord(bytes.substr(8)) != imageChecksum(bytes))
    return bad("its checksum does not match: copy the program again, or compile it again");
  try {
    json header = json::parse(bytes.substr(kPrefixBytes, length));
    readHeader(header, bytes.substr(kPrefixBytes + length), image);
  } catch (const Bad &reason) {
    return bad(reason.why);
  } catch (const json::exception &) {
    return bad("its header is not JSON");
  }
  return {};
}

Status findSection(std::string_view elf, std::string_view &section) {
  auto bad = [] { return inputError("this file holds no program: make one with incept compile"); };
  Elf64_Ehdr header;
  if (elf.size() < sizeof header)
    return bad();
  std::memcpy(&header, elf.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shoff > elf.size() || header.e_shnum > (elf.size() - header.e_shoff) / sizeof(Elf64_Shdr) ||
      header.e_shstrndx >= header.e_shnum)
    return bad();
  auto read = [&](size_t index) {
    Elf64_Shdr entry;
    std::memcpy(&entry, elf.data() + header.e_shoff + index * sizeof entry, sizeof entry);
    return entry;
  };
  auto inFile = [&](const Elf64_Shdr &entry) {
    return entry.sh_size <= elf.size() && entry.sh_offset <= elf.size() - entry.sh_size;
  };
  Elf64_Shdr names = read(header.e_shstrndx);
  if (!inFile(names))
    return bad();
  std::string_view table = elf.substr(names.sh_offset, names.sh_size);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr entry = read(i);
    if (entry.sh_name >= table.size() || !inFile(entry) || entry.sh_type == SHT_NOBITS)
      continue;
    std::string_view name = table.substr(entry.sh_name);
    if (name.substr(0, name.find('\0')) != kSectionName)
      continue;
    section = elf.substr(entry.sh_offset, entry.sh_size);
    return {};
  }
  return bad();
}

} // namespace incept::program
