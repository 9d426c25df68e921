// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Checkpoint.h"

#include <charconv>
#include <filesystem>

namespace incept {

static const std::set<std::string> kKinds = {"parameter", "state", "slot"};

/// N of "step-N.safetensors", -1 for other names.
static int64_t stepOf(const std::string &name) {
  const std::string prefix = "step-", suffix = ".safetensors";
  if (name.size() <= prefix.size() + suffix.size() || name.rfind(prefix, 0) != 0 ||
      name.substr(name.size() - suffix.size()) != suffix)
    return -1;
  const char *begin = name.data() + prefix.size(), *end = name.data() + name.size() - suffix.size();
  int64_t step = -1;
  auto [stop, error] = std::from_chars(begin, end, step);
  return error == std::errc() && stop == end && step >= 0 ? step : -1;
}

Status saveCheckpoint(Program &program, const std::string &directory, const Progress &progress) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return machineError("cannot create '" + directory + "': " + error.message());
  std::string path = directory + "/step-" + std::to_string(progress.step) + ".safetensors";
  return program.saveTensors(path, kKinds, {},
                             {{"incept.network", program.image().network},
                              {"incept.spec_hash", program.image().specHash},
                              {"incept.step", std::to_string(progress.step)},
                              {"incept.seed", std::to_string(progress.seed)}});
}

Expected<Progress> loadNewestCheckpoint(Program &program, const std::string &directory) {
  int64_t newest = -1;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(directory, error))
    newest = std::max(newest, stepOf(entry.path().filename().string()));
  if (newest < 0)
    return inputError("'" + directory + "' has no step-N.safetensors to resume from");
  std::string path = directory + "/step-" + std::to_string(newest) + ".safetensors";
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  auto text = [&](const char *key) { return file->metadata.count(key) ? file->metadata[key] : std::string(); };
  if (text("incept.spec_hash") != program.image().specHash)
    return inputError("'" + path + "' was written by another version of the network: compile that one to resume");
  Progress progress;
  std::string step = text("incept.step"), seed = text("incept.seed");
  auto parse = [](const std::string &digits, auto &value) {
    auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return code == std::errc() && stop == digits.data() + digits.size();
  };
  if (!parse(step, progress.step) || !parse(seed, progress.seed) || progress.step != newest)
    return inputError("'" + path + "' does not say where training stopped");
  INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, path, kKinds));
  return progress;
}

} // namespace incept
