"""Elementwise operations."""

import torch
import torch.nn.functional as F

from .samples import (ALL, INF, KINKS, NAN, Case, each_dtype, named, sample, special, values)

f16, bf16, f32, f64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
u8, i8, i16, i32, i64 = torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64
c64, c128, boolean = torch.complex64, torch.complex128, torch.bool


def unary_samples(domain, finite=False):
    """finite: PyTorch's own kernels do not agree on infinities."""
    yield sample(domain, [[3, 4]], f64)
    yield sample(domain, [[2, 19]], f32)
    for shape in [], [0, 3], [2, 3, 5], [2, 3, 2, 2]:
        yield sample(domain, [shape], f32)
    yield named("float32 2x3x5 of equal rows", values(domain, [2, 1, 5], f32).expand(2, 3, 5))
    yield from each_dtype(domain, [[19]], [dtype for dtype in ALL if dtype != f32])
    yield sample(domain, [[3, 4]], c128)
    yield named("float32 kinks", torch.tensor(KINKS))
    for dtype in f32, f64, f16, bf16:
        yield named(f"{str(dtype)[6:]} special", special(dtype, finite), gradient=False)


#: Row of the op table: PyTorch's function and the range of its arguments.
UNARY = {
    "neg": (torch.neg, "any"),
    "square": (torch.square, "any"),
    "reciprocal": (torch.reciprocal, "nonzero"),
    "abs": (torch.abs, "any"),
    "sign": (torch.sign, "any"),
    "floor": (torch.floor, "any"),
    "ceil": (torch.ceil, "any"),
    "round": (torch.round, "any"),
    "trunc": (torch.trunc, "any"),
    "frac": (torch.frac, "any"),
    "conj": (torch.conj_physical, "any"),
    "angle": (torch.angle, "any"),
    "bitwise_not": (torch.bitwise_not, "any"),
    "logical_not": (torch.logical_not, "any"),
    "isnan": (torch.isnan, "any"),
    "isinf": (torch.isinf, "any"),
    "isfinite": (torch.isfinite, "any"),
    "isposinf": (torch.isposinf, "any"),
    "isneginf": (torch.isneginf, "any"),
    "signbit": (torch.signbit, "any"),
    "exp": (torch.exp, "any"),
    "exp2": (torch.exp2, "any"),
    "expm1": (torch.expm1, "any"),
    "log": (torch.log, "positive"),
    "log2": (torch.log2, "positive"),
    "log10": (torch.log10, "positive"),
    "log1p": (torch.log1p, "positive"),
    "sqrt": (torch.sqrt, "positive"),
    "rsqrt": (torch.rsqrt, "positive"),
    "sigmoid": (torch.sigmoid, "any"),
    "logit": (torch.logit, "probability"),
    "sin": (torch.sin, "any"),
    "cos": (torch.cos, "any"),
    "tan": (torch.tan, "any"),
    "asin": (torch.asin, "unit"),
    "acos": (torch.acos, "unit"),
    "atan": (torch.atan, "any"),
    "sinh": (torch.sinh, "any"),
    "cosh": (torch.cosh, "any"),
    "tanh": (torch.tanh, "any"),
    "asinh": (torch.asinh, "any"),
    "acosh": (torch.acosh, "above_one"),
    "atanh": (torch.atanh, "unit"),
    "sinc": (torch.sinc, "nonzero"),
    "erf": (torch.erf, "any"),
    "erfc": (torch.erfc, "any"),
    "lgamma": (torch.lgamma, "positive"),
    "digamma": (torch.digamma, "positive"),
    "relu": (torch.relu, "any"),
    "relu6": (F.relu6, "wide"),
    "silu": (F.silu, "any"),
    "log_sigmoid": (F.logsigmoid, "any"),
    "mish": (F.mish, "any"),
    "hardswish": (F.hardswish, "wide"),
    "hardsigmoid": (F.hardsigmoid, "wide"),
    "softsign": (F.softsign, "any"),
    "tanhshrink": (F.tanhshrink, "any"),
}


def unary_cases():
    cases = [elementwise_case(name, function, unary_samples(domain)) for name, (function, domain) in UNARY.items()]
    wide = [sample("wide", [[2, 19]], dtype) for dtype in (f32, f64)]
    cases.append(elementwise_case("lgamma(wide)", torch.lgamma, wide))
    cases.append(elementwise_case("digamma(wide)", torch.digamma, wide))
    cases.append(elementwise_case("sinc(wide)", torch.sinc, wide))
    return cases


PAIRS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 100.0, -1e-5, INF, -INF, NAN]
MIXED = [(f32, f64), (i32, f32), (u8, i8), (boolean, i64), (f16, bf16), (f16, f32), (i64, f16), (c64, f64), (boolean, f32),
         (i16, u8), (c64, c128)]
ZERO_DIM = [(f32, f64), (i32, f32), (f16, f32), (u8, i64), (f32, c128), (i8, boolean), (boolean, u8), (i64, f64)]


def binary_samples(x, y):
    domains = [x, y]
    yield sample(domains, [[3, 4], [3, 4]], f64)
    yield sample(domains, [[3, 4], [4]], f64)
    yield sample(domains, [[2, 19], [2, 19]], f32)
    for shapes in ([3, 4], [4]), ([3, 1], [1, 4]), ([2, 3, 5], []), ([], []), ([0, 3], [3]), ([5], [2, 3, 5]):
        yield sample(domains, shapes, f32)
    yield sample(domains, ([2, 3, 2, 2], [3, 1, 1]), f32)
    yield named("float32 2x3x5 of equal rows", values(x, [2, 1, 5], f32).expand(2, 3, 5), values(y, [1, 3, 5], f32))
    yield from each_dtype(domains, [[19], [19]], [dtype for dtype in ALL if dtype != f32])
    yield sample(domains, [[3, 4], [4]], c128)
    for pair in MIXED:
        yield sample(domains, [[5], [5]], pair)
    for pair in ZERO_DIM:
        yield sample(domains, [[5], []], pair)
    yield named("float32 ties", torch.tensor([1.0, 2.0, -1.0, 0.0, -3.0, 2.5]), torch.tensor([1.0, 2.5, -1.0, 0.0, 2.0, 2.5]),
                may_fail=True)
    yield named("int32 ties", torch.tensor([1, 2, -1, 3, -3], dtype=i32), torch.tensor([1, 2, -1, 4, 2], dtype=i32),
                may_fail=True)
    for dtype in f32, f64:
        a = torch.tensor(PAIRS, dtype=dtype)
        yield named(f"{str(dtype)[6:]} special", a.reshape(-1, 1), a, gradient=False)


BINARY = {
    "add": (torch.add, "any", "any"),
    "sub": (torch.sub, "any", "any"),
    "mul": (torch.mul, "any", "any"),
    "div": (torch.div, "any", "nonzero"),
    "floor_divide": (torch.floor_divide, "any", "nonzero"),
    "remainder": (torch.remainder, "any", "nonzero"),
    "fmod": (torch.fmod, "any", "nonzero"),
    "pow": (torch.pow, "positive", "weight"),
    "maximum": (torch.maximum, "any", "any"),
    "minimum": (torch.minimum, "any", "any"),
    "fmax": (torch.fmax, "any", "any"),
    "fmin": (torch.fmin, "any", "any"),
    "copysign": (torch.copysign, "nonzero", "any"),
    "heaviside": (torch.heaviside, "any", "any"),
    "hypot": (torch.hypot, "any", "any"),
    "eq": (torch.eq, "any", "any"),
    "ne": (torch.ne, "any", "any"),
    "lt": (torch.lt, "any", "any"),
    "le": (torch.le, "any", "any"),
    "gt": (torch.gt, "any", "any"),
    "ge": (torch.ge, "any", "any"),
    "logical_and": (torch.logical_and, "any", "any"),
    "logical_or": (torch.logical_or, "any", "any"),
    "logical_xor": (torch.logical_xor, "any", "any"),
    "bitwise_and": (torch.bitwise_and, "any", "any"),
    "bitwise_or": (torch.bitwise_or, "any", "any"),
    "bitwise_xor": (torch.bitwise_xor, "any", "any"),
    "bitwise_left_shift": (torch.bitwise_left_shift, "any", "shift"),
    "bitwise_right_shift": (torch.bitwise_right_shift, "any", "shift"),
    "logaddexp": (torch.logaddexp, "any", "any"),
    "logaddexp2": (torch.logaddexp2, "any", "any"),
    "xlogy": (torch.xlogy, "any", "positive"),
    "ldexp": (torch.ldexp, "any", "weight"),
    "atan2": (torch.atan2, "any", "any"),
}

#: With a number on one side.
WITH_NUMBERS = {
    "add(x, 2)": (lambda x: x + 2, "any"),
    "add(x, 2.5)": (lambda x: x + 2.5, "any"),
    "add(2.5, x)": (lambda x: 2.5 + x, "any"),
    "add(x, 1+2j)": (lambda x: x + (1 + 2j), "any"),
    "add(x, true)": (lambda x: x + True, "any"),
    "add(x, 200)": (lambda x: x + 200, "any"),
    "sub(x, 2)": (lambda x: x - 2, "any"),
    "sub(2.5, x)": (lambda x: 2.5 - x, "any"),
    "mul(x, 3)": (lambda x: x * 3, "any"),
    "mul(x, -1.5)": (lambda x: x * -1.5, "any"),
    "mul(x, 1+2j)": (lambda x: x * (1 + 2j), "any"),
    "div(x, 4)": (lambda x: x / 4, "any"),
    "div(x, 2.5)": (lambda x: x / 2.5, "any"),
    "div(2, x)": (lambda x: 2 / x, "nonzero"),
    "floor_divide(x, 2)": (lambda x: torch.floor_divide(x, 2), "any"),
    "floor_divide(x, -1.5)": (lambda x: torch.floor_divide(x, -1.5), "any"),
    "remainder(x, 3)": (lambda x: torch.remainder(x, 3), "any"),
    "remainder(x, -1.5)": (lambda x: torch.remainder(x, -1.5), "any"),
    "remainder(7, x)": (lambda x: torch.remainder(7, x), "nonzero"),
    "fmod(x, 3)": (lambda x: torch.fmod(x, 3), "any"),
    "fmod(x, -1.5)": (lambda x: torch.fmod(x, -1.5), "any"),
    "pow(x, 2)": (lambda x: torch.pow(x, 2), "any"),
    "pow(x, 2.0)": (lambda x: torch.pow(x, 2.0), "any"),
    "pow(x, 3)": (lambda x: torch.pow(x, 3), "any"),
    "pow(x, 0)": (lambda x: torch.pow(x, 0), "any"),
    "pow(x, 1)": (lambda x: torch.pow(x, 1), "any"),
    "pow(x, -1)": (lambda x: torch.pow(x, -1), "nonzero"),
    "pow(x, -2)": (lambda x: torch.pow(x, -2), "nonzero"),
    "pow(x, 0.5)": (lambda x: torch.pow(x, 0.5), "positive"),
    "pow(x, -0.5)": (lambda x: torch.pow(x, -0.5), "positive"),
    "pow(x, 1.7)": (lambda x: torch.pow(x, 1.7), "positive"),
    "pow(x, 0.5+1j)": (lambda x: torch.pow(x, 0.5 + 1j), "positive"),
    "pow(2, x)": (lambda x: torch.pow(2, x), "weight"),
    "pow(2.5, x)": (lambda x: torch.pow(2.5, x), "weight"),
    "pow(0, x)": (lambda x: torch.pow(0, x), "positive"),
    "pow(1, x)": (lambda x: torch.pow(1, x), "any"),
    "eq(x, 1)": (lambda x: x == 1, "any"),
    "ne(x, 1)": (lambda x: x != 1, "any"),
    "lt(x, 0.5)": (lambda x: x < 0.5, "any"),
    "le(x, 2)": (lambda x: x <= 2, "any"),
    "gt(x, 0.5)": (lambda x: x > 0.5, "any"),
    "ge(x, 2)": (lambda x: x >= 2, "any"),
    "eq(x, -1)": (lambda x: x == -1, "any"),
    "gt(x, -2)": (lambda x: x > -2, "any"),
    "bitwise_and(x, 6)": (lambda x: x & 6, "any"),
    "bitwise_or(x, 6)": (lambda x: x | 6, "any"),
    "bitwise_xor(x, 6)": (lambda x: x ^ 6, "any"),
    "bitwise_left_shift(x, 2)": (lambda x: x << 2, "any"),
    "bitwise_right_shift(x, 1)": (lambda x: x >> 1, "any"),
    "copysign(x, -1)": (lambda x: torch.copysign(x, -1), "nonzero"),
    "xlogy(x, 2.5)": (lambda x: torch.xlogy(x, 2.5), "any"),
    "xlogy(2.5, x)": (lambda x: torch.xlogy(2.5, x), "positive"),
    "add(x, 2, alpha=3)": (lambda x: torch.add(x, 2, alpha=3), "any"),
    "sub(x, 2, alpha=-3)": (lambda x: torch.sub(x, 2, alpha=-3), "any"),
    "div(x, 2, trunc)": (lambda x: torch.div(x, 2, rounding_mode="trunc"), "any"),
    "div(x, -1.5, floor)": (lambda x: torch.div(x, -1.5, rounding_mode="floor"), "any"),
}


def number_samples(domain):
    yield sample(domain, [[3, 4]], f64)
    yield sample(domain, [[2, 19]], f32)
    yield sample(domain, [[]], f32)
    yield sample(domain, [[]], i64)
    yield from each_dtype(domain, [[7]], ALL)
    yield named("float32 kinks", torch.tensor(KINKS))
    yield named("float32 special", special(f32), gradient=False)


def binary_cases():
    cases = [elementwise_case(name, function, binary_samples(x, y)) for name, (function, x, y) in BINARY.items()]
    for name, (function, domain) in WITH_NUMBERS.items():
        cases.append(elementwise_case(name, function, number_samples(domain)))
    for name, function in (("add(alpha=2)", lambda x, y: torch.add(x, y, alpha=2)),
                           ("sub(alpha=2)", lambda x, y: torch.sub(x, y, alpha=2)),
                           ("add(alpha=0.5)", lambda x, y: torch.add(x, y, alpha=0.5)),
                           ("div(trunc)", lambda x, y: torch.div(x, y, rounding_mode="trunc")),
                           ("div(floor)", lambda x, y: torch.div(x, y, rounding_mode="floor"))):
        cases.append(elementwise_case(name, function, binary_samples("any", "nonzero")))
    # A float32 number beside a float16 tensor: PyTorch rounds it here, but not in other operations.
    remainder = next(case for case in cases if case.name == "remainder")
    remainder.samples = [one for one in remainder.samples if one.name != "float16 float32 5, scalar"]
    # PyTorch takes the logarithm of the integers in float32.
    power = next(case for case in cases if case.name == "pow")
    power.samples = [one for one in power.samples if one.name != "int64 float64 5, scalar"]
    zero = [named("int32 by zero", torch.tensor([1, 2, 3], dtype=i32), torch.tensor([1, 0, 2], dtype=i32))]
    for name in "floor_divide", "remainder", "fmod":
        next(case for case in cases if case.name == name).samples.extend(zero)
    wrap = [named("int8 wrapping", torch.tensor([127, -128, 100, -100], dtype=i8), torch.tensor([1, -1, 100, 100], dtype=i8)),
            named("uint8 wrapping", torch.tensor([255, 0, 200], dtype=u8), torch.tensor([1, 1, 100], dtype=u8)),
            named("int64 large", torch.tensor([2**53 + 1, -2**53 - 1, 2**62 + 3]), torch.tensor([1, -1, 5]))]
    for name in "add", "sub", "mul", "maximum", "eq", "lt":
        next(case for case in cases if case.name == name).samples.extend(wrap)
    return cases


def elementwise_case(name, function, samples):
    """Not every dtype suits every function: PyTorch may refuse samples."""
    return Case(name, function, list(samples), may_fail=True)


def three_tensors(domains, shapes=([3, 4], [4], [3, 1])):
    yield sample(domains, [[3, 4]] * 3, f64)
    yield sample(domains, list(shapes), f64)
    yield sample(domains, [[2, 19]] * 3, f32)
    yield sample(domains, list(shapes), f32)
    yield sample(domains, [[]] * 3, f32)
    yield sample(domains, [[0, 3]] * 3, f32)
    yield sample(domains, [[2, 3, 2, 2], [3, 1, 1], [2, 3, 2, 2]], f32)
    yield from each_dtype(domains, [[19]] * 3, [dtype for dtype in ALL if dtype != f32])
    yield sample(domains, [[3, 4]] * 3, c128)
    yield sample(domains, [[5]] * 3, (f32, f64, f32))
    yield sample(domains, [[5]] * 3, (f16, f32, i32))


def where_samples():
    for shapes in ([3, 4], [3, 4], [3, 4]), ([3, 1], [4], [3, 4]), ([], [3], []), ([2, 3], [], []), ([0, 3], [3], [1]):
        yield sample("any", list(shapes), (torch.bool, f64, f64))
        yield sample("any", list(shapes), (torch.bool, f32, f32))
    for dtype in ALL:
        yield sample("any", [[19], [19], [19]], (torch.bool, dtype, dtype), gradient=False)
    yield sample("any", [[3, 4], [3, 4], [4]], (torch.bool, c128, c128))
    for pair in MIXED:
        yield sample("any", [[5], [5], [5]], (torch.bool, *pair), suffix=" mixed")
    yield named("float32 special", torch.tensor([True, False, True, False]), torch.tensor([NAN, NAN, INF, -0.0]),
                torch.tensor([1.0, -INF, NAN, -0.0]))


def close_samples():
    x = torch.tensor([1.0, 2.0, INF, -INF, NAN, 0.0, 1e-9, INF], dtype=f64)
    y = torch.tensor([1.000001, 2.1, INF, INF, NAN, 1e-9, 0.0, 1.0], dtype=f64)
    for dtype in f32, f64, f16, bf16:
        yield named(f"{str(dtype)[6:]} special", x.to(dtype), y.to(dtype))
    for dtype in i32, u8, i64:
        yield named(f"{str(dtype)[6:]} 4", torch.tensor([1, 2, 100, 5], dtype=dtype), torch.tensor([1, 3, 100, 5], dtype=dtype))
    yield named("float32 3, scalar", torch.tensor([1.0, 2.0, 3.0]), torch.tensor(2.0))
    yield named("complex64 3", torch.tensor([1 + 1j, 2, 3j]), torch.tensor([1 + 1j, 2.1, 3j]))
    yield named("float32 0x3", torch.zeros(0, 3), torch.zeros(0, 3))


def equal_samples():
    x = values("any", [3, 4], f32)
    yield named("float32 3x4 same", x, x.clone())
    yield named("float32 3x4 other", x, values("any", [3, 4], f32, 1))
    yield named("float32 shapes", x, values("any", [4], f32))
    yield named("float32 nan", torch.tensor([NAN]), torch.tensor([NAN]))
    yield named("float32 zeros", torch.tensor([0.0]), torch.tensor([-0.0]))
    yield named("int64 3", torch.tensor([1, 2, 3]), torch.tensor([1, 2, 3]))
    yield named("float32 0", torch.zeros(0), torch.zeros(0))


def limits(low, high):
    return lambda x: torch.clamp(x, low, high)


def combined_cases():
    unary = [("clamp(-0.5, 1)", limits(-0.5, 1)), ("clamp(-2, 3)", limits(-2, 3)), ("clamp(min=0.5)", limits(0.5, None)),
             ("clamp(max=1)", limits(None, 1)), ("clamp(1, -1)", limits(1, -1)),
             ("clamp_min(0.5)", lambda x: torch.clamp_min(x, 0.5)), ("clamp_max(0.5)", lambda x: torch.clamp_max(x, 0.5)),
             ("nan_to_num", torch.nan_to_num),
             ("nan_to_num(1, 2, -3)", lambda x: torch.nan_to_num(x, 1.0, 2.0, -3.0)),
             ("lerp(0.3)", lambda x: torch.lerp(x, x * 2 + 1, 0.3)),
             ("where(x, 0)", lambda x: torch.where(x.detach().abs() > 1, x, 0)),
             ("where(2.5, x)", lambda x: torch.where(x.detach().abs() > 1, 2.5, x)),
             ("square + square", lambda x: x * x + torch.square(x)),
             ("negative power tower", lambda x: torch.sigmoid(-x) * torch.tanh(x) / (1 + x * x))]
    cases = [elementwise_case(name, function, number_samples("any")) for name, function in unary]
    for name in "real", "imag":
        function = getattr(torch, name)
        samples = [sample("any", [[3, 4]], c128), sample("any", [[2, 19]], c64), sample("any", [[]], c64),
                   sample("any", [[0, 3]], c64)]
        cases.append(elementwise_case(name, lambda x, f=function: f(x).clone(), samples))
    pairs = [sample(["positive", "any"], [[3, 4], [4]], f64), sample(["positive", "any"], [[2, 19], [2, 19]], f32),
             sample(["positive", "any"], [[2, 1], [1, 3]], f32), sample(["positive", "any"], [[], []], f64),
             sample(["positive", "any"], [[3], [3]], i32),
             sample(["positive", "any"], [[3], [3]], (f32, f64))]
    cases.append(elementwise_case("complex", torch.complex, pairs))
    cases.append(elementwise_case("polar", torch.polar, pairs))
    cases.append(elementwise_case("clamp(tensors)", lambda x, low, high: torch.clamp(x, low, high), three_tensors(["any", "weight", "positive"])))
    cases.append(elementwise_case("clamp_min(tensor)", torch.clamp_min, binary_samples("any", "any")))
    cases.append(elementwise_case("clamp_max(tensor)", torch.clamp_max, binary_samples("any", "any")))
    cases.append(elementwise_case("lerp", torch.lerp, three_tensors("any")))
    cases.append(elementwise_case("addcmul", torch.addcmul, three_tensors("any")))
    cases.append(elementwise_case("addcmul(value=-2)", lambda x, a, b: torch.addcmul(x, a, b, value=-2), three_tensors("any")))
    cases.append(elementwise_case("addcdiv", torch.addcdiv, three_tensors(["any", "any", "nonzero"])))
    cases.append(elementwise_case("addcdiv(value=0.5)", lambda x, a, b: torch.addcdiv(x, a, b, value=0.5),
                      three_tensors(["any", "any", "nonzero"])))
    cases.append(elementwise_case("where", torch.where, where_samples()))
    cases.append(elementwise_case("isclose", torch.isclose, close_samples()))
    cases.append(elementwise_case("isclose(0.1, 0.5, equal_nan)", lambda x, y: torch.isclose(x, y, 0.1, 0.5, True), close_samples()))
    cases.append(elementwise_case("allclose", torch.allclose, close_samples()))
    cases.append(elementwise_case("allclose(0.1, 0.5, equal_nan)", lambda x, y: torch.allclose(x, y, 0.1, 0.5, True), close_samples()))
    cases.append(elementwise_case("equal", torch.equal, equal_samples()))
    return cases
