# SPDX-License-Identifier: Apache-2.0
# What a test may use: the tools of this build, FileCheck and friends of LLVM, and features of the machine.
import os
import shutil
import subprocess

import lit.formats

config.name = "incept"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# A test that waits for ever is a failure, not a run that never ends; --timeout of the command line wins.
if not lit_config.maxIndividualTestTime:
    lit_config.maxIndividualTestTime = 7200 if os.environ.get("INCEPT_TEST_ALL") == "1" else 900
config.excludes = ["Inputs", "CMakeLists.txt", "lit.cfg.py", "lit.site.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
# scripts/mutate.sh runs a test several times at once, with one mistake each.
config.test_exec_root = os.environ.get("INCEPT_TEST_EXEC_ROOT", os.path.join(config.incept_build_root, "test"))

path = [config.incept_tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)
config.environment["LC_ALL"] = "C.UTF-8"
# What programs keep, tests share: plans and cubins are made once. The user's own caches stay as they are.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")
# Tests share the cores, and a thread that spins while it waits takes them from the others.
config.environment["OMP_WAIT_POLICY"] = "passive"
for variable in ("INCEPT_MUTANT", "INCEPT_MUTANT_RUN", "INCEPT_MUTANT_TRACE"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]

# What a phase prints is parsed and compared, in every compilation and for every file of incept-opt.
if os.environ.get("INCEPT_CHECK_ROUNDTRIP", "1") == "1":
    config.environment["INCEPT_CHECK_ROUNDTRIP"] = "1"
    config.substitutions.append((r"\bincept-opt (?=%s)", "incept-opt --verify-roundtrip "))
config.substitutions += [
    ("%specs", os.path.join(config.incept_source_root, "specs")),
    ("%python", config.python),
    ("%{cc}", config.c_compiler),
    ("%{root}", config.incept_source_root),
    ("%{build}", config.incept_build_root),
]

# Tools exist or not by the targets that were built; a test names what it needs with REQUIRES.
for tool in ("incept", "incept-opt", "incept-run", "incept-translate", "incept-count-allocations", "incept-stub-cuda",
             "incept-sim", "incept-target-opt"):
    if os.path.exists(os.path.join(config.incept_tools_dir, tool)):
        config.available_features.add(tool)
if os.path.exists(os.path.join(config.incept_build_root, "lib", "incept-fake-cuda", "libcuda.so.1")):
    config.available_features.add("incept-fake-cuda")
# The toolkit's assembler and cuDNN, with which programs for GPUs can be made.
if config.incept_cuda:
    config.available_features.add("cuda")
    config.substitutions.append(("%{ptxas}", config.ptxas))
    # And its disassembler: scripts/setup.sh --cuda.
    for nvdisasm in (os.path.join(os.path.dirname(config.ptxas), "nvdisasm"),
                     os.path.join(config.incept_source_root, "build", "cuda-nvdisasm", "nvidia", "cu13", "bin", "nvdisasm")):
        if os.access(nvdisasm, os.X_OK):
            config.available_features.add("nvdisasm")
            config.substitutions.append(("%{nvdisasm}", nvdisasm))
            break
# Another cuDNN beside the one that the project was configured with: scripts/setup.sh --cudnn-newest.
newest = os.path.join(config.incept_source_root, "build", "cudnn-newest", "nvidia", "cudnn", "lib")
if config.incept_cuda and os.path.exists(os.path.join(newest, "libcudnn.so.9")):
    config.available_features.add("cudnn-newest")
    config.substitutions.append(("%{cudnn_newest}", newest))
# With AVX-512 the CPU's library has bf16.
if os.path.exists("/proc/cpuinfo"):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= set(flags):
        config.available_features.add("cpu-bf16")
    if "amx_tile" in flags:
        config.available_features.add("cpu-amx")
# scripts/fuzz.sh --build, and the preset with sanitizers.
if os.path.exists(os.path.join(config.incept_source_root, "build", "fuzz", "fuzz")):
    config.available_features.add("fuzz")
if os.path.exists(os.path.join(config.incept_source_root, "build", "asan", "bin", "incept-damage")):
    config.available_features.add("asan")
if config.incept_harden:
    config.available_features.add("hardened")
# Tests that take longer than CI has time for: scripts/test.sh --all.
if os.environ.get("INCEPT_TEST_ALL") == "1":
    config.available_features.add("all-tests")
if os.path.isdir("/usr/share/datasets/fashion-mnist"):
    config.available_features.add("fashion-mnist")
for program in ("readelf", "clang-format-14", "dot"):
    if shutil.which(program):
        config.available_features.add(program)
# Debian's python3-jsonschema, which may not be the first python3's.
for python in (config.python, "/usr/bin/python3"):
    if os.path.exists(python) and subprocess.run([python, "-c", "import jsonschema"], check=False,
                                                 stderr=subprocess.DEVNULL).returncode == 0:
        config.available_features.add("jsonschema")
        config.substitutions.append(("%{jsonschema_python}", python))
        break
# Debian's python3-torch and python3-torchvision, which may not be the first python3 in PATH.
for python in (config.python, "/usr/bin/python3"):
    has = "import importlib.util, sys; sys.exit(importlib.util.find_spec('{}') is None)"
    run = lambda module: subprocess.run([python, "-c", has.format(module)], check=False).returncode
    if os.path.exists(python) and run("torch") == 0:
        config.available_features.add("torch")
        if run("torchvision") == 0:
            config.available_features.add("torchvision")
        config.substitutions.append(("%{torch_python}", python))
        break
