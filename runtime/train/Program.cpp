// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Program.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cmath>
#include <cstring>
#include <functional>
#include <future>
#include <malloc.h>
#include <numbers>
#include <span>

namespace incept {

namespace {

/// "f32" is "F32", "bf16" is "BF16".
std::string safetensorsType(std::string type) {
  for (char &c : type)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return type;
}

double number(const nlohmann::json &object, const char *key, double otherwise) {
  return object.is_object() && object.contains(key) && object[key].is_number() ? object[key].get<double>() : otherwise;
}

/// A standard normal, by Box and Muller's transform.
double normal(PhiloxStream &random) {
  double radius = std::sqrt(-2 * std::log(random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

/// Fills `values` as a tensor's `init` says; false for a kind that is not known.
bool draw(const nlohmann::json &init, PhiloxStream &random, std::vector<float> &values) {
  if (!init.is_object() || !init.contains("kind") || !init["kind"].is_string())
    return false;
  std::string kind = init["kind"].get<std::string>();
  double fanIn = std::max(number(init, "fan_in", 1), 1.0), fanOut = std::max(number(init, "fan_out", 1), 1.0);
  auto constant = [&](double value) {
    std::fill(values.begin(), values.end(), static_cast<float>(value));
    return true;
  };
  auto fill = [&](auto next) {
    for (float &value : values)
      value = static_cast<float>(next());
    return true;
  };
  auto uniform = [&](double limit) { return fill([&, limit] { return (2 * random.uniform() - 1) * limit; }); };
  if (kind == "zeros")
    return constant(0);
  if (kind == "ones")
    return constant(1);
  if (kind == "constant")
    return constant(number(init, "value", 0));
  if (kind == "he_normal")
    return fill([&, deviation = std::sqrt(2 / fanIn)] { return normal(random) * deviation; });
  if (kind == "he_uniform")
    return uniform(std::sqrt(6 / fanIn));
  if (kind == "glorot_uniform")
    return uniform(std::sqrt(6 / (fanIn + fanOut)));
  if (kind != "truncated_normal")
    return false;
  double deviation = number(init, "std", 1);
  return fill([&] {
    while (true) // within two deviations
      if (double x = normal(random); std::abs(x) <= 2)
        return x * deviation;
  });
}

/// What a moving average is called, before the name of what it is of.
constexpr std::string_view kAverage = "ema/";

bool startsAsCopy(const program::Tensor &tensor) {
  return tensor.init.is_object() && tensor.init.value("kind", nlohmann::json()) == "copy";
}

/// Elements that are drawn before any is written: enough work for several threads, and little memory.
constexpr int64_t kDrawnAtOnce = 1 << 22;

/// Calls work(0) to work(count - 1). Each thread takes the next that none has taken.
void runOnThreads(size_t threads, size_t count, const std::function<void(size_t)> &work) {
  std::atomic<size_t> next = 0;
  auto take = [&] {
    for (size_t i; (i = next++) < count;)
      work(i);
  };
  std::vector<std::future<void>> helpers;
  // Deferred ones are where the system has no more threads: they find nothing left to do.
  for (size_t i = 1; i < std::min(threads, count); ++i)
    helpers.push_back(std::async(std::launch::async | std::launch::deferred, take));
  take();
  for (std::future<void> &helper : helpers)
    helper.get();
}

/// The initial values of tensors, each in logical order.
Expected<std::vector<std::vector<float>>> drawTensors(std::span<const program::Tensor *const> tensors, uint64_t seed,
                                                      size_t threads) {
  std::vector<std::vector<float>> values(tensors.size());
  std::atomic<size_t> unknown = tensors.size();
  runOnThreads(threads, tensors.size(), [&](size_t i) {
    values[i].resize(tensors[i]->elements);
    PhiloxStream random(seed, hashName(tensors[i]->name));
    if (!draw(tensors[i]->init, random, values[i]))
      unknown = i;
  });
  if (unknown < tensors.size())
    return inputError("the program image is damaged: tensor '" + tensors[unknown]->name + "' has an unknown init");
  return values;
}

/// The tensors and entry points that this file uses are there, with the sizes it assumes.
Status checkInterface(const program::Image &image) {
  int64_t pixels = image.channels * image.height * image.width;
  struct Needed {
    const char *name, *type;
    int64_t elements;
  };
  std::vector<std::pair<std::string, int64_t>> named;
  for (size_t output = 0; output < image.outputs.size(); ++output) {
    if (image.mode == "train")
      named.emplace_back(image.lossOf(output), 1);
    named.emplace_back(image.logitsOf(output), image.batchSize * image.labelsPerImage() * image.classes);
  }
  std::vector<Needed> tensors = {{program::kU8Images, "u8", image.batchSize * pixels},
                                 {program::kF32Images, "f32", image.batchSize * pixels},
                                 {program::kLabels, "i64", image.batchSize * image.labelsPerImage()},
                                 {program::kLoss, "f32", 1},
                                 {program::kLogits, "f32", image.batchSize * image.labelsPerImage() * image.classes}};
  for (const auto &[name, elements] : named)
    tensors.push_back({name.c_str(), "f32", elements});
  for (const Needed &needed : tensors) {
    const program::Tensor *tensor = image.find(needed.name);
    if (!tensor || tensor->type != needed.type || tensor->elements != needed.elements)
      return inputError(std::string("the program image is damaged: tensor '") + needed.name +
                        "' is missing or has another size");
  }
  std::vector<const char *> entries = {program::kStageU8, program::kStageF32, program::kPrepareInference,
                                       program::kInfer};
  if (image.mode == "train")
    entries.insert(entries.end(), {program::kForwardBackward, program::kUpdate});
  for (const char *entry : entries)
    if (!image.entries.count(entry))
      return inputError(std::string("the program image is damaged: entry point '") + entry + "' is missing");
  return {};
}

} // namespace

Expected<std::unique_ptr<Program>> Program::load(const std::string &executable, const Backend &backend) {
  std::unique_ptr<Program> program(new Program(backend));
  auto mapped = MappedFile::open(executable);
  if (!mapped)
    return mapped.status();
  program->file = std::make_unique<MappedFile>(std::move(*mapped));
  std::string_view section;
  INCEPT_RETURN_IF_ERROR(program::findSection(program->file->bytes(), section));
  INCEPT_RETURN_IF_ERROR(program::parseImage(section, program->image_));
  if (program->image_.target != backend.kind)
    return inputError("the program was compiled for " + program->image_.target +
                      ", but this executable's runtime is for " + backend.kind + ": compile it again (incept compile)");
  std::vector<std::string> fields;
  for (const auto &[name, field] : program->image_.step)
    if (field.type == "f32" && name != "share")
      fields.push_back(name);
  auto hyper = Hyperparameters::fromJson(program->image_.training, fields);
  if (!hyper)
    return hyper.status();
  program->hyper = std::move(*hyper);
  INCEPT_RETURN_IF_ERROR(program->readSections());
  INCEPT_RETURN_IF_ERROR(checkInterface(program->image_));
  INCEPT_RETURN_IF_ERROR(backend.check(program->image_));
  return program;
}

Status Program::readSections() {
  auto damaged = [](const Status &status) { return inputError("the program image is damaged: " + status.message()); };
  if (image_.training.contains("accumulate")) {
    const nlohmann::json &batches = image_.training["accumulate"];
    if (!batches.is_number_integer() || batches.get<int64_t>() < 1 || batches.get<int64_t>() > (1 << 20))
      return damaged(inputError("expected 1 to 1048576 batches of a step"));
    parts = batches.get<int64_t>();
  }
  for (const program::Tensor &tensor : image_.tensors)
    if (startsAsCopy(tensor) && !averagedTensor(tensor))
      return damaged(inputError("tensor '" + tensor.name + "' is the average of none"));
  if (image_.training.contains("augmentation")) {
    auto options = AugmentOptions::fromJson(image_.training["augmentation"]);
    if (!options)
      return damaged(options.status());
    augment = *options;
  }
  if (image_.training.contains("evaluation")) {
    auto options = EvaluationOptions::fromJson(image_.training["evaluation"]);
    if (!options)
      return damaged(options.status());
    evaluate = *options;
  } else if (image_.labelsPixels()) {
    evaluate = EvaluationOptions::wholePicture();
  }
  return {};
}

Status Program::prepareDevice(const DeviceUse &use) {
  auto device = backend_.create(image_, use);
  if (!device)
    return device.status();
  device_ = std::move(*device);
  return {};
}

Expected<std::unique_ptr<Program>> Program::open(const std::string &executable, const Backend &backend) {
  auto program = load(executable, backend);
  if (program)
    INCEPT_RETURN_IF_ERROR((*program)->prepareDevice());
  return program;
}

Status Program::initialize(uint64_t seed, size_t threads, const std::set<std::string> &loaded) {
  std::vector<const program::Tensor *> tensors;
  for (const program::Tensor &tensor : image_.tensors)
    if (!tensor.init.is_null() && !startsAsCopy(tensor) && tensor.type == "f32" && loaded.count(tensor.kind) == 0)
      tensors.push_back(&tensor);
  size_t width = threads > 0 ? threads : static_cast<size_t>(image_.threads);
  for (size_t begin = 0, end = 0; begin < tensors.size(); begin = end) {
    // A tensor has a stream of its own, so their order does not matter.
    for (int64_t elements = 0; end < tensors.size() && elements < kDrawnAtOnce; ++end)
      elements += tensors[end]->elements;
    auto drawn = drawTensors({tensors.data() + begin, end - begin}, seed, width);
    if (!drawn)
      return drawn.status();
    for (size_t i = begin; i < end; ++i) {
      std::vector<float> &values = (*drawn)[i - begin];
      INCEPT_RETURN_IF_ERROR(write(*tensors[i], {reinterpret_cast<const char *>(values.data()), values.size() * 4}));
    }
  }
  if (loaded.empty())
    INCEPT_RETURN_IF_ERROR(startAverages());
  ::malloc_trim(0); // the allocator would keep tens of megabytes, which no step needs
  return {};
}

const program::Tensor *Program::averagedTensor(const program::Tensor &average) const {
  if (!average.name.starts_with(kAverage))
    return nullptr;
  const program::Tensor *tensor = image_.find(average.name.substr(kAverage.size()));
  return tensor && tensor->type == average.type && tensor->shape == average.shape ? tensor : nullptr;
}

bool Program::hasAverages() const { return std::any_of(image_.tensors.begin(), image_.tensors.end(), startsAsCopy); }

Status Program::startAverages() {
  for (const program::Tensor &tensor : image_.tensors)
    if (startsAsCopy(tensor)) {
      auto bytes = read(*averagedTensor(tensor));
      if (!bytes)
        return bytes.status();
      INCEPT_RETURN_IF_ERROR(write(tensor, {reinterpret_cast<const char *>(bytes->data()), bytes->size()}));
    }
  return {};
}

Status Program::swapAverages() {
  for (const program::Tensor &tensor : image_.tensors)
    if (startsAsCopy(tensor)) {
      const program::Tensor &other = *averagedTensor(tensor);
      auto average = read(tensor), value = read(other);
      if (!average || !value)
        return !average ? average.status() : value.status();
      INCEPT_RETURN_IF_ERROR(write(tensor, {reinterpret_cast<const char *>(value->data()), value->size()}));
      INCEPT_RETURN_IF_ERROR(write(other, {reinterpret_cast<const char *>(average->data()), average->size()}));
    }
  return {};
}

Expected<std::vector<std::byte>> Program::read(const program::Tensor &tensor) {
  std::vector<std::byte> bytes(tensor.elements * program::typeBytes(tensor.type));
  INCEPT_RETURN_IF_ERROR(device_->read(tensor, bytes.data()));
  return bytes;
}

Status Program::write(const program::Tensor &tensor, std::string_view bytes) {
  prepared = false;
  return device_->write(tensor, reinterpret_cast<const std::byte *>(bytes.data()));
}

/// Whether a file's tensor is `tensor` of a network with another number of classes: it has a row for each.
static bool isOfOtherClasses(const program::Image &image, const program::Tensor &tensor, const TensorPlace &place) {
  bool hasRows = !place.shape.empty() && place.shape.size() == tensor.shape.size() &&
                 tensor.shape[0] == image.classes && place.shape[0] != tensor.shape[0] &&
                 place.type == safetensorsType(tensor.type);
  return hasRows && std::equal(place.shape.begin() + 1, place.shape.end(), tensor.shape.begin() + 1);
}

Status Program::loadTensors(const SafetensorsReader &file, const std::set<std::string> &kinds, bool averages,
                            std::vector<std::string> *anew) {
  std::string wrong;
  int count = 0;
  auto complain = [&](const std::string &text) {
    if (++count <= 20)
      wrong += (wrong.empty() ? "" : "; ") + text;
  };
  std::map<std::string_view, const program::Tensor *> own;
  for (const program::Tensor &tensor : image_.tensors) {
    own[tensor.name] = &tensor;
    if (!kinds.count(tensor.kind))
      continue;
    auto found = file.tensors.find(tensor.name);
    if (found == file.tensors.end())
      complain("missing '" + tensor.name + "'");
    else if (anew && isOfOtherClasses(image_, tensor, found->second))
      anew->push_back(tensor.name);
    else if (found->second.shape != tensor.shape || found->second.type != safetensorsType(tensor.type))
      complain("'" + tensor.name + "' has another shape or type");
  }
  std::set<std::string_view> trainingOnly(image_.trainingOnly.begin(), image_.trainingOnly.end());
  for (const auto &[name, place] : file.tensors) {
    // Averages are of use to programs that keep none.
    std::string_view plain = name;
    if (plain.starts_with(kAverage) && own.find(plain) == own.end())
      plain.remove_prefix(kAverage.size());
    auto found = own.find(plain);
    bool isOwn = found != own.end() && found->second->kind != "io" && found->second->kind != "derived";
    if (!isOwn && !trainingOnly.count(plain))
      complain("unexpected '" + name + "'");
    else if (isOwn && (place.shape != found->second->shape || place.type != safetensorsType(found->second->type)) &&
             plain.size() != name.size() && !(anew && isOfOtherClasses(image_, *found->second, place)))
      complain("'" + name + "' has another shape or type");
  }
  if (count > 20)
    wrong += "; and " + std::to_string(count - 20) + " more";
  if (count > 0)
    return inputError("'" + file.path() + "' does not fit network '" + image_.network + "': " + wrong);
  INCEPT_RETURN_IF_ERROR(file.read([&](const std::string &name, std::string_view bytes) {
    std::string_view plain = name;
    bool isAverage = averages && plain.starts_with(kAverage);
    if (isAverage)
      plain.remove_prefix(kAverage.size());
    else if (averages && file.tensors.count(std::string(kAverage) + name))
      return Status();
    auto found = own.find(plain);
    if (anew && std::find(anew->begin(), anew->end(), plain) != anew->end())
      return Status();
    return found != own.end() && kinds.count(found->second->kind) ? write(*found->second, bytes) : Status();
  }));
  return kinds.count("slot") ? Status() : startAverages();
}

static bool isOf(const program::Tensor &tensor, const std::set<std::string> &kinds) {
  return kinds.count(tensor.kind) || (kinds.count("average") && startsAsCopy(tensor));
}

Status Program::saveTensors(const std::string &path, const std::set<std::string> &kinds,
                            const std::vector<TensorToWrite> &extra, const Metadata &metadata, Values values) {
  std::vector<TensorToWrite> tensors;
  for (const program::Tensor &tensor : image_.tensors) {
    if (!isOf(tensor, kinds))
      continue;
    TensorToWrite &entry = tensors.emplace_back();
    entry.name = tensor.name;
    entry.type = safetensorsType(tensor.type);
    entry.shape = tensor.shape;
    entry.size = tensor.elements * program::typeBytes(tensor.type);
    entry.fill = [this, &tensor](std::byte *memory) { return device_->read(tensor, memory); };
  }
  tensors.insert(tensors.end(), extra.begin(), extra.end());
  return writeSafetensors(path, tensors, metadata, values);
}

Status Program::copyTensors(const std::set<std::string> &kinds, std::byte *values, std::vector<TensorToWrite> &copies) {
  copies.clear();
  std::vector<std::pair<const program::Tensor *, std::byte *>> places;
  for (const program::Tensor &tensor : image_.tensors) {
    if (!kinds.count(tensor.kind))
      continue;
    size_t bytes = size_t(tensor.elements) * program::typeBytes(tensor.type);
    places.emplace_back(&tensor, values);
    copies.push_back(
        {tensor.name, safetensorsType(tensor.type), tensor.shape, {reinterpret_cast<const char *>(values), bytes}});
    values += bytes;
  }
  std::vector<Status> results(places.size());
  runOnThreads(device_->isReadByThreads() ? size_t(image_.threads) : 1, places.size(),
               [&](size_t i) { results[i] = device_->read(*places[i].first, places[i].second); });
  for (Status &status : results)
    INCEPT_RETURN_IF_ERROR(std::move(status));
  return {};
}

void Program::setStep(const char *field, double value) {
  auto found = image_.step.find(field);
  if (found == image_.step.end() || found->second.type != "f32")
    return; // the program does not use it
  float narrow = static_cast<float>(value);
  std::memcpy(device_->next().step + found->second.offset, &narrow, 4);
}

void Program::setStep(const char *field, uint64_t value) {
  auto found = image_.step.find(field);
  if (found == image_.step.end() || found->second.type == "f32")
    return;
  std::memcpy(device_->next().step + found->second.offset, &value, 8);
}

Status Program::startTraining(int64_t number, int64_t stepsPerEpoch, uint64_t seed, Input input) {
  int64_t step = number / parts, part = number % parts;
  if (!prepared && image_.entries.count(program::kPrepareTraining))
    INCEPT_RETURN_IF_ERROR(device_->run(program::kPrepareTraining));
  prepared = true;
  setStep("step", uint64_t(step));
  setStep("seed", seed);
  setStep("sample_base", uint64_t(number) * uint64_t(image_.batchSize));
  setStep("part", uint64_t(part));
  setStep("share", share);
  setStep("learning_rate", hyper.learningRate(step, stepsPerEpoch));
  for (const auto &[name, field] : image_.step)
    if (field.type == "f32" && name != "learning_rate" && name != "share")
      setStep(name.c_str(), hyper.get(name));
  return device_->start(part + 1 < parts ? Work::Accumulate : Work::Train, input);
}

Status Program::trainStep(int64_t step, int64_t stepsPerEpoch, uint64_t seed, Input input) {
  for (int64_t part = 0; part < parts; ++part) {
    INCEPT_RETURN_IF_ERROR(startTraining(step * parts + part, stepsPerEpoch, seed, input));
    INCEPT_RETURN_IF_ERROR(device_->finish());
  }
  return {};
}

Status Program::infer(Input input) {
  INCEPT_RETURN_IF_ERROR(device_->start(Work::Infer, input));
  return device_->finish();
}

} // namespace incept
