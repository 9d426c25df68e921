// SPDX-License-Identifier: Apache-2.0
//
// Profiles of devices: those that are compiled in, lookup by name, and files of the user's.
#include "codegen/cuda/plans/DeviceProfile.h"
#include "test/codegen/cuda/CudnnFixture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace incept::cuda {

namespace {

TEST(DeviceProfileTest, EveryProfileIsFoundByNameAndArchitecture) {
  ASSERT_EQ(deviceProfiles().size(), 8u);
  for (const DeviceProfile &profile : deviceProfiles()) {
    auto byName = findDeviceProfile(profile.name);
    ASSERT_TRUE(byName) << byName.status().message();
    EXPECT_EQ(byName->arch, profile.arch);
    auto byArch = findDeviceProfile(profile.arch);
    ASSERT_TRUE(byArch) << byArch.status().message();
    EXPECT_EQ(byArch->arch, profile.arch);
    EXPECT_GE(profile.peakF16, profile.peakTf32);
    EXPECT_GE(profile.peakTf32, profile.peakF32);
    EXPECT_GE(profile.variants.size(), 3u) << profile.name; // two clocks, and another card
    EXPECT_NE(deviceTable().find("cuda:" + profile.name), std::string::npos);
  }
}

TEST(DeviceProfileTest, VariantsAreCardsAndClocks) {
  auto profile = findDeviceProfile("h100");
  ASSERT_TRUE(profile);
  auto count = [&](const char *text) {
    return std::count_if(profile->variants.begin(), profile->variants.end(),
                         [&](const std::string &variant) { return variant.find(text) != std::string::npos; });
  };
  EXPECT_EQ(count("\"multiProcessorCount\":114"), 1);
  EXPECT_EQ(count("NVIDIA H200"), 1);
  EXPECT_EQ(count("\"smClockRateKHz\":1584000"), 1); // 0.8 of 1980000
  EXPECT_EQ(count("\"deviceVer\":900"), long(profile->variants.size()));
  std::ifstream file(INCEPT_DEVICES "/h100.json");
  std::string text(std::istreambuf_iterator<char>(file), {});
  size_t at = text.find("\"multiProcessorCount\": 114");
  ASSERT_NE(at, std::string::npos);
  auto wrong = parseDeviceProfile(text.replace(at, 21, "\"multiprocessors\""), "own.json");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.status().message(),
            "device profile 'own.json': expected 'cards' to be objects of cuDNN's device properties");
}

TEST(DeviceProfileTest, UnknownNamesListWhatThereIs) {
  auto profile = findDeviceProfile("h10");
  ASSERT_FALSE(profile);
  EXPECT_EQ(profile.status().code(), Code::Usage);
  EXPECT_NE(profile.status().message().find("did you mean 'h100'?"), std::string::npos) << profile.status().message();
  EXPECT_NE(profile.status().message().find("rtx5090 (sm_120)"), std::string::npos) << profile.status().message();
  profile = findDeviceProfile("a-toaster-oven");
  ASSERT_FALSE(profile);
  EXPECT_EQ(profile.status().message().find("did you mean"), std::string::npos) << profile.status().message();
}

// A name that is near to one of a profile or of an architecture, in letters of either kind.
TEST(DeviceProfileTest, NamesThatAreMeant) {
  std::string known;
  for (const DeviceProfile &profile : deviceProfiles())
    known += (known.empty() ? "" : ", ") + profile.name + " (" + profile.arch + ")";
  const std::pair<const char *, const char *> rows[] = {{"H100", "h100"},
                                                        {"h100x", "h100"},
                                                        {"b20", "b200"},
                                                        {"l40", "l40s"},
                                                        {"sm90", "sm_90"},
                                                        {"rtx-5090", "rtx5090"},
                                                        {"rtx5080", "rtx5090"},
                                                        {"h100pcie", "h100-pcie"},
                                                        {"v", ""},
                                                        {"l4", ""},
                                                        {"", ""},
                                                        {"toaster", ""},
                                                        {"a10", "a100"},
                                                        {"a100-80gb", "a100-40gb"}};
  for (auto [name, meant] : rows)
    EXPECT_EQ(findDeviceProfile(name).status().message(),
              "unknown device '" + std::string(name) + "'" +
                  (*meant ? ": did you mean '" + std::string(meant) + "'?" : "") + "; there are profiles of " + known);
}

TEST(DeviceProfileTest, TheTableHasALineForEach) {
  const std::string table = deviceTable();
  EXPECT_EQ(size_t(std::count(table.begin(), table.end(), '\n')), deviceProfiles().size() + 2);
  EXPECT_TRUE(table.starts_with(
      "target         arch       SMs     memory  bandwidth        f32     tf32     bf16      f16   device\n"));
  EXPECT_NE(table.find("\ncuda:h100      sm_90      132      85 GB  3.35 TB/s       66.9    494.7    989.4    989.4   "
                       "NVIDIA H100 SXM, 80 GB\n"),
            std::string::npos)
      << table;
  EXPECT_TRUE(table.ends_with("\n(f32 to f16: peak TFLOP/s, dense; tf32, bf16 and f16 on tensor cores)\n"));
}

class ProfileFileTest : public ::testing::Test {
protected:
  void SetUp() override {
    path = std::filesystem::temp_directory_path() / ("incept-profile-" + std::to_string(getpid()) + ".json");
  }
  void TearDown() override { std::filesystem::remove(path); }

  /// A profile that is complete.
  nlohmann::json complete() const {
    nlohmann::json json = nlohmann::json::parse(findDeviceProfile("h100")->cudnnProperties);
    json["incept"] = {{"name", "mine"},
                      {"title", "my card"},
                      {"arch", "sm_90"},
                      {"ptx_version", 80},
                      {"memory_bytes_per_second", 1000},
                      {"peak_flops", {{"f32", 1}, {"tf32", 2}, {"bf16", 3}, {"f16", 4}}}};
    return json;
  }
  Expected<DeviceProfile> read(const std::string &text) const {
    std::ofstream(path) << text;
    return findDeviceProfile(path.string());
  }

  std::filesystem::path path;
};

TEST_F(ProfileFileTest, OfTheUsers) {
  auto profile = read(complete().dump());
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_EQ(profile->name, "mine");
  EXPECT_FALSE(profile->isDefaultForArch);
  EXPECT_EQ(profile->peakBf16, 3);
  EXPECT_EQ(profile->cudnnProperties.find("incept"), std::string::npos);
}

TEST_F(ProfileFileTest, EveryFieldHasItsPlace) {
  nlohmann::json json = complete();
  json["deviceName"] = "my own card";
  json["totalGlobalMem"] = 11;
  json["multiProcessorCount"] = 12;
  json["l2CacheSize"] = 13;
  json["smClockRateKHz"] = 1000;
  json["incept"]["default_for_arch"] = true;
  json["incept"]["cards"] = {{{"deviceName", "another"}, {"multiProcessorCount", 14}}};
  auto p = read(json.dump());
  ASSERT_TRUE(p) << p.status().message();
  EXPECT_EQ(p->title, "my card");
  EXPECT_EQ(p->arch, "sm_90");
  EXPECT_EQ(p->ptxVersion, 80);
  EXPECT_TRUE(p->isDefaultForArch);
  EXPECT_EQ(p->memoryBytesPerSecond, 1000);
  EXPECT_EQ(p->peakF32, 1);
  EXPECT_EQ(p->peakTf32, 2);
  EXPECT_EQ(p->peakF16, 4);
  EXPECT_EQ(p->card, "my own card");
  EXPECT_EQ(p->memoryBytes, 11);
  EXPECT_EQ(p->multiprocessors, 12);
  EXPECT_EQ(p->l2Bytes, 13);
  json.erase("incept");
  EXPECT_EQ(nlohmann::json::parse(p->cudnnProperties), json);
  ASSERT_EQ(p->variants.size(), 3u);
  const std::pair<const char *, nlohmann::json> changes[] = {
      {"smClockRateKHz", 800}, {"smClockRateKHz", 1200}, {"multiProcessorCount", 14}};
  for (size_t i = 0; i < 3; ++i) {
    nlohmann::json wanted = json;
    wanted[changes[i].first] = changes[i].second;
    if (i == 2)
      wanted["deviceName"] = "another";
    EXPECT_EQ(nlohmann::json::parse(p->variants[i]), wanted) << i;
  }
  // Numbers that are too large for what they become.
  json = complete();
  json["incept"]["ptx_version"] = 100000;
  EXPECT_EQ(read(json.dump())->ptxVersion, 1000);
  EXPECT_EQ(read(json.dump())->variants.size(), 2u);
}

// What is assumed is a table of its own, and may be missing.
TEST_F(ProfileFileTest, Costs) {
  auto profile = read(complete().dump());
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_FALSE(profile->costs);
  nlohmann::json json = complete();
  json["incept"]["assumed"] = {{"own_kernels_share", 0.5}, {"older_kernels_share", 0.25},
                               {"launch_seconds", 1e-6},   {"library_bytes_share", 0.8},
                               {"map_bytes_share", 0.9},   {"reduction_bytes_share", 0.7},
                               {"other_bytes_share", 0.6}, {"fill_share", 0.4}};
  profile = read(json.dump());
  ASSERT_TRUE(profile) << profile.status().message();
  ASSERT_TRUE(profile->costs);
  EXPECT_EQ(profile->costs->engines.ownShare, 0.5);
  EXPECT_EQ(profile->costs->engines.olderShare, 0.25);
  EXPECT_EQ(profile->costs->engines.launchSeconds, 1e-6);
  EXPECT_EQ(profile->costs->engines.bytesPerSecond, 1000);
  EXPECT_EQ(profile->costs->engines.peakF32, 1);
  EXPECT_EQ(profile->costs->engines.peakTf32, 2);
  EXPECT_EQ(profile->costs->engines.peakBf16, 3);
  EXPECT_EQ(profile->costs->libraryShare, 0.8);
  EXPECT_EQ(profile->costs->mapShare, 0.9);
  EXPECT_EQ(profile->costs->reductionShare, 0.7);
  EXPECT_EQ(profile->costs->fillShare, 0.4);
  EXPECT_EQ(profile->costs->engines.peakF16, 4);
  EXPECT_EQ(profile->costs->engines.architecture, 90);
  EXPECT_EQ(profile->costs->otherShare, 0.6);
  EXPECT_EQ(profile->costs->multiprocessors, 132);
  EXPECT_EQ(profile->costs->measuredOn, "");
  EXPECT_FALSE(profile->costs->engines.measured);
  for (const char *key : {"own_kernels_share", "older_kernels_share", "launch_seconds", "library_bytes_share",
                          "map_bytes_share", "reduction_bytes_share", "other_bytes_share", "fill_share"})
    for (const nlohmann::json &bad : {nlohmann::json(0), nlohmann::json(1.5), nlohmann::json("1"), nlohmann::json()}) {
      nlohmann::json wrong = json;
      wrong["incept"]["assumed"][key] = bad;
      profile = read(wrong.dump());
      ASSERT_FALSE(profile) << key << " " << bad;
      EXPECT_NE(profile.status().message().find("expected '" + std::string(key) + "' to be a number above 0"),
                std::string::npos)
          << profile.status().message();
    }
  // What was measured counts, and says on which card.
  json["incept"]["measured"] = json["incept"]["assumed"];
  json["incept"]["measured"]["map_bytes_share"] = 0.75;
  EXPECT_NE(read(json.dump()).status().message().find("expected a string 'card'"), std::string::npos);
  json["incept"]["measured"]["card"] = "a card";
  profile = read(json.dump());
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_EQ(profile->costs->mapShare, 0.75);
  EXPECT_EQ(profile->costs->measuredOn, "a card");
  EXPECT_TRUE(profile->costs->engines.measured);
  for (const DeviceProfile &builtin : deviceProfiles()) {
    ASSERT_TRUE(builtin.costs) << builtin.name;
    EXPECT_EQ(builtin.costs->measuredOn, "") << builtin.name; // none was on a card yet
    EXPECT_LE(builtin.costs->engines.olderShare, builtin.costs->engines.ownShare) << builtin.name;
  }
}

TEST_F(ProfileFileTest, SaysWhatIsMissing) {
  const std::string begin = "device profile '" + path.string() + "': ";
  auto messageOf = [&](const nlohmann::json &json) { return read(json.dump()).status().message(); };
  for (const char *text : {"", "{", "[]", "{}", "{\"incept\": 3}"})
    EXPECT_EQ(read(text).status().message(),
              "'" + path.string() + "' is not a device profile: expected a JSON object with an object 'incept'");
  const std::string integer = "expected a positive integer ", text = "expected a string ";
  for (const char *key : {"name", "title", "arch"})
    for (const nlohmann::json &bad : {nlohmann::json(""), nlohmann::json(5), nlohmann::json()}) {
      nlohmann::json json = complete();
      json["incept"][key] = bad;
      EXPECT_EQ(messageOf(json), begin + text + "'" + key + "'");
    }
  const std::pair<const char *, const char *> numbers[] = {
      {"/incept/ptx_version", "ptx_version"}, {"/incept/memory_bytes_per_second", "memory_bytes_per_second"},
      {"/incept/peak_flops/f32", "f32"},      {"/incept/peak_flops/tf32", "tf32"},
      {"/incept/peak_flops/bf16", "bf16"},    {"/incept/peak_flops/f16", "f16"},
      {"/totalGlobalMem", "totalGlobalMem"},  {"/multiProcessorCount", "multiProcessorCount"},
      {"/l2CacheSize", "l2CacheSize"},        {"/deviceVer", "deviceVer"},
      {"/smClockRateKHz", "smClockRateKHz"}};
  for (auto [place, key] : numbers)
    for (const nlohmann::json &bad :
         {nlohmann::json(0), nlohmann::json(-1), nlohmann::json(1.5), nlohmann::json("1"), nlohmann::json()}) {
      nlohmann::json json = complete();
      json.at(nlohmann::json::json_pointer(place)) = bad;
      EXPECT_EQ(messageOf(json), begin + integer + "'" + key + "'") << bad;
    }
  nlohmann::json json = complete();
  json["deviceName"] = 5;
  EXPECT_EQ(messageOf(json), begin + text + "'deviceName'");
  json = complete();
  json["incept"].erase("peak_flops");
  EXPECT_EQ(messageOf(json), begin + integer + "'f32'");
  json = complete();
  json["incept"]["arch"] = "sm_80";
  EXPECT_EQ(messageOf(json), begin + "the architecture 'sm_80' is not that of 'deviceVer' 900");
  json = complete();
  json["incept"]["cards"] = 5;
  EXPECT_EQ(messageOf(json), begin + "expected 'cards' to be a list");
  for (const nlohmann::json &card :
       {nlohmann::json(5), nlohmann::json{{"unknown", 1}}, nlohmann::json{{"deviceName", 1}}}) {
    json["incept"]["cards"] = nlohmann::json::array({card});
    EXPECT_EQ(messageOf(json), begin + "expected 'cards' to be objects of cuDNN's device properties") << card;
  }
  json = complete();
  json["incept"]["assumed"] = 5;
  EXPECT_EQ(messageOf(json), begin + "expected 'own_kernels_share' to be a number above 0 and at most 1");
}

TEST_F(ProfileFileTest, Damaged) {
  for (const char *text : {"", "{", "[]", "{}", "{\"incept\": 3}", "{\"incept\": {}}"})
    EXPECT_FALSE(read(text)) << text;
  for (const char *key : {"name", "title", "arch", "ptx_version", "memory_bytes_per_second", "peak_flops"}) {
    nlohmann::json json = complete();
    json["incept"].erase(key);
    EXPECT_FALSE(read(json.dump())) << key;
  }
  nlohmann::json json = complete();
  json["incept"]["arch"] = "sm_80";
  auto profile = read(json.dump());
  ASSERT_FALSE(profile);
  EXPECT_NE(profile.status().message().find("'sm_80' is not that of 'deviceVer' 900"), std::string::npos);
  json = complete();
  json["multiProcessorCount"] = -1;
  EXPECT_FALSE(read(json.dump()));
  EXPECT_FALSE(findDeviceProfile("/nowhere/card.json"));
}

/// cuDNN takes each profile and finds a plan for it.
TEST_F(CudnnTest, PlansForEveryProfile) {
  for (const DeviceProfile &profile : deviceProfiles()) {
    cudnn::Choice choice;
    std::string error;
    cudnn::Problem problem = convolution(cudnn::Kind::ConvolutionForward, cudnn::Type::F16);
    EXPECT_TRUE(library->choose(problem, profile.cudnnProperties, kPlenty, choice, error)) << profile.name << error;
    EXPECT_TRUE(choice.tensorCore) << profile.name;
  }
}

} // namespace

} // namespace incept::cuda
