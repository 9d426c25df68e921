// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Commands.h"
#include "runtime/support/Text.h"
#include "runtime/support/Version.h"
#include "runtime/train/CheckpointWriter.h"
#include "runtime/train/Identity.h"

#include <cstdio>

namespace incept {

static int64_t launchCount(const program::Image &image) {
  int64_t launches = 0;
  for (const char *entry : {program::kStageU8, program::kForwardBackward, program::kUpdate})
    if (auto found = image.entries.find(entry); found != image.entries.end())
      launches += static_cast<int64_t>(found->second.size());
  return launches;
}

static nlohmann::ordered_json describe(Program &program) {
  const program::Image &image = program.image();
  nlohmann::ordered_json info;
  info["network"] = image.network;
  info["target"] = image.target;
  program.backend().describe(image, info);
  info["mode"] = image.mode;
  info["precision"] = image.precision;
  info["batch_size"] = image.batchSize;
  info["image"] = {image.channels, image.height, image.width};
  info["classes"] = image.classes;
  if (image.labelsPixels())
    info["label_map"] = {image.labelHeight, image.labelWidth};
  if (!image.outputs.empty())
    info["outputs"] = image.outputs;
  if (image.ignoreLabel)
    info["ignore_label"] = *image.ignoreLabel;
  info["parameters"] = image.parameters;
  info["states"] = image.states;
  info["macs"] = image.macs;
  info["arena_bytes"] = image.arenaBytes;
  info["persistent_bytes"] = image.persistentBytes;
  info["peak_bytes"] = image.peakBytes;
  info["checkpoint_bytes"] = checkpointBytes(image); // copied while it is written
  info["launches"] = launchCount(image);
  info["kernels"] = image.kernels.size();
  info["plans"] = image.plans.size();
  info["spec_hash"] = image.specHash;
  info["settable"] = program.hyperparameters().all();
  info["structural"] = {"optimizer", "loss", "label_smoothing", "ignore_label", "batch_size", "image", "classes"};
  return info;
}

Status runInfo(Program &program, bool json, bool memory) {
  if (memory) {
    std::printf("%-10s %12s %12s  %-40s %s\n", "region", "offset", "bytes", "tensor", "shape");
    for (const program::Tensor &tensor : program.image().tensors) {
      std::string shape;
      for (int64_t dim : tensor.shape)
        shape += (shape.empty() ? "" : "x") + std::to_string(dim);
      std::printf("%-10s %12llu %12llu  %-40s %s\n", printable(program.image().regions[tensor.region].name).c_str(),
                  static_cast<unsigned long long>(tensor.offset), static_cast<unsigned long long>(tensor.bytes),
                  printable(tensor.name).c_str(), shape.c_str());
    }
    for (const program::Region &region : program.image().regions)
      std::printf("region %-10s %llu bytes\n", printable(region.name).c_str(),
                  static_cast<unsigned long long>(region.bytes));
    return {};
  }
  nlohmann::ordered_json info = describe(program);
  if (json) {
    std::printf("%s\n", info.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return {};
  }
  for (const auto &[key, value] : info.items()) {
    std::string text = value.is_string() ? value.get<std::string>()
                                         : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::printf("%-17s %s\n", key.c_str(), printable(text).c_str());
  }
  return {};
}

Status runInfoDevices(Program &program, bool json) {
  auto devices = program.backend().list(program.image());
  if (!devices)
    return devices.status();
  if (json) {
    std::printf("%s\n", devices->dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return {};
  }
  for (const auto &device : *devices) {
    std::string text;
    for (const auto &[key, value] : device.items())
      text += (text.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
    std::printf("%s\n", printable(text).c_str());
  }
  return {};
}

Status runVersion(Program &program) {
  const program::Image &image = program.image();
  nlohmann::ordered_json target;
  program.backend().describe(image, target);
  std::printf("a program of incept %s, image format %d, checkpoint format %d\n", version(), program::kFormatVersion,
              kCheckpointVersion);
  std::printf("network %s, spec %s\n", printable(image.network).c_str(), printable(image.specHash).c_str());
  std::string text;
  for (const auto &[key, value] : target.items())
    text += ", " + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  std::printf("compiled for %s%s\n", image.target.c_str(), printable(text).c_str());
  std::printf("this machine has %s\n", program.backend().library().c_str());
  return {};
}

Status runInit(Program &program, uint64_t seed, const std::string &output) {
  INCEPT_RETURN_IF_ERROR(tryOutput(output));
  INCEPT_RETURN_IF_ERROR(program.initialize(seed));
  return program.saveTensors(output, {"parameter", "state"}, {}, {{"incept.network", program.image().network}});
}

} // namespace incept
