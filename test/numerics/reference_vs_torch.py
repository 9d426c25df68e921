# SPDX-License-Identifier: Apache-2.0
"""Compares the reference interpreter with PyTorch in f64 on random problems, gradients included.

Usage: reference_vs_torch.py INCEPT_RUN SCRATCH.mlir. Each problem becomes a function of constants; incept-run prints
their results with six digits, which is what the tolerance allows for.
"""
import random
import subprocess
import sys

import torch
import torch.nn.functional as F

RELATIVE = 2e-5  # six printed digits


def type_of(tensor):
    element = "i64" if tensor.dtype == torch.int64 else "f64"
    return "tensor<" + "".join(f"{n}x" for n in tensor.shape) + element + ">"


class Problems:
    """Collects functions and the results that PyTorch expects of them."""

    def __init__(self):
        self.functions, self.expected = [], {}

    def add(self, name, inputs, ops, results):
        """`ops` are lines of IR on %NAME of `inputs`; `results` maps the values they define to tensors."""
        lines = []
        for key, tensor in inputs.items():
            data = tensor.detach().contiguous().numpy().tobytes().hex()
            lines.append(f'  %{key} = arith.constant dense<"0x{data}"> : {type_of(tensor)}')
        types = ", ".join(type_of(tensor) for tensor in results.values())
        body = "\n".join(lines + ["  " + op for op in ops])
        values = ", ".join("%" + key for key in results)
        self.functions.append(f"func.func @{name}() -> ({types}) {{\n{body}\n  return {values} : {types}\n}}\n")
        self.expected[name] = list(results.values())


def signature(operands, results):
    return ": (" + ", ".join(map(type_of, operands)) + ") -> (" + ", ".join(map(type_of, results)) + ")"


def grad(output, diff, *inputs):
    return torch.autograd.grad(output, inputs, diff)


def random_tensor(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def borders(least, most):
    """Rows above, columns to the left, rows below, columns to the right: all may differ."""
    return [random.randint(least, most) for _ in range(4)]


def padded(x, border, value=0.0):
    top, left, bottom, right = border
    return F.pad(x, (left, right, top, bottom), value=value)


def window(kernel, stride, border):
    return f"kernel {list(kernel)} stride {list(stride)} pad {border[:2]} pad_end {border[2:]} "


def add_conv(problems, index):
    groups, dilation, stride = random.choice([1, 2, 3]), [random.choice([1, 2]), random.choice([1, 3])], \
        [random.choice([1, 2, 3]), random.choice([1, 2])]
    border = borders(0, 2)
    kernel = random.choice([(1, 1), (3, 2), (1, 3), (2, 1), (3, 3)])
    x, w = random_tensor(2, 2 * groups, 7, 8), random_tensor(groups * random.choice([1, 2]), 2, *kernel)
    b = random_tensor(w.shape[0])
    y = F.conv2d(padded(x, border), w, b, stride, 0, dilation, groups)
    dy = torch.randn_like(y)
    dx, dw, db = grad(y, dy, x, w, b)
    attributes = f"stride {stride} pad {border[:2]} pad_end {border[2:]} dilation {dilation} groups {groups} "
    problems.add(f"conv{index}", {"x": x, "w": w, "b": b, "dy": dy}, [
        f"%y = incept.conv2d %x, %w bias %b {attributes}" + signature([x, w, b], [y]),
        f"%dx = incept.conv2d_backward_data %dy, %w {attributes}" + signature([dy, w], [x]),
        f"%dw = incept.conv2d_backward_weights %x, %dy {attributes}" + signature([x, dy], [w]),
        "%db = incept.channel_sum %dy " + signature([dy], [b]),
    ], {"y": y, "dx": dx, "dw": dw, "db": db})


def add_conv_transpose(problems, index):
    groups, dilation = random.choice([1, 2, 3]), [random.choice([1, 2]), random.choice([1, 3])]
    stride, padding = [random.choice([1, 2, 3]), random.choice([1, 2])], [random.choice([0, 1]), random.choice([0, 1])]
    beyond = [random.randint(0, s - 1) for s in stride]
    kernel = random.choice([(2, 2), (3, 2), (1, 3), (2, 1), (4, 3)])
    x, w = random_tensor(2, 2 * groups, 4, 5), random_tensor(2 * groups, random.choice([1, 2, 3]), *kernel)
    if min((size - 1) * s + d * (k - 1) + 1 + o - 2 * p for size, s, d, k, o, p in
           zip((4, 5), stride, dilation, kernel, beyond, padding)) < 1:
        return
    b = random_tensor(w.shape[1] * groups)
    t = F.conv_transpose2d(x, w, None, stride, padding, beyond, groups, dilation)
    y = F.conv_transpose2d(x, w, b, stride, padding, beyond, groups, dilation)
    dy = torch.randn_like(y)
    dx, dw, db = grad(y, dy, x, w, b)
    attributes = f"stride {stride} pad {padding} pad_end {padding} dilation {dilation} groups {groups} "
    problems.add(f"conv_transpose{index}", {"x": x, "w": w, "b": b, "dy": dy}, [
        f"%t = incept.conv2d_backward_data %x, %w {attributes}" + signature([x, w], [t]),
        "%y = incept.add_bias %t, %b " + signature([t, b], [y]),
        f"%dx = incept.conv2d %dy, %w {attributes}" + signature([dy, w], [x]),
        f"%dw = incept.conv2d_backward_weights %dy, %x {attributes}" + signature([dy, x], [w]),
        "%db = incept.channel_sum %dy " + signature([dy], [b]),
    ], {"y": y, "dx": dx, "dw": dw, "db": db})


def add_resize(problems, index):
    mode, x = ["nearest", "bilinear"][index % 2], random_tensor(2, 3, *random.choice([(4, 5), (7, 3), (1, 6)]))
    size = random.choice([(8, 10), (3, 5), (9, 4), (1, 1), (14, 9)])
    y = F.interpolate(x, size=size, mode=mode, **({"align_corners": False} if mode == "bilinear" else {}))
    dy = torch.randn_like(y)
    (dx,) = grad(y, dy, x)
    problems.add(f"resize{index}", {"x": x, "dy": dy}, [
        f"%y = incept.resize {mode} %x " + signature([x], [y]),
        f"%dx = incept.resize_backward {mode} %dy " + signature([dy], [x]),
    ], {"y": y, "dx": dx})


def add_pixel_loss(problems, index):
    x, labels, smoothing = random_tensor(2, 5, 3, 4), torch.randint(0, 5, (2, 3, 4)), random.choice([0.0, 0.1])
    ignored = random.choice([None, 255, -1])
    if ignored is not None:
        labels[torch.rand(labels.shape) < 0.3] = ignored
        labels[0, 0, 0] = 0  # PyTorch's loss of no pixel is NaN
    options = {} if ignored is None else {"ignore_index": ignored}
    loss = F.cross_entropy(x, labels, label_smoothing=smoothing, **options)
    (dx,) = torch.autograd.grad(loss, (x,))
    rows, flat = x.permute(0, 2, 3, 1).flatten(0, 2), labels.flatten()
    given, count = "" if ignored is None else f" ignore {ignored}", [] if ignored is None else [loss]
    # The number of rows is an f32, where the others are f64.
    forward, backward = signature([rows, flat], [loss, *count]), signature([rows, flat, *count], [rows])
    if count:
        forward = forward.removesuffix("tensor<f64>)") + "tensor<f32>)"
        backward = backward.replace("tensor<f64>)", "tensor<f32>)", 1)
    problems.add(f"pixel_loss{index}", {"x": x, "labels": flat}, [
        "%rows = incept.pixel_rows %x " + signature([x], [rows]),
        f"%loss{', %count' if count else ''} = incept.softmax_cross_entropy %rows, %labels{given} "
        f"{{label_smoothing = {smoothing}}} " + forward,
        f"%d = incept.softmax_cross_entropy_backward %rows, %labels{given}{' count %count' if count else ''} "
        f"{{label_smoothing = {smoothing}, weight = 1.0}} " + backward,
        "%dx = incept.pixel_rows %d " + signature([rows], [x]),
    ], {"loss": loss, "dx": dx})


def draw_window():
    kernel = random.choice([(3, 2), (2, 3), (3, 3), (2, 1), (1, 2)])
    border = [random.randint(0, kernel[axis % 2] - 1) for axis in range(4)]
    return kernel, [random.choice([1, 2, 3]), random.choice([1, 2])], border


def add_max_pool(problems, index):
    x = random_tensor(2, 3, 7, 8)
    kernel, stride, border = draw_window()
    y = F.max_pool2d(padded(x, border, -float("inf")), kernel, stride)
    dy = torch.randn_like(y)
    (dx,) = grad(y, dy, x)
    attributes = window(kernel, stride, border)
    index_type = type_of(y).replace("f64", "ui8")
    problems.add(f"max_pool{index}", {"x": x, "dy": dy}, [
        f"%y, %i = incept.max_pool_with_index %x {attributes}: ({type_of(x)}) -> ({type_of(y)}, {index_type})",
        f"%dx = incept.max_pool_backward %dy, %i {attributes}: ({type_of(dy)}, {index_type}) -> {type_of(x)}",
    ], {"y": y, "dx": dx})


def add_avg_pool(problems, index):
    x, include = random_tensor(2, 3, 7, 8), index % 2 == 0
    kernel, stride, border = draw_window()
    total = lambda t: F.avg_pool2d(t, kernel, stride, divisor_override=1)
    y = total(padded(x, border)) / total(padded(torch.ones_like(x), border, 1.0 if include else 0.0))
    dy = torch.randn_like(y)
    (dx,) = grad(y, dy, x)
    attributes = window(kernel, stride, border) + ("include_pad " if include else "")
    problems.add(f"avg_pool{index}", {"x": x, "dy": dy}, [
        f"%y = incept.avg_pool %x {attributes}" + signature([x], [y]),
        f"%dx = incept.avg_pool_backward %dy {attributes}" + signature([dy], [x]),
    ], {"y": y, "dx": dx})


def add_batch_norm(problems, index):
    x, g, b = random_tensor(3, 4, 2, 3), random_tensor(4), random_tensor(4)
    m, v = torch.randn(4, dtype=torch.float64), torch.rand(4, dtype=torch.float64)
    new_m, new_v = m.clone(), v.clone()
    y = F.batch_norm(x, new_m, new_v, g, b, training=True, momentum=0.1, eps=1e-3)
    z = F.batch_norm(x, m, v, g, b, training=False, eps=1e-3)
    dy = torch.randn_like(y)
    dx, dg, db = grad(y, dy, x, g, b)
    problems.add(f"batch_norm{index}", {"x": x, "g": g, "b": b, "m": m, "v": v, "dy": dy}, [
        "%y, %mean, %std, %new_m, %new_v = incept.batch_norm_training %x gamma %g beta %b running %m, %v "
        "{epsilon = 1.0e-3, decay = 0.9} " + signature([x, g, b, m, v], [y, m, v, m, v]),
        "%z = incept.batch_norm %x gamma %g beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9} "
        + signature([x, g, b, m, v], [y]),
        "%dx, %dg, %db = incept.batch_norm_backward %dy, %x mean %mean inv_std %std gamma %g "
        + signature([dy, x, m, v, g], [x, g, b]),
    ], {"y": y, "new_m": new_m, "new_v": new_v, "z": z, "dx": dx, "dg": dg, "db": db})


def add_activations(problems, index):
    functions = {"relu6": F.relu6, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "sigmoid": torch.sigmoid,
                 "silu": F.silu, "hard_sigmoid": F.hardsigmoid, "hard_swish": F.hardswish, "gelu": F.gelu}
    for kind, function in functions.items():
        with torch.no_grad():
            x = random_tensor(2, 3, 4, 5) * 4
            x[0, 0, 0, :3] = torch.tensor([0.0, 6.0, -6.0])
        y = function(x.requires_grad_())
        dy = torch.randn_like(y)
        (dx,) = grad(y, dy, x)
        problems.add(f"{kind}{index}", {"x": x, "dy": dy}, [
            f"%y = incept.activate {kind} %x slope 0.2 " + signature([x], [y]),
            f"%dx = incept.activate_backward {kind} %dy, %x slope 0.2 " + signature([dy, x], [x]),
        ], {"y": y, "dx": dx})


def add_channels(problems, index):
    x, f, a, b = random_tensor(2, 6, 5, 4), random_tensor(2, 6, 1, 1), random_tensor(6), random_tensor(6)
    gated = x * f
    shuffled = x.unflatten(1, (3, 2)).transpose(1, 2).flatten(1, 2)
    normal = F.layer_norm(x.permute(0, 2, 3, 1), (6,), a, b, 1e-3).permute(0, 3, 1, 2)
    plain = F.layer_norm(x.permute(0, 2, 3, 1), (6,), None, None, 1e-3).permute(0, 3, 1, 2)
    size = random.choice([(2, 3), (3, 2), (5, 3), (7, 1)])
    pooled = F.adaptive_avg_pool2d(x, size)
    row = x.flatten(1)
    dy, dp, dr = torch.randn_like(x), torch.randn_like(pooled), torch.randn_like(row)
    keep = lambda *results: [result.contiguous() for result in results]
    gx, gf = keep(*grad(gated, dy, x, f))
    (sx,), (nx,), (px,), (rx,) = (keep(*grad(y, d, x)) for y, d in
                                  ((shuffled, dy), (plain, dy), (pooled, dp), (row, dr)))
    problems.add(f"channels{index}", {"x": x, "f": f, "a": a, "b": b, "dy": dy, "dp": dp, "dr": dr}, [
        "%gated = incept.gate %x by %f " + signature([x, f], [x]),
        "%gx = incept.gate %dy by %f " + signature([x, f], [x]),
        "%gf = incept.gate_backward %dy, %x " + signature([x, x], [f]),
        "%shuffled = incept.channel_shuffle %x groups 3 " + signature([x], [x]),
        "%sx = incept.channel_shuffle %dy groups 2 " + signature([x], [x]),
        "%plain = incept.normalize_pixels %x epsilon 1.0e-3 " + signature([x], [x]),
        "%normal = incept.channel_affine %plain, %a shift %b " + signature([x, a, b], [x]),
        "%nx = incept.normalize_pixels_backward %dy, %x epsilon 1.0e-3 " + signature([x, x], [x]),
        "%pooled = incept.adaptive_avg_pool %x " + signature([x], [pooled]),
        "%px = incept.adaptive_avg_pool_backward %dp " + signature([pooled], [x]),
        "%row = incept.flatten_pixels %x " + signature([x], [row]),
        "%rx = incept.unflatten_pixels %dr " + signature([row], [x]),
    ], {"gated": gated, "gx": gx, "gf": gf, "shuffled": shuffled, "sx": sx, "normal": normal.contiguous(), "nx": nx,
        "pooled": pooled, "px": px, "row": row, "rx": rx})


def add_norms(problems, index):
    x, row = random_tensor(2, 12, 3, 4) * 2, random_tensor(5, 7) * 4
    groups, size = random.choice([1, 2, 3, 4, 6, 12]), random.choice([1, 2, 3, 4, 5, 8, 9, 30])
    alpha, beta, k = random.choice([1e-4, 0.5, 3.0]), random.choice([0.5, 0.75, 1.0, 1.3]), random.choice([1.0, 2.0])
    x, row = (tensor.detach().requires_grad_() for tensor in (x, row))
    grouped = F.group_norm(x, groups, eps=1e-3)
    shares, shares_of_row = F.softmax(x, 1), F.softmax(row, 1)
    local = F.local_response_norm(x, size, alpha, beta, k)
    dy, dr = torch.randn_like(x), torch.randn_like(row)
    (gx,), (sx,), (rx,), (lx,) = (grad(y, d, of) for y, d, of in
                                  ((grouped, dy, x), (shares, dy, x), (shares_of_row, dr, row), (local, dy, x)))
    of_window = f" size {size} alpha {alpha:e} beta {beta} k {k} "
    problems.add(f"norms{index}", {"x": x, "row": row, "dy": dy, "dr": dr}, [
        f"%grouped = incept.normalize_groups %x groups {groups} epsilon 1.0e-3 " + signature([x], [x]),
        f"%gx = incept.normalize_groups_backward %dy, %x groups {groups} epsilon 1.0e-3 " + signature([x, x], [x]),
        "%shares = incept.softmax %x " + signature([x], [x]),
        "%sx = incept.softmax_backward %dy, %shares " + signature([x, x], [x]),
        "%of_row = incept.softmax %row " + signature([row], [row]),
        "%rx = incept.softmax_backward %dr, %of_row " + signature([row, row], [row]),
        "%local = incept.local_response_norm %x" + of_window + signature([x], [x]),
        "%lx = incept.local_response_norm_backward %dy, %x" + of_window + signature([x, x], [x]),
    ], {"grouped": grouped, "gx": gx, "shares": shares, "sx": sx, "of_row": shares_of_row, "rx": rx, "local": local,
        "lx": lx})


def add_loss(problems, index):
    x, w, b = random_tensor(5, 6), random_tensor(7, 6), random_tensor(7)
    labels, smoothing = torch.randint(0, 7, (5,)), random.choice([0.0, 0.1])
    logits = F.linear(x, w, b)
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    dx, dw, db = torch.autograd.grad(loss, (x, w, b))
    problems.add(f"loss{index}", {"x": x, "w": w, "b": b, "labels": labels}, [
        "%logits = incept.linear %x, %w bias %b " + signature([x, w, b], [logits]),
        f"%loss = incept.softmax_cross_entropy %logits, %labels {{label_smoothing = {smoothing}}} "
        + signature([logits, labels], [loss]),
        f"%d = incept.softmax_cross_entropy_backward %logits, %labels {{label_smoothing = {smoothing}, weight = 1.0}} "
        + signature([logits, labels], [logits]),
        "%dx = incept.linear_backward_data %d, %w " + signature([logits, w], [x]),
        "%dw = incept.linear_backward_weights %x, %d " + signature([x, logits], [w]),
        "%db = incept.channel_sum %d " + signature([logits], [b]),
    ], {"logits": logits, "loss": loss, "dx": dx, "dw": dw, "db": db})


def add_sgd(problems, index):
    p, g, v = random_tensor(4, 3), torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    rate, momentum, weight_decay = (torch.tensor(value, dtype=torch.float64) for value in (0.1, 0.9, 0.01))
    q = torch.nn.Parameter(p.detach().clone())
    q.grad = g.clone()
    optimizer = torch.optim.SGD([q], lr=0.1, momentum=0.9, weight_decay=0.01)
    optimizer.state[q]["momentum_buffer"] = v.clone()
    optimizer.step()
    problems.add(f"sgd{index}", {"p": p, "g": g, "v": v, "rate": rate, "m": momentum, "wd": weight_decay}, [
        "%q, %u = incept.sgd_update %p, %g, %v rate %rate momentum %m weight_decay %wd decay "
        + signature([p, g, v, rate, momentum, weight_decay], [p, v]),
    ], {"q": q, "u": optimizer.state[q]["momentum_buffer"]})


def parse(text):
    """The tensors' values by function, in the order of the results."""
    found, values = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            values = found[line[1:]] = []
        else:
            values.append(torch.tensor([float(word) for word in line.split(" = ")[1].split(" ...")[0].split()], dtype=torch.float64))
    return found


def main():
    incept_run, path = sys.argv[1:]
    random.seed(1)
    torch.manual_seed(1)
    problems = Problems()
    for index in range(16):
        for add in (add_conv, add_conv_transpose, add_max_pool, add_avg_pool, add_resize):
            add(problems, index)
    for index in range(4):
        for add in (add_activations, add_channels, add_norms, add_batch_norm, add_loss, add_pixel_loss, add_sgd):
            add(problems, index)
    with open(path, "w") as file:
        file.write("\n".join(problems.functions))
    found = parse(subprocess.run([incept_run, path, "--print"], check=True, capture_output=True, text=True).stdout)
    failures = compared = 0
    for name, expected in problems.expected.items():
        for position, (want, got) in enumerate(zip(expected, found[name], strict=True)):
            want = want.detach().flatten()[:256]  # what is printed
            difference = (want - got[:256]).abs().max().item()
            compared += 1
            if not difference <= RELATIVE * max(1.0, want.abs().max().item()):
                failures += 1
                print(f"{name} result {position}: expected PyTorch's values, but they differ by {difference}")
    print(f"{compared} tensors compared, {failures} differ")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
