// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Identity.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Version.h"

#include <optional>

namespace incept {

namespace {

/// Of plans: what was chosen for each library call, and the launches in their order with their sizes. Where they lie in
/// memory and in which file they were described does not matter.
std::string hashPlans(const program::Image &image) {
  Checksum sum;
  auto add = [&](std::string_view text) { sum.add(text).add("\n"); };
  for (const program::Plan &plan : image.plans) {
    add(plan.kind);
    add(plan.impl);
    add(std::to_string(plan.engine) + " " + plan.knobs);
    for (const auto &[key, value] : plan.fields)
      add(key + "=" + value);
  }
  for (const auto &[name, launches] : image.entries) {
    add(name);
    for (const program::Launch &launch : launches) {
      std::string text = launch.isKernel ? image.kernels[launch.index].name : "plan " + std::to_string(launch.index);
      for (int64_t extent : launch.extents)
        text += " " + std::to_string(extent);
      text += " u" + std::to_string(launch.units);
      for (size_t i = 0; i < 3; ++i)
        text += " " + std::to_string(launch.grid[i]) + "/" + std::to_string(launch.block[i]);
      add(text);
    }
  }
  return sum.text();
}

/// What stands for no augmentation.
constexpr const char *kNone = "none";

/// What is recorded, if something is. Runs that augmented nothing once did not say so.
std::optional<std::string> findRecorded(const Metadata &metadata, const std::string &key) {
  if (auto found = metadata.find(key); found != metadata.end())
    return found->second;
  if (key == "incept.augmentation" && metadata.count("incept.checkpoint") != 0)
    return kNone;
  return std::nullopt;
}

struct Compared {
  const char *key, *what;
};
constexpr Compared kCompared[] = {{"incept.seed", "the seed"},
                                  {"incept.data_hash", "the checksum of the training images"},
                                  {"incept.augmentation", "the augmentation"},
                                  {"incept.classes", "the list of classes"},
                                  {"incept.weights_hash", "the checksum of the weights to start from"},
                                  {"incept.threads", "the number of threads"},
                                  {"incept.instruction_set", "the instruction set"},
                                  {"incept.library", "the library"},
                                  {"incept.precision", "the precision"},
                                  {"incept.plans", "the checksum of plans and algorithms"},
                                  {"incept.kernels", "the checksum of kernels"}};

} // namespace

Metadata describeRun(Program &program, const RunFacts &facts) {
  const program::Image &image = program.image();
  bool isCpu = image.target == "cpu";
  nlohmann::json hyper = {{"schedule", program.hyperparameters().schedule()}};
  for (const auto &[key, value] : program.hyperparameters().all())
    hyper[key] = value;
  Metadata metadata = {{"incept.checkpoint", std::to_string(kCheckpointVersion)},
                       {"incept.version", version()},
                       {"incept.network", image.network},
                       {"incept.spec_hash", image.specHash},
                       {"incept.seed", std::to_string(facts.seed)},
                       {"incept.data", facts.data},
                       {"incept.data_hash", facts.dataHash},
                       {"incept.weights_hash", facts.weightsHash},
                       {"incept.last_step", std::to_string(facts.lastStep)},
                       {"incept.hyperparameters", hyper.dump()},
                       {"incept.threads", std::to_string(image.threads)},
                       {"incept.instruction_set", isCpu ? image.isa : image.device + " " + image.arch},
                       {"incept.library", isCpu ? "oneDNN " + image.onednn : "cuDNN " + image.cudnn},
                       {"incept.precision", image.tf32 ? image.precision + " with TF32" : image.precision},
                       {"incept.plans", hashPlans(image)},
                       {"incept.kernels", Checksum().add(isCpu ? image.kernelObject : image.ptx).text()}};
  metadata["incept.augmentation"] = facts.augmentation.empty() ? kNone : facts.augmentation;
  if (!facts.classes.empty())
    metadata["incept.classes"] = classesText(facts.classes);
  return metadata;
}

std::string classesText(const std::vector<std::string> &classes) {
  if (classes.empty())
    return "";
  return nlohmann::json(classes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> recordedClasses(const Metadata &metadata) {
  std::vector<std::string> classes;
  auto found = metadata.find("incept.classes");
  if (found == metadata.end())
    return classes;
  nlohmann::json json = nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (json.is_array())
    for (const nlohmann::json &name : json)
      classes.push_back(name.is_string() ? name.get<std::string>() : "");
  return classes;
}

std::map<std::string, double> recordedHyperparameters(const Metadata &metadata) {
  std::map<std::string, double> values;
  auto found = metadata.find("incept.hyperparameters");
  if (found == metadata.end())
    return values;
  nlohmann::json json = nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (json.is_object())
    for (const auto &[key, value] : json.items())
      if (value.is_number())
        values[key] = value.get<double>();
  return values;
}

std::vector<std::string> differences(const Metadata &recorded, const Metadata &own) {
  std::vector<std::string> result;
  for (const Compared &compared : kCompared) {
    std::optional<std::string> there = findRecorded(recorded, compared.key), here = findRecorded(own, compared.key);
    if (!there || !here || *there == *here)
      continue;
    auto text = [](const std::string &value) { return value.empty() ? "none" : value; };
    result.push_back(std::string(compared.what) + " is " + text(*there) + " there and " + text(*here) + " here");
  }
  return result;
}

} // namespace incept
