# SPDX-License-Identifier: Apache-2.0
"""Exit statuses of bench/accuracy.py with a compiler whose programs learn what a variable says. Usage: bench_accuracy.py BENCH."""
import os
import subprocess
import sys
import tempfile

COMPILER = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo "a: convolve_tiles" >&2
cat > "$2" <<'END'
#!/bin/sh
seed=$(echo "$@" | sed -E 's/.*(seed=|(direct|fast)-)([0-9]+).*/\\3/')
if [ $1 = train ]; then
  echo $seed >> $LOG
  [ $seed = "$BROKEN" ] && exit 1
  [ -n "$BROKEN" ] && sleep 0.2
  exit 0
fi
case $0 in
*fast) echo "{\\"top1\\": $(echo $FAST | cut -d, -f$seed)}" ;;
*) echo '{"top1": 0.5}' ;;
esac
END
chmod +x "$2"
"""


def run(folder, *options, fast="0.55,0.55", broken=""):
    """The exit status, the trainings, and what it said."""
    log = os.path.join(folder, "log")
    open(log, "w", encoding="utf-8").close()
    done = subprocess.run([sys.executable, "-B", os.path.join(sys.argv[1], "accuracy.py"), f"--incept={folder}/incept", *options],
                          env={**os.environ, "LOG": log, "FAST": fast, "BROKEN": broken}, capture_output=True, text=True)
    with open(log, encoding="utf-8") as file:
        return done.returncode, len(file.readlines()), done.stdout + done.stderr


with tempfile.TemporaryDirectory() as directory:
    with open(os.path.join(directory, "incept"), "w", encoding="utf-8") as script:
        script.write(COMPILER)
    os.chmod(script.name, 0o755)
    # A mean difference of 5 points.
    status, trainings, text = run(directory, "--seeds=1,2", "--limit=4")
    assert status == 1 and trainings == 4 and "| mean | 50.00 | 55.00 | +5.00 |" in text, (status, trainings, text)
    assert run(directory, "--seeds=1,2", "--limit=4", fast="0.45,0.45")[0] == 1
    assert run(directory, "--seeds=1", "--limit=4")[0] == 1
    assert run(directory, "--seeds=1,2", "--limit=6")[0] == 0
    # One of 5 as well, whose standard error is 3.
    assert run(directory, "--seeds=1,2", "--limit=4", fast="0.52,0.58")[0] == 0
    assert run(directory, "--seeds=1,2", "--limit=1.5", fast="0.52,0.58")[0] == 1
    # What fails ends it: of 16 trainings the one that runs is the last.
    status, trainings, text = run(directory, "--seeds=1,2,3,4,5,6,7,8", broken="1")
    assert status == 3 and trainings <= 3 and "accuracy.py: error: " in text, (status, trainings, text)
