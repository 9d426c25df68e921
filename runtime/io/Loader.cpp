// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Loader.h"
#include "runtime/io/Mix.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <numeric>
#include <system_error>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

namespace incept {

namespace {

/// Batches that are made ahead.
constexpr int64_t kSlots = 3;

int processors() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(CPU_COUNT(&set), 1);
#endif
  return std::max(int(std::thread::hardware_concurrency()), 1);
}

} // namespace

std::vector<uint32_t> epochOrder(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  PhiloxStream random(seed, hashName("permutation/" + std::to_string(epoch)));
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[i], order[random.below(i + 1)]);
  return order;
}

Loader::Loader(std::shared_ptr<const Dataset> data, const LoaderOptions &given)
    : dataset(std::move(data)), options(given) {
  int64_t count = dataset->size(), step = options.batch * options.ranks;
  batchCount = options.sample.training ? count / (step * options.group) * options.group
                                       : (count + options.batch - 1) / options.batch;
  consumed = nextBatch = options.first;
  int threads = options.threads;
  if (threads == kChooseThreads) {
    bool isCopied =
        dataset->hasPixels() && (!options.sample.training || options.sample.augment.kind == Augmentation::None);
    threads = isCopied || count == 0 ? 0 : processors();
  }
  slots.resize(threads > 0 ? kSlots : 1);
  for (Slot &slot : slots) {
    slot.left = options.batch;
    slot.pixels.resize(threads > 0 ? options.batch * rowBytes() : 0);
    slot.labels.resize(size_t(options.batch * rowLabels()));
  }
  for (int i = 0; i < std::max(threads, 1); ++i)
    makers.push_back(std::make_unique<SampleMaker>(options.sample));
  kept.resize(makers.size());
  for (int i = 0; i < threads; ++i) {
    try {
      workers.emplace_back([this, i] { work(size_t(i)); });
    } catch (const std::system_error &) {
      break; // those that there are do all of it, or the caller
    }
  }
  if (threads > 0 && workers.empty())
    slots.resize(1);
}

Loader::~Loader() {
  {
    std::lock_guard lock(mutex);
    isStopping = true;
  }
  wanted.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

int64_t Loader::warnings() const {
  int64_t sum = 0;
  std::lock_guard lock(mutex);
  for (const auto &[bytes, warnings] : kept)
    sum += warnings;
  return sum;
}

int64_t Loader::memoryBytes() const {
  int64_t sum = 0;
  std::lock_guard lock(mutex);
  for (const Slot &slot : slots)
    sum += int64_t(slot.pixels.capacity() + slot.labels.capacity() * sizeof(int64_t));
  for (const auto &[bytes, warnings] : kept)
    sum += bytes;
  return sum;
}

std::shared_ptr<const std::vector<uint32_t>> Loader::orderOf(int64_t epoch) {
  std::lock_guard lock(orderMutex);
  for (const auto &[number, order] : orders)
    if (number == epoch)
      return order;
  if (orders.size() >= 2) // threads are in two epochs at most
    orders.erase(std::min_element(orders.begin(), orders.end()));
  auto made = std::make_shared<std::vector<uint32_t>>(epochOrder(dataset->size(), options.sample.seed, epoch));
  orders.emplace_back(epoch, made);
  return made;
}

void Loader::makeRow(size_t own, int64_t batch, int64_t row, Slot &slot) {
  SampleMaker &maker = *makers[own];
  uint8_t *pixels = slot.pixels.data() + row * rowBytes();
  int64_t *labels = slot.labels.data() + row * rowLabels();
  std::vector<Damage> damages;
  Status error;
  int64_t count = dataset->size();
  bool isMade = false;
  auto attempt = [&](int64_t sample, int64_t epoch) {
    Status status = maker.make(*dataset, sample, epoch, pixels);
    if (status.ok())
      status = maker.makeLabels(*dataset, sample, labels);
    if (status.ok())
      isMade = true;
    else if (status.code() == Code::Input)
      damages.push_back({sample, status.message()});
    else
      error = status;
    return status.ok();
  };
  try {
    if (options.sample.training) {
      int64_t epoch = batch / batchCount;
      auto order = orderOf(epoch);
      int64_t position = (batch % batchCount * options.ranks + options.rank) * options.batch + row;
      int64_t tries = std::min(count, options.maxBadImages + 1);
      for (int64_t i = 0; i < tries && error.ok(); ++i)
        if (attempt((*order)[(position + i) % count], epoch))
          break;
    } else if (int64_t sample = batch * options.batch + row; sample < count) {
      attempt(sample, 0);
    }
  } catch (const std::bad_alloc &) {
    error = machineError("out of memory for the pixels of a picture");
  }
  if (!isMade) {
    std::memset(pixels, 0, size_t(rowBytes()));
    std::fill_n(labels, rowLabels(), kNoLabel);
  }
  std::lock_guard lock(mutex);
  kept[own] = {maker.memoryBytes(), maker.warnings()};
  slot.damages.insert(slot.damages.end(), damages.begin(), damages.end());
  if (slot.error.ok())
    slot.error = error;
  if (--slot.left == 0)
    ready.notify_one();
}

void Loader::work(size_t maker) {
  std::unique_lock lock(mutex);
  while (true) {
    auto isWork = [&] {
      bool isEnd = !options.sample.training && nextBatch >= batchCount;
      return batchCount > 0 && !isEnd && nextBatch < consumed + int64_t(slots.size());
    };
    wanted.wait(lock, [&] { return isStopping || isWork(); });
    if (isStopping)
      return;
    int64_t batch = nextBatch, ownRow = row;
    if (++row == options.batch) {
      row = 0;
      ++nextBatch;
    }
    Slot &slot = slots[batch % int64_t(slots.size())];
    lock.unlock();
    makeRow(maker, batch, ownRow, slot);
    lock.lock();
  }
}

Status Loader::take(Slot &slot, uint8_t *images, int64_t *labels) {
  INCEPT_RETURN_IF_ERROR(slot.error);
  // In the order of samples, which threads do not change.
  std::sort(slot.damages.begin(), slot.damages.end(),
            [](const Damage &a, const Damage &b) { return a.sample < b.sample; });
  for (const Damage &damage : slot.damages) {
    if (!bad.insert(damage.sample).second)
      continue;
    options.note("passed over: " + damage.why);
    if (int64_t(bad.size()) > options.maxBadImages)
      return inputError("more than " + std::to_string(options.maxBadImages) + " images are damaged, the last one '" +
                        dataset->name(damage.sample) + "': repair or remove them, or give a larger --max-bad-images");
  }
  if (options.sample.training && std::count(slot.labels.begin(), slot.labels.end(), kNoLabel) > 0)
    return inputError("none of the images can be read, the last one '" +
                      (slot.damages.empty() ? std::string() : dataset->name(slot.damages.back().sample)) + "'");
  if (images != slot.pixels.data())
    std::memcpy(images, slot.pixels.data(), slot.pixels.size());
  std::copy(slot.labels.begin(), slot.labels.end(), labels);
  return {};
}

Status Loader::next(uint8_t *images, int64_t *labels, double *share) {
  auto start = std::chrono::steady_clock::now();
  Slot &slot = slots[consumed % int64_t(slots.size())];
  bool isAlone = workers.empty();
  if (isAlone) {
    // After an error the slot is still as it was.
    slot.left = options.batch;
    slot.error = Status();
    slot.damages.clear();
    slot.pixels.resize(options.batch * rowBytes());
    for (int64_t i = 0; i < options.batch; ++i)
      makeRow(0, consumed, i, slot);
  }
  {
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return slot.left == 0; });
  }
  waitedSeconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  INCEPT_RETURN_IF_ERROR(take(slot, images, labels));
  Mix mix;
  if (const ImageShape &shape = options.sample.shape; options.sample.training && options.sample.augment.mixes()) {
    mix = drawMix(options.sample.augment, options.sample.seed, consumed * options.ranks + options.rank, shape.height,
                  shape.width);
    mixImages(mix, images, options.batch, shape.height, shape.width, shape.channels);
  }
  if (share)
    *share = mix.share;
  {
    std::lock_guard lock(mutex);
    slot.left = options.batch;
    slot.damages.clear();
    ++consumed;
  }
  wanted.notify_all();
  return {};
}

} // namespace incept
