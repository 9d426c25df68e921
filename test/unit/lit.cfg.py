# SPDX-License-Identifier: Apache-2.0
# The unit suites, build/*/bin/incept-*-tests, beside the other tests: each of their cases is a test.
import os

import lit.formats

config.name = "unit"
config.test_format = lit.formats.GoogleTest(".", "-tests")
config.test_source_root = config.incept_tools_dir
config.test_exec_root = config.incept_tools_dir
config.environment["LC_ALL"] = "C.UTF-8"
# The other tests' (test/lit.cfg.py).
tests = os.environ.get("INCEPT_TEST_EXEC_ROOT", os.path.join(os.path.dirname(config.incept_tools_dir), "test"))
config.environment["XDG_CACHE_HOME"] = os.path.join(tests, "cache")
config.environment["OMP_WAIT_POLICY"] = "passive"
for variable in ("HOME", "TMPDIR", "OMP_NUM_THREADS", "INCEPT_MUTANT", "INCEPT_MUTANT_RUN", "INCEPT_MUTANT_TRACE"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]
