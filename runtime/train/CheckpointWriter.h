// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints that are written while the next steps run: values are copied, and a thread writes the copy.
#pragma once

#include "runtime/train/Checkpoint.h"

#include <atomic>
#include <thread>

namespace incept {

class CheckpointWriter {
public:
  CheckpointWriter() = default;
  ~CheckpointWriter() { (void)finish(); }
  CheckpointWriter(const CheckpointWriter &) = delete;
  CheckpointWriter &operator=(const CheckpointWriter &) = delete;

  /// Copies the values of a step and begins to write its checkpoint, as saveCheckpoint would. Where the system has no
  /// more threads it is written at once. None may be under way.
  Status start(Program &program, const RunFolder &folder, int64_t step, const Metadata &run, double accuracy);
  /// Whether one is under way, written or not, whose end has not been asked for.
  bool isUnderWay() const { return underWay; }
  /// Whether `finish` would not wait.
  bool isWritten() const { return written; }
  /// Waits until it is written and says how that went.
  Status finish();

private:
  std::unique_ptr<std::byte[]> values; ///< of all tensors, one after the other; kept
  std::vector<TensorToWrite> tensors;
  std::thread thread;
  Status status;
  std::atomic<bool> written = false;
  bool underWay = false;
};

/// Bytes that a checkpoint holds, and the copy of it.
uint64_t checkpointBytes(const program::Image &image);

} // namespace incept
