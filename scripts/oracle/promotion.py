#!/usr/bin/env python3
"""Writes PyTorch's rules for dtypes as tables for tests/core: run it with the Python of scripts/make-oracle-venv.

tests/data/promotion_types.csv  a, b, promote_types(a, b), can_cast(a, b)
tests/data/result_type.csv      default dtype, operands (separated by spaces), result_type of them
tests/data/conversion.csv       dtype, value, dtype converted to, value after it
"""

import csv
import itertools
import pathlib

import torch

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
NAMES = ("uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 bool").split()
SCALARS = {"bool": True, "int": 3, "float": 2.5, "complex": 1j}


def name_of(dtype):
    # complex32 exists in PyTorch only: RusTorch takes the next larger one.
    return str(dtype).removeprefix("torch.").replace("complex32", "complex64")


def operand(text):
    kind, name = text.split(":")
    if kind == "scalar":
        return SCALARS[name]
    return torch.ones([1] if kind == "dims" else [], dtype=getattr(torch, name))


def write(name, header, rows):
    with open(DATA / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def promotion_rows():
    for a, b in itertools.product(NAMES, NAMES):
        x, y = getattr(torch, a), getattr(torch, b)
        yield a, b, name_of(torch.promote_types(x, y)), int(torch.can_cast(x, y))


def result_type_rows():
    tensors = [f"{kind}:{name}" for kind in ("dims", "zero_dim") for name in NAMES]
    scalars = [f"scalar:{name}" for name in SCALARS]
    for default in ("float32", "float64", "float16", "bfloat16"):
        torch.set_default_dtype(getattr(torch, default))
        for a, b in itertools.product(tensors + scalars, repeat=2):
            # The default dtype shows only where a scalar takes part.
            if default == "float32" or "scalar" in a + b:
                yield default, f"{a} {b}", name_of(torch.result_type(operand(a), operand(b)))
    torch.set_default_dtype(torch.float32)
    # result_type takes two operands; clamp promotes three tensors by the same rule.
    for a, b, c in itertools.combinations(tensors[::3] + tensors[1::5], 3):
        if "complex" in a + b + c:
            continue
        try:
            result = torch.clamp(operand(a), operand(b), operand(c))
        except RuntimeError:  # bool has no clamp
            continue
        yield "float32", f"{a} {b} {c}", name_of(result.dtype)


def conversion_rows():
    reals = [0.0, -0.0, 0.3, -0.3, 1.0, -1.0, -1.7, 2.5, 127.9, 128.0, -128.9, -129.0, 255.9, 256.0, 300.7, 32768.0,
             65519.0, 65520.0, 70000.0, 1e-8, 16777217.0, 2147483520.0, 2147483647.0, 2147483648.0, -2147483648.0,
             -2147483648.5, -2147483649.0, 3e9, -3e9, 5000000001.0, 1e10, 9.2e18, 9223372036854775808.0,
             -9223372036854775808.0, 1e19, 1e39, float("inf"), float("-inf"), float("nan")]
    integers = [0, 1, -1, 127, 128, -128, -129, 255, 256, 65535, 65536, -65537, 2049, 16777217, 2**31 - 1, 2**31, -2**31,
                2**53 + 1, 2**63 - 1, -2**63]
    for source, values in (("float64", reals), ("float32", reals), ("int64", integers)):
        x = torch.tensor(values, dtype=getattr(torch, source))
        for target in NAMES:
            if "complex" in target:
                continue
            y = x.to(getattr(torch, target))
            for before, after in zip(x.tolist(), y.tolist()):
                yield source, repr(before), target, repr(after)


if __name__ == "__main__":
    write("promotion_types.csv", ["a", "b", "promoted", "can_cast"], promotion_rows())
    write("result_type.csv", ["default", "operands", "result"], result_type_rows())
    write("conversion.csv", ["from", "value", "to", "result"], conversion_rows())
