"""Products of matrices, and convolution."""

import torch
import torch.nn.functional as F

from .samples import ALL, Case, Pattern, each_dtype, named, sample

f16, bf16, f32, f64, c128 = torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex128


def products(*shapes, dtypes=ALL):
    """Every dtype on the first shapes, float32 on all."""
    yield sample("any", shapes[0], f64)
    yield sample("any", shapes[0], c128, may_fail=True)
    yield from (one for one in each_dtype("any", shapes[0], dtypes) if one.inputs[0].dtype not in (f64, c128))
    for others in shapes[1:]:
        yield sample("any", others, f32)


def case(name, function, *shapes, more=(), **options):
    return Case(name, function, [*products(*shapes, **options), *more])


def large(*shapes, dtypes=(f32,)):
    return [named(f"{str(d)[6:]} large {i}", *[Pattern(d, s) for s in one], gradient=False) for i, one in enumerate(shapes) for d in dtypes]


def addmm_activation(x, a, b, use_gelu=False, **factors):
    """torch._addmm_activation, which has no derivative: with the history of what it is made of, and its values."""
    composed = torch.addmm(x, a, b, **factors)
    composed = F.gelu(composed) if use_gelu else torch.relu(composed)
    fused = torch._addmm_activation(x.detach(), a.detach(), b.detach(), use_gelu=use_gelu, **factors)
    assert torch.equal(composed.nan_to_num(nan=-7.0) if composed.is_floating_point() else composed,
                       fused.nan_to_num(nan=-7.0) if fused.is_floating_point() else fused)
    return composed


def product_cases():
    yield case("matmul", torch.matmul, ([3, 4], [4, 2]), ([3], [3]), ([2, 3], [3]), ([3], [3, 4]), ([5, 2, 3], [3, 4]), ([5, 2, 3], [5, 3, 4]),
               ([2, 1, 2, 3], [4, 3, 2]), ([3], [5, 3, 4]), ([5, 2, 3], [3]), ([2, 2, 2, 3], [3]), ([0, 3], [3, 4]), ([2, 0], [0, 4]), ([0, 2, 3], [0, 3, 4]),
               ([2, 2, 0], [2, 0, 3]), ([0], [0]), ([1, 1], [1, 1]), ([17, 9], [9, 19]), ([1, 7], [7, 1]), ([2, 3, 1, 5], [2, 1, 5, 2]),
               more=large(((60, 130), (130, 20)), ((3, 2000), (2000, 5)), ((4, 16, 33), (33, 17)), ((1, 700), (700, 90)), dtypes=(f32, f64, bf16, f16)))
    yield case("mm", torch.mm, ([3, 4], [4, 2]), ([2, 0], [0, 3]), ([5, 1], [1, 6]))
    yield case("bmm", torch.bmm, ([2, 3, 4], [2, 4, 2]), ([0, 3, 4], [0, 4, 2]), ([3, 1, 1], [3, 1, 5]), more=large(((6, 20, 33), (6, 33, 9))))
    yield case("mv", torch.mv, ([3, 4], [4]), ([0, 4], [4]), ([2, 0], [0]), more=large(((70, 900), (900,))))
    yield case("dot", torch.dot, ([4], [4]), ([0], [0]), ([37], [37]), more=large(((5000,), (5000,))))
    yield case("outer", torch.outer, ([3], [4]), ([0], [4]), ([1], [1]))
    yield case("addmm", torch.addmm, ([3, 2], [3, 4], [4, 2]), ([2], [3, 4], [4, 2]), ([3, 1], [3, 4], [4, 2]), ([], [3, 4], [4, 2]), ([3, 2], [3, 0], [0, 2]))
    yield case("addmm(beta=2, alpha=-3)", lambda x, a, b: torch.addmm(x, a, b, beta=2, alpha=-3), ([3, 2], [3, 4], [4, 2]), ([2], [3, 4], [4, 2]))
    yield case("addmm(beta=0)", lambda x, a, b: torch.addmm(x, a, b, beta=0), ([3, 2], [3, 4], [4, 2]),
               more=[named("float32 nan", torch.full((1, 1), float("nan")), torch.ones(2, 3), torch.ones(3, 2), gradient=False)])
    activations = large(((20,), (60, 130), (130, 20)), dtypes=(f32, bf16, f16))
    nans = [named("float32 nan", torch.tensor([1.0, -1.0, float("nan")]), torch.tensor([[1.0, float("nan")], [2.0, 3.0]]), torch.eye(2, 3), gradient=False)]
    yield case("addmm_activation", addmm_activation, ([3, 2], [3, 4], [4, 2]), ([2], [3, 4], [4, 2]), ([3, 1], [3, 4], [4, 2]), ([], [3, 4], [4, 2]), ([3, 2], [3, 0], [0, 2]), ([0, 2], [0, 4], [4, 2]),
               more=activations + nans)
    yield case("addmm_activation(use_gelu)", lambda x, a, b: addmm_activation(x, a, b, use_gelu=True), ([3, 2], [3, 4], [4, 2]), ([2], [3, 4], [4, 2]), ([3, 2], [3, 0], [0, 2]),
               more=activations + nans)
    yield case("addmm_activation(beta=2, alpha=-3)", lambda x, a, b: addmm_activation(x, a, b, beta=2, alpha=-3), ([3, 2], [3, 4], [4, 2]), ([2], [3, 4], [4, 2]))
    yield case("baddbmm", torch.baddbmm, ([2, 3, 2], [2, 3, 4], [2, 4, 2]), ([2], [2, 3, 4], [2, 4, 2]), ([2, 1, 1], [2, 3, 4], [2, 4, 2]), ([2, 3, 2], [2, 3, 0], [2, 0, 2]))
    yield case("baddbmm(beta=0.5, alpha=2)", lambda x, a, b: torch.baddbmm(x, a, b, beta=0.5, alpha=2), ([2, 3, 2], [2, 3, 4], [2, 4, 2]), dtypes=(f32, f64, f16, bf16))
    yield case("linear", F.linear, ([3, 4], [2, 4]), ([4], [2, 4]), ([2, 3, 4], [5, 4]), ([0, 4], [2, 4]), ([2, 2, 2, 3], [4, 3]), more=large(((16, 300), (33, 300)), dtypes=(f32, bf16)))
    yield case("linear(bias)", F.linear, ([3, 4], [2, 4], [2]), ([4], [2, 4], [2]), ([2, 3, 4], [5, 4], [5]), ([0, 4], [2, 4], [2]), ([2, 2, 2, 3], [4, 3], [4]),
               more=large(((16, 300), (33, 300), (33,)), dtypes=(f32, bf16)))
    yield case("linear_relu", lambda x, w, b: torch.relu(F.linear(x, w, b)), ([3, 4], [2, 4], [2]), ([4], [2, 4], [2]), ([2, 3, 4], [5, 4], [5]), ([0, 4], [2, 4], [2]), ([3, 0], [2, 0], [2]),
               more=large(((16, 300), (33, 300), (33,)), dtypes=(f32, bf16)))
    yield case("linear_gelu", lambda x, w, b: F.gelu(F.linear(x, w, b)), ([3, 4], [2, 4], [2]), ([2, 3, 4], [5, 4], [5]), more=large(((16, 300), (33, 300), (33,)), dtypes=(f32, bf16)))
    yield case("linear_gelu(tanh)", lambda x, w, b: F.gelu(F.linear(x, w, b), approximate="tanh"), ([3, 4], [2, 4], [2]), ([4], [2, 4], [2]), more=large(((16, 300), (33, 300), (33,)), dtypes=(f32, bf16)))


FLOATS = (f32, f16, bf16)


def convolutions(name, function, *shapes, more=()):
    return Case(name, function, [*products(*shapes, dtypes=FLOATS), *more])


def convolution_cases():
    for rank in 1, 2, 3:
        def sizes(*list_of):
            """Shapes for this rank, from those for rank 3."""
            return [[shape[: rank + 2] if len(shape) == 5 else shape[: rank + 1] if len(shape) == 4 else shape for shape in one] for one in list_of]

        plain, transposed = (getattr(F, f"conv{rank}d"), getattr(F, f"conv_transpose{rank}d"))
        small = ([2, 3, 4, 3, 3], [2, 3, 3, 2, 2])
        yield convolutions(f"conv{rank}d", lambda x, w, f=plain: f(x, w), *sizes(small, ([1, 1, 3, 3, 2], [1, 1, 1, 1, 1]), ([3, 4, 3, 3], [2, 3, 3, 2, 2]), ([0, 3, 4, 3, 3], [2, 3, 3, 2, 2])))
        yield convolutions(f"conv{rank}d(bias)", lambda x, w, b, f=plain: f(x, w, b), *sizes((*small, [2]), ([3, 4, 3, 3], [2, 3, 3, 2, 2], [2])))
        yield convolutions(f"conv{rank}d(padding=1, bias)", lambda x, w, b, f=plain: f(x, w, b, padding=1), *sizes(([1, 2, 3, 3, 2], [2, 2, 3, 3, 3], [2]), ([1, 1, 3, 3, 3], [2, 1, 3, 3, 3], [2])),
                           more=[] if rank != 2 else large(((2, 16, 7, 7), (8, 16, 3, 3), (8,)), ((2, 1, 9, 9), (8, 1, 3, 3), (8,)), ((1, 32, 5, 5), (16, 32, 1, 1), (16,)), dtypes=(f32, bf16)))
        yield convolutions(f"conv{rank}d(stride=2)", lambda x, w, f=plain: f(x, w, stride=2), *sizes(([2, 2, 5, 4, 4], [2, 2, 2, 3, 2]), ([1, 2, 5, 5, 3], [2, 2, 1, 1, 1])))
        yield convolutions(f"conv{rank}d(stride=2, padding=1, groups=2)", lambda x, w, b, f=plain: f(x, w, b, stride=2, padding=1, groups=2), *sizes(([1, 4, 4, 4, 2], [4, 2, 3, 3, 2], [4])))
        yield convolutions(f"conv{rank}d(dilation=2)", lambda x, w, f=plain: f(x, w, dilation=2), *sizes(([1, 2, 6, 4, 4], [2, 2, 3, 2, 2])))
        yield convolutions(f"conv{rank}d(groups=3, padding=2, dilation=2)", lambda x, w, f=plain: f(x, w, padding=2, dilation=2, groups=3), *sizes(([2, 3, 3, 3, 2], [3, 1, 3, 2, 2]), ([1, 3, 4, 3, 2], [6, 1, 2, 2, 2])))
        turned = ([2, 2, 3, 3, 2], [2, 2, 3, 2, 2])
        yield convolutions(f"conv_transpose{rank}d", lambda x, w, f=transposed: f(x, w), *sizes(turned, ([2, 3, 3, 2], [2, 2, 3, 2, 2]), ([1, 1, 2, 2, 2], [1, 1, 1, 1, 1])))
        yield convolutions(f"conv_transpose{rank}d(bias)", lambda x, w, b, f=transposed: f(x, w, b), *sizes((*turned, [2])))
        yield convolutions(f"conv_transpose{rank}d(stride=2, padding=1, output_padding=1)", lambda x, w, b, f=transposed: f(x, w, b, stride=2, padding=1, output_padding=1), *sizes(([1, 2, 3, 2, 2], [2, 2, 3, 3, 3], [2])))
        yield convolutions(f"conv_transpose{rank}d(groups=2, dilation=2)", lambda x, w, f=transposed: f(x, w, groups=2, dilation=2), *sizes(([1, 4, 3, 2, 2], [4, 1, 2, 2, 2])))
    yield convolutions("conv2d(stride=2,1, padding=0,2, dilation=1,2)", lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(0, 2), dilation=(1, 2)), ([2, 2, 6, 5], [3, 2, 3, 2]))
    yield convolutions("conv3d(stride=1,2,1, padding=1,0,2)", lambda x, w: F.conv3d(x, w, stride=(1, 2, 1), padding=(1, 0, 2)), ([1, 2, 3, 4, 2], [2, 2, 2, 3, 2]))
    yield convolutions("conv_transpose2d(stride=1,2, padding=1,0, output_padding=0,1)",
                       lambda x, w: F.conv_transpose2d(x, w, stride=(1, 2), padding=(1, 0), output_padding=(0, 1)), ([1, 2, 3, 3], [2, 2, 3, 2]))
