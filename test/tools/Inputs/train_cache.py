# SPDX-License-Identifier: Apache-2.0
"""`incept train`'s cache: what makes another program, what is compiled again, and what `incept cache` says."""
import os
import shutil
import subprocess
import sys

incept, spec, directory = sys.argv[1:]
cache = os.path.join(directory, "cache")
programs = os.path.join(cache, "incept", "programs")
weights = os.path.join(directory, "w.safetensors")


def train(*options, threads=2, variables={}):
    """The weights after two steps, as bytes."""
    if os.path.exists(weights):
        os.remove(weights)
    result = subprocess.run([incept, "train", spec, "--batch-size=8", f"--threads={threads}", *options, "--data=synthetic:",
                             "--steps=2", "--seed=1", "--save=" + weights], capture_output=True, text=True, timeout=300,
                            env={**os.environ, "XDG_CACHE_HOME": cache, **variables})
    assert result.returncode == 0, result.stderr
    return open(weights, "rb").read()


def names():
    return sorted(name for name in os.listdir(programs) if name.endswith(".program"))


def expect(count, what):
    assert len(names()) == count, (what, os.listdir(programs))


first = train()
expect(1, "the first time")
(program,) = (os.path.join(programs, name) for name in names())
inode = os.stat(program).st_ino
assert train() == first
assert os.stat(program).st_ino == inode, "the second time only runs"
assert os.stat(program).st_mode & 0o777 == 0o700 and os.stat(programs).st_mode & 0o777 == 0o700


def damaged(what, damage):
    """After `damage` the program is compiled again, and the result is the same."""
    damage()
    before = os.lstat(program)
    assert train() == first, what
    after = os.lstat(program)
    assert (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns), what + ": was run as it was"
    expect(1, what)


def overwrite(at, byte):
    with open(program, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        file.write(byte)


def exchange():
    # Another program under this one's name, as if somebody had put it there.
    with open(program, "wb") as file:
        file.write(b"#!/bin/sh\necho foreign\nexit 7\n")


def link():
    elsewhere = os.path.join(directory, "elsewhere")
    shutil.move(program, elsewhere)
    os.symlink(elsewhere, program)


entry = program[:-len("program")] + "entry"
damaged("a cut program", lambda: os.truncate(program, os.path.getsize(program) // 2))
damaged("a changed byte", lambda: overwrite(-100, b"\x00\xff"))
damaged("another program", exchange)
damaged("no entry", lambda: os.remove(entry))
damaged("a cut entry", lambda: os.truncate(entry, 20))
damaged("a link", link)
damaged("writable by others", lambda: os.chmod(program, 0o722))
if os.geteuid() == 0:
    damaged("another user's", lambda: os.chown(program, 65534, 65534))

# Options, instruction set and number of threads are part of the key. The default is one thread per core.
train("--set", "keep=0.5")
expect(2, "another parameter")
train(threads=1)
expect(3, "another number of threads")
train("--no-fuse")
expect(4, "another rewrite")
isa = subprocess.run([program, "info"], capture_output=True, text=True, check=True).stdout
if "avx512" in isa:  # a program for AVX2 runs here too, but is another one
    train(variables={"ONEDNN_MAX_CPU_ISA": "AVX2"})
    expect(5, "another instruction set")


def list_caches(*options):
    result = subprocess.run([incept, "cache", *options], capture_output=True, text=True,
                            env={**os.environ, "XDG_CACHE_HOME": cache})
    assert result.returncode == 0, result.stderr
    return {line.split()[0]: int(line.split()[1]) for line in result.stdout.splitlines()}


count = len(names())
assert list_caches() == {"programs": count, "plans": 0, "cubins": 0, "rebuilt-plans": 0, "costs": 0, "shards": 0}, list_caches()
assert list_caches("--clear")["programs"] == count
assert list_caches()["programs"] == 0 and os.listdir(programs) == []
