// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Safetensors.h"
#include "runtime/io/SafetensorsHeader.h"
#include "runtime/support/Checksum.h"

#include <algorithm>
#include <cstring>

namespace incept {

using namespace safetensors;

namespace {

/// The format's own limit.
constexpr uint64_t kMaxHeader = 100'000'000;

Status bad(const std::string &name, const std::string &why) {
  return inputError("'" + name + "' is no valid safetensors file: " + why);
}

/// The length of the header, checked against the file's.
Expected<uint64_t> headerLength(std::string_view bytes, uint64_t fileSize, const std::string &name) {
  if (fileSize < 8)
    return bad(name, fileSize == 0 ? "it is empty" : "it is shorter than 8 bytes");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (length > kMaxHeader || length > fileSize - 8)
    return bad(name, "its header of " + std::to_string(length) + " bytes is longer than the file or than 100 MB");
  return length;
}

/// Adds length and header to a checksum, as they were when it was taken.
void addHead(Checksum &sum, std::string_view head) {
  size_t at = findChecksum(head);
  if (at == std::string_view::npos) {
    sum.add(head);
    return;
  }
  sum.add(head.substr(0, at)).add(kNoChecksum).add(head.substr(at + kNoChecksum.size()));
}

/// Compares with what the metadata record, if they do.
Status checkSum(const Checksum &sum, const Metadata &metadata, const std::string &name) {
  auto recorded = metadata.find(std::string(kChecksumKey)), kind = metadata.find(std::string(kKindKey));
  if (recorded == metadata.end() && kind == metadata.end())
    return {}; // of another program, or an older one
  if (recorded == metadata.end())
    return inputError("'" + name + "' is damaged: it has a kind of checksum, but no checksum");
  if (recorded->second == sum.text())
    return {};
  return inputError("'" + name + "' is damaged: its checksum is " + sum.text() + ", but it records " +
                    recorded->second +
                    "; where another program changed it on purpose, remove incept.checksum and incept.checksum_kind "
                    "from its metadata");
}

/// Memory whose address every device takes; it grows, but is not kept longer than a file is read or written.
class Buffer {
public:
  std::byte *reserve(size_t size) {
    if (size > capacity) {
      memory.reset(); // not both at once
      memory.reset(static_cast<std::byte *>(::operator new(size, kAlignment)));
      capacity = size;
    }
    return memory.get();
  }

private:
  static constexpr std::align_val_t kAlignment{64};
  struct Delete {
    void operator()(std::byte *bytes) const { ::operator delete(bytes, kAlignment); }
  };
  std::unique_ptr<std::byte, Delete> memory;
  size_t capacity = 0;
};

/// True where each value of a type of floats is finite: not all bits of its exponent are set.
template <typename Word>
bool hasFinite(std::string_view bytes, Word exponent) {
  bool finite = true;
  for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    finite &= (word & exponent) != exponent;
  }
  return finite;
}

bool isFinite(const std::string &type, std::string_view bytes) {
  if (type == "F64")
    return hasFinite<uint64_t>(bytes, 0x7FF0000000000000u);
  if (type == "F32")
    return hasFinite<uint32_t>(bytes, 0x7F800000u);
  if (type == "BF16")
    return hasFinite<uint16_t>(bytes, 0x7F80u);
  return type != "F16" || hasFinite<uint16_t>(bytes, 0x7C00u);
}

} // namespace

Status SafetensorsFile::parse(std::string_view bytes, const std::string &name,
                              std::map<std::string, TensorView> &tensors, Metadata &metadata) {
  auto length = headerLength(bytes, bytes.size(), name);
  if (!length)
    return length.status();
  std::string_view data = bytes.substr(8 + *length);
  std::map<std::string, TensorPlace> places;
  std::string why;
  if (!parseHeader(bytes.substr(8, *length), data.size(), places, metadata, why))
    return bad(name, why);
  for (auto &[key, place] : places)
    tensors[key] = {std::move(place.type), std::move(place.shape), data.substr(place.offset, place.bytes)};
  Checksum sum;
  if (metadata.count(std::string(kChecksumKey))) { // else nothing is compared
    addHead(sum, bytes.substr(0, 8 + *length));
    sum.add(data);
  }
  return checkSum(sum, metadata, name);
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  auto loaded = LoadedFile::open(path);
  if (!loaded)
    return loaded.status();
  SafetensorsFile file(std::move(*loaded));
  INCEPT_RETURN_IF_ERROR(parse(file.file.bytes(), path, file.tensors, file.metadata));
  return file;
}

Expected<SafetensorsReader> SafetensorsReader::open(const std::string &path) {
  auto input = InputFile::open(path);
  if (!input)
    return input.status();
  SafetensorsReader reader(std::move(*input));
  char first[8] = {};
  INCEPT_RETURN_IF_ERROR(reader.file.read(0, first, std::min<uint64_t>(reader.file.size(), 8)));
  auto length = headerLength({first, 8}, reader.file.size(), path);
  if (!length)
    return length.status();
  reader.head.resize(8 + *length);
  INCEPT_RETURN_IF_ERROR(reader.file.read(0, reader.head.data(), reader.head.size()));
  std::string why;
  if (!parseHeader(std::string_view(reader.head).substr(8), reader.file.size() - reader.head.size(), reader.tensors,
                   reader.metadata, why))
    return bad(path, why);
  return reader;
}

Status SafetensorsReader::read(const Take &take) const {
  std::vector<const std::pair<const std::string, TensorPlace> *> order;
  for (const auto &entry : tensors)
    order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](auto *a, auto *b) { return a->second.offset < b->second.offset; });
  Checksum sum;
  addHead(sum, head);
  Buffer buffer;
  const uint64_t dataBytes = file.size() - head.size();
  auto load = [&](uint64_t begin, uint64_t size, std::string_view &bytes) {
    std::byte *memory = buffer.reserve(size);
    bytes = {reinterpret_cast<const char *>(memory), size};
    return file.read(head.size() + begin, memory, size);
  };
  // Bytes of no tensor count in the checksum too.
  uint64_t done = 0;
  auto skipTo = [&](uint64_t end) -> Status {
    for (std::string_view bytes; done < end; done += bytes.size()) {
      INCEPT_RETURN_IF_ERROR(load(done, std::min<uint64_t>(end - done, 1 << 20), bytes));
      sum.add(bytes);
    }
    return {};
  };
  for (const auto *entry : order) {
    const TensorPlace &place = entry->second;
    std::string_view bytes;
    if (place.bytes > 0) {
      INCEPT_RETURN_IF_ERROR(skipTo(place.offset));
      INCEPT_RETURN_IF_ERROR(load(place.offset, place.bytes, bytes));
      sum.add(bytes);
      done = place.offset + place.bytes;
    }
    INCEPT_RETURN_IF_ERROR(take(entry->first, bytes));
  }
  INCEPT_RETURN_IF_ERROR(skipTo(dataBytes));
  return checkSum(sum, metadata, path());
}

Expected<std::string> SafetensorsReader::checksum() const {
  if (auto recorded = metadata.find(std::string(kChecksumKey)); recorded != metadata.end())
    return recorded->second;
  Checksum sum;
  INCEPT_RETURN_IF_ERROR(read([&](const std::string &name, std::string_view bytes) {
    sum.add(name).add(bytes);
    return Status();
  }));
  return sum.text();
}

Status writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors, const Metadata &metadata,
                        Values values) {
  auto output = OutputFile::create(path);
  if (!output)
    return output.status();
  std::string head = makeHead(tensors, metadata);
  Checksum sum;
  sum.add(head);
  INCEPT_RETURN_IF_ERROR(output->write(head));
  Buffer buffer;
  for (const TensorToWrite &tensor : tensors) {
    std::string_view bytes = tensor.bytes;
    if (tensor.fill) {
      std::byte *memory = buffer.reserve(tensor.size);
      INCEPT_RETURN_IF_ERROR(tensor.fill(memory));
      bytes = {reinterpret_cast<const char *>(memory), tensor.size};
    }
    if (values == Values::Finite && !isFinite(tensor.type, bytes))
      return inputError("'" + path + "' is not written: '" + tensor.name + "' has values that are not finite");
    sum.add(bytes);
    INCEPT_RETURN_IF_ERROR(output->write(bytes));
  }
  INCEPT_RETURN_IF_ERROR(output->rewrite(findChecksum(head), sum.text()));
  return output->commit();
}

} // namespace incept
