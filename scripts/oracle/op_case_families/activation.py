"""Activations with parameters."""

import torch
import torch.nn.functional as F

from .elementwise import elementwise_case, f32, f64, unary_samples
from .samples import ALL, each_dtype, sample


def prelu_samples():
    for shapes in ([3, 4], [1]), ([2, 3, 5], [3]), ([2, 3], [3]), ([2, 3, 2, 2], [3]), ([0, 3], [3]), ([5], [1]), ([], [1]):
        yield sample(["any", "positive"], list(shapes), f32)
    yield sample(["any", "positive"], [[3, 4], [4]], f64)
    yield from each_dtype(["any", "positive"], [[2, 3], [3]], [dtype for dtype in ALL if dtype not in (f32,)])


def glu_samples(shapes):
    for shape in shapes:
        yield sample("any", [shape], f32)
    yield sample("any", [shapes[0]], f64)
    yield from each_dtype("any", [shapes[0]], [dtype for dtype in ALL if dtype not in (f32, f64)])


ACTIVATIONS = {
    "leaky_relu": F.leaky_relu,
    "leaky_relu(0.2)": lambda x: F.leaky_relu(x, 0.2),
    "leaky_relu(-0.5)": lambda x: F.leaky_relu(x, -0.5),
    "elu": F.elu,
    "elu(0.7)": lambda x: F.elu(x, 0.7),
    "selu": F.selu,
    "celu": F.celu,
    "celu(0.7)": lambda x: F.celu(x, 0.7),
    "gelu": F.gelu,
    "gelu(tanh)": lambda x: F.gelu(x, approximate="tanh"),
    "softplus": F.softplus,
    "softplus(2, 3)": lambda x: F.softplus(x, 2, 3),
    "softshrink": F.softshrink,
    "softshrink(1.2)": lambda x: F.softshrink(x, 1.2),
    "hardshrink": F.hardshrink,
    "hardshrink(1.2)": lambda x: F.hardshrink(x, 1.2),
    "hardtanh": F.hardtanh,
    "hardtanh(-2, 0.5)": lambda x: F.hardtanh(x, -2, 0.5),
    "threshold(0.5, -4)": lambda x: F.threshold(x, 0.5, -4),
}


def cases():
    found = [elementwise_case(name, function, unary_samples("wide" if "hardtanh" in name else "any", finite="gelu" in name))
             for name, function in ACTIVATIONS.items()]
    found.append(elementwise_case("prelu", F.prelu, prelu_samples()))
    found.append(elementwise_case("glu", F.glu, glu_samples([[3, 4], [2, 3, 6], [4], [0, 2], [2, 3, 2, 2]])))
    found.append(elementwise_case("glu(1)", lambda x: F.glu(x, 1), glu_samples([[3, 4], [2, 6, 3], [2, 4, 2, 2]])))
    return found
