# SPDX-License-Identifier: Apache-2.0
"""The rule of distances.py on made-up distances: what passes, and what must not."""
import sys

sys.dont_write_bytecode = True
from distances import MOST, MOST_IN_THE_MIDDLE, Distances  # noqa: E402

ROUNDING = ([1e-6, 1.1e-6, 0.9e-6], [2e-6, 2.1e-6, 1.9e-6])


def passes(*gradients):
    """Each a pair of direct and fast distances, batch by batch, of gradients of length 1."""
    distances = Distances()
    for number, (direct, fast) in enumerate(gradients):
        distances.squares[f"grad/{number}"] = [[1, near ** 2, far ** 2] for near, far in zip(direct, fast)]
    try:
        distances.check()
    except AssertionError:
        return False
    return True


def times(factor):
    return ROUNDING[0], [factor * near for near in ROUNDING[0]]


assert passes(ROUNDING)
assert passes(ROUNDING, ROUNDING, times(0.9 * MOST)) and not passes(ROUNDING, ROUNDING, times(1.1 * MOST))
assert passes(times(0.9 * MOST_IN_THE_MIDDLE)) and not passes(times(1.1 * MOST_IN_THE_MIDDLE))
# Fast ones tip something over in one batch, in all of them beside direct ones that do so in one.
assert passes(ROUNDING, ROUNDING, (ROUNDING[0], [2e-6, 1e-3, 2e-6]))
assert passes(ROUNDING, ROUNDING, ([1e-6, 3e-3, 1e-6], [1e-3, 4e-3, 2e-3]))
# Nothing excuses what they do in all where direct ones do it in none,
assert not passes(ROUNDING, ROUNDING, (ROUNDING[0], [1e-3, 4e-3, 2e-3]))
# nor an error in every batch because direct ones tip something over in one.
assert not passes(ROUNDING, ROUNDING, ([1e-6, 3e-3, 1e-6], [1e-4, 1e-4, 1.1e-4]))
# Programs that are the same, and no gradients.
assert not passes((ROUNDING[0], ROUNDING[0])) and not passes()
# One that is rounding alone is not judged.
nothing = Distances()
nothing.squares = {"grad/a": [[1, 1e-12, 2e-12]], "grad/b": [[1, 1e-12, 2e-12]], "grad/bias": [[1e-20, 1e-22, 1e-12]]}
nothing.check()
