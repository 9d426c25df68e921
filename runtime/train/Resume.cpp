// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Resume.h"
#include "runtime/support/Text.h"

#include <cmath>
#include <cstdio>

namespace incept {

namespace {

/// Beyond this a double does not count steps exactly.
constexpr double kMaxSteps = 9007199254740992.0;

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

class RunStarter {
public:
  RunStarter(Program &program, const TrainOptions &options, const Dataset &images, const std::string &augmentation,
             const RunFolder *folder)
      : program(program), hyper(program.hyperparameters()), options(options), images(images), folder(folder) {
    facts.augmentation = augmentation;
  }

  Expected<Beginning> begin() {
    facts.data = options.data;
    facts.dataHash = images.hash();
    facts.classes = images.classes();
    facts.seed = options.seed.value_or(describedSeed());
    if (options.epochs > 0)
      hyper.setEpochs(options.epochs);
    INCEPT_RETURN_IF_ERROR(options.resume ? resume() : start());
    beginning.seed = facts.seed;
    facts.lastStep = beginning.lastStep;
    beginning.run = describeRun(program, facts);
    return beginning;
  }

private:
  /// The seed of the description's `training`.
  uint64_t describedSeed() const {
    const nlohmann::json &training = program.image().training;
    bool isThere = training.is_object() && training.contains("seed") && training["seed"].is_number_integer();
    return isThere ? training["seed"].get<uint64_t>() : 0;
  }

  Status start() {
    INCEPT_RETURN_IF_ERROR(findEnd(0));
    if (!options.weights.empty())
      if (auto file = openWeights(); !file)
        return file.status();
    std::vector<std::string> anew;
    INCEPT_RETURN_IF_ERROR(drawWeights(program, options, facts.seed, anew));
    std::string list;
    for (const std::string &name : anew)
      list += (list.empty() ? "" : ", ") + name;
    if (!anew.empty())
      options.note("'" + options.weights + "' is for another number of classes: " + list +
                   (anew.size() > 1 ? " begin anew" : " begins anew"));
    return {};
  }

  /// Opens the weights to start from and takes their checksum.
  Expected<SafetensorsReader> openWeights() {
    auto file = SafetensorsReader::open(options.weights);
    if (!file)
      return file.status();
    auto hash = file->checksum();
    if (!hash)
      return hash.status();
    facts.weightsHash = *hash;
    return file;
  }

  Status resume() {
    if (!options.weights.empty())
      if (auto file = openWeights(); !file)
        return file.status();
    INCEPT_RETURN_IF_ERROR(program.initialize(facts.seed)); // whatever a checkpoint does not hold
    auto loaded = loadNewestCheckpoint(program, *folder);
    if (!loaded)
      return loaded.status();
    resumed = std::move(*loaded);
    adoptFacts();
    adoptHyperparameters();
    Metadata own = describeRun(program, facts);
    for (const std::string &difference : differences(resumed.metadata, own))
      changes.push_back(difference);
    if (resumed.metadata.count("incept.checkpoint") == 0)
      options.note("'" + resumed.path + "' was written by an incept that recorded neither data nor hyper-parameters: " +
                   "that they are the same cannot be checked");
    std::string list;
    for (const std::string &change : changes)
      list += (list.empty() ? "" : "; ") + change;
    if (!changes.empty() && !options.allowChanges)
      return inputError("'" + resumed.path + "' belongs to another run: " + list +
                        ": resume as it began, or with --allow-changes");
    if (!changes.empty())
      options.note("'" + resumed.path + "' belongs to another run: " + list);
    int64_t recorded = 0;
    INCEPT_RETURN_IF_ERROR(findEnd(readRecorded(resumed.metadata, "incept.last_step", recorded) ? recorded : 0));
    return finishResume();
  }

  /// What the options leave open is as it was.
  void adoptFacts() {
    if (!options.seed)
      readInteger(resumed.metadata["incept.seed"], facts.seed);
    if (options.weights.empty() && resumed.metadata.count("incept.weights_hash"))
      facts.weightsHash = resumed.metadata["incept.weights_hash"];
  }

  void adoptHyperparameters() {
    std::string kept;
    for (const auto &[key, recorded] : recordedHyperparameters(resumed.metadata)) {
      auto own = hyper.all().find(key);
      if (own == hyper.all().end() || own->second == recorded)
        continue;
      bool isLength = key == "epochs";
      if (hyper.isSet(key) || (isLength && options.epochs > 0)) {
        // A longer training changes nothing of what was, unless the rate falls over its length.
        if (!isLength || hyper.dependsOnLength())
          changes.push_back(key + " is " + numberText(recorded) + " there and " + numberText(own->second) + " here");
      } else if (hyper.restore(key, recorded) && !isLength) {
        kept += (kept.empty() ? "" : ", ") + key + "=" + numberText(recorded);
      }
    }
    if (!kept.empty())
      options.note("resuming with " + kept + ", as the run began");
  }

  /// The last step: from the options, or `recorded` where they say nothing and it is not 0.
  Status findEnd(int64_t recorded) {
    int64_t stepsPerEpoch = images.size() / program.imagesPerStep();
    double epochs = hyper.get("epochs"), steps = std::ceil(epochs * double(stepsPerEpoch));
    bool isOpen = options.steps <= 0 && options.epochs <= 0 && !hyper.isSet("epochs");
    if (options.steps <= 0 && !(steps >= 1 && steps <= kMaxSteps))
      return usageError("expected epochs of 1 to 2^53 steps in all, but got " + numberText(epochs) + " epochs of " +
                        std::to_string(stepsPerEpoch) + " steps");
    if (options.steps > int64_t(kMaxSteps))
      return usageError("expected at most 2^53 steps, but got " + std::to_string(options.steps));
    beginning.lastStep = options.steps > 0        ? options.steps
                         : isOpen && recorded > 0 ? recorded
                                                  : static_cast<int64_t>(steps);
    return {};
  }

  Status finishResume() {
    beginning.step = resumed.step;
    std::string at = "'" + resumed.path + "' is at step " + std::to_string(resumed.step);
    std::string more = ": give more --steps or --epochs to go on";
    if (resumed.step > beginning.lastStep)
      return inputError(at + ", beyond the end of this training at step " + std::to_string(beginning.lastStep) + more);
    if (resumed.step == beginning.lastStep)
      options.note(at + ", where this training ends: nothing to do" + more);
    for (const auto &[step, why] : resumed.damaged) {
      options.note("passed over: " + why + "; it is renamed, and training goes on from step " +
                   std::to_string(resumed.step));
      INCEPT_RETURN_IF_ERROR(folder->setAside(step));
    }
    return {};
  }

  Program &program;
  Hyperparameters &hyper;
  const TrainOptions &options;
  const Dataset &images;
  const RunFolder *folder;
  RunFacts facts;
  Resumed resumed;
  std::vector<std::string> changes;
  Beginning beginning;
};

} // namespace

Status drawWeights(Program &program, const TrainOptions &options, uint64_t seed, std::vector<std::string> &anew) {
  INCEPT_RETURN_IF_ERROR(program.initialize(seed));
  if (options.weights.empty())
    return {};
  auto file = SafetensorsReader::open(options.weights);
  return file ? program.loadTensors(*file, {"parameter", "state"}, /*averages=*/false, &anew) : file.status();
}

Expected<Beginning> beginRun(Program &program, const TrainOptions &options, const Dataset &images,
                             const std::string &augmentation, const RunFolder *folder) {
  return RunStarter(program, options, images, augmentation, folder).begin();
}

} // namespace incept
