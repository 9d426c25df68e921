// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer's entry points. The program is called fuzz-TARGET.
#include "test/fuzz/Targets.h"

#include <cstdint>
#include <cstdio>

using namespace incept::fuzz;

namespace {

struct Target {
  std::string_view name;
  void (*run)(std::string_view);
};
constexpr Target kTargets[] = {
    {"spec", fuzzSpec},
    {"text", fuzzText},
    {"expression", fuzzExpression},
    {"safetensors", fuzzSafetensors},
    {"idx", fuzzIdx},
    {"picture", fuzzPicture},
    {"tar", fuzzTar},
    {"image", fuzzImage},
    {"elf", fuzzElf},
    {"ptx", fuzzPtx},
    {"checkpoint", fuzzCheckpoint},
#ifdef INCEPT_FUZZ_PLANS
    {"plan", fuzzPlan},
#endif
};
const Target *target = nullptr;

} // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***argv) {
  std::string_view name = (*argv)[0];
  name = name.substr(name.rfind('/') + 1);
  for (const Target &candidate : kTargets)
    if (name.substr(0, 5) == "fuzz-" && name.substr(5) == candidate.name)
      target = &candidate;
  if (target)
    return 0;
  std::fprintf(stderr, "expected to be called fuzz-TARGET with a TARGET of");
  for (const Target &candidate : kTargets)
    std::fprintf(stderr, " %.*s", int(candidate.name.size()), candidate.name.data());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  target->run({reinterpret_cast<const char *>(data), size});
  return 0;
}
