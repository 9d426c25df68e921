// SPDX-License-Identifier: Apache-2.0

#include "runtime/program/Image.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <elf.h>

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

void readTarget(const json &header, Image &image) {
  const json &target = get(header, "target");
  image.target = text(target, "kind");
  image.threads = integer(get(target, "threads"), "threads", 1, 1024);
  image.precision = text(header, "precision");
  if (image.precision != "f32" && image.precision != "bf16" && image.precision != "f16")
    throw Bad{"its precision '" + image.precision + "' is not f32, bf16 or f16"};
  if (image.target == "cpu") {
    image.isa = text(target, "isa");
    image.onednn = text(target, "onednn");
    image.vectorBits = field(target, "vector_bits");
  } else if (image.target == "cuda") {
    image.device = text(target, "device");
    image.arch = text(target, "arch");
    image.cudnn = text(target, "cudnn");
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

void readTensors(const json &header, Image &image) {
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
    if (entry.contains("init"))
      tensor.init = entry["init"];
    if (image.find(tensor.name))
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
  if (launch.isKernel) {
    for (const json &extent : list(entry, "extents"))
      launch.extents.push_back(integer(extent, "extents"));
    if (image.target == "cuda")
      readShape(entry, launch);
    else
      launch.units = field(entry, "units", 1);
  }
  launch.op = text(entry, "op");
  launch.location = text(entry, "loc");
  launch.flops = field(entry, "flops");
  launch.bytes = field(entry, "bytes");
  return launch;
}

void readHeader(const json &header, std::string_view blobs, Image &image) {
  if (field(header, "format_version") != kFormatVersion)
    throw Bad{"it has format version " + std::to_string(field(header, "format_version")) + ", but this runtime reads " +
              std::to_string(kFormatVersion) + ": compile it again"};
  image.network = text(header, "network");
  image.specHash = text(get(header, "spec"), "hash");
  image.specText = text(get(header, "spec"), "text");
  readTarget(header, image);
  image.mode = text(header, "mode");
  image.batchSize = field(header, "batch_size", 1);
  image.classes = field(header, "classes", 1);
  const json &shape = get(header, "image");
  image.channels = field(shape, "channels", 1);
  image.height = field(shape, "height", 1);
  image.width = field(shape, "width", 1);
  image.parameters = field(header, "parameters");
  image.states = field(header, "states");
  image.macs = field(header, "macs");
  image.keepGradients = get(header, "keep_gradients").is_boolean() && get(header, "keep_gradients").get<bool>();
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
  for (const json &kernel : list(header, "kernels")) {
    if (!kernel.is_string())
      throw Bad{"a kernel's name is not a string"};
    image.kernels.push_back(kernel.get<std::string>());
  }
  const json &entries = get(header, "entries");
  if (!entries.is_object())
    throw Bad{"'entries' is not an object"};
  for (const auto &[name, launches] : entries.items())
    for (const json &launch : launches)
      image.entries[name].push_back(readLaunch(launch, image));
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

Status parseImage(std::string_view bytes, Image &image) {
  auto bad = [](const std::string &why) { return inputError("the program image is damaged: " + why); };
  if (bytes.size() < 8)
    return bad("it is shorter than 8 bytes");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (length > bytes.size() - 8)
    return bad("its header is longer than the image");
  try {
    json header = json::parse(bytes.substr(8, length));
    readHeader(header, bytes.substr(8 + length), image);
  } catch (const Bad &reason) {
    return bad(reason.why);
  } catch (const json::exception &) {
    return bad("its header is not JSON");
  }
  return {};
}

Status findSection(std::string_view elf, std::string_view &section) {
  auto bad = [] { return inputError("this executable holds no program: make one with incept compile"); };
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
