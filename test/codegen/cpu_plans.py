# SPDX-License-Identifier: Apache-2.0
"""Edits the plans of a compiled network one at a time, and compares what the verifier of a phase says.

cpu_plans.py LAYOUT EXEC"""
import pathlib
import subprocess
import sys

IS_NO_PLAN = "'incept.exec.plan' op is no plan of the target: "
# What is found in a plan's line, what comes instead, and what the group says that has the plan.
OF_GROUPS = [
    ("plan_6", '"nhwc"', '"nchw8c"', "a tensor would be in format 'nchw8c', but it is in 'nhwc'"),
    ("plan_1", "8b8a", "8a8b", "a tensor would be in format '24x16x1x1/128x64x64x64/8a8b', but it is in "
     "'24x16x1x1/128x64x64x64/8b8a'"),
    ("plan_1", 'mb = "2"', 'mb = "4"', "mb is '4' where the op has '2'"),
    ("plan_4", "matmul swapped", "matmul", "the first two operands are in the other order"),
    ("plan_3", "matmul", "matmul swapped", "the first two operands are in the other order"),
    ("plan_5", '/8b8a", weights_bytes', '/8a8b", weights_bytes',
     "src_format is '24x16x1x1/128x64x64x64/8a8b' where the op has '24x16x1x1/128x64x64x64/8b8a'"),
    # Of inference.
    ("plan_9", 'training = "false"', 'training = "true"', "training is 'true' where the op has 'false'"),
    ("plan_9", 'relu = "true"', 'relu = "false"', "relu is 'false' where the op has 'true'"),
    ("plan_0", 'kw = "3"', 'kw = "x"', "unknown or malformed plan field 'kw': 'x'")]
# The same of a plan that is added behind plan_2, and what is said of it alone.
MEMORY = "(memref<2x24xf32>, memref<10x24xf32>, memref<10xf32>) -> memref<2x10xf32>"
OF_PLANS = [
    ("memref<10xf32>", "memref<11xf32>", f"expected the memory that the problem has, {MEMORY}, but got "
     + MEMORY.replace("<10xf32>", "<11xf32>")),
    ("memref<2x24xf32>", "memref<2x24xf32, strided<[25, 1]>>", f"expected the memory that the problem has, {MEMORY}, but got "
     + MEMORY.replace("<2x24xf32>", "<2x24xf32, strided<[25, 1]>>")),
    ('lda = "24"', 'lda = "25"', "expected formats and pitches that fit the shapes of the problem"),
    ("scratchpad_bytes = 0", "scratchpad_bytes = 64", "it needs a scratchpad of 0 bytes"),
    ("gemm:jit", "gemm:ref", "oneDNN computes it by 'gemm:jit'"),
    ('impl = "gemm:jit", ', "", "oneDNN computes it by 'gemm:jit'"),
    ('kind = "matmul"', 'kind = "mat"', "unknown or malformed plan field 'kind': 'mat'")]


def verify(text, phase):
    """The first error, empty where there is none."""
    result = subprocess.run(["incept-opt", "-", f"--incept-verify-phase=phase={phase}", "-o", "/dev/null"], input=text,
                            text=True, stderr=subprocess.PIPE, check=False)
    return next((line.split("error: ", 1)[1] for line in result.stderr.splitlines() if "error: " in line), "")


def line_of(text, plan):
    return next(line for line in text.splitlines() if f"exec.plan @{plan} " in line)


def main():
    layout, executable = (pathlib.Path(path).read_text() for path in sys.argv[1:])
    cases = [(layout, "layout", ""), (executable, "exec", "")]
    for plan, old, new, why in OF_GROUPS:
        line = line_of(layout, plan)
        cases.append((layout.replace(line, line.replace(old, new, 1)), "layout",
                      f"'incept.group' op expected a plan that computes it, but with '{plan}' {why}"))
    cases.append((layout.replace("library plan @plan_3(", "library plan @plan_0("), "layout",
                  "'incept.group' op expected a plan that computes it, but with 'plan_0' it is convolution_forward where the op is "
                  "matmul"))
    line = line_of(executable, "plan_2")
    for old, new, why in OF_PLANS:
        other = line.replace("plan_2", "plan_more").replace(old, new, 1)
        cases.append((executable.replace(line, f"{line}\n{other}"), "exec", IS_NO_PLAN + why))
    wrong = 0
    for text, phase, expected in cases:
        said = verify(text, phase)
        if said != expected:
            print(f"expected: {expected}\n but got: {said}")
            wrong += 1
    print(f"{len(cases)} plans, {wrong} not as expected")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
