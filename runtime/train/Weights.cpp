// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Weights.h"
#include "runtime/train/Identity.h"

#include <algorithm>

namespace incept {

Expected<LoadedWeights> loadWeights(Program &program, const std::string &path, Averages averages) {
  auto file = SafetensorsReader::open(path);
  if (!file)
    return file.status();
  LoadedWeights loaded;
  loaded.fromAverages =
      averages != Averages::No && std::any_of(file->tensors.begin(), file->tensors.end(),
                                              [](const auto &tensor) { return tensor.first.starts_with("ema/"); });
  if (averages == Averages::Yes && !loaded.fromAverages)
    return inputError("'" + path + "' has no averages of weights: take the weights themselves");
  if (averages != Averages::IfThere || loaded.fromAverages)
    INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, {"parameter", "state"}, loaded.fromAverages));
  loaded.classes = recordedClasses(file->metadata);
  if (int64_t(loaded.classes.size()) != program.image().classes)
    loaded.classes.clear();
  return loaded;
}

} // namespace incept
