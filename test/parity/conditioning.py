# SPDX-License-Identifier: Apache-2.0
"""How exactly a step can be known: what rounding does to it, and whether it lies where rounding does little.

`Rounding` is a mode in which every op of PyTorch, in f64, gives what it gives moved by up to half a unit in the last place of
f32, and so do gradients on their way back. `well_conditioned` says of a network and a batch that no value lies so near to a kink
(of a ReLU or a maximum) that rounding could tip it over: there all results of a step are smooth functions, and a program in f32
may differ from the exact ones by a small multiple of what `Rounding` does, and by no more.
"""
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

HALF_ULP = 2.0 ** -24
# Where derivatives jump.
KINKS = {F.relu: (0.0,), torch.relu: (0.0,), torch.relu_: (0.0,), F.hardtanh: (0.0, 6.0), F.relu6: (0.0, 6.0),
         F.hardswish: (-3.0, 3.0), F.hardsigmoid: (-3.0, 3.0)}
POOLS = {F.max_pool2d, torch.max_pool2d}
SHAPES = ("view", "reshape", "flatten", "transpose", "permute", "contiguous", "chunk", "split", "detach", "size", "clone")


class NearKink(Exception):
    """A value that rounding may move over a kink."""


class Rounding(TorchFunctionMode):
    """Moves results, where a generator is given, and hands what reaches kinks to `watch(place, distances)`, where that is:
    `distances` are how far values are from where the derivative jumps, the same number at the same `place` in every run."""

    def __init__(self, random=None, watch=None):
        super().__init__()
        self.random, self.watch, self.place = random, watch, 0

    def moved(self, tensor):
        noise = torch.rand(tensor.shape, generator=self.random, dtype=tensor.dtype) * 2 - 1
        return tensor * (1 + HALF_ULP * noise)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.watch and (function in KINKS or function in POOLS):
            self.watch(self.place, distances(function, args, kwargs))
            self.place += 1
        result = function(*args, **kwargs)
        if self.random is None or not isinstance(result, torch.Tensor) or not result.is_floating_point() or \
           getattr(function, "__name__", "") in SHAPES or not result.requires_grad:
            return result
        with torch._C.DisableTorchFunction():
            result = self.moved(result)
            result.register_hook(self.moved)
        return result


def distances(function, args, kwargs):
    with torch.no_grad(), torch._C.DisableTorchFunction():
        values = args[0].detach()
        if function in KINKS:
            return torch.stack([values - kink for kink in KINKS[function]])
        # The largest of a window less the second: which of them it is may not depend on rounding. Equal ones are one value that
        # several windows of the pool before have, or zeros of a ReLU, through which nothing comes back.
        size, stride = args[1], args[2] if len(args) > 2 and args[2] is not None else kwargs.get("stride", args[1])
        padding = args[3] if len(args) > 3 else kwargs.get("padding", 0)
        ceil = args[5] if len(args) > 5 else kwargs.get("ceil_mode", False)
        pair = lambda value: value if isinstance(value, tuple) else (value, value)
        (kh, kw), (sh, sw), (ph, pw) = pair(size), pair(stride), pair(padding)
        more = (max(kh, sh) - 1, max(kw, sw) - 1) if ceil else (0, 0)
        padded = F.pad(values, (pw, pw + more[1], ph, ph + more[0]), value=float("-inf"))
        windows = padded.unfold(2, kh, sh).unfold(3, kw, sw).flatten(-2)
        best = windows.topk(2, dim=-1).values
        gap = best[..., 0] - best[..., 1]
        return torch.where((gap == 0) | ~torch.isfinite(gap), torch.full_like(gap, float("inf")), gap)[None]


def margins(step, random):
    """How far rounding moves what is compared with a kink, for each place."""
    exact, moved = [], []
    for places, generator in ((exact, None), (moved, random)):
        with Rounding(generator, lambda _, values, places=places: places.append(values)):
            step()
    differences = ((a - b)[torch.isfinite(a) & torch.isfinite(b)].abs() for a, b in zip(exact, moved))
    return [2 * max(float(difference.max()) if difference.numel() else 0.0, HALF_ULP) for difference in differences]


def well_conditioned(step, limits):
    """Whether nothing in `step()` is within `limits` of a kink."""
    def watch(place, values):
        if bool((values.abs() < limits[place]).any()):
            raise NearKink

    try:
        with Rounding(None, watch), torch.no_grad():
            step()
    except NearKink:
        return False
    return True
