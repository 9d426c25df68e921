// SPDX-License-Identifier: Apache-2.0
//
// Batches, made ahead of their use by threads of this process. Work is addressed by (epoch, position), so that what a
// batch holds depends on the data, the options and its number, never on how many threads there are or who was first.
#pragma once

#include "runtime/io/SampleMaker.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace incept {

/// The label of a row that has no sample.
constexpr int64_t kNoLabel = INT64_MIN;

/// Threads as many as are of use: none for pixels that are only copied, else one for each processor.
constexpr int kChooseThreads = -1;

struct LoaderOptions {
  SampleOptions sample;
  int64_t batch = 1;
  int64_t first = 0; ///< the number of the first batch
  int64_t group = 1; ///< batches of a step: an epoch of training has whole steps
  int threads = kChooseThreads;
  int64_t rank = 0, ranks = 1; ///< of processes that share the work: each has its part of every `ranks` batches
  int64_t maxBadImages = 100;  ///< more than so many damaged ones are an error
  std::function<void(const std::string &)> note = [](const std::string &) {};
};

/// The order of samples in an epoch: a permutation that seed and epoch determine.
std::vector<uint32_t> epochOrder(int64_t count, uint64_t seed, int64_t epoch);

class Loader {
public:
  /// In training batches go on for ever, and what does not fill a batch at the end of an epoch is left out; a damaged
  /// sample's place is taken by the one behind it in the epoch's order. In evaluation each sample comes once, in the
  /// order of the dataset; rows beyond the last and damaged ones are black, with labels kNoLabel.
  Loader(std::shared_ptr<const Dataset> dataset, const LoaderOptions &options);
  ~Loader();
  Loader(const Loader &) = delete;
  Loader &operator=(const Loader &) = delete;

  /// Writes the next batch: pixels u8 (N,H,W,C), labels (N), of masks (N,height,width). Waits where it is not ready.
  /// Damaged samples are named in a note once each; an error where there are too many, or where data cannot be read for
  /// another reason. Where images are mixed, `share` is how much of each is the image that the label is of: 1 in
  /// evaluation.
  Status next(uint8_t *images, int64_t *labels, double *share = nullptr);

  /// Batches of an epoch, or of the whole evaluation.
  int64_t batches() const { return batchCount; }
  /// Seconds that `next` has waited or, without threads, worked.
  double waited() const { return waitedSeconds; }
  int64_t badImages() const { return int64_t(bad.size()); }
  int64_t warnings() const;
  int threads() const { return int(workers.size()); }
  /// Bytes of batches that are made ahead, and of what threads keep.
  int64_t memoryBytes() const;

private:
  struct Damage {
    int64_t sample;
    std::string why;
  };
  struct Slot {
    int64_t left = 0; ///< samples that are not done
    std::vector<uint8_t> pixels;
    std::vector<int64_t> labels;
    std::vector<Damage> damages;
    Status error;
  };

  void work(size_t maker);
  void makeRow(size_t maker, int64_t batch, int64_t row, Slot &slot);
  Status take(Slot &slot, uint8_t *images, int64_t *labels);
  std::shared_ptr<const std::vector<uint32_t>> orderOf(int64_t epoch);
  int64_t rowBytes() const {
    const ImageShape &shape = options.sample.shape;
    return shape.height * shape.width * shape.channels;
  }
  int64_t rowLabels() const { return options.sample.shape.labels(); }

  std::shared_ptr<const Dataset> dataset;
  LoaderOptions options;
  int64_t batchCount = 0;

  mutable std::mutex mutex; ///< of what follows, and of `left`, `damages` and `error` of slots
  std::condition_variable wanted, ready;
  int64_t consumed = 0;           ///< batches that `next` has given away
  int64_t nextBatch = 0, row = 0; ///< what is begun next
  bool isStopping = false;
  std::vector<Slot> slots;
  std::vector<std::pair<int64_t, int64_t>> kept; ///< of each maker: bytes, and warnings so far

  std::mutex orderMutex;
  std::vector<std::pair<int64_t, std::shared_ptr<const std::vector<uint32_t>>>> orders; ///< the last two epochs

  std::vector<std::unique_ptr<SampleMaker>> makers; ///< of each thread, or the only one
  std::vector<std::thread> workers;
  std::set<int64_t> bad;
  double waitedSeconds = 0;
};

} // namespace incept
