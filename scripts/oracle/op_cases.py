#!/usr/bin/env python3
"""Writes what PyTorch computes for every op case: run it with the Python of scripts/make-oracle-venv.

    scripts/oracle/op_cases.py [family...]        (all families where none is named)

tests/data/ops/<family>.safetensors holds the tensors of one family, each once, named "0", "1" …; its metadata
holds the samples, one a line, in the fields that tests/support/op_case.cpp reads:

    case|sample|inputs|outputs|weights|gradients

Tensors are listed by name, separated by commas; "c" after a name says that the last dim holds real and imaginary
part, "-" stands for a gradient that does not exist, or the weight of an output that has none. "@float32:64x1500" is a
tensor that both sides compute (op_case_families/samples.py: Pattern). Outputs are "error" where PyTorch refuses the sample. Weights multiply the
outputs before they are summed: gradients are those of that sum, for every floating-point or complex input.
"""

import hashlib
import pathlib
import sys
import warnings

import safetensors.torch
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from op_case_families import FAMILIES  # noqa: E402
from op_case_families.samples import Pattern, values  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "ops"
REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError)


class Pool:
    """The tensors of a file: equal ones are stored once."""

    def __init__(self):
        self.tensors = {}
        self.names = {}

    def add(self, tensor):
        if isinstance(tensor, Pattern):
            return tensor.text()
        tensor = tensor.detach().resolve_conj().resolve_neg()
        mark = ""
        if tensor.is_complex():
            tensor, mark = torch.view_as_real(tensor), "c"
        tensor = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)  # with ordinary strides
        content = tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        key = (tensor.dtype, tuple(tensor.shape), hashlib.sha256(content).hexdigest())
        if key not in self.names:
            self.names[key] = str(len(self.names))
            self.tensors[self.names[key]] = tensor
        return self.names[key] + mark


def is_differentiable(tensor):
    return tensor.is_floating_point() or tensor.is_complex()


def as_list(result):
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, (bool, int)):
        return [torch.tensor(result)]
    return list(result)


def evaluate(case, sample):
    """The fields outputs, weights and gradients of a sample, as lists of tensors; None where PyTorch refuses."""
    wants_gradients = case.gradient and sample.gradient
    inputs = []
    for x in sample.inputs:
        x = x.tensor() if isinstance(x, Pattern) else x.clone()
        inputs.append(x.requires_grad_() if wants_gradients and is_differentiable(x) else x)
    try:
        outputs = as_list(case.run(*inputs))
        if any(y.dtype == torch.complex32 for y in outputs):  # exists in PyTorch only
            raise TypeError("complex32")
        chosen = [y for y in outputs if is_differentiable(y) and y.requires_grad]
        leaves = [x for x in inputs if x.requires_grad]
        if not chosen:
            return outputs, [], []
        weights = [values("weight", list(y.shape), y.dtype) if y.requires_grad else None
                   for y in outputs if is_differentiable(y)]
        given = [w for w in weights if w is not None]
        gradients = torch.autograd.grad(chosen, leaves, given, allow_unused=True)
        return outputs, weights, gradients
    except REFUSALS as refusal:
        if not (sample.may_fail or case.may_fail):
            raise AssertionError(f"{case.name}, {sample.name}: {refusal}") from refusal
        return None, [], []


def write_family(family, cases):
    pool = Pool()
    lines = []
    for case in cases:
        names = set()
        for sample in case.samples:
            assert sample.name not in names, f"{family}: {case.name} has {sample.name} twice"
            names.add(sample.name)
            outputs, weights, gradients = evaluate(case, sample)
            fields = [case.name, sample.name, ",".join(pool.add(x) for x in sample.inputs)]
            fields.append("error" if outputs is None else ",".join(pool.add(y) for y in outputs))
            for optional in weights, gradients:
                fields.append(",".join("-" if x is None else pool.add(x) for x in optional))
            lines.append("|".join(fields))
        assert any("|error|" not in line for line in lines if line.startswith(case.name + "|")), f"{case.name}: refused"
    assert len({case.name for case in cases}) == len(cases), f"{family}: two cases of one name"
    path = FOLDER / f"{family}.safetensors"
    metadata = {"samples": "\n".join(lines), "torch": torch.__version__}
    safetensors.torch.save_file(pool.tensors, path, metadata=metadata)
    print(f"{family}: {len(cases)} cases, {len(lines)} samples, {len(pool.tensors)} tensors, "
          f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")  # of discarded imaginary parts, too few degrees of freedom …
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or FAMILIES:
        write_family(name, list(FAMILIES[name]()))
