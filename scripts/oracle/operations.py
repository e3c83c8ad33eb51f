#!/usr/bin/env python3
"""Writes tests/data/operations/*.txt: what PyTorch computes for the cases below, with first and second derivatives.

A case is a name, inputs (made of a kind, a seed and a shape by the same formula here and in tests/support/oracle_cases.cpp)
and a function of them. The tests in tests/tensor/ run the function of the same name and compare.

usage: /opt/oracle/bin/python scripts/oracle/operations.py [folder]
"""
import os
import sys
import zlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def uniform(count, seed):
    state = seed * 2654435761 % 2**32
    values = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 8) / 2**24)
    return values


def sample(kind, seed, shape):
    count = 1
    for size in shape:
        count *= size
    u = uniform(count, seed)
    kind, _, parameter = kind.partition(":")
    if kind == "real":
        data = [4 * v - 2 for v in u]
    elif kind == "positive":
        data = [0.2 + 2 * v for v in u]
    elif kind == "unit":
        data = [0.05 + 0.9 * v for v in u]
    elif kind == "zeros":  # a third of the elements
        data = [0.0 if v < 0.34 else 4 * v - 2 for v in u]
    elif kind == "ties":
        data = [float(int(v * 4)) for v in u]
    elif kind == "nan":  # every fifth element
        data = [float("nan") if i % 5 == 3 else 4 * v - 2 for i, v in enumerate(u)]
    elif kind == "integers":
        data = [int(v * 20) - 10 for v in u]
    elif kind == "classes":
        data = [int(v * int(parameter)) for v in u]
    elif kind == "truth":
        data = [v < 0.5 for v in u]
    else:
        raise ValueError(kind)
    dtype = {"integers": torch.int64, "classes": torch.int64, "truth": torch.bool}.get(kind, torch.float64)
    return torch.tensor(data, dtype=dtype).reshape(shape)


class Cases:
    def __init__(self, path):
        self.file = open(path, "w")

    def line(self, *words):
        print(*words, file=self.file)

    def values(self, tensor):
        if tensor._is_zerotensor():  # a gradient that PyTorch knows to be 0 without memory
            tensor = torch.zeros(tensor.shape)
        numbers = tensor.detach().reshape(-1).to(torch.float64).tolist()
        return " ".join(f"{v:.9g}" for v in numbers)

    def add(self, name, function, *inputs, second=True):
        tensors = []
        self.line("case", name)
        for i, (kind, shape) in enumerate(inputs):
            seed = zlib.crc32(name.encode()) % 10000 + i
            self.line("input", kind, seed, ",".join(map(str, shape)))
            tensor = sample(kind, seed, shape)
            tensors.append(tensor.requires_grad_() if tensor.is_floating_point() else tensor)
        outputs = function(*tensors)
        outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        for output in outputs:
            self.line("output", str(output.dtype).removeprefix("torch."), ",".join(map(str, output.shape)), "|",
                      self.values(output))
        differentiable = [o for o in outputs if o.requires_grad]
        leaves = [t for t in tensors if t.requires_grad]
        if not differentiable or not leaves:
            return
        weights = [sample("real", 5000 + k, o.shape) for k, o in enumerate(outputs)]
        total = sum((o * w).sum() for o, w in zip(outputs, weights) if o.requires_grad)
        grads = torch.autograd.grad(total, leaves, create_graph=second, allow_unused=True, retain_graph=True)
        for i, g in enumerate(grads):
            self.line("grad", i, "none" if g is None else "| " + self.values(g))
        if not second:
            return
        total = sum((g * sample("real", 6000 + i, g.shape)).sum() for i, g in enumerate(grads)
                    if g is not None and g.requires_grad)
        if not isinstance(total, torch.Tensor) or not total.requires_grad:
            return
        for i, g in enumerate(torch.autograd.grad(total, leaves, allow_unused=True)):
            self.line("second", i, "none" if g is None else "| " + self.values(g))


def reduction(c):
    real, x234 = "real", ("real", (2, 3, 4))
    c.add("sum/all", lambda x: x.sum(), x234)
    c.add("sum/dim1", lambda x: x.sum(1), x234)
    c.add("sum/dims02", lambda x: x.sum((0, 2)), x234)
    c.add("sum/keepdim", lambda x: x.sum((-1, 0), keepdim=True), x234)
    c.add("sum/four", lambda x: x.sum((0, 2, 3)), (real, (3, 4, 5, 2)))
    c.add("sum/long", lambda x: x.detach().sum(), (real, (4, 700)))
    c.add("sum/integers", lambda x: x.sum(1), ("integers", (3, 5)))
    c.add("sum/truth", lambda x: x.sum(0), ("truth", (3, 5)))
    c.add("sum/integers_as_float", lambda x: x.sum(0, dtype=torch.float32), ("integers", (3, 5)))
    c.add("sum/float_as_integers", lambda x: x.detach().sum(0, dtype=torch.int64), (real, (3, 5)))
    c.add("sum/empty", lambda x: x.sum(1), (real, (3, 0)))
    c.add("sum/scalar", lambda x: x.sum(), (real, ()))
    c.add("mean/all", lambda x: x.mean(), x234)
    c.add("mean/dims", lambda x: x.mean((0, 2)), x234)
    c.add("mean/keepdim", lambda x: x.mean(-1, keepdim=True), x234)
    c.add("mean/integers", lambda x: x.mean(1, dtype=torch.float64), ("integers", (3, 5)))
    c.add("prod/all", lambda x: x.prod(), (real, (2, 3)))
    c.add("prod/dim", lambda x: x.prod(1), x234)
    c.add("prod/keepdim", lambda x: x.prod(0, keepdim=True), x234)
    c.add("prod/zeros", lambda x: x.prod(1), ("zeros", (4, 5)))
    c.add("prod/zeros_all", lambda x: x.prod(), ("zeros", (2, 2)))
    c.add("prod/integers", lambda x: x.prod(0), ("integers", (3, 5)))
    c.add("nansum/all", lambda x: x.nansum(), ("nan", (3, 4)))
    c.add("nansum/dim", lambda x: x.nansum(1), ("nan", (3, 4)))
    c.add("nanmean/dim", lambda x: x.nanmean(1), ("nan", (3, 4)))
    c.add("count_nonzero/all", lambda x: x.count_nonzero(), ("zeros", (4, 5)))
    c.add("count_nonzero/dim", lambda x: x.count_nonzero(1), ("zeros", (4, 5)))
    c.add("all/all", lambda x: x.all(), ("truth", (3, 4)))
    c.add("all/dim", lambda x: x.all(1), ("ties", (5, 2)))
    c.add("any/all", lambda x: x.any(), ("truth", (3, 4)))
    c.add("any/dim", lambda x: x.any(0, keepdim=True), ("zeros", (3, 2)))
    c.add("var/all", lambda x: x.var(), x234)
    c.add("var/dim", lambda x: x.var(1), x234)
    c.add("var/dims", lambda x: x.var((0, 2), correction=0, keepdim=True), x234)
    c.add("std/all", lambda x: x.std(), x234)
    c.add("std/dim", lambda x: x.std(2, correction=2), x234)
    c.add("std/dims", lambda x: x.std((0, 1), keepdim=True), x234)
    c.add("var_mean/dim", lambda x: torch.var_mean(x, 1), x234)
    c.add("std_mean/dim", lambda x: torch.std_mean(x, (0, 2)), x234)
    c.add("logsumexp/dim", lambda x: x.logsumexp(1), x234)
    c.add("logsumexp/dims", lambda x: (x * 300).logsumexp((0, 2), keepdim=True), x234)
    c.add("logsumexp/integers", lambda x: x.logsumexp(1), ("integers", (3, 4)))
    for p in (0, 0.5, 1, 1.5, 2, 3, float("inf"), float("-inf")):
        c.add(f"norm/{p}", lambda x: torch.linalg.vector_norm(x, p, 1), ("real", (3, 4)), second=p not in (0.5, 1.5))
        c.add(f"norm/{p}/all", lambda x: torch.linalg.vector_norm(x, p), ("real", (2, 3)), second=p not in (0.5, 1.5))
    c.add("norm/zero", lambda x: torch.linalg.vector_norm(x * 0, 2, 1), ("real", (2, 3)), second=False)
    c.add("norm/keepdim", lambda x: torch.linalg.vector_norm(x, 2, (0, 2), keepdim=True), x234)
    c.add("max/all", lambda x: x.max(), ("ties", (3, 4)))
    c.add("min/all", lambda x: x.min(), ("ties", (3, 4)))
    c.add("max/dim", lambda x: x.max(1), x234)
    c.add("min/dim", lambda x: x.min(0, keepdim=True), x234)
    c.add("max/nan", lambda x: x.max(1), ("nan", (3, 4)))
    c.add("max/integers", lambda x: x.max(0), ("integers", (4, 3)))
    c.add("amax/dims", lambda x: x.amax((0, 2)), ("ties", (2, 3, 4)))
    c.add("amin/dims", lambda x: x.amin((1,), keepdim=True), ("ties", (2, 3, 4)))
    c.add("aminmax/dim", lambda x: (x.amin(1), x.amax(1)), x234)  # the pair itself has no derivative
    c.add("argmax/all", lambda x: x.argmax(), x234)
    c.add("argmax/dim", lambda x: x.argmax(2), x234)
    c.add("argmin/all", lambda x: x.argmin(keepdim=True), x234)
    c.add("argmin/dim", lambda x: x.argmin(-2, keepdim=True), x234)
    c.add("cumsum/0", lambda x: x.cumsum(0), x234)
    c.add("cumsum/1", lambda x: x.cumsum(-2), x234)
    c.add("cumsum/integers", lambda x: x.cumsum(1), ("truth", (3, 4)))
    c.add("cumprod/2", lambda x: x.cumprod(2), x234)
    c.add("cumprod/zeros", lambda x: x.cumprod(1), ("zeros", (4, 5)))
    c.add("cummax/1", lambda x: x.cummax(1), x234)
    c.add("cummin/2", lambda x: x.cummin(2), x234)
    c.add("logcumsumexp/1", lambda x: x.logcumsumexp(1), x234, second=False)
    c.add("logcumsumexp/0", lambda x: x.logcumsumexp(0), (real, (5,)))


def sorting(c):
    x = ("real", (3, 4, 2))
    c.add("sort/last", lambda x: x.sort(), x)
    c.add("sort/1_descending", lambda x: x.sort(1, descending=True), x)
    c.add("sort/stable", lambda x: x.sort(dim=0, stable=True), ("ties", (9, 3)))
    c.add("sort/nan", lambda x: x.sort(dim=1, stable=True), ("nan", (3, 7)))
    c.add("sort/nan_descending", lambda x: x.sort(dim=1, descending=True, stable=True), ("nan", (3, 7)))
    c.add("sort/integers", lambda x: x.sort(dim=0, stable=True), ("integers", (12, 2)))
    c.add("argsort/1", lambda x: x.argsort(1), x)
    c.add("argsort/descending", lambda x: x.argsort(descending=True), x)
    c.add("msort", lambda x: x.msort(), x)
    c.add("topk/largest", lambda x: x.topk(2, 1), x)
    c.add("topk/smallest", lambda x: x.topk(3, 0, largest=False), x)
    c.add("topk/all", lambda x: x.topk(4, 1), x)
    c.add("sort/empty", lambda x: x.sort(1), ("real", (2, 0)))


def linear_algebra(c):
    r = lambda *shape: ("real", shape)
    shapes = {
        "1x1": ((4,), (4,)), "2x1": ((3, 4), (4,)), "1x2": ((4,), (4, 3)), "2x2": ((3, 4), (4, 5)),
        "3x1": ((2, 3, 4), (4,)), "1x3": ((4,), (2, 4, 3)), "3x2": ((2, 3, 4), (4, 5)), "2x3": ((3, 4), (2, 4, 5)),
        "3x3": ((2, 3, 4), (2, 4, 5)), "broadcast": ((2, 1, 3, 4), (5, 4, 2)), "broadcast1": ((1, 3, 4), (2, 4, 5)),
        "4x2": ((2, 3, 2, 4), (4, 3)), "empty_rows": ((0, 4), (4, 3)), "empty_inner": ((2, 0), (0, 3)),
        "empty_batch": ((0, 2, 3), (3, 4)), "larger": ((19, 33), (33, 21)), "4x1": ((2, 2, 3, 4), (4,)),
    }
    for name, (a, b) in shapes.items():
        c.add(f"matmul/{name}", torch.matmul, r(*a), r(*b), second=name != "larger")
    c.add("matmul/integers", torch.matmul, ("integers", (3, 4)), ("integers", (4, 2)))
    c.add("matmul/transposed", lambda a, b: a.t() @ b.t(), r(4, 3), r(5, 4))
    c.add("matmul/transposed_batch", lambda a, b: a.transpose(1, 2) @ b.transpose(-1, -2), r(2, 4, 3), r(2, 5, 4))
    c.add("matmul/permuted", lambda a, b: a.permute(1, 0, 2) @ b, r(3, 2, 4), r(4, 5))
    c.add("mm", torch.mm, r(3, 4), r(4, 2))
    c.add("bmm", torch.bmm, r(2, 3, 4), r(2, 4, 2))
    c.add("mv", torch.mv, r(3, 4), r(4))
    c.add("dot", torch.dot, r(5), r(5))
    c.add("outer", torch.outer, r(3), r(4))
    c.add("addmm/plain", torch.addmm, r(5), r(3, 4), r(4, 5))
    c.add("addmm/matrix", torch.addmm, r(3, 5), r(3, 4), r(4, 5))
    c.add("addmm/column", torch.addmm, r(3, 1), r(3, 4), r(4, 5))
    c.add("addmm/scaled", lambda i, a, b: torch.addmm(i, a, b, beta=0.5, alpha=-2), r(3, 5), r(3, 4), r(4, 5))
    c.add("addmm/empty_inner", torch.addmm, r(3), r(2, 0), r(0, 3))
    c.add("baddbmm/plain", torch.baddbmm, r(2, 3, 5), r(2, 3, 4), r(2, 4, 5))
    c.add("baddbmm/scaled", lambda i, a, b: torch.baddbmm(i, a, b, beta=2, alpha=3), r(3, 5), r(2, 3, 4), r(2, 4, 5))
    c.add("linear/2", F.linear, r(3, 4), r(5, 4), r(5))
    c.add("linear/1", F.linear, r(4), r(5, 4), r(5))
    c.add("linear/3", F.linear, r(2, 3, 4), r(5, 4), r(5))
    c.add("linear/no_bias", lambda x, w: F.linear(x, w), r(2, 3, 4), r(5, 4))
    c.add("linear/permuted", lambda x, w, b: F.linear(x.permute(1, 0, 2), w, b), r(2, 3, 4), r(5, 4), r(5))
    c.add("linear/empty", F.linear, r(0, 4), r(5, 4), r(5))


def convolution(c):
    r = lambda *shape: ("real", shape)
    c.add("conv1d/plain", F.conv1d, r(2, 3, 8), r(4, 3, 3), r(4))
    c.add("conv1d/unbatched", F.conv1d, r(3, 8), r(4, 3, 3), r(4))
    c.add("conv1d/strided", lambda x, w: F.conv1d(x, w, None, 2, 1, 2), r(2, 3, 9), r(4, 3, 3))
    c.add("conv2d/plain", F.conv2d, r(2, 3, 6, 5), r(4, 3, 3, 3), r(4))
    c.add("conv2d/padded", lambda x, w, b: F.conv2d(x, w, b, padding=1), r(2, 3, 5, 5), r(4, 3, 3, 3), r(4))
    c.add("conv2d/one_channel", lambda x, w, b: F.conv2d(x, w, b, padding=1), r(2, 1, 6, 6), r(3, 1, 3, 3), r(3))
    c.add("conv2d/unbatched", F.conv2d, r(3, 6, 5), r(4, 3, 3, 2), r(4))
    c.add("conv2d/no_bias", lambda x, w: F.conv2d(x, w, stride=2), r(2, 3, 6, 5), r(4, 3, 3, 3))
    c.add("conv2d/all", lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2), r(2, 4, 7, 6), r(6, 2, 3, 3), r(6))
    c.add("conv2d/depthwise", lambda x, w, b: F.conv2d(x, w, b, 1, 1, 1, 3), r(2, 3, 5, 5), r(3, 1, 3, 3), r(3))
    c.add("conv2d/pointwise", F.conv2d, r(2, 3, 4, 4), r(5, 3, 1, 1), r(5))
    c.add("conv2d/empty_batch", F.conv2d, r(0, 3, 6, 5), r(4, 3, 3, 3), r(4), second=False)
    c.add("conv3d/plain", F.conv3d, r(2, 2, 4, 5, 4), r(3, 2, 2, 3, 2), r(3))
    c.add("conv3d/all", lambda x, w, b: F.conv3d(x, w, b, (1, 2, 1), (1, 0, 1), 1, 2), r(1, 4, 3, 5, 4), r(4, 2, 2, 2, 2), r(4))
    c.add("conv_transpose1d/plain", F.conv_transpose1d, r(2, 3, 5), r(3, 4, 3), r(4))
    c.add("conv_transpose1d/all", lambda x, w, b: F.conv_transpose1d(x, w, b, 3, 1, 1, 1, 2), r(2, 3, 5), r(3, 4, 3), r(4))
    c.add("conv_transpose2d/plain", F.conv_transpose2d, r(2, 3, 4, 3), r(3, 4, 3, 2), r(4))
    c.add("conv_transpose2d/unbatched", F.conv_transpose2d, r(3, 4, 3), r(3, 4, 3, 2), r(4))
    c.add("conv_transpose2d/all", lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), 1, (1, 0), 2, (1, 2)), r(2, 4, 3, 4),
          r(4, 3, 3, 3), r(6))
    c.add("conv_transpose2d/no_bias", lambda x, w: F.conv_transpose2d(x, w, None, 2), r(1, 3, 3, 3), r(3, 2, 2, 2))
    c.add("conv_transpose3d/plain", lambda x, w, b: F.conv_transpose3d(x, w, b, 2, 1), r(1, 2, 3, 2, 3), r(2, 3, 3, 2, 3), r(3))


def pooling(c):
    r = lambda *shape: ("real", shape)
    c.add("max_pool1d/plain", lambda x: F.max_pool1d(x, 2), r(2, 3, 9))
    c.add("max_pool1d/all", lambda x: F.max_pool1d(x, 3, 2, 1, 2, True), r(2, 3, 10))
    c.add("max_pool2d/plain", lambda x: F.max_pool2d(x, 2), r(2, 3, 6, 4))
    c.add("max_pool2d/unbatched", lambda x: F.max_pool2d(x, 2), r(3, 6, 4))
    c.add("max_pool2d/overlapping", lambda x: F.max_pool2d(x, 3, 2, 1), r(2, 3, 7, 6))
    c.add("max_pool2d/dilated", lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0), (2, 3)), r(2, 3, 9, 8))
    c.add("max_pool2d/ceil", lambda x: F.max_pool2d(x, 2, 2, 0, 1, True), r(2, 3, 5, 7))
    c.add("max_pool2d/ceil_padded", lambda x: F.max_pool2d(x, 3, 3, 1, 1, True), r(2, 3, 5, 7))
    c.add("max_pool2d/gaps", lambda x: F.max_pool2d(x, 2, 3), r(2, 3, 8, 8))
    c.add("max_pool2d/large_window", lambda x: F.max_pool2d(x, 17, 1), r(1, 2, 18, 18))
    c.add("max_pool2d/empty_batch", lambda x: F.max_pool2d(x, 2), r(0, 3, 6, 4), second=False)
    c.add("max_pool3d/plain", lambda x: F.max_pool3d(x, 2), r(2, 2, 4, 4, 5))
    c.add("max_pool3d/all", lambda x: F.max_pool3d(x, 3, 2, 1, 1, True), r(1, 2, 5, 4, 6))
    c.add("max_pool1d_with_indices", lambda x: F.max_pool1d(x, 3, 2, 1, return_indices=True), r(2, 3, 9))
    c.add("max_pool2d_with_indices", lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), r(2, 3, 7, 6))
    c.add("max_pool2d_with_indices/dilated", lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0), (2, 3), return_indices=True),
          r(3, 9, 8))
    c.add("max_pool3d_with_indices", lambda x: F.max_pool3d(x, 2, return_indices=True), r(2, 2, 4, 4, 5))
    c.add("avg_pool1d/plain", lambda x: F.avg_pool1d(x, 2), r(2, 3, 9))
    c.add("avg_pool1d/all", lambda x: F.avg_pool1d(x, 3, 2, 1, True, False), r(3, 10))
    c.add("avg_pool2d/plain", lambda x: F.avg_pool2d(x, 2), r(2, 3, 6, 4))
    c.add("avg_pool2d/padded", lambda x: F.avg_pool2d(x, 3, 2, 1), r(2, 3, 7, 6))
    c.add("avg_pool2d/exclude_pad", lambda x: F.avg_pool2d(x, 3, 2, 1, False, False), r(2, 3, 7, 6))
    c.add("avg_pool2d/ceil", lambda x: F.avg_pool2d(x, 3, 2, 1, True), r(2, 3, 6, 7))
    c.add("avg_pool2d/ceil_exclude", lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), r(2, 3, 6, 7))
    c.add("avg_pool2d/divisor", lambda x: F.avg_pool2d(x, (2, 3), divisor_override=5), r(2, 3, 6, 7))
    c.add("avg_pool3d/plain", lambda x: F.avg_pool3d(x, 2, padding=1), r(2, 2, 4, 4, 5))
    c.add("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 4), r(2, 3, 9))
    c.add("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), r(2, 3, 7, 5))
    c.add("adaptive_avg_pool2d/one", lambda x: F.adaptive_avg_pool2d(x, 1), r(2, 3, 7, 5))
    c.add("adaptive_avg_pool2d/more", lambda x: F.adaptive_avg_pool2d(x, (5, 9)), r(3, 4, 6))
    c.add("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(x, (2, 3, 2)), r(2, 2, 5, 4, 3))
    c.add("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 4), r(2, 3, 9))
    c.add("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)), r(2, 3, 7, 5))
    c.add("adaptive_max_pool2d/one", lambda x: F.adaptive_max_pool2d(x, 1), r(1, 2, 18, 18))
    c.add("adaptive_max_pool3d", lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)), r(2, 2, 5, 4, 3))


def normalization(c):
    r = lambda *shape: ("real", shape)
    p = lambda *shape: ("positive", shape)

    def batch_norm_training(x, m, v, w, b):
        mean, var = m.detach().clone(), v.detach().clone()
        return F.batch_norm(x, mean, var, w, b, True, 0.3, 1e-4), mean, var

    c.add("batch_norm/training", batch_norm_training, r(4, 3, 2, 3), r(3), p(3), r(3), r(3))
    c.add("batch_norm/plain", lambda x: F.batch_norm(x, None, None, training=True), r(4, 3, 5))
    c.add("batch_norm/rank2", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), r(6, 3), r(3), r(3))
    c.add("batch_norm/rank5", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), r(2, 3, 2, 2, 2), r(3), r(3))
    c.add("batch_norm/weight_only", lambda x, w: F.batch_norm(x, None, None, w, None, True), r(4, 3, 2, 2), r(3))
    c.add("batch_norm/evaluation", lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b, False), r(4, 3, 2, 3),
          r(3), p(3), r(3), r(3))
    c.add("batch_norm/evaluation_plain", lambda x, m, v: F.batch_norm(x, m.detach(), v.detach()), r(4, 3, 2, 3), r(3), p(3))
    c.add("layer_norm/last", lambda x, w, b: F.layer_norm(x, (5,), w, b), r(2, 3, 5), r(5), r(5))
    c.add("layer_norm/two", lambda x, w, b: F.layer_norm(x, (3, 5), w, b, 1e-3), r(2, 3, 5), r(3, 5), r(3, 5))
    c.add("layer_norm/whole", lambda x, w, b: F.layer_norm(x, (3, 5), w, b), r(3, 5), r(3, 5), r(3, 5))
    c.add("layer_norm/plain", lambda x: F.layer_norm(x, (5,)), r(4, 5))
    c.add("layer_norm/weight_only", lambda x, w: F.layer_norm(x, (5,), w), r(4, 5), r(5))
    c.add("layer_norm/wide", lambda x, w, b: F.layer_norm(x, (150,), w, b), r(2, 150), r(150), r(150), second=False)
    c.add("group_norm/affine", lambda x, w, b: F.group_norm(x, 2, w, b), r(2, 4, 3, 2), r(4), r(4))
    c.add("group_norm/plain", lambda x: F.group_norm(x, 3), r(2, 6, 4))
    c.add("group_norm/rank2", lambda x, w: F.group_norm(x, 2, w), r(3, 4), r(4))
    for name in ("softmax", "log_softmax"):
        f = getattr(torch, name)
        c.add(f"{name}/last", lambda x: f(x, -1), r(3, 5))
        c.add(f"{name}/1", lambda x: f(x, 1), r(2, 3, 4))
        c.add(f"{name}/0", lambda x: f(x * 200, 0), r(4, 3))
        c.add(f"{name}/channels", lambda x: f(x, 1), r(2, 3, 2, 2))
        c.add(f"{name}/scalar", lambda x: f(x, 0), r())
        c.add(f"{name}/empty", lambda x: f(x, 1), r(0, 3))
        c.add(f"{name}/wide", lambda x: f(x, 1), r(2, 150), second=False)


def loss(c):
    r = lambda *shape: ("real", shape)
    p = lambda *shape: ("positive", shape)
    u = lambda *shape: ("unit", shape)
    k = lambda *shape: ("classes:5", shape)
    for reduction in ("none", "mean", "sum"):
        a = {"reduction": reduction}
        c.add(f"cross_entropy/{reduction}", lambda x, t: F.cross_entropy(x, t, **a), r(7, 5), k(7))
        c.add(f"cross_entropy/weighted/{reduction}",
              lambda x, t, w: F.cross_entropy(x, t, w.detach(), ignore_index=2, label_smoothing=0.2, **a), r(9, 5), k(9), p(5))
        c.add(f"cross_entropy/ignored/{reduction}", lambda x, t: F.cross_entropy(x, t, ignore_index=1, **a), r(9, 5), k(9))
        c.add(f"cross_entropy/smoothed/{reduction}", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1, **a), r(7, 5), k(7))
        c.add(f"cross_entropy/images/{reduction}", lambda x, t: F.cross_entropy(x, t, **a), r(2, 5, 3, 2), k(2, 3, 2))
        c.add(f"cross_entropy/probabilities/{reduction}", lambda x, t: F.cross_entropy(x, t, **a), r(4, 5), u(4, 5))
        c.add(f"cross_entropy/probabilities_weighted/{reduction}",
              lambda x, t, w: F.cross_entropy(x, t, w.detach(), label_smoothing=0.3, **a), r(4, 5, 2), u(4, 5, 2), p(5))
        c.add(f"nll/{reduction}", lambda x, t: F.nll_loss(x, t, **a), r(7, 5), k(7))
        c.add(f"nll/weighted/{reduction}", lambda x, t, w: F.nll_loss(x, t, w.detach(), ignore_index=3, **a), r(9, 5, 2), k(9, 2),
              p(5))
        c.add(f"mse/{reduction}", lambda x, t: F.mse_loss(x, t, **a), r(3, 4), r(3, 4))
        c.add(f"l1/{reduction}", lambda x, t: F.l1_loss(x, t, **a), r(3, 4), r(3, 4))
        c.add(f"smooth_l1/{reduction}", lambda x, t: F.smooth_l1_loss(x, t, beta=0.7, **a), r(3, 4), r(3, 4))
        c.add(f"huber/{reduction}", lambda x, t: F.huber_loss(x, t, delta=0.6, **a), r(3, 4), r(3, 4))
        c.add(f"bce/{reduction}", lambda x, t: F.binary_cross_entropy(x, t, **a), u(3, 4), u(3, 4))
        c.add(f"bce/weighted/{reduction}", lambda x, t, w: F.binary_cross_entropy(x, t, w.detach(), **a), u(3, 4), u(3, 4), p(4))
        c.add(f"bce_logits/{reduction}", lambda x, t: F.binary_cross_entropy_with_logits(x * 4, t, **a), r(3, 4), u(3, 4))
        c.add(f"bce_logits/weighted/{reduction}",
              lambda x, t, w, q: F.binary_cross_entropy_with_logits(x, t, w.detach(), pos_weight=q.detach(), **a), r(3, 4), u(3, 4),
              p(3, 4), p(4))
        c.add(f"kl_div/{reduction}", lambda x, t: F.kl_div(x, t, **a), r(3, 4), u(3, 4))
        c.add(f"kl_div/log_target/{reduction}", lambda x, t: F.kl_div(x, t, log_target=True, **a), r(3, 4), r(3, 4))
    c.add("cross_entropy/one", lambda x, t: F.cross_entropy(x, t), r(5), k())
    c.add("smooth_l1/zero", lambda x, t: F.smooth_l1_loss(x, t, beta=0.0), r(3, 4), r(3, 4))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/data/operations")
    os.makedirs(folder, exist_ok=True)
    for write in (reduction, sorting, linear_algebra, convolution, pooling, normalization, loss):
        write(Cases(os.path.join(folder, write.__name__ + ".txt")))


if __name__ == "__main__":
    main()
