// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/CheckpointWriter.h"
#include "runtime/support/Priority.h"

#include <system_error>

namespace incept {

/// Of the thread that writes: a step waits for its slowest thread, so what this one takes from a processor is the
/// step's loss. When training waits for the checkpoint itself, nobody else wants the processor.
static constexpr int kNice = 19;

uint64_t checkpointBytes(const program::Image &image) {
  uint64_t bytes = 0;
  for (const program::Tensor &tensor : image.tensors)
    if (checkpointKinds().count(tensor.kind))
      bytes += uint64_t(tensor.elements) * program::typeBytes(tensor.type);
  return bytes;
}

Status CheckpointWriter::start(Program &program, const RunFolder &folder, int64_t step, const Metadata &run,
                               double accuracy) {
  if (!values)
    values.reset(new std::byte[checkpointBytes(program.image())]); // not cleared: all of it is written
  INCEPT_RETURN_IF_ERROR(program.copyTensors(checkpointKinds(), values.get(), tensors));
  Metadata metadata = checkpointMetadata(run, step, accuracy);
  written = false;
  underWay = true;
  auto work = [this, path = folder.path(step), metadata] {
    try {
      status = writeSafetensors(path, tensors, metadata, Values::Finite);
    } catch (const std::bad_alloc &) {
      status = machineError("out of memory for '" + path + "'");
    }
    written = true;
  };
  try {
    thread = std::thread([work] {
      setNice(kNice);
      work();
    });
  } catch (const std::system_error &) {
    work();
  }
  return {};
}

Status CheckpointWriter::finish() {
  if (thread.joinable())
    thread.join();
  underWay = false;
  return std::exchange(status, Status());
}

} // namespace incept
