# SPDX-License-Identifier: Apache-2.0
"""A CUDA program made by hand under `incept-sim --strict`, right and with mistakes planted, and with errors of the
machine injected: strict.py STUB DIRECTORY."""
import filecmp
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "runtime"))
import cuda_program
from cubin import cubin
from cuda_program import ARENA, IO

stub, directory = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
failures = []


def check(what, good, seen=""):
    if not good:
        failures.append(f"{what}: {str(seen)[:600]}")


def place(name):
    return os.path.join(directory, name)


def write(name, edit=None, ptx=(), machine_code=b""):
    """The program, with its header edited and parts of its kernels replaced, and machine code beside the PTX."""
    description, text = cuda_program.header(), cuda_program.PTX
    description["target"].update(card="NVIDIA A100-SXM4-80GB", multiprocessors=108)
    if edit:
        edit(description)
    for kernel, old, new in ptx:
        at = text.index(b".entry " + kernel + b"(")
        assert old in text[at:], (kernel, old)
        text = text[:at] + text[at:].replace(old, new, 1)
    description["blobs"]["ptx"]["bytes"] = len(text)
    if machine_code:
        description["blobs"]["cubin"] = {"offset": len(text), "bytes": len(machine_code)}
        text += machine_code
    return cuda_program.write(stub, place(name), cuda_program.image(description, text))


def sim(options, program, *arguments):
    """Without the lines of progress."""
    result = subprocess.run(["incept-sim", *options, program, *arguments], capture_output=True, text=True, timeout=120)
    result.stderr = "".join(line + "\n" for line in result.stderr.splitlines() if not line.startswith("["))
    return result


TRAIN = ["train", "--data=synthetic:", "--steps=6", "--seed=5"]
program = write("tiny")


def a_right_program_is_silent():
    plain = sim([], program, *TRAIN, "--save=" + place("plain"))
    check("plain", plain.returncode == 0, plain.stderr)
    for seed in "", "2", "3":
        options = ["--strict", *(["--schedule=random:" + seed] if seed else [])]
        result = sim(options, program, *TRAIN, "--save=" + place("strict"))
        check("silent", result.returncode == 0 and result.stderr == "", result.stderr)
        check("the same weights", filecmp.cmp(place("plain"), place("strict"), False), options)
    # Parts of lists, run to time them, read what is over: that is no mistake.
    for arguments in ["bench", "--steps=2", "--profile"], ["eval", "--data=synthetic:", "--weights=" + place("plain")]:
        result = sim(["--strict"], program, *arguments)
        check(arguments[0], result.returncode == 0 and result.stderr == "", result.stderr)


def planted(what, words, edit=None, ptx=()):
    """Found by --strict alone."""
    path = write("planted", edit, ptx)
    result = sim([], path, *TRAIN[:2], "--steps=2")
    check(what + ": the plain simulator sees nothing", result.returncode == 0, result.stderr)
    result = sim(["--strict"], path, *TRAIN[:2], "--steps=2")
    check(what, result.returncode == 3 and all(word in result.stderr for word in words), result.stderr)


def read_in_front(description):
    """The images lie twice in the arena. The loss reads the second, whose kernel looks at the first, which nobody reads
    after the linear layer."""
    for entry in "stage_u8", "stage_f32":
        first = description["entries"][entry][0]
        description["entries"][entry].append({**first, "operands": [first["operands"][0], [ARENA, 64]]})
    description["entries"]["forward_backward"][1]["operands"][0] = [ARENA, 64]


def eight_threads(description):
    description["entries"]["forward_backward"][0]["block"] = [8, 1, 1]
    description["entries"]["infer"][0]["block"] = [8, 1, 1]


def mistakes_are_found():
    planted("a value whose life has ended", ["tiny_loss", "'tiny' (tiny.json:1:1)", "byte 0 of allocation",
                                             "the life of this value has ended"],
            read_in_front, [(b"tiny_loss", b"cvta.to.global.u64 %rd1, %rd1;", b"add.s64 %rd1, %rd1, -64;")])
    # Both blocks write the first logit too; the value is the same in the end.
    planted("two blocks write one place", ["tiny_linear", "block (1, 0, 0)", "race: block (0, 0, 0) has written it"],
            eight_threads, [(b"tiny_linear", b"st.global.f32 [%rd15], %f1;",
                             b"st.global.f32 [%rd15], %f1; setp.gt.s64 %p2, %rd7, 3; @%p2 ld.global.f32 %f2, [%rd3]; "
                             b"@%p2 st.global.f32 [%rd3], %f2;")])
    path = write("nan", ptx=[(b"tiny_loss", b"mov.f32 %f2, 0f00000000;", b"mov.f32 %f2, 0f7FC00000;")])
    result = sim(["--strict"], path, *TRAIN[:2], "--steps=2")
    words = "note: the first value that is not finite: NaN, f32 0 of an operand of 'tiny' (tiny.json:1:1), kernel tiny_loss"
    check("not finite", result.returncode == 1 and result.stderr.count(words) == 1, result.stderr)


def launches_have_limits():
    """Registers are those of the machine code; its block of 32 threads takes four warps' worth."""
    run = lambda path: sim([], path, *TRAIN[:2], "--steps=2")
    fits = run(write("registers", machine_code=cubin({"tiny_linear": 255, "tiny_loss": 8})))
    check("registers fit", fits.returncode == 0 and "refused" not in fits.stderr, fits.stderr)
    many = run(write("registers", lambda d: d["entries"]["forward_backward"][0].update(block=[512, 1, 1]),
                     machine_code=cubin({"tiny_linear": 168})))
    check("registers", many.returncode == 3 and "too many resources requested for launch (CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)"
          in many.stderr and "a launch of 'tiny_linear' is refused: a block of 512 threads with 168 registers each needs "
          "86016 registers, and the device has 65536 for a block" in many.stderr, many.stderr)
    code = cubin({"tiny_linear": 168})
    damaged = run(write("registers", machine_code=code[:-40]))
    check("damaged", "the cubin is damaged" in damaged.stderr, damaged.stderr)


def injected(what, words, program=program, status=3):
    """One sentence, and what checkpoints there are go on to the same weights."""
    subprocess.run(["rm", "-rf", place("run")], check=True)
    arguments = [*TRAIN, "--checkpoint-dir=" + place("run"), "--checkpoint-steps=1"]
    result = sim(["--inject=" + what], program, *arguments)
    if result.returncode == 0:
        return False
    lines = result.stderr.strip().splitlines()
    check(what, result.returncode == status and len(lines) == 1 and words in lines[0], (result.returncode, result.stderr))
    torn = [name for name in os.listdir(place("run")) if name.startswith("step-") and
            not re.fullmatch(r"step-\d+\.safetensors", name)] if os.path.isdir(place("run")) else []
    check(what + ": torn", not torn, torn)
    # A run that has not begun has no folder yet.
    resume = ["--resume"] if os.path.isdir(place("run")) and any(
        name.startswith("step-") for name in os.listdir(place("run"))) else ["--overwrite"]
    result = sim([], program, *arguments, *resume, "--save=" + place("resumed"))
    check(what + ": goes on", result.returncode == 0 and filecmp.cmp(place("plain"), place("resumed"), False), result.stderr)
    return True


def errors_are_sentences():
    # The call that fails: every one at the start, then some.
    for kind, words, numbers in (("oom", "out of memory (CUDA_ERROR_OUT_OF_MEMORY)", range(1, 40)),
                                 ("launch-fail", "unspecified launch failure (CUDA_ERROR_LAUNCH_FAILED)", (1, 4, 5, 7)),
                                 ("copy-fail", "unknown error (CUDA_ERROR_UNKNOWN)", (1, 2, 5, 9, 20)),
                                 ("sticky", "an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)",
                                  (1, 2, 8, 20, 40))):
        met = 0
        for number in numbers:
            if not injected(f"{kind}:{number}", words):
                break
            met += 1
        check(f"{kind} is met", met >= 4 and (kind == "oom" or met == len(numbers)), met)
    injected("no-device", "no CUDA-capable device is detected (CUDA_ERROR_NO_DEVICE)")
    injected("driver-old", "install a newer driver")
    with_plan = write("plan", lambda description: description["plans"].append(cuda_program.plan()))
    injected("cudnn-mismatch", "a part of cuDNN is of another version", with_plan)


def launches_are_counted():
    result = sim(["--check=all", "--report=" + place("report.json")], program, *TRAIN)
    check("counted", result.returncode == 0, result.stderr)
    with open(place("report.json")) as file:
        launches = {launch["kernel"]: launch for launch in json.load(file)["launches"]}
    linear = launches["tiny_linear"]
    wanted = {"entry": "forward_backward", "index": 0, "estimated_bytes": 160, "distinct_bytes_read": 112,
              "distinct_bytes_written": 48, "global_bytes_read": 12 * 4 * 8, "global_bytes_written": 48,
              "shared_bytes": 0, "local_bytes": 0, "bank_conflicts": 0, "loc": "tiny.json:1:1"}
    for name, value in wanted.items():
        check("report " + name, linear.get(name) == value, linear)
    check("runs", linear["runs"] > 6, linear)  # with those of the evaluation
    # Four loads of images and weights each, and a store, of a warp that has twelve threads in bounds.
    check("requests", linear["global_requests"] == 9, linear)
    check("sectors", 9 <= linear["global_sectors"] <= 36, linear)
    result = sim(["--report=" + place("none/report.json")], program, *TRAIN)
    check("no folder", result.returncode == 1 and "cannot write" in result.stderr, result.stderr)


a_right_program_is_silent()
mistakes_are_found()
launches_have_limits()
errors_are_sentences()
launches_are_counted()
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
