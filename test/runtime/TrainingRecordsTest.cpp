// SPDX-License-Identifier: Apache-2.0
//
// What a training says and leaves: its lines, its notes, its events, what identifies it, and the names in its folder.

#include "runtime/support/Checksum.h"
#include "runtime/support/Version.h"
#include "runtime/train/Identity.h"
#include "runtime/train/RunFolder.h"
#include "runtime/train/StepOutput.h"
#include "test/runtime/TrainerFixture.h"

#include <cmath>
#include <filesystem>
#include <iterator>

using namespace incept;
namespace fs = std::filesystem;

namespace {

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t count(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

/// The bytes of the newest file of events.
std::string eventsOf(const std::string &folder) {
  std::string text;
  for (const auto &entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("events."))
      text = read(entry.path());
  return text;
}

} // namespace

// An epoch has four steps; at its end all test images are right, and at the end of the training half of them.
TEST_F(TrainerTest, SaysHowItGoes) {
  writeImages("train", 16);
  tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &logits, float &loss) {
    static int64_t done = 0;
    done = step.work == Work::Train ? stepOf(step) + 1 : done;
    loss = 1;
    std::fill(logits.begin(), logits.end(), 0.f);
    for (size_t row = 0; row < 4; ++row)
      logits[row * kClasses + (step.images[row * 4] + (done > 4 && row > 1)) % kClasses] = 1;
  };
  std::vector<std::string> notes;
  auto lines = [&](TrainOptions some) {
    notes.clear();
    some.note = [&](const std::string &text) { notes.push_back(text); };
    testing::internal::CaptureStdout();
    EXPECT_EQ(run(some).message(), "");
    return testing::internal::GetCapturedStdout();
  };
  const std::vector<std::string> none = {"'idx:" + directory.path("") +
                                         "' has no test images: accuracy on them is not measured"};
  EXPECT_EQ(lines(options(6)), "");
  EXPECT_EQ(notes, none);
  EXPECT_EQ(logLines().size(), 6u);
  fs::remove_all(folder);
  writeImages("t10k", 4);
  // log(e + 2) - 1 is 0.5514; of half of them log(e + 2) - 0.5.
  EXPECT_EQ(lines(options(6)), "epoch 1.00: test accuracy 100.00 %, test loss 0.5514\n"
                               "epoch 1.50: test accuracy 50.00 %, test loss 1.0514\n"
                               "best: " +
                                   folder + "/step-4.safetensors, test accuracy 100.00 %\n");
  EXPECT_EQ(notes, std::vector<std::string>());
  std::string events = eventsOf(folder);
  for (auto [tag, times] : {std::pair("train/loss", 6u),
                            {"train/accuracy", 6u},
                            {"train/learning_rate", 6u},
                            {"train/samples", 1u},
                            {"test/accuracy", 2u},
                            {"test/loss", 2u},
                            {"test/mean_iou", 0u},
                            {"test/ema_accuracy", 0u},
                            {"train/loss/", 0u}})
    EXPECT_EQ(count(events, tag), times) << tag;
  // Four images of 2x2 with gaps of 2: four pixels high, sixteen wide.
  EXPECT_EQ(count(events, "\x08\x04\x10\x10\x18\x03\x22"), 1u);
  // Resumed where it ends: nothing is to be done, which is said; the best is what it was.
  EXPECT_EQ(lines(options(6, true)), "best: " + folder + "/step-4.safetensors, test accuracy 100.00 %\n");
  EXPECT_EQ(notes, std::vector<std::string>({"'" + folder +
                                             "/step-6.safetensors' is at step 6, where this training "
                                             "ends: nothing to do: give more --steps or --epochs to go on"}));
  // Without a folder nothing is kept, and nothing is best.
  TrainOptions alone = options(4);
  alone.checkpointDirectory.clear();
  EXPECT_EQ(lines(alone), "epoch 1.00: test accuracy 100.00 %, test loss 0.5514\n");
  TrainOptions resumed = alone;
  resumed.resume = true;
  EXPECT_EQ(run(resumed).message(), "expected --checkpoint-dir=DIR with --resume");
  TrainOptions twice = alone;
  twice.save = twice.log;
  EXPECT_EQ(run(twice).message(), "expected different files for --save, --plot and --log, but got '" + log + "' twice");
  TrainOptions nowhere = options(4, true);
  nowhere.checkpointDirectory = directory.path("nowhere");
  EXPECT_EQ(run(nowhere).message(), "'" + directory.path("nowhere") + "' has no step-N.safetensors to resume from");
}

TEST_F(TrainerTest, IsIdentified) {
  header["training"]["optimizer"]["momentum"] = 0.25;
  RunFacts facts;
  facts.seed = 7, facts.data = "idx:d", facts.dataHash = "dh", facts.weightsHash = "wh", facts.lastStep = 9;
  Metadata own;
  ASSERT_TRUE(with([&](Program &program) {
                own = describeRun(program, facts);
                return Status();
              }).ok());
  EXPECT_EQ(own["incept.plans"].size(), 16u);
  own.erase("incept.plans");
  const Metadata expected = {
      {"incept.checkpoint", "2"},
      {"incept.version", version()},
      {"incept.network", "tiny"},
      {"incept.spec_hash", "0123456789abcdef"},
      {"incept.seed", "7"},
      {"incept.data", "idx:d"},
      {"incept.data_hash", "dh"},
      {"incept.weights_hash", "wh"},
      {"incept.last_step", "9"},
      {"incept.hyperparameters",
       R"({"epochs":1.0,"every_epochs":1.0,"final_learning_rate":0.0,"gamma":1.0,"learning_rate":0.5,"momentum":0.25,)"
       R"("rms_decay":0.9,"rms_epsilon":1.0,"schedule":"constant","warmup_epochs":0.0,"weight_decay":0.0})"},
      {"incept.threads", "2"},
      {"incept.instruction_set", header["target"]["isa"]},
      {"incept.library", "oneDNN " + header["target"]["onednn"].get<std::string>()},
      {"incept.precision", "f32"},
      {"incept.kernels", Checksum().add(tests::tinyKernels()).text()},
      {"incept.augmentation", "none"}};
  EXPECT_EQ(own, expected);
  facts.augmentation = "cifar", facts.classes = {"a", "b\""};
  ASSERT_TRUE(with([&](Program &program) {
                own = describeRun(program, facts);
                return Status();
              }).ok());
  EXPECT_EQ(own["incept.augmentation"], "cifar");
  EXPECT_EQ(own["incept.classes"], R"(["a","b\""])");
  EXPECT_EQ(recordedClasses(own), facts.classes);
  EXPECT_EQ(classesText({}), "");
}

// What is compared, one after the other; what only one says is not.
TEST(Identity, DifferencesAreSaid) {
  const std::pair<const char *, const char *> compared[] = {
      {"incept.seed", "the seed"},
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
  Metadata all, other;
  std::vector<std::string> expected;
  for (auto [key, what] : compared) {
    all[key] = "a", other[key] = "b";
    expected.push_back(std::string(what) + " is a there and b here");
    EXPECT_EQ(differences({{key, "a"}}, {{key, ""}}),
              std::vector<std::string>({std::string(what) + " is a there and none here"}));
    EXPECT_TRUE(differences({{key, "a"}}, {{key, "a"}}).empty()) << key;
    EXPECT_TRUE(differences({{key, "a"}}, {}).empty() && differences({}, {{key, "a"}}).empty()) << key;
  }
  EXPECT_EQ(differences(all, other), expected);
  EXPECT_TRUE(differences({{"incept.data", "a"}, {"incept.version", "1"}}, {{"incept.data", "b"}}).empty());
  // A checkpoint that says nothing of the augmentation had none.
  const Metadata old = {{"incept.checkpoint", "2"}};
  EXPECT_EQ(differences(old, {{"incept.augmentation", "cifar"}}),
            std::vector<std::string>({"the augmentation is none there and cifar here"}));
  EXPECT_TRUE(differences(old, {{"incept.augmentation", "none"}}).empty());
  for (const char *text : {"", "[1", "1", "null", "[]"})
    EXPECT_TRUE(recordedHyperparameters({{"incept.hyperparameters", text}}).empty()) << text;
  EXPECT_EQ(recordedHyperparameters({{"incept.hyperparameters", R"({"a":1,"b":"x","c":0.5,"d":null})"}}),
            (std::map<std::string, double>{{"a", 1}, {"c", 0.5}}));
  EXPECT_TRUE(recordedHyperparameters({}).empty() && recordedClasses({}).empty());
  for (const char *text : {"", "[1", "1", "null", "[]", "{}"})
    EXPECT_TRUE(recordedClasses({{"incept.classes", text}}).empty()) << text;
  EXPECT_EQ(recordedClasses({{"incept.classes", R"(["a",1,"b"])"}}), (std::vector<std::string>{"a", "", "b"}));
}

// The checksum of plans and algorithms changes with each of them, and not with where things lie or what they are of.
TEST(Identity, PlansAreHashed) {
  const std::string kernels(100, 'k');
  tests::TemporaryDirectory directory;
  static Backend backend = tests::scriptedBackend();
  backend.kind = "cuda";
  auto hash = [&](const json &header) {
    std::string elf = tests::makeElf(tests::makeImage(header, kernels));
    auto program = Program::load(directory.write("program", elf), backend);
    EXPECT_TRUE(bool(program)) << program.status().message();
    return program ? describeRun(**program, {}) : Metadata();
  };
  json header = tests::tinyHeader(kernels.size());
  header["target"] = {{"kind", "cuda"},         {"threads", 1},    {"device", "h100"}, {"card", "a card"},
                      {"multiprocessors", 132}, {"arch", "sm_90"}, {"cudnn", "9.19.0"}};
  header["tf32"] = true;
  header["kernels"].push_back(header["kernels"][4]);
  header["kernels"][5]["name"] = "tiny_other";
  for (auto &[name, launches] : header["entries"].items())
    for (json &launch : launches) {
      launch.erase("units");
      launch.update({{"grid", {2, 3, 4}}, {"block", {5, 6, 7}}});
    }
  header["plans"] = {{{"name", "p"},
                      {"kind", "matmul"},
                      {"impl", "engine 1"},
                      {"scratchpad_bytes", 64},
                      {"m", "4"},
                      {"engine", "11"},
                      {"knobs", "2=1"},
                      {"serialized", {{"offset", 0}, {"bytes", 0}}}}};
  header["plans"].push_back(header["plans"][0]);
  header["plans"][1]["knobs"] = "2=2";
  header["blobs"] = {{"ptx", {{"offset", 0}, {"bytes", 90}}}};
  json call = header["entries"]["update"][0];
  for (const char *key : {"kernel", "grid", "block", "extents"})
    call.erase(key);
  call["plan"] = 0;
  header["entries"]["update"].push_back(call);
  const Metadata first = hash(header);
  EXPECT_EQ(first.at("incept.instruction_set"), "h100 sm_90");
  EXPECT_EQ(first.at("incept.library"), "cuDNN 9.19.0");
  EXPECT_EQ(first.at("incept.precision"), "f32 with TF32");
  EXPECT_EQ(first.at("incept.kernels"), Checksum().add(kernels.substr(0, 90)).text());
  auto changed = [&](const char *pointer, const json &value) {
    json other = header;
    other[json::json_pointer(pointer)] = value;
    return hash(other).at("incept.plans") != first.at("incept.plans");
  };
  const std::pair<const char *, json> matters[] = {{"/plans/0/kind", "reorder"},
                                                   {"/plans/0/impl", "engine 2"},
                                                   {"/plans/0/engine", "12"},
                                                   {"/plans/0/knobs", "2=3"},
                                                   {"/plans/0/m", "5"},
                                                   {"/plans/0/n", "5"},
                                                   {"/entries/update/1/plan", 1},
                                                   {"/entries/update/0/kernel", 5},
                                                   {"/entries/update/0/grid/0", 1},
                                                   {"/entries/update/0/grid/1", 1},
                                                   {"/entries/update/0/grid/2", 1},
                                                   {"/entries/update/0/block/0", 1},
                                                   {"/entries/update/0/block/1", 1},
                                                   {"/entries/update/0/block/2", 1},
                                                   {"/entries/prepare_inference", header["entries"]["update"]},
                                                   {"/entries/update", json::array()}};
  for (const auto &[pointer, value] : matters)
    EXPECT_TRUE(changed(pointer, value)) << pointer;
  const std::pair<const char *, json> nothing[] = {
      {"/entries/update/0/op", "other"},        {"/entries/update/0/loc", "other"}, {"/entries/update/0/flops", 1},
      {"/entries/update/0/operands/0/1", 1024}, {"/plans/0/scratchpad_bytes", 32},  {"/plans/0/name", "other"}};
  for (const auto &[pointer, value] : nothing)
    EXPECT_FALSE(changed(pointer, value)) << pointer;
  json other = header; // extents, and in which order launches come
  other["kernels"][4]["extents"] = other["entries"]["update"][0]["extents"] = {4, 4, 4};
  EXPECT_NE(hash(other).at("incept.plans"), first.at("incept.plans"));
  other = header;
  std::swap(other["entries"]["update"][0], other["entries"]["update"][1]);
  EXPECT_NE(hash(other).at("incept.plans"), first.at("incept.plans"));
}

TEST(RunFolder, NamesAreThoseOfSteps) {
  tests::TemporaryDirectory directory;
  const std::string root = directory.path("run");
  auto folder = RunFolder::open(root);
  ASSERT_TRUE(bool(folder)) << folder.status().message();
  EXPECT_EQ((*folder)->note(), "");
  for (const char *name : {"step-0", "step-9", "step-10", "step-9223372036854775807", "step-007", "step-", "step--1",
                           "step-9223372036854775808", "step-1x", "xstep-1", "Step-1", "step"})
    directory.write("run/" + std::string(name) + ".safetensors", name);
  directory.write("run/step-5.safetensors.tmp", "x");
  directory.write("run/step-5", "x");
  EXPECT_EQ((*folder)->steps(), (std::vector<int64_t>{0, 9, 10, INT64_MAX}));
  EXPECT_EQ((*folder)->path(9), root + "/step-9.safetensors");
  // Half-written files of checkpoints go; others stay.
  for (const char *name : {"step-9.safetensors.aB3dE6", "step-8.safetensors.zzzzzz"})
    directory.write("run/" + std::string(name), "half");
  for (const char *name : {"step-9.safetensors.aB3dE", "step-9.safetensors.aB3dE67", "notes.aB3dE6",
                           "step-007.safetensors.aB3dE6", "step-9.safetensors.aB-dE6"})
    directory.write("run/" + std::string(name), "kept");
  auto files = [&] { return std::distance(fs::directory_iterator(root), fs::directory_iterator()); };
  auto before = files();
  (*folder)->removeLeftovers();
  EXPECT_EQ(files(), before - 2);
  EXPECT_FALSE(fs::exists(root + "/step-9.safetensors.aB3dE6") || fs::exists(root + "/step-8.safetensors.zzzzzz"));
  // Of several that are set aside each has a name of its own.
  for (const char *name : {".damaged", ".damaged-2", ".damaged-3"}) {
    directory.write("run/step-9.safetensors", name);
    EXPECT_TRUE((*folder)->setAside(9).ok());
    EXPECT_EQ(read(root + "/step-9.safetensors" + name), name);
  }
  EXPECT_EQ((*folder)->steps(), (std::vector<int64_t>{0, 10, INT64_MAX}));
  EXPECT_EQ((*folder)->setAside(9).message(),
            "cannot rename '" + root + "/step-9.safetensors': No such file or directory");
  EXPECT_TRUE((*folder)->prune(0, {}).ok()); // all
  EXPECT_TRUE((*folder)->prune(3, {}).ok());
  EXPECT_EQ((*folder)->steps().size(), 3u);
  EXPECT_TRUE((*folder)->prune(1, {0}).ok());
  EXPECT_EQ((*folder)->steps(), (std::vector<int64_t>{0, INT64_MAX}));
  EXPECT_TRUE((*folder)->removeCheckpoint(INT64_MAX).ok());
  EXPECT_EQ((*folder)->steps(), (std::vector<int64_t>{0}));
  const std::string message = RunFolder::open(root).status().message();
  EXPECT_TRUE(
      message.starts_with("'" + root + "' is in use by a training (process " + std::to_string(::getpid()) + " on "))
      << message;
  EXPECT_TRUE(message.ends_with("): wait until it ends, or give another --checkpoint-dir")) << message;
}

TEST(StepOutput, CountsWhatIsRight) {
  program::Image image;
  image.batchSize = 7, image.classes = 3, image.ignoreLabel = 1;
  const float nan = NAN, logits[] = {2, 1,   0,  // right
                                     1, 0,   2,  // right
                                     2, 9,   2,  // wrong
                                     2, 0,   2,  // equals: the first is right,
                                     2, 0,   2,  // the last is not
                                     0, 5,   0,  // ignored
                                     1, nan, 0}; // no number
  const int64_t labels[] = {0, 2, 0, 0, 2, 1, 0};
  StepOutput output;
  EXPECT_EQ(output.accuracy(), 0);
  output.add(logits, labels, image);
  EXPECT_EQ(output.labels, 6);
  EXPECT_EQ(output.correct, 3);
  EXPECT_EQ(output.accuracy(), 0.5);
  image.ignoreLabel.reset();
  output.add(logits, labels, image);
  EXPECT_EQ(output.labels, 13);
  EXPECT_EQ(output.correct, 7);
}
