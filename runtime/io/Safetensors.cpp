// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

using Json = nlohmann::ordered_json;

namespace incept {

namespace {

/// The format's own limit.
constexpr uint64_t kMaxHeader = 100'000'000;

struct TypeSize {
  const char *name;
  int64_t bytes;
};
constexpr TypeSize kTypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
                               {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};

int64_t typeSize(const std::string &name) {
  for (const TypeSize &type : kTypes)
    if (name == type.name)
      return type.bytes;
  return 0;
}

uint64_t readLength(std::string_view bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

/// Parses with nesting limited and duplicate names refused, of which nlohmann would keep the last.
bool parseJson(std::string_view text, Json &json, std::string &why) {
  std::vector<std::string> names;
  bool deep = false;
  auto callback = [&](int depth, Json::parse_event_t event, Json &value) {
    deep |= depth > 4;
    if (depth == 1 && event == Json::parse_event_t::key)
      names.push_back(value.get<std::string>());
    return !deep;
  };
  try {
    json = Json::parse(text.begin(), text.end(), callback);
  } catch (const Json::exception &) {
    why = "its header is not JSON";
    return false;
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    why = "a tensor's name appears twice";
    return false;
  }
  if (deep || !json.is_object()) {
    why = "its header is not an object of tensors";
    return false;
  }
  return true;
}

bool readInt(const Json &json, int64_t &value) {
  if (!json.is_number_integer() || (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t(INT64_MAX)))
    return false;
  value = json.get<int64_t>();
  return value >= 0;
}

bool readTensor(const Json &entry, std::string_view data, TensorView &tensor, int64_t &begin, int64_t &end,
                std::string &why) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
      !entry["shape"].is_array() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    why = "expected dtype, shape and two data_offsets";
    return false;
  }
  tensor.type = entry["dtype"].get<std::string>();
  int64_t bytes = typeSize(tensor.type);
  if (!bytes) {
    why = "unknown dtype '" + tensor.type + "'";
    return false;
  }
  for (const Json &dim : entry["shape"]) {
    int64_t value = 0;
    if (!readInt(dim, value) || __builtin_mul_overflow(bytes, value, &bytes)) {
      why = "its shape is negative or too large";
      return false;
    }
    tensor.shape.push_back(value);
  }
  if (!readInt(entry["data_offsets"][0], begin) || !readInt(entry["data_offsets"][1], end) || begin > end ||
      static_cast<uint64_t>(end) > data.size()) {
    why = "its data_offsets lie outside the file";
    return false;
  }
  if (end - begin != bytes) {
    why = "expected " + std::to_string(bytes) + " bytes for its shape, but data_offsets span " +
          std::to_string(end - begin);
    return false;
  }
  tensor.bytes = data.substr(begin, bytes);
  return true;
}

} // namespace

Status SafetensorsFile::parse(std::string_view bytes, const std::string &name,
                              std::map<std::string, TensorView> &tensors,
                              std::map<std::string, std::string> &metadata) {
  auto bad = [&](const std::string &why) { return inputError("'" + name + "' is no valid safetensors file: " + why); };
  if (bytes.size() < 8)
    return bad("it is shorter than 8 bytes");
  uint64_t length = readLength(bytes);
  if (length > kMaxHeader || length > bytes.size() - 8)
    return bad("its header of " + std::to_string(length) + " bytes is longer than the file or than 100 MB");
  Json json;
  std::string why;
  if (!parseJson(bytes.substr(8, length), json, why))
    return bad(why);
  std::string_view data = bytes.substr(8 + length);
  std::vector<std::pair<int64_t, int64_t>> spans;
  for (const auto &[key, entry] : json.items()) {
    if (key == "__metadata__") {
      if (!entry.is_object())
        return bad("__metadata__ is not an object");
      for (const auto &[field, value] : entry.items()) {
        if (!value.is_string())
          return bad("a value of __metadata__ is not a string");
        metadata[field] = value.get<std::string>();
      }
      continue;
    }
    TensorView tensor;
    int64_t begin = 0, end = 0;
    if (!readTensor(entry, data, tensor, begin, end, why))
      return bad("tensor '" + key + "': " + why);
    if (begin != end)
      spans.emplace_back(begin, end);
    tensors.emplace(key, std::move(tensor));
  }
  std::sort(spans.begin(), spans.end());
  for (size_t i = 1; i < spans.size(); ++i)
    if (spans[i].first < spans[i - 1].second)
      return bad("two tensors overlap");
  return {};
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  auto mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.status();
  SafetensorsFile file(std::move(*mapped));
  INCEPT_RETURN_IF_ERROR(parse(file.file.bytes(), path, file.tensors, file.metadata));
  return file;
}

Status writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                        const std::map<std::string, std::string> &metadata) {
  Json header = Json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const TensorToWrite &tensor : tensors) {
    header[tensor.name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return writeFile(path, [&](const Sink &sink) {
    unsigned char length[8];
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<unsigned char>(uint64_t(text.size()) >> (8 * i));
    if (!sink(length, 8) || !sink(text.data(), text.size()))
      return false;
    for (const TensorToWrite &tensor : tensors)
      if (!sink(tensor.bytes.data(), tensor.bytes.size()))
        return false;
    return true;
  });
}

} // namespace incept
