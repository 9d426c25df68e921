// SPDX-License-Identifier: Apache-2.0

#include "test/runtime/ScriptedDevice.h"
#include "test/runtime/TinyProgram.h"

#include <cstring>
#include <deque>

using nlohmann::json;

namespace incept::tests {

Script &script() {
  static Script instance;
  return instance;
}

namespace {

class ScriptedDevice : public Device {
public:
  explicit ScriptedDevice(const program::Image &image) : image(image), slots(script().depth) {
    int64_t pixels = image.batchSize * image.channels * image.height * image.width;
    for (Slot &slot : slots) {
      slot.u8.resize(pixels);
      slot.f32.resize(pixels);
      slot.labels.resize(image.batchSize);
      slot.block.resize(script().blockBytes);
      slot.logits.resize(image.batchSize * image.classes);
      slot.batch = {slot.u8.data(),    slot.f32.data(), slot.labels.data(),
                    slot.block.data(), &slot.loss,      slot.logits.data()};
    }
  }

  size_t depth() const override { return slots.size(); }
  Batch &next() override { return slots[started % slots.size()].batch; }
  Status start(Work work, Input) override {
    if (started - finishedCount >= slots.size())
      return machineError("more steps are under way than the device takes");
    Slot &slot = slots[started++ % slots.size()];
    script().steps.push_back({work, slot.u8, slot.labels, slot.block});
    pending.push_back(script().steps.size() - 1);
    return {};
  }
  Status finish() override {
    if (pending.empty())
      return machineError("no step is under way");
    Slot &slot = slots[finishedCount++ % slots.size()];
    script().compute(script().steps[pending.front()], slot.logits, slot.loss);
    pending.pop_front();
    last = &slot;
    return {};
  }
  const Batch &finished() const override { return last->batch; }

  Status run(std::string_view entry) override {
    script().entries.emplace_back(entry);
    return {};
  }
  Status runOnly(std::string_view, const std::function<bool(const program::Launch &)> &) override { return {}; }

  Status read(const program::Tensor &tensor, std::byte *logical) override {
    auto &bytes = script().tensors[tensor.name];
    bytes.resize(tensor.bytes);
    std::memcpy(logical, bytes.data(), bytes.size());
    return {};
  }
  Status write(const program::Tensor &tensor, const std::byte *logical) override {
    script().tensors[tensor.name].assign(logical, logical + tensor.bytes);
    script().written.push_back(tensor.name);
    return {};
  }
  Status readMemory(size_t, uint64_t, uint64_t bytes, std::byte *to) override {
    for (uint64_t at = 0; at + sizeof(float) <= bytes; at += sizeof(float))
      std::memcpy(to + at, &script().memory, sizeof(float));
    return {};
  }
  Status writeMemory(size_t, uint64_t, uint64_t, const std::byte *) override {
    ++script().memoryWritten;
    return {};
  }
  Status fill(size_t, float) override { return {}; }
  void observe(LaunchObserver) override {}
  void startProfile(int64_t) override {}
  const std::vector<std::vector<double>> &profile(std::string_view) const override { return times; }
  Expected<Peaks> peaks() override { return Peaks{}; }
  uint64_t peakResidentBytes() const override { return 0; }

private:
  struct Slot {
    std::vector<uint8_t> u8;
    std::vector<float> f32, logits;
    std::vector<int64_t> labels;
    std::vector<std::byte> block;
    float loss = 0;
    Batch batch;
  };
  const program::Image &image;
  std::vector<Slot> slots;
  std::deque<size_t> pending; ///< of script().steps
  size_t started = 0, finishedCount = 0;
  Slot *last = nullptr;
  std::vector<std::vector<double>> times;
};

} // namespace

const Backend &scriptedBackend() {
  static const Backend backend = {
      "cpu",
      [](const program::Image &) { return Status(); },
      [](const program::Image &, nlohmann::ordered_json &) {},
      [] { return std::string("a script"); },
      [](const program::Image &) -> Expected<nlohmann::ordered_json> { return nlohmann::ordered_json::array(); },
      [](const program::Image &, size_t) { return std::vector<program::PlanResult>(); },
      [](const program::Image &image, const DeviceUse &) -> Expected<std::unique_ptr<Device>> {
        return std::unique_ptr<Device>(new ScriptedDevice(image));
      }};
  return backend;
}

json scriptedHeader(int64_t batch, int64_t classes) {
  json header = tinyHeader(tinyKernels().size());
  header["batch_size"] = batch;
  header["classes"] = classes;
  header["kernels"] = json::array();
  for (auto &[name, launches] : header["entries"].items())
    launches = json::array();
  header["regions"] = {{{"name", "arena"}, {"bytes", 64}},
                       {{"name", "step"}, {"bytes", script().blockBytes}},
                       {{"name", "params"}, {"bytes", 65536}},
                       {{"name", "grads"}, {"bytes", 64}},
                       {{"name", "io"}, {"bytes", 65536}}};
  auto tensor = [](const char *name, const char *kind, json shape, const char *type, int region, int64_t offset,
                   int64_t bytes) {
    return json{{"name", name},   {"kind", kind},     {"shape", std::move(shape)},
                {"type", type},   {"region", region}, {"offset", offset},
                {"bytes", bytes}, {"format", ""},     {"decay", false}};
  };
  header["tensors"] = {tensor("io/u8_images", "io", {batch, 2, 2, 1}, "u8", 4, 0, 4 * batch),
                       tensor("io/f32_images", "io", {batch, 1, 2, 2}, "f32", 4, 8192, 16 * batch),
                       tensor("io/labels", "io", {batch}, "i64", 4, 16384, 8 * batch),
                       tensor("io/loss", "io", json::array(), "f32", 4, 24576, 4),
                       tensor("io/logits", "io", {batch, classes}, "f32", 4, 32768, 4 * batch * classes),
                       tensor("linear.weight", "parameter", {classes, 4}, "f32", 2, 0, 16 * classes),
                       tensor("bn.running_mean", "state", {4}, "f32", 2, 32768, 16)};
  header["tensors"][5]["init"] = {{"kind", "he_normal"}, {"fan_in", 4}};
  header["tensors"][6]["init"] = {{"kind", "zeros"}};
  return header;
}

} // namespace incept::tests
