#!/usr/bin/env python3
"""Writes tests/nn/layer_oracle.h: what PyTorch's layers give for fixed parameters and inputs, and how they print. Run it
with the Python of scripts/make-oracle-venv.

Parameters, buffers and inputs follow one pattern (see pattern()), so that the tests rebuild them; gradients are those of
sum(output * pattern).
"""

import pathlib

import torch
from torch import nn

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "nn" / "layer_oracle.h"

LAYERS = {
    "linear": (nn.Linear(4, 3), [2, 4]),
    "linear_no_bias": (nn.Linear(3, 2, bias=False), [2, 2, 3]),
    "conv1d": (nn.Conv1d(2, 3, 3, padding=1), [2, 2, 5]),
    "conv2d": (nn.Conv2d(2, 3, 3, padding=1), [1, 2, 4, 4]),
    "conv2d_all": (
        nn.Conv2d(4, 2, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=2, bias=False),
        [1, 4, 5, 4],
    ),
    "conv2d_same": (nn.Conv2d(1, 1, (2, 4), padding="same"), [1, 1, 3, 5]),
    "conv2d_reflect": (nn.Conv2d(1, 2, 3, padding=(1, 2), padding_mode="reflect"), [1, 1, 4, 4]),
    "conv2d_circular_same": (nn.Conv2d(1, 1, 2, padding="same", padding_mode="circular"), [1, 1, 3, 3]),
    "conv3d": (nn.Conv3d(1, 2, 2), [1, 1, 3, 3, 2]),
    "conv2d_unbatched": (nn.Conv2d(2, 1, 2), [2, 3, 3]),
    "conv_transpose1d": (nn.ConvTranspose1d(2, 3, 3, stride=2, output_padding=1), [1, 2, 3]),
    "conv_transpose2d": (nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, groups=2), [1, 2, 3, 3]),
    "conv_transpose3d": (nn.ConvTranspose3d(1, 1, 2, bias=False), [1, 1, 2, 2, 2]),
    "batch_norm1d": (nn.BatchNorm1d(3), [4, 3]),
    "batch_norm2d": (nn.BatchNorm2d(2), [2, 2, 3, 2]),
    "batch_norm2d_cumulative": (nn.BatchNorm2d(2, momentum=None, affine=False), [2, 2, 2, 2]),
    "batch_norm2d_untracked": (nn.BatchNorm2d(2, track_running_stats=False), [2, 2, 2, 2]),
    "batch_norm2d_eval": (nn.BatchNorm2d(2).eval(), [2, 2, 2, 2]),
    "batch_norm3d": (nn.BatchNorm3d(2, eps=1e-3, momentum=0.5), [2, 2, 1, 2, 2]),
    "layer_norm": (nn.LayerNorm(4), [2, 3, 4]),
    "layer_norm_2": (nn.LayerNorm([2, 3], bias=False), [2, 2, 3]),
    "group_norm": (nn.GroupNorm(2, 4), [2, 4, 3]),
    "max_pool1d": (nn.MaxPool1d(2), [1, 2, 5]),
    "max_pool2d": (nn.MaxPool2d(3, stride=2, padding=1), [1, 1, 5, 5]),
    "max_pool3d": (nn.MaxPool3d((1, 2, 2), stride=1), [1, 1, 2, 3, 3]),
    "avg_pool1d": (nn.AvgPool1d(3, 1, 1), [1, 1, 4]),
    "avg_pool2d": (nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False, padding=1), [1, 1, 4, 5]),
    "avg_pool3d": (nn.AvgPool3d(2, divisor_override=3), [1, 1, 2, 2, 4]),
    "adaptive_avg_pool1d": (nn.AdaptiveAvgPool1d(3), [1, 2, 5]),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d((1, 2)), [1, 2, 3, 5]),
    "adaptive_avg_pool3d": (nn.AdaptiveAvgPool3d(1), [1, 2, 2, 2, 2]),
    "adaptive_max_pool2d": (nn.AdaptiveMaxPool2d(2), [1, 1, 5, 3]),
    "relu": (nn.ReLU(), [11]),
    "relu6": (nn.ReLU6(), [11]),
    "silu": (nn.SiLU(), [11]),
    "mish": (nn.Mish(), [11]),
    "hardswish": (nn.Hardswish(), [11]),
    "hardsigmoid": (nn.Hardsigmoid(), [11]),
    "selu": (nn.SELU(), [11]),
    "sigmoid": (nn.Sigmoid(), [11]),
    "tanh": (nn.Tanh(), [11]),
    "log_sigmoid": (nn.LogSigmoid(), [11]),
    "softsign": (nn.Softsign(), [11]),
    "tanhshrink": (nn.Tanhshrink(), [11]),
    "leaky_relu": (nn.LeakyReLU(0.2), [11]),
    "prelu": (nn.PReLU(3), [2, 3]),
    "elu": (nn.ELU(1.5), [11]),
    "celu": (nn.CELU(0.5), [11]),
    "gelu": (nn.GELU(), [11]),
    "gelu_tanh": (nn.GELU("tanh"), [11]),
    "hardtanh": (nn.Hardtanh(-0.25, 0.35), [11]),
    "softplus": (nn.Softplus(2.0, 0.5), [11]),
    "softshrink": (nn.Softshrink(0.15), [11]),
    "hardshrink": (nn.Hardshrink(0.25), [11]),
    "threshold": (nn.Threshold(0.1, 20.5), [11]),
    "glu": (nn.GLU(1), [2, 4]),
    "softmax": (nn.Softmax(1), [2, 3]),
    "log_softmax": (nn.LogSoftmax(dim=-1), [2, 3]),
    "flatten": (nn.Flatten(), [2, 3, 2]),
    "unflatten": (nn.Unflatten(1, (2, 3)), [2, 6]),
    "identity": (nn.Identity(), [3]),
    "dropout_eval": (nn.Dropout(0.25).eval(), [3]),
}


def pattern(shape):
    count = 1
    for size in shape:
        count *= size
    return ((torch.arange(count) * 7 % 11) - 5).to(torch.float32).mul(0.1).reshape(shape)


def braces(values):
    return "{" + ", ".join(f"{v:.9g}" if isinstance(v, float) else str(v) for v in values) + "}"


def flat(tensor):
    return tensor.detach().to(torch.float64).flatten().tolist()


def case(name, layer, shape):
    state = {key: pattern(value.shape) for key, value in layer.state_dict().items() if value.dtype == torch.float32}
    for key in state:
        if key.endswith("running_var"):
            state[key] = state[key].abs() + 0.5
    layer.load_state_dict(state, strict=False)
    x = pattern(shape).requires_grad_()
    y = layer(x)
    (y * pattern(y.shape)).sum().backward()
    parameters = [p.grad for p in layer.parameters()]
    buffers = [b for b in layer.buffers()]
    text = repr(layer).replace('"', '\\"')
    return (
        f'    {{"{name}",\n     "{text}",\n     {braces(shape)},\n     {braces(list(y.shape))},\n     {braces(flat(y))},\n'
        f"     {braces(flat(x.grad))},\n"
        f"     {braces([v for p in parameters for v in flat(p)])},\n     {braces([v for b in buffers for v in flat(b)])}}},\n"
    )


def main():
    body = "".join(case(name, layer, shape) for name, (layer, shape) in LAYERS.items())
    OUT.write_text(
        "// Written by scripts/oracle/layers.py: what PyTorch 2.11 gives. Not to be edited.\n"
        "// clang-format off\n"
        "#pragma once\n\n#include <cstdint>\n#include <ostream>\n#include <vector>\n\n"
        "namespace rustorch::testing {\n\n"
        "struct LayerOracle {\n  const char* name;\n  const char* text;\n  std::vector<std::int64_t> input_shape, output_shape;\n"
        "  std::vector<double> output, input_gradient, parameter_gradients, buffers;\n};\n\n"
        "inline void PrintTo(const LayerOracle& oracle, std::ostream* out) { *out << oracle.name; }\n\n"
        "inline const std::vector<LayerOracle>& layer_oracles() {\n  static const std::vector<LayerOracle> oracles{\n"
        + body
        + "  };\n  return oracles;\n}\n\n}  // namespace rustorch::testing\n"
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
