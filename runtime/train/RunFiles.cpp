// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/RunFiles.h"
#include "runtime/support/Files.h"
#include "runtime/support/Version.h"

#include <ctime>

namespace incept {

Status writeRunRecord(const std::string &directory, const Program &program, const TrainOptions &options,
                      const Metadata &run, const Dataset &images) {
  const program::Image &image = program.image();
  char started[32] = "";
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  if (::gmtime_r(&now, &utc))
    std::strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
  nlohmann::ordered_json record = {
      {"network", image.network},      {"command", options.commandLine}, {"started", started},
      {"version", version()},          {"data", options.data},           {"training_images", images.size()},
      {"batch_size", image.batchSize}, {"parameters", image.parameters}, {"classes", images.classes()}};
  nlohmann::ordered_json identity;
  for (const auto &[key, value] : run)
    identity[key] = value;
  record["run"] = identity;
  record["training"] = image.training;
  auto spec = nlohmann::ordered_json::parse(image.specText, nullptr, /*allow_exceptions=*/false);
  if (spec.is_discarded())
    record["spec"] = image.specText;
  else
    record["spec"] = spec;
  std::string text = record.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return writeFile(directory + "/" + kRunRecord, [&](const Sink &sink) { return sink(text.data(), text.size()); });
}

} // namespace incept
