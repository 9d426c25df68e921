// SPDX-License-Identifier: Apache-2.0
//
// Runs of the tiny program: whose checkpoints they are, what damages them, and what is left when they end.

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Trainer.h"
#include "test/runtime/TinyProgram.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>

using namespace incept;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// Synthetic data are 256 images, so an epoch of the tiny program has 64 steps.
constexpr int64_t kEpoch = 64;

class RunTest : public ::testing::Test {
protected:
  json header = tests::tinyHeader(tests::tinyKernels().size());
  tests::TemporaryDirectory directory;
  std::string folder = directory.path("run"), log = directory.path("log");
  std::vector<std::string> notes, settings;
  int programs = 0;

  RunTest() { header["target"]["threads"] = 1; }

  TrainOptions options(int64_t steps, bool resume = false) {
    TrainOptions result;
    result.data = "synthetic:";
    result.steps = steps;
    result.checkpointDirectory = folder;
    result.log = log;
    result.resume = resume;
    result.note = [this](const std::string &note) { notes.push_back(note); };
    return result;
  }

  /// Runs `body` on a program with the settings.
  template <typename Body>
  Status with(Body body) {
    std::string elf = tests::makeElf(tests::makeImage(header, tests::tinyKernels()));
    auto program = Program::open(directory.write("tiny" + std::to_string(programs++), elf), cpuBackend());
    if (!program)
      return program.status();
    for (const std::string &setting : settings)
      INCEPT_RETURN_IF_ERROR((*program)->hyperparameters().set(setting));
    notes.clear();
    return body(**program);
  }

  Status run(const TrainOptions &options) {
    return with([&](Program &program) { return train(program, options); });
  }

  void expectRun(const TrainOptions &options) { EXPECT_EQ(run(options).message(), ""); }

  void expectRefused(const TrainOptions &options, const std::string &words, Code code = Code::Input) {
    auto before = contents();
    Status status = run(options);
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    EXPECT_EQ(contents(), before) << "a refused run changed files";
  }

  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Names and bytes of the run folder and the log, but for the lock and what has the time in it.
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> result;
    if (fs::exists(folder))
      for (const auto &entry : fs::directory_iterator(folder))
        if (std::string name = entry.path().filename();
            name != "lock" && name != "run.json" && name != "curve.svg" && !name.starts_with("events."))
          result[entry.path().filename()] = entry.is_regular_file() ? read(entry.path()) : "no file";
    if (fs::exists(log))
      result["log"] = read(log);
    return result;
  }

  std::set<std::string> names() {
    std::set<std::string> result;
    for (const auto &[name, bytes] : contents())
      result.insert(name);
    return result;
  }

  std::string checkpoint(int64_t step) { return folder + "/step-" + std::to_string(step) + ".safetensors"; }

  bool noted(const std::string &words) {
    for (const std::string &note : notes)
      if (note.find(words) != std::string::npos)
        return true;
    return false;
  }

  Metadata metadata(int64_t step) {
    auto file = SafetensorsReader::open(checkpoint(step));
    EXPECT_TRUE(bool(file)) << file.status().message();
    return file ? file->metadata : Metadata();
  }
};

} // namespace

// The same weights, and the same log to the byte, whether a run was stopped between or not: at the end of an epoch, in
// the middle of one, and more than once.
TEST_F(RunTest, ResumesToTheSameBits) {
  TrainOptions whole = options(150);
  whole.seed = 5;
  expectRun(whole);
  auto expected = contents();
  ASSERT_EQ(expected.count("step-150.safetensors"), 1u);
  fs::remove_all(folder);
  TrainOptions part = options(kEpoch);
  part.seed = 5;
  expectRun(part);
  for (int64_t steps : {70, 100, 150})
    expectRun(options(steps, true));
  auto resumed = contents();
  EXPECT_EQ(resumed["step-150.safetensors"], expected["step-150.safetensors"]);
  // Of where the parts ended there are evaluations.
  std::istringstream lines(resumed["log"]);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (line.find("\"step\":70,\"test") == std::string::npos && line.find("\"step\":100,\"test") == std::string::npos)
      kept += line + "\n";
  EXPECT_EQ(kept, expected["log"]);
}

// The curve of a resumed run is that of the whole one, and the folder says what the run is.
TEST_F(RunTest, TheCurveIsOfTheWholeRun) {
  TrainOptions whole = options(2 * kEpoch);
  whole.log.clear(); // in the folder
  whole.commandLine = {"net", "train"};
  expectRun(whole);
  std::string curve = read(folder + "/curve.svg"), text = read(folder + "/log.jsonl");
  EXPECT_NE(curve.find("<circle"), std::string::npos);
  fs::remove_all(folder);
  TrainOptions part = whole;
  part.steps = kEpoch;
  expectRun(part);
  EXPECT_NE(read(folder + "/curve.svg"), curve);
  std::string record = read(folder + "/run.json");
  whole.resume = true;
  whole.commandLine = {"net", "train", "--resume"};
  expectRun(whole);
  EXPECT_EQ(read(folder + "/log.jsonl"), text);
  EXPECT_EQ(read(folder + "/curve.svg"), curve);
  EXPECT_EQ(read(folder + "/run.json"), record);
  json parsed = json::parse(record, nullptr, false);
  ASSERT_TRUE(parsed.is_object());
  EXPECT_EQ(parsed["command"], (json{"net", "train"}));
  EXPECT_EQ(parsed["data"], "synthetic:");
  EXPECT_EQ(parsed["run"]["incept.seed"], "0");
  int64_t events = 0;
  for (const auto &entry : fs::directory_iterator(folder))
    events += entry.path().filename().string().starts_with("events.out.tfevents.");
  EXPECT_EQ(events, 2);
}

// What a killed process had written beyond its last checkpoint goes, and a torn line, and half-written checkpoints.
TEST_F(RunTest, CutsTheLogBackAndRemovesLeftovers) {
  TrainOptions every = options(40);
  every.checkpointSteps = 20;
  every.keep = 0;
  expectRun(every);
  auto whole = contents();
  fs::remove(checkpoint(40));
  std::ofstream(log, std::ios::app) << "{\"step\":40,\"epoch\":0.6";
  std::ofstream(checkpoint(40) + ".aB3dE6") << "half";
  std::ofstream(folder + "/notes.txt") << "mine";
  TrainOptions again = options(40, true);
  again.keep = 0;
  expectRun(again);
  auto resumed = contents();
  EXPECT_EQ(resumed["log"], whole["log"]);
  EXPECT_EQ(resumed["step-40.safetensors"], whole["step-40.safetensors"]);
  EXPECT_EQ(names(), (std::set<std::string>{"log", "notes.txt", "step-20.safetensors", "step-40.safetensors"}));
  // A log that was none is not cut, however short.
  for (const char *foreign : {"dear diary\n", "d"}) {
    std::ofstream(log) << foreign;
    expectRefused(options(50, true), "its first line was not written by a training");
  }
}

// Where nobody says how long, it is as long as the description says: one epoch.
TEST_F(RunTest, EndsWhereTheDescriptionSays) {
  expectRun(options(0));
  EXPECT_EQ(names(), (std::set<std::string>{"log", "step-" + std::to_string(kEpoch) + ".safetensors"}));
}

TEST_F(RunTest, FolderBelongsToOneRun) {
  expectRun(options(10));
  expectRefused(options(10), "has checkpoints of another run, the newest of step 10: give --resume");
  TrainOptions anew = options(5);
  anew.overwrite = true;
  anew.seed = 2;
  expectRun(anew);
  EXPECT_EQ(names(), (std::set<std::string>{"log", "step-5.safetensors"}));
  EXPECT_EQ(metadata(5)["incept.seed"], "2");
  auto open = RunFolder::open(folder);
  ASSERT_TRUE(bool(open));
  expectRefused(options(10, true), "is in use by a training (process " + std::to_string(::getpid()));
}

// What changes the result is refused, with all that differs; what the options leave open is as it was.
TEST_F(RunTest, ResumesTheSameRunOnly) {
  TrainOptions first = options(10);
  first.seed = 3;
  settings = {"learning_rate=0.125", "momentum=0.5"};
  expectRun(first);
  settings.clear();
  TrainOptions second = options(20, true);
  second.seed = 4;
  settings = {"learning_rate=0.25"};
  expectRefused(second,
                "learning_rate is 0.125 there and 0.25 here; the seed is 3 there and 4 here: resume as it began, "
                "or with --allow-changes");
  // The same ones, or none, are no change.
  second.seed = 3;
  settings = {"learning_rate=0.125"};
  expectRun(second);
  settings.clear();
  expectRun(options(30, true));
  EXPECT_TRUE(noted("resuming with learning_rate=0.125, momentum=0.5, as the run began"));
  auto recorded = recordedHyperparameters(metadata(30));
  EXPECT_EQ(recorded["learning_rate"], 0.125);
  EXPECT_EQ(recorded["momentum"], 0.5);
  EXPECT_EQ(metadata(30)["incept.seed"], "3");
  // Told to, it goes on with what is given, and says what is different.
  TrainOptions third = options(40, true);
  third.allowChanges = true;
  third.seed = 4;
  settings = {"learning_rate=0.25"};
  expectRun(third);
  EXPECT_TRUE(noted("the seed is 3 there and 4 here"));
  recorded = recordedHyperparameters(metadata(40));
  EXPECT_EQ(recorded["learning_rate"], 0.25);
  EXPECT_EQ(recorded["momentum"], 0.5);
  EXPECT_EQ(metadata(40)["incept.seed"], "4");
}

TEST_F(RunTest, KnowsDataWeightsAndProgram) {
  std::string images = std::string("\0\0\x08\x03\0\0\0\x10\0\0\0\x02\0\0\0\x02", 16) + std::string(64, '\x40'),
              labels = std::string("\0\0\x08\x01\0\0\0\x10", 8) + std::string(16, '\0');
  directory.write("train-images-idx3-ubyte", images);
  directory.write("train-labels-idx1-ubyte", labels);
  TrainOptions first = options(4), second = options(8, true);
  first.data = second.data = "idx:" + directory.path("");
  std::string weights = directory.path("weights");
  ASSERT_TRUE(with([&](Program &program) {
                INCEPT_RETURN_IF_ERROR(program.initialize(9));
                return program.saveTensors(weights, {"parameter", "state"}, {}, {});
              }).ok());
  first.weights = weights;
  expectRun(first);
  EXPECT_TRUE(noted("has no test images"));
  EXPECT_EQ(metadata(4)["incept.weights_hash"], *SafetensorsReader::open(weights)->checksum());
  for (const char *key : {"incept.data_hash", "incept.plans", "incept.kernels"})
    EXPECT_EQ(metadata(4)[key].size(), 16u) << key;
  EXPECT_EQ(metadata(4)["incept.threads"], "1");
  EXPECT_EQ(metadata(4)["incept.library"], "oneDNN " + header["target"]["onednn"].get<std::string>());

  images.back() = '\x41';
  directory.write("train-images-idx3-ubyte", images);
  expectRefused(second, "the checksum of the training images is ");
  images.back() = '\x40';
  directory.write("train-images-idx3-ubyte", images);
  second.weights = checkpoint(4);
  expectRefused(second, "the checksum of the weights to start from is ");
  second.weights.clear();
  header["target"]["threads"] = 2;
  expectRefused(second, "the number of threads is 1 there and 2 here");
  header["target"]["threads"] = 1;
  header["entries"]["prepare_inference"] = header["entries"]["stage_u8"];
  expectRefused(second, "the checksum of plans and algorithms is ");
  header["entries"]["prepare_inference"] = json::array();
  header["spec"]["hash"] = "another";
  second.allowChanges = true;
  expectRefused(second, "was written by another version of the network");
  header["spec"]["hash"] = "0123456789abcdef";
  second.allowChanges = false;
  second.weights = weights;
  expectRun(second);
}

// A longer training is the same run, unless its learning rate falls until its end; where none is given the end is what
// it was.
TEST_F(RunTest, LengthMattersToACosine) {
  TrainOptions first = options(0), second = options(0, true);
  first.epochs = 0.25;
  second.epochs = 0.5;
  expectRun(first);
  expectRun(options(0, true));
  EXPECT_TRUE(noted("is at step 16, where this training ends: nothing to do"));
  expectRun(second);
  EXPECT_EQ(metadata(32)["incept.last_step"], "32");
  expectRefused(options(20, true), "is at step 32, beyond the end of this training at step 20");
  header["training"]["learning_rate"]["kind"] = "cosine";
  first.overwrite = true;
  expectRun(first);
  expectRefused(second, "epochs is 0.25 there and 0.5 here");
}

// The newest that is whole is taken, whatever the newer ones are; they keep their bytes under another name.
TEST_F(RunTest, PassesOverDamagedCheckpoints) {
  TrainOptions first = options(40);
  first.checkpointSteps = 10;
  first.keep = 0;
  expectRun(first);
  std::string good = read(checkpoint(40)), damaged = good;
  damaged[good.size() - 5] ^= 0x10; // in a weight
  std::ofstream(checkpoint(40), std::ios::binary) << damaged;
  fs::resize_file(checkpoint(30), 0);
  fs::remove(checkpoint(20));
  fs::create_directories(checkpoint(20) + "/inside");
  TrainOptions again = options(40, true);
  again.checkpointSteps = 10;
  again.keep = 0;
  expectRun(again);
  EXPECT_TRUE(noted("step-40.safetensors' is damaged: its checksum is "));
  EXPECT_TRUE(noted("step-30.safetensors' is no valid safetensors file: it is empty"));
  EXPECT_TRUE(noted("step-20.safetensors': expected a regular file, but it is a folder"));
  EXPECT_TRUE(noted("training goes on from step 10"));
  EXPECT_EQ(read(checkpoint(40)), good);
  EXPECT_EQ(read(checkpoint(40) + ".damaged"), damaged);
  EXPECT_TRUE(fs::is_directory(checkpoint(20) + ".damaged"));
  // Any bit, that of the network's name too, which would otherwise be another network's.
  for (size_t at :
       {good.find("0123456789abcdef"), good.find("\"F32\""), good.find("incept.seed") + 14, good.size() - 1}) {
    damaged = good;
    damaged[at] ^= 1;
    std::ofstream(checkpoint(40), std::ios::binary) << damaged;
    expectRun(options(40, true));
    EXPECT_TRUE(noted("training goes on from step 30")) << at;
    EXPECT_EQ(read(checkpoint(40)), good) << at;
  }
  EXPECT_TRUE(fs::exists(checkpoint(40) + ".damaged-5"));
  // Nothing that is whole is an error that says what is wrong.
  for (int64_t step : {10, 20, 30, 40})
    if (fs::exists(checkpoint(step)))
      fs::resize_file(checkpoint(step), 100);
  expectRefused(options(50, true), "has no checkpoint that can be read; the newest: ");
}

TEST_F(RunTest, KeepsTheLastAndTheBest) {
  TrainOptions some = options(3 * kEpoch + 8);
  some.checkpointSteps = 16;
  some.keep = 2;
  expectRun(some);
  double accuracy = 0;
  auto opened = RunFolder::open(folder);
  ASSERT_TRUE(bool(opened));
  int64_t best = findBest(**opened, accuracy);
  std::set<std::string> expected = {"log", "step-192.safetensors", "step-200.safetensors"};
  expected.insert("step-" + std::to_string(best) + ".safetensors");
  EXPECT_EQ(names(), expected);
  // The best is the first of the highest accuracies in the log.
  double highest = -1;
  int64_t step = -1;
  std::istringstream lines(read(log));
  for (std::string line; std::getline(lines, line);)
    if (json entry = json::parse(line); entry.contains("test_accuracy") && entry["test_accuracy"] > highest) {
      highest = entry["test_accuracy"];
      step = entry["step"];
    }
  EXPECT_EQ(best, step);
  EXPECT_NEAR(accuracy, highest, 1e-6);
  EXPECT_NEAR(recordedAccuracy(metadata(best)), highest, 1e-6);
  for (const char *text : {"1e308", "1.5", "-0.5", "nan", "high", ""}) // what would be the best for ever
    EXPECT_EQ(recordedAccuracy({{"incept.test_accuracy", text}}), -1) << text;
}

TEST_F(RunTest, WritesCheckpointsByTime) {
  TrainOptions often = options(12);
  often.checkpointMinutes = 1e-9;
  often.keep = 0;
  expectRun(often);
  for (int64_t step = 1; step <= 12; ++step)
    EXPECT_TRUE(fs::exists(checkpoint(step))) << step;
}

// Files of the first format have four facts and no checksum. A later format is not guessed at.
TEST_F(RunTest, ReadsOlderCheckpointsAndNoLaterOnes) {
  TrainOptions first = options(10);
  first.seed = 6;
  expectRun(first);
  std::string good = read(checkpoint(10));
  ASSERT_TRUE(with([&](Program &program) {
                auto reader = SafetensorsReader::open(checkpoint(10));
                INCEPT_RETURN_IF_ERROR(program.loadTensors(*reader, {"parameter", "state", "slot"}));
                return program.saveTensors(checkpoint(10), {"parameter", "state", "slot"}, {},
                                           {{"incept.checkpoint", "3"},
                                            {"incept.version", "9.0.0"},
                                            {"incept.spec_hash", "0123456789abcdef"},
                                            {"incept.step", "10"},
                                            {"incept.seed", "6"}});
              }).ok());
  expectRefused(options(20, true), "was written by a later version of incept, 9.0.0");
  // As it was written before there were checksums.
  std::string header = R"({"__metadata__":{"incept.network":"tiny","incept.seed":"6","incept.spec_hash":)"
                       R"("0123456789abcdef","incept.step":"10"},"linear.weight":{"dtype":"F32","shape":[3,4],)"
                       R"("data_offsets":[0,48]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string old(8, '\0');
  old[0] = static_cast<char>(header.size());
  old[1] = static_cast<char>(header.size() >> 8);
  old += header + good.substr(good.size() - 48);
  std::ofstream(checkpoint(10), std::ios::binary) << old;
  TrainOptions second = options(20, true);
  second.seed = 7;
  expectRefused(second, "the seed is 6 there and 7 here");
  expectRun(options(20, true));
  EXPECT_TRUE(noted("recorded neither data nor hyper-parameters"));
  std::string resumed = read(checkpoint(20));
  fs::remove_all(folder);
  first.steps = 20;
  expectRun(first);
  EXPECT_EQ(read(checkpoint(20)), resumed);
  // What was done to images was not recorded either, so it is not compared.
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(checkpoint(10), std::ios::binary) << old;
  TrainOptions augmented = options(20, true);
  augmented.augment = "cifar";
  expectRun(augmented);
}

// Nothing is trained where what is to be written cannot be; and nothing is left of the trial.
TEST_F(RunTest, OutputsAreTriedFirst) {
  std::string file = directory.write("file", "mine");
  ASSERT_EQ(::mkfifo(directory.path("pipe").c_str(), 0600), 0);
  TrainOptions good = options(1000000); // would take long
  auto attempt = [&](std::string TrainOptions::*output, const std::string &path, const std::string &words) {
    TrainOptions bad = good;
    bad.*output = path;
    Status status = run(bad);
    EXPECT_FALSE(status.ok()) << path;
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  for (auto output : {&TrainOptions::save, &TrainOptions::plot, &TrainOptions::log}) {
    attempt(output, "/nonexistent/w", "'/nonexistent/w'");
    attempt(output, directory.path("pipe"), "expected a regular file or a new name");
    attempt(output, "/dev/null", "expected a regular file or a new name");
    attempt(output, directory.path(""), directory.path(""));
  }
  attempt(&TrainOptions::checkpointDirectory, "/proc/x", "'/proc/x'");
  attempt(&TrainOptions::checkpointDirectory, file, "'" + file);
  good.plot = file;
  attempt(&TrainOptions::save, file, "expected different files");
  EXPECT_EQ(read(file), "mine");
}

// The weights of the last finite step stay and are named, and nothing else is written but the curve.
TEST_F(RunTest, KeepsWhatIsFinite) {
  TrainOptions diverging = options(60);
  diverging.checkpointSteps = 1;
  diverging.keep = 2;
  diverging.save = directory.path("final");
  diverging.plot = directory.path("curve.svg");
  settings = {"learning_rate=1e30"};
  Status status = run(diverging);
  EXPECT_EQ(status.code(), Code::Input);
  EXPECT_NE(status.message().find("not finite"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("is finite: --resume"), std::string::npos) << status.message();
  EXPECT_FALSE(fs::exists(diverging.save));
  EXPECT_TRUE(fs::exists(diverging.plot));
  auto folderNames = names();
  EXPECT_GE(folderNames.size(), 2u);
  for (const std::string &name : folderNames) {
    if (name == "log")
      continue;
    EXPECT_NE(status.message().find(folderNames.rbegin()->c_str()), std::string::npos) << status.message();
    auto file = SafetensorsReader::open(folder + "/" + name);
    ASSERT_TRUE(bool(file)) << name;
    EXPECT_TRUE(file->read([&](const std::string &, std::string_view bytes) {
                      for (size_t i = 0; i < bytes.size(); i += 4) {
                        float value;
                        std::memcpy(&value, bytes.data() + i, 4);
                        EXPECT_TRUE(std::isfinite(value)) << name;
                      }
                      return Status();
                    })
                    .ok());
  }
  // The log is JSON to its last line, whatever the loss has become.
  std::istringstream lines(read(log));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(json::accept(line)) << line;
  EXPECT_GE(count, 1);
}
