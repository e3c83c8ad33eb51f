"""What `rustorch bench all --device cuda:0` measures, in PyTorch on the same GPU.

usage: gpu_pytorch.py OURS.json: prints a line for each name in the file: ours, PyTorch's, and the ratio of speeds.
"""

import json
import statistics
import sys
import time

import torch


def seconds(work):
    """The median time of a call, as the program measures it."""

    def of(calls):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(calls):
            work()
        torch.cuda.synchronize()
        return time.perf_counter() - began

    of(1)
    calls = 1
    while calls < 1000 and of(calls) < 5e-3:
        calls *= 2
    return statistics.median(of(calls) / calls for _ in range(15))


def works():
    """Names, and what is to be measured; inputs are those of the moment when a name is given."""
    torch.set_grad_enabled(False)
    side = 16384
    x, y = torch.rand(side, side, device="cuda"), torch.rand(side, side, device="cuda")
    z = torch.empty_like(x)
    a, b = torch.rand(16, device="cuda"), torch.rand(16, device="cuda")
    yield "copy", lambda: z.copy_(x)
    yield "add", lambda: x + y
    yield "exp", lambda: x.exp()
    yield "chain of five", lambda: ((x * y + x).tanh() * 2.0 + y).sigmoid()
    yield "transpose", lambda: z.copy_(x.t())
    yield "sum", lambda: x.sum()
    yield "sum of rows", lambda: x.sum(1)
    yield "sum of columns", lambda: x.sum(0)
    yield "softmax", lambda: x.softmax(1)
    yield "random", lambda: torch.rand(side, side, device="cuda")
    source, table = torch.rand(65536, 768, device="cuda"), torch.zeros(50000, 768, device="cuda")
    index = torch.randint(0, 50000, (65536,), device="cuda")
    half = torch.where(torch.rand(65536, device="cuda") < 0.5, torch.zeros_like(index), index)
    numbers, few = torch.rand(1000000, device="cuda"), torch.randint(0, 1000, (1000000,), device="cuda")
    sums = torch.zeros(1000, device="cuda")
    for order in ("", ", any order"):  # PyTorch's is any unless it is told otherwise
        yield "embedding gradient" + order, lambda: table.index_add_(0, index, source)
        yield "embedding gradient, half equal" + order, lambda: table.index_add_(0, half, source)
        yield "index_add into 1000" + order, lambda: sums.index_add_(0, few, numbers)
    yield "add of 16 floats", lambda: a + b
    n = 4096
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        a, b = torch.randn(n, n, device="cuda").to(dtype), torch.randn(n, n, device="cuda").to(dtype)
        yield f"matmul {n} {str(dtype).removeprefix('torch.')}", lambda: a @ b
        if dtype == torch.float32:
            torch.set_float32_matmul_precision("high")
            yield f"matmul {n} tf32", lambda: a @ b
            torch.set_float32_matmul_precision("highest")
    yield from convolutions()
    yield from layers()
    for size, text in ((4096, "4.0 KiB"), (1 << 20, "1.0 MiB"), (1 << 26, "64.0 MiB")):
        host, back = torch.rand(size // 4), torch.empty(size // 4)
        there = torch.empty(size // 4, device="cuda")
        yield f"host to device, {text}", lambda: there.copy_(host)
        yield f"device to host, {text}", lambda: back.copy_(there)


def convolutions():
    """A layer of a ResNet and its gradients."""
    kinds = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "tf32": torch.float32}
    for order, memory_format in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        for name, dtype in kinds.items():
            torch.backends.cudnn.allow_tf32 = name == "tf32"
            x, dy = (
                torch.randn(32, 64, 56, 56, device="cuda").to(dtype, memory_format=memory_format) for _ in range(2)
            )
            weight = torch.randn(64, 64, 3, 3, device="cuda").to(dtype)

            def gradient(of_input):
                return torch.ops.aten.convolution_backward(
                    dy, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [of_input, not of_input, False]
                )

            yield f"conv {order} {name}", lambda: torch.nn.functional.conv2d(x, weight, padding=1)
            yield f"conv {order} {name} d_input", lambda: gradient(True)
            yield f"conv {order} {name} d_weight", lambda: gradient(False)


def layers():
    """Layers, alone and with the gradients of their input and parameters for a given gradient of the output."""
    functional = torch.nn.functional
    images, tokens = torch.randn(32, 64, 56, 56, device="cuda"), torch.randn(6272, 1024, device="cuda")

    def parameter(*shape):
        return torch.randn(*shape, device="cuda", requires_grad=True)

    mean, variance, scale, shift = torch.zeros(64, device="cuda"), torch.ones(64, device="cuda"), parameter(64), parameter(64)
    depthwise, gain, offset = parameter(64, 1, 3, 3), parameter(1024), parameter(1024)
    targets = torch.randint(0, 1024, (len(tokens),), device="cuda")
    kinds = {
        "max_pool2d 2": (images, lambda x: functional.max_pool2d(x, 2)),
        "max_pool2d 3, stride 2": (images, lambda x: functional.max_pool2d(x, 3, 2, 1)),
        "avg_pool2d 2": (images, lambda x: functional.avg_pool2d(x, 2)),
        "batch_norm": (images, lambda x: functional.batch_norm(x, mean, variance, scale, shift, True)),
        "batch_norm, evaluation": (images, lambda x: functional.batch_norm(x, mean, variance, scale, shift)),
        "depthwise conv": (images, lambda x: functional.conv2d(x, depthwise, None, 1, 1, 1, 64)),
        "layer_norm": (tokens, lambda x: functional.layer_norm(x, (1024,), gain, offset)),
        "softmax": (tokens, lambda x: functional.softmax(x, 1)),
        "cross_entropy": (tokens, lambda x: functional.cross_entropy(x, targets)),
    }
    torch.backends.cudnn.allow_tf32 = False
    for name, (x, layer) in kinds.items():
        x = x.detach()
        d_output = torch.ones_like(layer(x))
        yield f"layer {name}", lambda: layer(x)
        x = x.clone().requires_grad_()

        def with_gradients():
            x.grad = None
            layer(x).backward(d_output)

        with torch.enable_grad():
            yield f"layer {name} and gradients", with_gradients


def main():
    with open(sys.argv[1]) as file:
        ours = {one["name"]: one["seconds"] for one in json.load(file)["devices"]}
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}; microseconds, and the ratio of speeds")
    for name, work in works():
        if name in ours:
            theirs = seconds(work)
            print(f"{name:<30} {1e6 * ours[name]:>10.1f} {1e6 * theirs:>10.1f} {theirs / ours[name]:>6.2f}")


main()
