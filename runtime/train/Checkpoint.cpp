// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Checkpoint.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <filesystem>

namespace incept {

static const std::set<std::string> kKinds = {"parameter", "state", "slot"};

const std::set<std::string> &checkpointKinds() { return kKinds; }

Metadata checkpointMetadata(const Metadata &run, int64_t step, double accuracy) {
  Metadata metadata = run;
  metadata["incept.step"] = std::to_string(step);
  if (accuracy >= 0)
    metadata["incept.test_accuracy"] = jsonNumber(accuracy);
  return metadata;
}

Status saveCheckpoint(Program &program, const RunFolder &folder, int64_t step, const Metadata &run, double accuracy) {
  return program.saveTensors(folder.path(step), kKinds, {}, checkpointMetadata(run, step, accuracy), Values::Finite);
}

bool readRecorded(const Metadata &metadata, const char *key, int64_t &value) {
  auto found = metadata.find(key);
  return found != metadata.end() && readInteger(found->second, 0, INT64_MAX, value);
}

double recordedAccuracy(const Metadata &metadata) {
  double value = -1;
  auto found = metadata.find("incept.test_accuracy");
  bool isAccuracy = found != metadata.end() && readNumber(found->second, value) && value >= 0 && value <= 1;
  return isAccuracy ? value : -1;
}

int64_t findBest(const RunFolder &folder, double &accuracy) {
  int64_t best = -1;
  accuracy = -1;
  for (int64_t step : folder.steps())
    if (auto file = SafetensorsReader::open(folder.path(step)))
      if (double recorded = recordedAccuracy(file->metadata); recorded > accuracy) {
        best = step;
        accuracy = recorded;
      }
  return best;
}

namespace {

enum class Verdict { Loaded, Damaged, Refused };

/// Loads one checkpoint; `why` says what is wrong with it otherwise.
Verdict load(Program &program, const std::string &path, int64_t step, Metadata &metadata, Status &why) {
  auto file = SafetensorsReader::open(path);
  if (!file) {
    why = file.status();
    // Too many open files, say: nothing is wrong with the checkpoint.
    return why.code() == Code::Machine ? Verdict::Refused : Verdict::Damaged;
  }
  metadata = file->metadata;
  // What a damaged byte says of the network is not believed.
  auto refuse = [&](const std::string &reason) {
    why = file->read([](const std::string &, std::string_view) { return Status(); });
    if (!why.ok())
      return Verdict::Damaged;
    why = inputError("'" + path + "' " + reason);
    return Verdict::Refused;
  };
  int64_t format = 1, recorded = -1;
  uint64_t seed = 0;
  if (metadata.count("incept.checkpoint") && !readRecorded(metadata, "incept.checkpoint", format))
    format = INT64_MAX;
  if (format > kCheckpointVersion)
    return refuse("was written by a later version of incept" +
                  (metadata.count("incept.version") ? ", " + metadata["incept.version"] : "") +
                  ": resume with a program that one compiles");
  if (metadata["incept.spec_hash"] != program.image().specHash)
    return refuse("was written by another version of the network: compile that one to resume");
  if (!readRecorded(metadata, "incept.step", recorded) || !readInteger(metadata["incept.seed"], seed) ||
      recorded != step) {
    why = inputError("'" + path + "' does not say where training stopped");
    return Verdict::Damaged;
  }
  if (why = program.loadTensors(*file, kKinds); why.ok())
    return Verdict::Loaded;
  Status reason = why;
  why = file->read([](const std::string &, std::string_view) { return Status(); });
  if (!why.ok())
    return Verdict::Damaged;
  why = reason; // whole, but of other tensors
  return Verdict::Refused;
}

} // namespace

Expected<Resumed> loadNewestCheckpoint(Program &program, const RunFolder &folder) {
  Resumed resumed;
  std::vector<int64_t> steps = folder.steps();
  if (steps.empty()) {
    std::error_code error;
    std::filesystem::directory_iterator entries(folder.directory(), error);
    if (error)
      return machineError("cannot read '" + folder.directory() + "': " + error.message());
    return inputError("'" + folder.directory() + "' has no step-N.safetensors to resume from");
  }
  std::reverse(steps.begin(), steps.end());
  for (int64_t step : steps) {
    Status why;
    resumed.step = step;
    resumed.path = folder.path(step);
    switch (load(program, resumed.path, step, resumed.metadata, why)) {
    case Verdict::Loaded:
      return resumed;
    case Verdict::Refused:
      return why;
    case Verdict::Damaged:
      resumed.damaged.emplace_back(step, why.message());
    }
  }
  return inputError("'" + folder.directory() +
                    "' has no checkpoint that can be read; the newest: " + resumed.damaged.front().second);
}

} // namespace incept
