# SPDX-License-Identifier: Apache-2.0
"""frozen.py BEFORE AFTER FROZEN ANEW: after a fine-tuning, parameters that match FROZEN are what they were, those that
match ANEW have another shape, and all others have changed. Running statistics may be either."""
import fnmatch
import sys

import tensors

before, after = ({name: tensor for name, tensor in tensors.load(path).items() if not name.startswith("ema/")}
                 for path in sys.argv[1:3])
assert before.keys() == after.keys()
kept = 0
for name, (_, shape, values) in before.items():
    if fnmatch.fnmatch(name, sys.argv[4]):
        assert after[name][1] != shape, name
    elif fnmatch.fnmatch(name, sys.argv[3]):
        assert after[name][1] == shape and after[name][2].tobytes() == values.tobytes(), name
        kept += 1
    elif "running" not in name:
        assert after[name][2].tobytes() != values.tobytes(), name
assert 0 < kept < len(before)
