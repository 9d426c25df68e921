// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Schedule.h"

#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

static Hyperparameters make(const json &rate, double epochs = 10) {
  auto result = Hyperparameters::fromJson({{"learning_rate", rate}, {"epochs", epochs}});
  EXPECT_TRUE(bool(result));
  return *result;
}

// A field that this file does not know is the optimizer's number of that name.
TEST(Schedule, OtherFieldsAreTheOptimizers) {
  json training = {{"optimizer", {{"kind", "lion"}, {"beta", 0.25}, {"momentum", 0.5}}}};
  auto hyper = Hyperparameters::fromJson(training, {"beta", "momentum", "rms_decay"});
  ASSERT_TRUE(bool(hyper));
  EXPECT_DOUBLE_EQ(hyper->get("beta"), 0.25);
  EXPECT_DOUBLE_EQ(hyper->get("momentum"), 0.5);
  EXPECT_DOUBLE_EQ(hyper->get("rms_decay"), 0.9);
  EXPECT_TRUE(hyper->set("beta=0.75").ok());
  EXPECT_DOUBLE_EQ(hyper->get("beta"), 0.75);
  // Without the field it is no setting: it would change nothing.
  EXPECT_FALSE(Hyperparameters::fromJson(training)->set("beta=0.75").ok());
  EXPECT_EQ(Hyperparameters::fromJson(training, {"beta2"}).status().message(),
            "the program image is damaged: 'training' has no number 'beta2'");
}

TEST(Schedule, Constant) {
  auto hyper = make({{"kind", "constant"}, {"base", 0.25}});
  EXPECT_DOUBLE_EQ(hyper.learningRate(0, 100), 0.25);
  EXPECT_DOUBLE_EQ(hyper.learningRate(123456, 100), 0.25);
}

// The paper's: times 0.94 every two epochs.
TEST(Schedule, Step) {
  auto hyper = make({{"kind", "step"}, {"base", 0.045}, {"gamma", 0.94}, {"every_epochs", 2}});
  EXPECT_DOUBLE_EQ(hyper.learningRate(199, 100), 0.045);
  EXPECT_DOUBLE_EQ(hyper.learningRate(200, 100), 0.045 * 0.94);
  EXPECT_NEAR(hyper.learningRate(1000, 100), 0.045 * 0.94 * 0.94 * 0.94 * 0.94 * 0.94, 1e-12);
}

TEST(Schedule, CosineReachesItsEndAndStays) {
  auto hyper = make({{"kind", "cosine"}, {"base", 1.0}, {"final", 0.2}});
  EXPECT_DOUBLE_EQ(hyper.learningRate(0, 100), 1.0);
  EXPECT_NEAR(hyper.learningRate(500, 100), 0.6, 1e-12);
  EXPECT_NEAR(hyper.learningRate(1000, 100), 0.2, 1e-12);
  EXPECT_NEAR(hyper.learningRate(5000, 100), 0.2, 1e-12);
}

TEST(Schedule, WarmUpRisesFromAboveZero) {
  auto hyper = make({{"kind", "constant"}, {"base", 1.0}, {"warmup_epochs", 1}});
  EXPECT_GT(hyper.learningRate(0, 100), 0);
  for (int step = 1; step < 100; ++step)
    EXPECT_GT(hyper.learningRate(step, 100), hyper.learningRate(step - 1, 100));
  EXPECT_LT(hyper.learningRate(99, 100), 1.0);
  EXPECT_DOUBLE_EQ(hyper.learningRate(100, 100), 1.0);
}

TEST(Schedule, SettingsAreChecked) {
  auto hyper = make({{"kind", "constant"}, {"base", 1.0}});
  EXPECT_TRUE(hyper.set("learning_rate=0.125").ok());
  EXPECT_DOUBLE_EQ(hyper.learningRate(0, 1), 0.125);
  for (const char *bad : {"", "=1", "speed=1", "learning_rate", "learning_rate=", "learning_rate=x", "learning_rate=1x",
                          "learning_rate=inf", "learning_rate=nan", "learning_rate=1e999", "learning_rate=1e39",
                          "learning_rate=-0.1", "momentum=1.5", "rms_decay=-1", "epochs=0", "weight_decay=-1e-9"}) {
    Status status = hyper.set(bad);
    EXPECT_EQ(status.code(), Code::Usage) << bad;
    EXPECT_DOUBLE_EQ(hyper.get("learning_rate"), 0.125) << bad;
  }
  EXPECT_EQ(hyper.set("momentum=2").message(),
            "expected a number of at least 0 and at most 1 for 'momentum', but got '2'");
  EXPECT_EQ(hyper.set("every_epochs=0").message(), "expected a number above 0 for 'every_epochs', but got '0'");
  EXPECT_NE(hyper.set("speed=1").message().find("weight_decay"), std::string::npos);
}

// What a checkpoint says is taken like a setting, but is none.
TEST(Schedule, RestoresWhatWasRecorded) {
  auto hyper = make({{"kind", "constant"}, {"base", 1.0}});
  EXPECT_FALSE(hyper.isSet("learning_rate"));
  EXPECT_TRUE(hyper.restore("learning_rate", 0.25));
  EXPECT_FALSE(hyper.isSet("learning_rate"));
  EXPECT_DOUBLE_EQ(hyper.get("learning_rate"), 0.25);
  EXPECT_FALSE(hyper.restore("learning_rate", -1));
  EXPECT_FALSE(hyper.restore("speed", 1));
  EXPECT_TRUE(hyper.set("learning_rate=0.5").ok());
  EXPECT_TRUE(hyper.isSet("learning_rate"));
}

TEST(Schedule, MultiStep) {
  auto hyper = make({{"kind", "multi_step"}, {"base", 1.0}, {"gamma", 0.1}, {"milestones", {3, 5.5}}});
  EXPECT_DOUBLE_EQ(hyper.learningRate(299, 100), 1);
  EXPECT_DOUBLE_EQ(hyper.learningRate(300, 100), 0.1);
  EXPECT_DOUBLE_EQ(hyper.learningRate(549, 100), 0.1);
  EXPECT_NEAR(hyper.learningRate(550, 100), 0.01, 1e-15);
  EXPECT_FALSE(hyper.dependsOnLength());
}

TEST(Schedule, Polynomial) {
  auto hyper = make({{"kind", "polynomial"}, {"base", 1.0}, {"final", 0.2}, {"power", 2}});
  EXPECT_DOUBLE_EQ(hyper.learningRate(0, 100), 1);
  EXPECT_NEAR(hyper.learningRate(500, 100), 0.2 + 0.8 * 0.25, 1e-12);
  EXPECT_NEAR(hyper.learningRate(2000, 100), 0.2, 1e-12);
  EXPECT_TRUE(hyper.set("power=1").ok());
  EXPECT_NEAR(hyper.learningRate(500, 100), 0.6, 1e-12);
  EXPECT_FALSE(make({{"kind", "cosine"}}).set("power=1").ok()); // it has none
}

// PyTorch's OneCycleLR of 20 steps, max_lr 1: its values at the start, the peak (0.3 * 20 - 1) and the last step.
TEST(Schedule, OneCycle) {
  auto hyper = make({{"kind", "one_cycle"}, {"base", 1.0}}, 2);
  EXPECT_NEAR(hyper.learningRate(0, 10), 0.04, 1e-12);
  EXPECT_NEAR(hyper.learningRate(5, 10), 1, 1e-12);
  EXPECT_NEAR(hyper.learningRate(12, 10), (1 + 0.04e-4) / 2, 1e-12);
  EXPECT_NEAR(hyper.learningRate(19, 10), 0.04e-4, 1e-12);
  EXPECT_NEAR(hyper.learningRate(100, 10), 0.04e-4, 1e-12);
  EXPECT_TRUE(hyper.dependsOnLength());
  EXPECT_TRUE(hyper.set("rise=0.5").ok());
  EXPECT_NEAR(hyper.learningRate(9, 10), 1, 1e-12);
}
