// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Runs.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"
#include "runtime/train/Curve.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace incept {

namespace fs = std::filesystem;

namespace {

int complain(const Status &status) {
  llvm::errs() << "incept: error: " << printable(status.message()) << "\n";
  return static_cast<int>(status.code());
}

/// Largest run.json that is read: it holds the description.
constexpr uint64_t kMaxRecordBytes = uint64_t(1) << 26;

struct Run {
  std::string name, network, started, data;
  LearningCurve curve;

  double lastStep() const { return curve.loss.empty() ? 0 : curve.loss.back().step + 1; }
  double loss() const { return curve.loss.empty() ? 0 : curve.loss.back().value; }
  double bestAccuracy() const {
    double best = -1;
    for (const CurvePoint &point : curve.testAccuracy)
      best = std::max(best, point.value);
    return best;
  }
};

bool isFile(const fs::path &path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool isRun(const fs::path &folder) { return isFile(folder / "run.json") || isFile(folder / "log.jsonl"); }

Run readRun(const fs::path &folder, const std::string &name) {
  Run run;
  run.name = name;
  CurveBuilder builder;
  readCurve((folder / "log.jsonl").string(), builder);
  run.curve = builder.curve();
  auto file = LoadedFile::open((folder / "run.json").string(), kMaxRecordBytes);
  if (!file)
    return run;
  auto json = nlohmann::json::parse(file->bytes(), nullptr, /*allow_exceptions=*/false);
  auto text = [&](const char *key) {
    return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  run.network = text("network");
  run.started = text("started");
  run.data = text("data");
  return run;
}

} // namespace

int listRuns(const std::string &directory) {
  std::vector<Run> runs;
  if (isRun(directory))
    runs.push_back(readRun(directory, directory));
  std::error_code error;
  auto entry = fs::directory_iterator(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (std::error_code ignored; entry->is_directory(ignored) && isRun(entry->path()))
      runs.push_back(readRun(entry->path(), entry->path().filename().string()));
  if (error)
    return complain(inputError("cannot read the folder '" + directory + "': " + error.message()));
  if (runs.empty())
    return complain(inputError("'" + directory +
                               "' has no runs: expected folders that a training wrote with "
                               "--checkpoint-dir"));
  std::sort(runs.begin(), runs.end(),
            [](const Run &a, const Run &b) { return std::tie(a.started, a.name) < std::tie(b.started, b.name); });
  llvm::outs() << llvm::format("%-24s %-22s %-20s %10s %9s %9s %9s  %s\n", "run", "network", "started", "steps", "loss",
                               "test", "best", "data");
  for (const Run &run : runs) {
    double last = run.curve.testAccuracy.empty() ? -1 : run.curve.testAccuracy.back().value;
    auto percent = [](double value) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      if (value >= 0)
        stream << llvm::format("%.2f %%", 100 * value);
      return text;
    };
    llvm::outs() << llvm::format("%-24s %-22s %-20s %10.0f %9.4f %9s %9s  ", printable(run.name).c_str(),
                                 printable(run.network).c_str(), printable(run.started).c_str(), run.lastStep(),
                                 run.loss(), percent(last).c_str(), percent(run.bestAccuracy()).c_str())
                 << printable(run.data) << "\n";
  }
  return 0;
}

int plotRuns(const std::vector<std::string> &runs, const std::string &output) {
  std::vector<std::pair<std::string, LearningCurve>> curves;
  for (const std::string &name : runs) {
    CurveBuilder builder;
    std::string log = isFile(name) ? name : name + "/log.jsonl";
    readCurve(log, builder);
    if (builder.curve().loss.empty())
      return complain(inputError("'" + log +
                                 "' has no steps of a training: give folders that one wrote, or "
                                 "logs"));
    curves.emplace_back(name, builder.curve());
  }
  Status status = writeComparison(output, curves);
  return status.ok() ? 0 : complain(status);
}

} // namespace incept
