"""What samples of op cases are made of: values, shapes and dtypes."""

import dataclasses
import typing
import zlib

import numpy
import torch

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
COMPLEX = (torch.complex64, torch.complex128)
REALS = FLOATS + INTEGERS + (torch.bool,)
ALL = REALS + COMPLEX
#: The dtypes whose gradients are compared.
WITH_GRADIENT = (torch.float32, torch.float64, torch.complex128)


@dataclasses.dataclass
class Sample:
    name: str  # begins with a dtype: the column of the support table
    inputs: list
    gradient: bool = True
    may_fail: bool = False  # PyTorch may lack the dtype


@dataclasses.dataclass
class Case:
    name: str
    run: typing.Callable
    samples: list
    gradient: bool = True
    may_fail: bool = False  # any sample may be one that PyTorch refuses


def dtype_name(dtype):
    return str(dtype).removeprefix("torch.")


def shape_name(shape):
    return "x".join(map(str, shape)) if shape else "scalar"


#: Ranges that values are drawn from, as (low, high) of float and of integer dtypes.
DOMAINS = {
    "any": ((-3.0, 3.0), (-9, 9)),
    "weight": ((-1.5, 1.5), (-2, 2)),
    "positive": ((0.1, 4.0), (1, 9)),
    "unit": ((-0.95, 0.95), (0, 1)),
    "probability": ((0.05, 0.95), (0, 1)),
    "above_one": ((1.1, 5.0), (1, 9)),
    "nonzero": ((0.3, 3.0), (1, 9)),  # with either sign
    "wide": ((-9.0, 9.0), (-100, 100)),
    "shift": ((-3.0, 3.0), (0, 7)),
    "distinct": ((-3.0, 3.0), (-100, 100)),  # no two values are equal
}


def values(domain, shape, dtype, variant=0):
    """Random values, the same for the same arguments. Floats keep away from multiples of 0.5, where many functions
    have kinks."""
    shape = list(shape)
    (low, high), (first, last) = DOMAINS[domain]
    random = numpy.random.default_rng(zlib.crc32(f"{domain} {shape} {dtype_name(dtype)} {variant}".encode()))
    count = int(numpy.prod(shape, dtype=numpy.int64))
    if dtype == torch.bool:
        x = random.integers(0, 2, count).astype(bool)
        return torch.from_numpy(x).reshape(shape)
    if domain == "distinct":
        ranks = random.permutation(count)
        if dtype in INTEGERS:
            start = 0 if dtype == torch.uint8 else -min(count // 2, 100)
            return (torch.from_numpy(ranks) + start).to(dtype).reshape(shape)
        x = low + (high - low) * (ranks + random.uniform(0.2, 0.8, count)) / max(count, 1)
        return torch.from_numpy(x).to(dtype).reshape(shape)
    if dtype in INTEGERS:
        if dtype == torch.uint8:
            first, last = max(first, 0), min(max(last, 1), 100)
        x = random.integers(first, last + 1, count)
        if domain == "nonzero" and dtype != torch.uint8:
            x = x * random.choice([-1, 1], count)
        return torch.from_numpy(x).to(dtype).reshape(shape)

    def draw():
        x = random.uniform(low, high, count)
        near = numpy.abs(x * 2 - numpy.round(x * 2)) < 0.05
        x = numpy.where(near, numpy.clip(x + 0.06, low + 0.01, high - 0.01), x)
        return x * random.choice([-1.0, 1.0], count) if domain == "nonzero" else x

    x = torch.from_numpy(draw())
    if dtype in COMPLEX:
        x = torch.complex(x, torch.from_numpy(draw()))
    return x.to(dtype).reshape(shape)


@dataclasses.dataclass
class Pattern:
    """A large tensor that is not stored: both sides compute it. Floats are in [-1, 1), integers in [-8, 8)."""

    dtype: torch.dtype
    shape: tuple

    def text(self):
        return f"@{dtype_name(self.dtype)}:{'x'.join(map(str, self.shape))}"

    def tensor(self):
        count = int(numpy.prod(self.shape))
        mixed = (numpy.arange(count, dtype=numpy.uint64) * 2654435761 + 12345) % 2**32
        bits = (mixed ^ (mixed >> numpy.uint64(15))) % 2**20
        x = bits.astype(numpy.float64) / 2.0**19 - 1
        if self.dtype in INTEGERS:
            x = numpy.floor(x * 8)
        return torch.from_numpy(x).to(self.dtype).reshape(list(self.shape))


INF, NAN = float("inf"), float("nan")
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -3.5, 7.25, 1e-5, -1e-5, 30.0, -30.0, 100.0, -100.0, 1e4, -1e4, INF, -INF,
           NAN]
#: Beyond these: denormals and numbers near the ends of a dtype's range.
EXTREMES = {
    torch.float32: [1e-40, -1e-40, 1.2e-38, 3e38, -3e38, 1e10, -1e10],
    torch.float64: [1e-310, -1e-310, 2.3e-308, 1e308, -1e308, 1e10, -1e10],
    torch.float16: [6e-8, -6e-8, 6.1e-5, 65504.0, -65504.0],
    torch.bfloat16: [1e-40, -1e-40, 1.2e-38, 3e38, -3e38, 1e10],
}
#: Where piecewise functions change their formula.
KINKS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 6.0, -6.0, 20.0, 21.0, 2.5]


def special(dtype, finite=False):
    x = torch.tensor(SPECIAL + EXTREMES[dtype], dtype=dtype)
    return x[(x.abs() <= 1e4) | x.isnan()] if finite else x


def sample(domains, shapes, dtypes, suffix="", **options):
    """A sample with one input per shape; domains and dtypes are one for all, or one each."""
    count = len(shapes)
    domains = [domains] * count if isinstance(domains, str) else domains
    dtypes = [dtypes] * count if isinstance(dtypes, torch.dtype) else dtypes
    inputs = [values(domain, shape, dtype, i) for i, (domain, shape, dtype) in enumerate(zip(domains, shapes, dtypes))]
    kinds = " ".join(dtype_name(d) for d in dtypes[:1]) if len(set(dtypes)) == 1 else " ".join(map(dtype_name, dtypes))
    name = f"{kinds} {', '.join(map(shape_name, shapes))}{suffix}"
    options.setdefault("gradient", all(d in WITH_GRADIENT or d in INTEGERS or d == torch.bool for d in dtypes))
    return Sample(name, inputs, **options)


def each_dtype(domain, shapes, dtypes, **options):
    """One sample of the same shapes for every dtype; PyTorch may lack some."""
    return [sample(domain, shapes, dtype, may_fail=True, **options) for dtype in dtypes]


def named(name, *inputs, **options):
    return Sample(name, list(inputs), **options)
