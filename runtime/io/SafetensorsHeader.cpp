// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/SafetensorsHeader.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace incept::safetensors {

namespace {

struct TypeSize {
  std::string_view name;
  int64_t bytes;
};
constexpr TypeSize kTypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
                               {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};

/// Most dimensions of a tensor.
constexpr size_t kMaxRank = 64;

/// What stands for an integer that is negative or too large, or for a value that is none.
constexpr int64_t kNoInteger = -1;

/// What a header says of one tensor, before it is checked.
struct Entry {
  std::string type;
  std::vector<int64_t> shape, offsets;
  bool hasType = false, hasShape = false, hasOffsets = false;
};

/// Takes the parser's events. The levels are: 0 outside, 1 the object of tensors, 2 a tensor or the metadata, 3 a list
/// of a tensor. Returning false ends the parser.
class Handler final : public nlohmann::json_sax<nlohmann::json> {
public:
  Handler(uint64_t dataBytes, std::map<std::string, TensorPlace> &tensors, Metadata &metadata)
      : dataBytes(dataBytes), tensors(tensors), metadata(metadata) {}

  std::string why;

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(int64_t) override { return integer(kNoInteger); } // the parser's are negative
  bool number_unsigned(uint64_t number) override {
    return integer(number > uint64_t(INT64_MAX) ? kNoInteger : int64_t(number));
  }
  bool number_float(double, const std::string &) override { return integer(kNoInteger); }
  bool binary(binary_t &) override { return value(); }

  bool string(std::string &text) override {
    if (level != 2)
      return level < 2 ? value() : integer(kNoInteger);
    if (inMetadata) {
      metadata[field] = text;
      return true;
    }
    if (field == "dtype") {
      entry.type = text;
      entry.hasType = true;
    }
    return true;
  }

  bool start_object(size_t) override {
    if (level > 1)
      return inMetadata ? fail("a value of __metadata__ is not a string")
                        : failTensor("expected dtype, shape and two "
                                     "data_offsets");
    if (++level == 2)
      entry = Entry();
    return true;
  }

  bool key(std::string &text) override {
    if (level == 2) {
      field = text;
      return true;
    }
    name = text;
    inMetadata = name == "__metadata__";
    bool isNew = inMetadata ? !std::exchange(hasMetadata, true) : tensors.try_emplace(name).second;
    return isNew || fail("a tensor's name appears twice");
  }

  bool end_object() override { return --level == 0 || inMetadata || finish(); }

  bool start_array(size_t) override {
    if (level != 2)
      return level < 2 ? value() : integer(kNoInteger) && fail("a list in a list");
    if (inMetadata)
      return fail("a value of __metadata__ is not a string");
    level = 3;
    list = field == "shape" ? &entry.shape : field == "data_offsets" ? &entry.offsets : nullptr;
    entry.hasShape |= field == "shape";
    entry.hasOffsets |= field == "data_offsets";
    if (list)
      list->clear();
    return true;
  }

  bool end_array() override {
    level = 2;
    return true;
  }

  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &) override {
    return fail("its header is not JSON");
  }

private:
  bool fail(std::string reason) {
    if (why.empty())
      why = std::move(reason);
    return false;
  }
  bool failTensor(const std::string &reason) { return fail("tensor '" + name + "': " + reason); }

  /// A value that is neither a string nor a number.
  bool value() {
    if (level == 0)
      return fail("its header is not an object of tensors");
    if (level == 1)
      return inMetadata ? fail("__metadata__ is not an object")
                        : failTensor("expected dtype, shape and two data_offsets");
    if (inMetadata)
      return fail("a value of __metadata__ is not a string");
    return level == 2 || integer(kNoInteger);
  }

  bool integer(int64_t number) {
    if (level != 3)
      return value();
    if (!list)
      return true;
    if (list->size() == kMaxRank)
      return failTensor("expected at most " + std::to_string(kMaxRank) + " dimensions");
    list->push_back(number);
    return true;
  }

  /// A whole tensor has been read.
  bool finish() {
    if (!entry.hasType || !entry.hasShape || !entry.hasOffsets || entry.offsets.size() != 2)
      return failTensor("expected dtype, shape and two data_offsets");
    int64_t bytes = typeSize(entry.type);
    if (!bytes)
      return failTensor("unknown dtype '" + entry.type + "'");
    for (int64_t dim : entry.shape)
      if (dim < 0 || __builtin_mul_overflow(bytes, dim, &bytes))
        return failTensor("its shape is negative or too large");
    int64_t begin = entry.offsets[0], end = entry.offsets[1];
    if (begin < 0 || begin > end || static_cast<uint64_t>(end) > dataBytes)
      return failTensor("its data_offsets lie outside the file");
    if (end - begin != bytes)
      return failTensor("expected " + std::to_string(bytes) + " bytes for its shape, but data_offsets span " +
                        std::to_string(end - begin));
    tensors[name] = {std::move(entry.type), std::move(entry.shape), uint64_t(begin), uint64_t(bytes)};
    return true;
  }

  const uint64_t dataBytes;
  std::map<std::string, TensorPlace> &tensors;
  Metadata &metadata;
  int level = 0;
  bool inMetadata = false, hasMetadata = false;
  std::string name, field;
  Entry entry;
  std::vector<int64_t> *list = nullptr;
};

/// A string of JSON; what is no UTF-8 is replaced.
std::string quoted(const std::string &text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

int64_t typeSize(std::string_view type) {
  for (const TypeSize &known : kTypes)
    if (type == known.name)
      return known.bytes;
  return 0;
}

bool parseHeader(std::string_view text, uint64_t dataBytes, std::map<std::string, TensorPlace> &tensors,
                 Metadata &metadata, std::string &why) {
  Handler handler(dataBytes, tensors, metadata);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) {
    why = handler.why.empty() ? "its header is not JSON" : handler.why;
    return false;
  }
  std::vector<const TensorPlace *> places;
  for (const auto &[name, place] : tensors)
    if (place.bytes > 0)
      places.push_back(&place);
  auto earlier = [](const TensorPlace *a, const TensorPlace *b) { return a->offset < b->offset; };
  std::sort(places.begin(), places.end(), earlier);
  for (size_t i = 1; i < places.size(); ++i)
    if (places[i]->offset < places[i - 1]->offset + places[i - 1]->bytes) {
      why = "two tensors overlap";
      return false;
    }
  return true;
}

std::string makeHead(const std::vector<TensorToWrite> &tensors, Metadata metadata) {
  metadata[std::string(kChecksumKey)] = kNoChecksum;
  metadata[std::string(kKindKey)] = kKind;
  std::string text = R"({"__metadata__":{)";
  const char *separator = "";
  for (const auto &[key, value] : metadata) {
    text += separator + quoted(key) + ':' + quoted(value);
    separator = ",";
  }
  text += '}';
  size_t offset = 0;
  for (const TensorToWrite &tensor : tensors) {
    size_t end = offset + (tensor.fill ? tensor.size : tensor.bytes.size());
    text += ',' + quoted(tensor.name) + ":{\"dtype\":" + quoted(tensor.type) +
            ",\"shape\":" + nlohmann::json(tensor.shape).dump() + ",\"data_offsets\":[" + std::to_string(offset) + ',' +
            std::to_string(end) + "]}";
    offset = end;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string head(8, '\0');
  for (int i = 0; i < 8; ++i)
    head[i] = static_cast<char>(uint64_t(text.size()) >> (8 * i));
  return head + text;
}

size_t findChecksum(std::string_view head) {
  // Quotes inside of strings are escaped, so that this can only be the key.
  std::string pattern = '"' + std::string(kChecksumKey) + "\":\"";
  size_t at = head.find(pattern, 8);
  if (at == std::string_view::npos || head.size() - at - pattern.size() <= kNoChecksum.size() ||
      head[at + pattern.size() + kNoChecksum.size()] != '"')
    return std::string_view::npos;
  return at + pattern.size();
}

} // namespace incept::safetensors
