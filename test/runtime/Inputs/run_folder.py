# SPDX-License-Identifier: Apache-2.0
"""Trainings that are ended from outside, and outputs that cannot be written: usage run_folder.py PROGRAM DIRECTORY."""
import json
import os
import random
import resource
import signal
import stat
import struct
import subprocess
import sys
import time

program, directory = sys.argv[1:]
failures = []
place = lambda name: os.path.join(directory, name)
TRAIN = [program, "train", "--data=synthetic:", "--seed=3"]


def check(what, good, seen=""):
    if not good:
        failures.append(f"{what}: {str(seen)[:500]}")


def run(*arguments, **options):
    return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, **options)


def read(name):
    with open(place(name), "rb") as file:
        return file.read()


def steps(folder):
    names = os.listdir(place(folder)) if os.path.exists(place(folder)) else []
    return sorted(int(name[5:-12]) for name in names if name.startswith("step-") and name.endswith(".safetensors"))


def start(folder, *arguments, **options):
    """A training that would take long, once it has written a checkpoint."""
    process = subprocess.Popen([*TRAIN, "--steps=100000000", "--checkpoint-dir=" + place(folder), "--checkpoint-steps=7",
                                *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               **{"stdout": subprocess.DEVNULL, **options})
    wait_for(lambda: steps(folder), process)
    return process


def wait_for(condition, process=None):
    deadline = time.monotonic() + 120
    while not condition() and (process is None or process.poll() is None):
        if time.monotonic() > deadline:
            sys.exit("a training does not get on")
        time.sleep(0.01)


def kill_loses_no_bit():
    """Killed at random moments and resumed, again and again: the same weights and the same log as of one run."""
    seed = random.randrange(2**32)
    print("kill -9 with seed", seed)
    moments = random.Random(seed)
    arguments = ["--steps=400", "--checkpoint-steps=5", "--log="]
    whole = run(*TRAIN, *arguments[:2], "--log=" + place("whole.log"), "--checkpoint-dir=" + place("whole"))
    check("a whole run", whole.returncode == 0, whole.stderr)
    kills = 0
    for attempt in range(40):
        resume = ["--resume"] if steps("killed") else []
        process = subprocess.Popen([*TRAIN, *arguments[:2], "--log=" + place("killed.log"), *resume,
                                    "--checkpoint-dir=" + place("killed")],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        before = steps("killed")
        if attempt < 12:
            wait_for(lambda: steps("killed") != before, process)
            time.sleep(moments.random() * 0.05)
            process.kill()
        _, errors = process.communicate(timeout=300)
        kills += process.returncode == -signal.SIGKILL
        if process.returncode != -signal.SIGKILL:
            check("a resumed run", process.returncode == 0, errors)
            break
    check("it was killed", kills > 0)
    check("the same log", read("killed.log") == read("whole.log"))
    last = "step-400.safetensors"
    check("the same bits", read("killed/" + last) == read("whole/" + last))
    names = set(os.listdir(place("killed")))
    known = lambda name: name in ("lock", "run.json", "curve.svg") or name.startswith("events.")
    check("nothing is left over", all(known(name) or name.endswith(".safetensors") for name in names), names)


def signals_leave_a_checkpoint():
    for name in "SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE":
        process = start(name)
        process.send_signal(getattr(signal, name))
        _, errors = process.communicate(timeout=120)
        check(name, process.returncode == 130 and "continue with --resume" in errors.splitlines()[-1],
              (process.returncode, errors))
        newest = steps(name)[-1]
        resumed = run(*TRAIN, f"--steps={newest + 2}", "--resume", "--checkpoint-dir=" + place(name))
        check(name + " resumed", resumed.returncode == 0 and steps(name)[-1] == newest + 2, resumed.stderr)
    # Who reads the output has gone.
    process = start("reader", stdout=subprocess.PIPE)
    process.stdout.close()
    _, errors = process.communicate(timeout=120)
    check("no reader", process.returncode == 130 and steps("reader"), (process.returncode, errors))
    # What was started to outlive its terminal does.
    process = start("nohup", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    newest = steps("nohup")[-1]
    wait_for(lambda: steps("nohup")[-1] > newest + 20, process)
    check("nohup", process.poll() is None)
    # The folder is one training's.
    for other in ["--resume"], ["--overwrite"], []:
        second = run(*TRAIN, "--steps=10", "--checkpoint-dir=" + place("nohup"), *other)
        check("a second training", second.returncode == 1 and f"in use by a training (process {process.pid} on" in
              second.stderr, second.stderr)
    process.terminate()
    process.communicate(timeout=120)


def output_is_checked():
    run(program, "init", "--seed=1", "--output=" + place("weights"), check=True)
    image = os.path.join(directory, "image.png")
    with open(image, "wb") as file:
        file.write(bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
                                 "0000000a49444154789c63600000000200015e2ba0c80000000049454e44ae426082"))
    weights = "--weights=" + place("weights")
    for arguments in (["info"], ["info", "--json"], ["info", "--memory"], ["--help"], ["train", "--help"], ["--version"],
                      ["eval", "--data=synthetic:", weights], ["predict", weights, image], ["bench", "--steps=1"],
                      [*TRAIN[1:], "--steps=1"]):
        good = run(program, *arguments)
        check(f"{arguments}", good.returncode == 0, good.stderr)
        with open("/dev/full", "w") as full:
            result = subprocess.run([program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        check(f"{arguments} > /dev/full", result.returncode == 3 and "cannot write to the standard output" in
              result.stderr.splitlines()[-1], (result.returncode, result.stderr))
    # Without a standard output, a file that is opened does not become one.
    closed = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', *TRAIN, "--steps=30", "--log=" + place("closed.log")],
                            stderr=subprocess.PIPE, text=True, timeout=120)
    check("no output", closed.returncode == 3 and "cannot write to the standard output" in closed.stderr, closed.stderr)
    check("log without output", all(json.loads(line) for line in read("closed.log").splitlines()))
    # A disk that is full: a limit of file sizes does the same to one process.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    full = run(*TRAIN, "--steps=4000", "--log=" + place("full.log"), "--save=" + place("full.weights"), preexec_fn=limit)
    check("a log that cannot be written", full.returncode == 3 and "full.log': File too large" in
          full.stderr.splitlines()[-1], full.stderr)
    whole = run(*TRAIN, "--steps=4000", "--save=" + place("whole.weights"))
    check("the weights are there", whole.returncode == 0 and read("full.weights") == read("whole.weights"))
    check("nothing half-written", not [name for name in os.listdir(directory) if name.startswith("full.weights.")])

def permissions_are_the_umasks():
    result = run(*TRAIN, "--steps=1", "--checkpoint-dir=" + place("private"), "--save=" + place("private.weights"),
                 "--log=" + place("private.log"), "--plot=" + place("private.svg"), umask=0o077)
    check("umask", result.returncode == 0, result.stderr)
    for name in "private/step-1.safetensors", "private.weights", "private.log", "private.svg":
        mode = stat.S_IMODE(os.stat(place(name)).st_mode)
        check("mode of " + name, mode == 0o600, oct(mode))


def numbers_are_in_range():
    """Each with a short sentence, before anything is read."""
    train = ["train", "--data=synthetic:"]
    predict = ["predict", "--weights=none", "none"]
    for arguments in ([*train, "--epochs=nan"], [*train, "--epochs=inf"], [*train, "--epochs=-1"], [*train, "--epochs=0"],
                      [*train, "--seed=-1"], [*train, "--seed=18446744073709551616"], [*train, "--seed=1.5"],
                      [*train, "--steps=0"], [*train, "--steps=9223372036854775808"], [*train, "--steps=9223372036854775807"],
                      [*train, "--epochs=1e300"], [*train, "--set", "learning_rate=-1"], [*train, "--set", "momentum=-1"],
                      [*train, "--set", "learning_rate=inf"], [*train, "--set", "learning_rate=1e39"],
                      [*train, "--set", "weight_decay=nan"], [*train, "--keep=1"], [*train, "--resume"],
                      [*train, "--checkpoint-dir=x", "--keep=-1"], [*train, "--checkpoint-dir=x", "--checkpoint-steps=0"],
                      [*train, "--checkpoint-dir=x", "--checkpoint-minutes=-1"], [*train, "--allow-changes"],
                      [*train, "--checkpoint-dir=x", "--resume", "--overwrite"],
                      [*predict, "--top=0"], [*predict, "--top=-1"], [*predict, "--top=x"], ["bench", "--steps=0"],
                      ["init", "--seed=-1", "--output=x"], ["foo"], [], ["info", "foo"]):
        result = run(program, *arguments)
        lines = result.stderr.splitlines()
        check(f"{arguments}", result.returncode == 2 and len(lines) == 1 and len(lines[0]) < 300 and
              lines[0].endswith("run small --help"), (result.returncode, result.stderr))
    words = {("foo",): "unknown command 'foo': expected train, info, init, eval, predict, step, bench",
             ("a\033[2Jb",): "unknown command 'a\\x1b[2Jb'", (): "expected a command: train, info",
             tuple([*predict, "--top=0"]): "--top: expected a whole number of 1 to 2^53, but got '0'",
             tuple([*train, "--epochs=nan"]): "--epochs: expected a number above 0, but got 'nan'"}
    for arguments, expected in words.items():
        result = run(program, *arguments)
        check(f"{arguments}", expected in result.stderr, result.stderr)
    version = run(program, "--version").stdout
    check("version", all(word in version for word in ("incept ", "image format ", "checkpoint format ", "network small",
                                                      "this machine has oneDNN ")), version)


def pipes_are_refused():
    """At once: nobody writes to them."""
    pipe = place("pipe")
    os.mkfifo(pipe)
    os.symlink("/dev/zero", place("zero"))
    weights = "--weights=" + place("weights")
    for bad in pipe, place("zero"), directory:
        for arguments in (["predict", "--weights=" + bad, "x.jpg"], ["predict", weights, bad],
                          ["predict", weights, "--input=" + bad], ["eval", "--data=synthetic:", "--weights=" + bad],
                          ["step", weights, "--batch=" + bad, "--output=" + place("out")],
                          [*TRAIN[1:], "--steps=1", "--weights=" + bad], [*TRAIN[1:], "--steps=1", "--log=" + bad],
                          [*TRAIN[1:], "--steps=1", "--save=" + bad], [*TRAIN[1:], "--steps=1", "--plot=" + bad],
                          ["init", "--output=" + bad], ["predict", weights, "--output=" + bad, pipe]):
            result = run(program, *arguments)
            check(f"{arguments}", result.returncode in (1, 3) and len(result.stderr.splitlines()) == 1 and
                  f"'{bad}'" in result.stderr, (result.returncode, result.stderr))


def scores_that_are_no_numbers():
    """JSON has no word for them, and the user is told."""
    data = bytearray(read("weights"))
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    del header["__metadata__"]
    begin = 8 + length + header["linear1.bias" if "linear1.bias" in header else sorted(
        name for name in header if name.endswith(".bias"))[-1]]["data_offsets"][0]
    data[begin:begin + 4] = struct.pack("<f", float("nan"))
    text = json.dumps(header).encode().ljust(length)
    check("room for a header", len(text) == length)
    with open(place("nan.weights"), "wb") as file:
        file.write(data[:8] + text + data[8 + length:])
    name = place("im\033[31mage.png")
    os.link(place("image.png"), name)
    weights = "--weights=" + place("nan.weights")
    predicted = run(program, "predict", "--json", weights, name)
    line = json.loads(predicted.stdout, parse_constant=lambda word: sys.exit("JSON with " + word))
    check("predict --json", line["finite"] is False and line["top"] == [] and "\033" not in predicted.stdout, line)
    check("predict says", "scores are not finite" in predicted.stderr and predicted.returncode == 0, predicted.stderr)
    shown = run(program, "predict", weights, name).stdout
    check("predict", "im\\x1b[31mage.png: scores are not finite" in shown and "nan" not in shown, shown)
    evaluated = run(program, "eval", "--json", "--data=synthetic:", weights)
    line = json.loads(evaluated.stdout, parse_constant=lambda word: sys.exit("JSON with " + word))
    check("eval --json", line["loss"] is None and line["top1"] == 0 and "not finite" in evaluated.stderr, evaluated)
    missing = run(program, "predict", "--weights=" + name + "\n", name)
    check("names in messages", "im\\x1b[31mage.png\\n'" in missing.stderr and "\033" not in missing.stderr,
          missing.stderr)


numbers_are_in_range()
output_is_checked()
permissions_are_the_umasks()
pipes_are_refused()
scores_that_are_no_numbers()
signals_leave_a_checkpoint()
kill_loses_no_bit()
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
