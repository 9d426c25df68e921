// SPDX-License-Identifier: Apache-2.0
//
// A compiled module as a program of the CPU's, run in a folder of its own.
#pragma once

#include "codegen/Codegen.h"
#include "codegen/image/Executable.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "runtime/io/Safetensors.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <list>

namespace incept::test {

/// All phases, with what they do by default.
inline void buildAllPhases(mlir::OpPassManager &passes) {
  for (Phase phase : kPhases)
    buildPhase(passes, phase, PhaseOptions());
}

/// The tensors of a file to be, with their bytes.
class TensorFile {
public:
  /// Values as elements of `T`, which `type` names.
  template <typename T>
  void add(const std::string &name, const std::string &type, std::vector<int64_t> shape, const auto &values) {
    std::string &bytes = storage.emplace_back();
    for (auto value : values) {
      T element = T(value);
      bytes.append(reinterpret_cast<const char *>(&element), sizeof(T));
    }
    tensors.push_back({name, type, std::move(shape), bytes});
  }
  bool write(const std::string &path) const { return writeSafetensors(path, tensors, {}).ok(); }

private:
  std::list<std::string> storage;
  std::vector<TensorToWrite> tensors;
};

class ProgramRun {
public:
  ProgramRun() { EXPECT_NE(mkdtemp(directory.data()), nullptr); }
  ~ProgramRun() { llvm::sys::fs::remove_directories(directory); }
  ProgramRun(const ProgramRun &) = delete;
  ProgramRun &operator=(const ProgramRun &) = delete;

  TensorFile weights, batch;

  /// Runs `step` with these options on `weights` and `batch`; false where the module has no program or it fails.
  bool step(mlir::ModuleOp module, const std::string &options) {
    const Target *target = findTarget(module);
    auto image = target->backend()->emitImage(module);
    std::string program = directory + "/program";
    if (failed(image) || !writeExecutable(INCEPT_BIN "/incept-stub-cpu", *image, program).ok() ||
        !weights.write(directory + "/weights") || !batch.write(directory + "/batch"))
      return false;
    std::string command = program + " step " + options + " --weights=" + directory + "/weights --batch=" + directory +
                          "/batch --output=" + directory + "/output";
    if (std::system(command.c_str()) != 0)
      return false;
    auto opened = SafetensorsFile::open(directory + "/output");
    if (opened)
      output.emplace(std::move(*opened));
    return bool(opened);
  }

  /// The f32 values of a tensor that the step wrote, none where there is no such tensor.
  std::vector<double> read(const std::string &name) const {
    auto found = output->tensors.find(name);
    if (found == output->tensors.end())
      return {};
    std::vector<float> values(found->second.bytes.size() / sizeof(float));
    std::memcpy(values.data(), found->second.bytes.data(), values.size() * sizeof(float));
    return {values.begin(), values.end()};
  }

private:
  std::string directory = testing::TempDir() + "/incept-program-XXXXXX";
  std::optional<SafetensorsFile> output;
};

} // namespace incept::test
