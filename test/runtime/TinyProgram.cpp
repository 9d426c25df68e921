// SPDX-License-Identifier: Apache-2.0

#include "test/runtime/TinyProgram.h"
#include "runtime/device/cpu/OneDnn.h"
#include "runtime/program/Image.h"

#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>

using nlohmann::json;

namespace incept::tests {

namespace {

// Regions.
enum { Arena, Step, Params, Grads, Io };

json tensor(const char *name, const char *kind, json shape, const char *type, int region, int offset, int bytes,
            json init = nullptr) {
  json result = {{"name", name},   {"kind", kind},     {"shape", std::move(shape)},
                 {"type", type},   {"region", region}, {"offset", offset},
                 {"bytes", bytes}, {"format", ""},     {"decay", false}};
  if (!init.is_null())
    result["init"] = std::move(init);
  return result;
}

json launch(int kernel, json operands, int units) {
  return {{"kernel", kernel}, {"operands", std::move(operands)}, {"extents", {4, 4, 3}}, {"units", units},
          {"op", "tiny"},     {"loc", "tiny.json:1:1"},          {"flops", 24},          {"bytes", 160}};
}

void writeWord(std::string &bytes, size_t at, uint64_t word) {
  for (int i = 0; i < 8; ++i)
    bytes[at + i] = static_cast<char>(word >> (8 * i));
}

} // namespace

json tinyHeader(size_t kernelBytes) {
  json header;
  header["format_version"] = program::kFormatVersion;
  header["network"] = "tiny";
  header["spec"] = {{"hash", "0123456789abcdef"}, {"text", "{}"}};
  header["target"] = {
      {"kind", "cpu"}, {"threads", 2}, {"isa", onednn::isa()}, {"vector_bits", 128}, {"onednn", onednn::version()}};
  header["mode"] = "train";
  header["precision"] = "f32";
  header["batch_size"] = 4;
  header["classes"] = 3;
  header["image"] = {{"channels", 1}, {"height", 2}, {"width", 2}};
  header["normalization"] = {{"mean", {0.0}}, {"std", {1.0}}};
  header["parameters"] = 12;
  header["states"] = 0;
  header["macs"] = 12;
  header["keep_gradients"] = true;
  header["training"] = {{"optimizer", {{"kind", "sgd"}, {"momentum", 0.0}}},
                        {"learning_rate", {{"kind", "constant"}, {"base", 0.5}}},
                        {"epochs", 1}};
  header["regions"] = {{{"name", "arena"}, {"bytes", 128}},
                       {{"name", "step"}, {"bytes", 64}},
                       {{"name", "params"}, {"bytes", 65536}},
                       {{"name", "grads"}, {"bytes", 64}},
                       {{"name", "io"}, {"bytes", 320}}};
  header["tensors"] = {tensor("io/u8_images", "io", {4, 2, 2, 1}, "u8", Io, 0, 16),
                       tensor("io/f32_images", "io", {4, 1, 2, 2}, "f32", Io, 64, 64),
                       tensor("io/labels", "io", {4}, "i64", Io, 128, 32),
                       tensor("io/loss", "io", json::array(), "f32", Io, 192, 4),
                       tensor("io/logits", "io", {4, 3}, "f32", Io, 256, 48),
                       tensor("linear.weight", "parameter", {3, 4}, "f32", Params, 0, 48, {{"kind", "zeros"}}),
                       tensor("grad/linear.weight", "gradient", {3, 4}, "f32", Grads, 0, 48)};
  header["plans"] = json::array();
  // Compiled for one shape: 4 images of 4 pixels, 3 classes.
  auto kernel = [](const char *name, json inputs, json outputs, int units) {
    return json{{"name", name},
                {"family", "fixed"},
                {"inputs", std::move(inputs)},
                {"outputs", std::move(outputs)},
                {"counts", 0},
                {"extents", {4, 4, 3}},
                {"units", units}};
  };
  auto sizes = [](std::initializer_list<std::pair<const char *, int>> operands) {
    json list = json::array();
    for (auto [type, elements] : operands)
      list.push_back({type, elements});
    return list;
  };
  header["kernels"] = {
      kernel("tiny_stage_u8", sizes({{"u8", 16}}), sizes({{"f32", 16}}), 4),
      kernel("tiny_stage_f32", sizes({{"f32", 16}}), sizes({{"f32", 16}}), 4),
      kernel("tiny_linear", sizes({{"f32", 16}, {"f32", 12}}), sizes({{"f32", 12}}), 4),
      kernel("tiny_loss", sizes({{"f32", 16}, {"i64", 4}, {"f32", 12}}), sizes({{"f32", 1}, {"f32", 12}}), 1),
      kernel("tiny_update", sizes({{"f32", 12}, {"f32", 12}, {"f32", 1}}), sizes({}), 12)};
  json images = {Arena, 0}, weights = {Params, 0}, gradient = {Grads, 0}, labels = {Io, 128}, loss = {Io, 192},
       logits = {Io, 256};
  json forward = launch(2, {images, weights, logits}, 4);
  header["entries"] = {
      {"stage_u8", json::array({launch(0, {{Io, 0}, images}, 4)})},
      {"stage_f32", json::array({launch(1, {{Io, 64}, images}, 4)})},
      {"forward_backward", json::array({forward, launch(3, {images, labels, logits, loss, gradient}, 1)})},
      {"update", json::array({launch(4, {weights, gradient, {Step, 24}}, 12)})},
      {"prepare_inference", json::array()},
      {"infer", json::array({forward})}};
  header["step"] = {{{"name", "step"}, {"type", "i64"}, {"offset", 0}},
                    {{"name", "seed"}, {"type", "u64"}, {"offset", 8}},
                    {{"name", "sample_base"}, {"type", "i64"}, {"offset", 16}},
                    {{"name", "learning_rate"}, {"type", "f32"}, {"offset", 24}}};
  header["memory"] = {
      {"arena_bytes", 128}, {"persistent_bytes", 65984}, {"peak_bytes", 66112}, {"lower_bound_bytes", 64}};
  header["blobs"] = {{"kernels", {{"offset", 0}, {"bytes", kernelBytes}}}};
  return header;
}

std::string tinyKernels() {
  std::ifstream file(INCEPT_TINY_KERNELS, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string makeImage(const json &header, const std::string &kernels) {
  std::string text = header.dump();
  text.resize((program::kPrefixBytes + text.size() + 63) / 64 * 64 - program::kPrefixBytes, ' ');
  std::string image = std::string(program::kPrefixBytes, '\0') + text + kernels;
  writeWord(image, 0, text.size());
  seal(image);
  return image;
}

void seal(std::string &image) { writeWord(image, 8, program::imageChecksum(image)); }

std::string makeElf(const std::string &image) {
  const std::string names = std::string("\0.incept\0.shstrtab\0", 19);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Shdr sections[3]{};
  sections[1].sh_name = 1;
  sections[1].sh_type = SHT_PROGBITS;
  sections[1].sh_offset = sizeof header + sizeof sections;
  sections[1].sh_size = image.size();
  sections[2].sh_name = 9;
  sections[2].sh_type = SHT_STRTAB;
  sections[2].sh_offset = sections[1].sh_offset + image.size();
  sections[2].sh_size = names.size();
  std::string elf(reinterpret_cast<const char *>(&header), sizeof header);
  elf.append(reinterpret_cast<const char *>(sections), sizeof sections);
  return elf + image + names;
}

} // namespace incept::tests
