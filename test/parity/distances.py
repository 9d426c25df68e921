# SPDX-License-Identifier: Apache-2.0
"""How far the gradients of fast and of direct convolutions are from f64: the bounds that docs/Rationale.md gives.

Rounding may tip over a ReLU, or which of two neighbours is a pool's maximum. One is enough to move the gradients before it by a
thousandth, a hundred times what the rounding itself does, however small that is. Direct convolutions tip some over, fast
ones some more, and near the end of a network, where few values are left, a batch has none or one by chance. So a gradient
is judged over several batches, by the ratio of fast to direct distances in the best batch of each side, which compares
rounding alone. Where fast ones tip something over in every batch, and direct ones not in all, that ratio is in the hundreds,
and the one of the distances over all batches, which counts what was tipped over on both sides, counts instead where it is
smaller. What was tipped over differs from batch to batch: that way is not open to fast distances that are much the same in
all of them, which no chance explains.

The bounds: MOST_IN_THE_MIDDLE is that of the median over all gradients, MOST that of each.
"""
import numpy as np

# A gradient's relative Euclidean distance from f64 with fast convolutions, over that with direct ones.
MOST_IN_THE_MIDDLE, MOST = 10, 40
# Fast distances over all batches are so many times that in the best one, where something was tipped over.
VARIES = 1.25
# A gradient that is so much shorter than the middle one is rounding alone: a batch norm takes away what a bias adds.
NOTHING = 1e-9


class Distances:
    """Over all batches that are added."""

    def __init__(self):
        self.squares = {}  # name: for each batch f64's length, direct's distance and fast's, all squared

    def add(self, exact, direct, fast):
        """One batch: dictionaries of tensors, of which those that begin with grad/ count."""
        for name in exact:
            if name.startswith("grad/"):
                values = [np.asarray(tensors[name], dtype=np.float64) for tensors in (exact, direct, fast)]
                self.squares.setdefault(name, []).append(
                    [np.sum(values[0] ** 2), *(np.sum((value - values[0]) ** 2) for value in values[1:])])

    def check(self):
        """Prints each gradient's distances, and asserts that they are within the bounds."""
        squares = {name: np.array(rows) for name, rows in self.squares.items()}
        least = NOTHING * np.median([np.sqrt(rows[:, 0].sum()) for rows in squares.values()])
        ratios = []
        for name, rows in sorted(squares.items()):
            if np.sqrt(rows[:, 0].min()) <= least:
                continue
            _, *over_all = np.sqrt(rows.sum(0) / rows[:, 0].sum())
            _, *in_the_best = np.sqrt((rows / rows[:, :1]).min(0))
            ratio = in_the_best[1] / in_the_best[0]
            if over_all[1] >= VARIES * in_the_best[1]:
                ratio = min(ratio, over_all[1] / over_all[0])
            ratios.append(ratio)
            print("{}: direct {:.1e}, fast {:.1e}; in the best batch {:.1e}, {:.1e}; {:.1f} times".format(
                name, *over_all, *in_the_best, ratios[-1]))
        assert ratios, "no gradients"
        middle, worst = np.median(ratios), max(ratios)
        print(f"{len(ratios)} gradients, fast over direct: median {middle:.1f}, worst {worst:.1f}")
        assert middle <= MOST_IN_THE_MIDDLE and worst <= MOST, (middle, worst)
        assert not all(ratio == 1 for ratio in ratios), "fast convolutions are the direct ones"
