# SPDX-License-Identifier: Apache-2.0
"""Numbers of the tables of bench/accuracy.py and bench/ablation.py, worked out by hand. Usage: bench_tables.py NAME BENCH."""
import sys

sys.dont_write_bytecode = True
name, folder = sys.argv[1:]
sys.path.insert(0, folder)

if name == "accuracy":
    import accuracy
    # Differences 0.5, -0.1, 0.2: mean 0.2, deviation 0.3, error 0.3 / sqrt(3).
    lines, mean, error = accuracy.table([(1, 90.0, 90.5), (2, 91.0, 90.9), (3, 92.0, 92.2)])
    assert abs(mean - 0.2) < 1e-9 and abs(error - 0.3 / 3 ** 0.5) < 1e-9, (mean, error)
    assert "| 2 | 91.00 | 90.90 | -0.10 |" in lines and "| mean | 91.00 | 91.20 | +0.20 |" in lines, lines
    assert lines[-1] == ("Standard error of the mean difference 0.17; standard deviation between seeds 1.00 with direct, "
                         "0.89 with fast convolutions."), lines
    lines, _, error = accuracy.table([(1, 90.0, 90.5)])
    assert lines[-1] == "| mean | 90.00 | 90.50 | +0.50 |" and error == 0, (lines, error)
else:
    import ablation
    facts = {"peak_bytes": 2e6, "launches": 7}
    lines = ablation.table({"": (facts, [(10.0, 20.0), (30.0, 10.0), (11.0, 16.0)]),
                            "--no-fuse": ({"peak_bytes": 3e6, "launches": 9}, [(22.0, 8.0), (22.0, 8.0), (99.0, 9.0)]),
                            "--no-pair": (facts, [])})
    assert "| nothing | | 11.0 | | 16.0 | | 2.0 | 7 |" in lines, lines
    assert "| elementwise ops in one kernel, the former included | `--no-fuse` | 22.0 | 2.000 | 8.0 | 0.500 | 3.0 | 9 |" in lines
    assert lines[-1] == "The same program to the last byte: `--no-pair`.", lines
