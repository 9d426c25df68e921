// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with data or with a resumed run's options, and what a training leaves then: on a device that computes
// nothing.

#include "runtime/io/Loader.h"
#include "runtime/io/PngWriter.h"
#include "runtime/train/Checkpoint.h"
#include "test/runtime/TrainerFixture.h"

#include <filesystem>
#include <sys/resource.h>

using namespace incept;
namespace fs = std::filesystem;

namespace {

class InputErrors : public ScriptedTraining {
protected:
  std::string data = directory.path("data");
  std::vector<std::string> notes;

  InputErrors() : ScriptedTraining(4, 2) {
    tests::script().compute = [](const tests::ScriptedStep &, std::vector<float> &logits, float &loss) {
      std::fill(logits.begin(), logits.end(), 0.f);
      loss = 1;
    };
    for (int i = 0; i < 8; ++i)
      writePicture("train/" + std::string(i % 2 ? "a" : "b") + "/" + std::to_string(i) + ".png", 4, 4);
  }

  void writePicture(const std::string &name, int64_t height, int64_t width) {
    fs::create_directories(fs::path(data + "/" + name).parent_path());
    ASSERT_TRUE(writePng(data + "/" + name, Canvas(height, width)).ok());
  }
  void writeDamaged(const std::string &name) {
    fs::create_directories(fs::path(data + "/" + name).parent_path());
    directory.write("data/" + name, "\x89PNG\r\n\x1a\n and no more");
  }

  TrainOptions options(int64_t steps, bool resume = false) {
    TrainOptions result;
    result.data = "folder:" + data;
    result.steps = steps;
    result.checkpointDirectory = folder;
    result.resume = resume;
    result.save = directory.path("saved");
    result.note = [this](const std::string &note) { notes.push_back(note); };
    return result;
  }
  static void expectWords(const Status &status, const std::string &words, Code code = Code::Input) {
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  }
};

} // namespace

// None of the test pictures can be read at the end of an epoch: an error, behind a checkpoint and the weights.
TEST_F(InputErrors, NoTestPictureCanBeRead) {
  for (const char *name : {"val/a/x.png", "val/b/y.png", "val/b/z.png"})
    writeDamaged(name);
  expectWords(run(options(4)), "none of the test images of 'folder:" + data + "' can be read");
  EXPECT_TRUE(fs::exists(folder + "/step-2.safetensors"));
  EXPECT_TRUE(fs::exists(directory.path("saved")));
  // Repaired, the run goes on from there.
  fs::remove_all(data + "/val");
  writePicture("val/a/x.png", 4, 4);
  writePicture("val/b/y.png", 4, 4);
  EXPECT_EQ(run(options(4, true)).message(), "");
}

// So it is where too many are damaged.
TEST_F(InputErrors, TooManyTestPicturesAreDamaged) {
  writePicture("val/a/good.png", 4, 4);
  for (const char *name : {"val/a/x.png", "val/b/y.png", "val/b/z.png"})
    writeDamaged(name);
  TrainOptions few = options(4);
  few.maxBadImages = 2;
  expectWords(run(few), "more than 2 images are damaged");
  EXPECT_TRUE(fs::exists(folder + "/step-2.safetensors"));
  EXPECT_TRUE(fs::exists(directory.path("saved")));
  // What an evaluation by itself counts are those that can be read.
  EXPECT_EQ(with([&](Program &program) {
              auto images = openDataset("folder:" + data, Split::Evaluation, program.imageShape());
              EXPECT_TRUE(bool(images)) << images.status().message();
              auto accuracy = evaluate(program, std::move(*images), {});
              EXPECT_TRUE(bool(accuracy)) << accuracy.status().message();
              EXPECT_EQ(accuracy ? accuracy->images : -1, 1);
              return Status();
            }).message(),
            "");
}

// A picture that is 5000 times as wide as high is passed over: resized it would have too many pixels.
TEST_F(InputErrors, PicturesOfExtremeShape) {
  fs::remove_all(data + "/train");
  writePicture("train/a/0.png", 4, 4);
  writePicture("train/b/1.png", 1, 4096);
  ImageShape shape{1, 2, 2, 2};
  auto read = [&] {
    auto opened = openDataset("folder:" + data, Split::Train, shape);
    ASSERT_TRUE(bool(opened)) << opened.status().message();
    LoaderOptions load;
    load.sample.shape = shape;
    load.batch = 3;
    load.threads = 0;
    load.note = [&](const std::string &note) { notes.push_back(note); };
    Loader loader(std::move(*opened), load);
    std::vector<uint8_t> pixels(3 * 4);
    std::vector<int64_t> labels(3);
    EXPECT_TRUE(loader.next(pixels.data(), labels.data()).ok());
  };
  read();
  EXPECT_TRUE(notes.empty()) << notes[0];
  writePicture("train/b/2.png", 1, 4097);
  read();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("expected sides that differ by a factor of at most 4096, but it has 4097x1 pixels"),
            std::string::npos)
      << notes[0];
}

// Fewer images than a batch: no batches, and nothing for the threads to do.
TEST_F(InputErrors, EmptyLoader) {
  ImageShape shape{1, 2, 2, 2};
  for (int threads : {0, 2}) {
    auto opened = openDataset("folder:" + data, Split::Train, shape);
    ASSERT_TRUE(bool(opened)) << opened.status().message();
    LoaderOptions load;
    load.sample.shape = shape;
    load.sample.training = true;
    load.batch = 9;
    load.threads = threads;
    Loader loader(std::move(*opened), load);
    EXPECT_EQ(loader.batches(), 0);
  }
}

// What is done to images belongs to a run; so it does where nothing was.
TEST_F(InputErrors, AugmentationOfAnotherRun) {
  TrainOptions plain = options(2), flipped = options(4, true);
  plain.augment = "none";
  flipped.augment = "cifar,padding=1";
  ASSERT_EQ(run(plain).message(), "");
  Status status = run(flipped);
  expectWords(status, "the augmentation is none there and cifar");
  flipped.allowChanges = true;
  EXPECT_EQ(run(flipped).message(), "");
  flipped.allowChanges = false;
  flipped.steps = 6;
  EXPECT_EQ(run(flipped).message(), "");
  plain.resume = true;
  plain.steps = 8;
  expectWords(run(plain), "padding 1 there and none here");
}

// A checkpoint that cannot be opened since the process has too many files is not damaged: it stays, and the error says
// what it was.
TEST_F(InputErrors, TooManyOpenFiles) {
  ASSERT_EQ(run(options(2)).message(), "");
  std::string name = folder + "/step-2.safetensors";
  EXPECT_EQ(with([&](Program &program) {
              auto opened = RunFolder::open(folder);
              EXPECT_TRUE(bool(opened));
              struct rlimit before {};
              ::getrlimit(RLIMIT_NOFILE, &before);
              struct rlimit none = {0, before.rlim_max};
              ::setrlimit(RLIMIT_NOFILE, &none);
              auto loaded = loadNewestCheckpoint(program, **opened);
              ::setrlimit(RLIMIT_NOFILE, &before);
              EXPECT_FALSE(bool(loaded));
              expectWords(loaded.status(), "Too many open files", Code::Machine);
              return Status();
            }).message(),
            "");
  EXPECT_TRUE(fs::exists(name));
  EXPECT_FALSE(fs::exists(name + ".damaged"));
}
