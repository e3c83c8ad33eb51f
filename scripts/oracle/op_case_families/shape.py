"""Shape operations and creation."""

import torch
import torch.nn.functional as F

from .samples import ALL, Case, each_dtype, named, sample, values

f16, f32, f64, i64 = torch.float16, torch.float32, torch.float64, torch.int64


#: One of every item size and two more: copying looks at nothing else.
COPIED = (f32, f16, torch.bool, torch.uint8, torch.int32, i64, torch.complex64)


def samples(shape, *more, dtypes=COPIED):
    """These dtypes on one shape; float32 on all of them."""
    yield sample("any", [shape], f64)
    yield from (one for one in each_dtype("any", [shape], dtypes) if one.inputs[0].dtype != f64)
    for other in more:
        yield sample("any", [other], f32)


def case(name, function, *shapes, **options):
    return Case(name, function, list(samples(*shapes, **options)), may_fail=True)


def lists(*shapes, dtypes=COPIED):
    """Samples of several tensors: these dtypes on the first list of shapes."""
    yield sample("any", shapes[0], f64)
    yield from each_dtype("any", shapes[0], dtypes)
    for other in shapes[1:]:
        yield sample("any", other, f32)


def shape_cases():
    a = [2, 3, 4]
    yield case("reshape(6, -1)", lambda x: x.reshape(6, -1), a, [6, 2], [3, 4, 2, 2])
    yield case("reshape(-1)", lambda x: x.reshape(-1), a, [], [1], [3])
    yield case("reshape()", lambda x: x.reshape(()), [1], [1, 1], [])
    yield case("reshape(0, 4)", lambda x: x.reshape(0, 4), [2, 0], [0])
    yield case("reshape(2, 2, 6)", lambda x: x.reshape(2, 2, 6), a, [24], [2, 12])
    yield case("view(4, -1)", lambda x: x.contiguous().view(4, -1), a, [4], [2, 2])
    yield case("transpose(0, 1)", lambda x: x.transpose(0, 1), a, [2, 3], [0, 3], [2, 3, 2, 2])
    yield case("transpose(-1, 0)", lambda x: x.transpose(-1, 0), a, [5], [])
    yield case("swapaxes(0, 2)", lambda x: x.swapaxes(0, 2), a)
    yield case("permute(2, 0, 1)", lambda x: x.permute(2, 0, 1), a, [2, 0, 3])
    yield case("permute(0, -1, 1, 2)", lambda x: x.permute(0, -1, 1, 2), [2, 3, 2, 4])
    yield case("movedim(0, 2)", lambda x: x.movedim(0, 2), a, [2, 3, 2, 2])
    yield case("movedim(0,1, 2,0)", lambda x: x.movedim((0, 1), (2, 0)), a, [2, 3, 2, 2])
    yield case("squeeze", lambda x: x.squeeze(), [1, 3, 1, 2], [], [1], [2, 3], [0, 1])
    yield case("squeeze(1)", lambda x: x.squeeze(1), [3, 1, 2], [2, 3], [2, 1])
    yield case("squeeze(0,2)", lambda x: x.squeeze((0, 2)), [1, 3, 1, 2], [2, 3, 1])
    yield case("unsqueeze(0)", lambda x: x.unsqueeze(0), a, [], [0])
    yield case("unsqueeze(-1)", lambda x: x.unsqueeze(-1), a, [])
    yield case("unsqueeze(1)", lambda x: x.unsqueeze(1), a)
    yield case("flatten", lambda x: x.flatten(), a, [], [0, 2])
    yield case("flatten(1)", lambda x: x.flatten(1), a, [2, 3], [2, 3, 2, 2])
    yield case("flatten(0, 1)", lambda x: x.flatten(0, 1), a, [2, 3, 2, 2])
    yield case("unflatten(1, 2, -1)", lambda x: x.unflatten(1, (2, -1)), [3, 4], [2, 6, 3])
    yield case("expand(4, 3, -1)", lambda x: x.expand(4, 3, -1), [3, 2], [1, 1, 5], [4, 1, 2])
    yield case("broadcast_to(2, 3, 4)", lambda x: x.broadcast_to(2, 3, 4), [4], [], [3, 1], [2, 1, 1])
    yield case("repeat(2, 3)", lambda x: x.repeat(2, 3), [2, 3], [3], [0, 2])
    yield case("repeat(2, 1, 2)", lambda x: x.repeat(2, 1, 2), [2, 3], [2, 1, 3])
    yield case("tile(2)", lambda x: x.tile((2,)), [2, 3], [3], [])
    yield case("tile(2, 1, 3)", lambda x: x.tile((2, 1, 3)), [2, 3], [4])
    yield case("repeat_interleave(2)", lambda x: x.repeat_interleave(2), [2, 3], [4], [])
    yield case("repeat_interleave(3, dim=1)", lambda x: x.repeat_interleave(3, 1), [2, 3], [2, 2, 2], [2, 0])
    yield case("roll(1)", lambda x: x.roll(1), [2, 3], [5], [0])
    yield case("roll(2, dim=1)", lambda x: x.roll(2, 1), a, [2, 3])
    yield case("roll(1,-1, dims=0,2)", lambda x: x.roll((1, -1), (0, 2)), a)
    yield case("roll(7,-5, dims=0,0)", lambda x: x.roll((7, -5), (0, 0)), a)
    for k in 1, 2, 3, -1, 4:
        yield case(f"rot90({k})", lambda x, k=k: x.rot90(k, (0, 1)), [2, 3], a)
    yield case("rot90(1, dims=2,0)", lambda x: x.rot90(1, (2, 0)), a)
    yield case("flip(0)", lambda x: x.flip(0), a, [3], [0, 2])
    yield case("flip(0,-1)", lambda x: x.flip((0, -1)), a)
    yield case("fliplr", torch.fliplr, [2, 3], a)
    yield case("flipud", torch.flipud, [2, 3], [4])
    yield case("narrow(1, 1, 2)", lambda x: x.narrow(1, 1, 2), a, [2, 3])
    yield case("narrow(-1, 0, 0)", lambda x: x.narrow(-1, 0, 0), a)
    yield case("select(1, 2)", lambda x: x.select(1, 2), a, [2, 3])
    yield case("select(-1, -2)", lambda x: x.select(-1, -2), a, [2, 3])
    yield case("operator[](1)", lambda x: x[1], a, [3])
    yield case("operator[](-1)", lambda x: x[-1], a, [3])
    yield case("slice(0, 1, 5, 2)", lambda x: x[1:5:2], [6, 2], [3], [9, 1])
    yield case("slice(1, -3, -1)", lambda x: x[:, -3:-1], [2, 4], [2, 2])
    yield case("slice(2)", lambda x: x[:, :, :], a)
    yield case("slice(0, 4, 2)", lambda x: x[4:2], [6, 2])
    yield case("unfold(1, 2, 1)", lambda x: x.unfold(1, 2, 1), a, [2, 5])
    yield case("unfold(-1, 3, 2)", lambda x: x.unfold(-1, 3, 2), [2, 7], [3])
    yield case("unfold(0, 2, 3)", lambda x: x.unfold(0, 2, 3), [8], [5, 2])
    yield case("diagonal", lambda x: x.diagonal(), [3, 4], [4, 3], a)
    yield case("diagonal(1, -1, -2)", lambda x: x.diagonal(1, -1, -2), a, [3, 3])
    yield case("diagonal(-1)", lambda x: x.diagonal(-1), [3, 4], [4, 3])
    yield case("diagonal(7)", lambda x: x.diagonal(7), [3, 4])
    yield case("as_strided(2, 3; 1, 2; 1)", lambda x: x.contiguous().as_strided((2, 3), (1, 2), 1), [4, 4], [9])
    yield case("as_strided(2, 2; 0, 1)", lambda x: x.contiguous().as_strided((2, 2), (0, 1)), [3])
    yield case("t", lambda x: x.t(), [2, 3], [3], [])
    for name, padding, mode, value, shapes in (
        ("1, 2", (1, 2), "constant", 0, ([2, 3], [4], [2, 0])), ("1, 2, 0, 3; 2.5", (1, 2, 0, 3), "constant", 2.5, ([2, 3, 2], [3, 2])),
        ("-1, 2", (-1, 2), "constant", 0, ([2, 3],)), ("0, -1, -1, 1; 1", (0, -1, -1, 1), "constant", 1, (a,)),
        ("2, 1, reflect", (2, 1), "reflect", 0, ([2, 3, 4], [2, 4])), ("1, 2, 2, 1, reflect", (1, 2, 2, 1), "reflect", 0, ([1, 2, 3, 4], [2, 3, 4])),
        ("1, 1, 1, 0, 0, 1, reflect", (1, 1, 1, 0, 0, 1), "reflect", 0, ([1, 2, 2, 3, 2],)),
        ("2, 5, replicate", (2, 5), "replicate", 0, ([2, 3, 4], [2, 4])), ("1, 2, 0, 4, replicate", (1, 2, 0, 4), "replicate", 0, ([1, 2, 3, 4], [2, 3, 4])),
        ("1, 1, 1, 0, 0, 2, replicate", (1, 1, 1, 0, 0, 2), "replicate", 0, ([1, 2, 2, 3, 2],)),
        ("2, 3, circular", (2, 3), "circular", 0, ([2, 3, 4], [2, 4])), ("1, 2, 2, 1, circular", (1, 2, 2, 1), "circular", 0, ([1, 2, 3, 4],)),
    ):
        def pad(x, p=padding, m=mode, v=value):
            return F.pad(x, p, m, v) if m == "constant" else F.pad(x, p, m)
        yield case(f"pad({name})", pad, *shapes)


def joining_cases():
    def joins(name, function, *shapes):
        return Case(name, lambda *x: function(x), list(lists(*shapes)), may_fail=True)

    three = ([2, 3], [1, 3], [2, 3])
    yield joins("cat", torch.cat, three, ([2], [3]), ([0], [2, 3]), ([0, 3], [2, 3]), ([2, 3],), ([2, 3, 2, 2], [1, 3, 2, 2]))
    yield joins("cat(1)", lambda x: torch.cat(x, 1), ([2, 3], [2, 1]), ([2, 0], [2, 3]), ([2, 3, 2, 2], [2, 1, 2, 2]), ([2, 3, 2], [2, 1, 2]))
    yield joins("cat(-1)", lambda x: torch.cat(x, -1), ([2, 3], [2, 1]), ([2, 3, 1], [2, 3, 4], [2, 3, 2]))
    yield joins("concat", torch.concat, three)
    yield joins("stack", torch.stack, ([2, 3], [2, 3]), ([], [], []), ([0], [0]))
    yield joins("stack(1)", lambda x: torch.stack(x, 1), ([2, 3], [2, 3]))
    yield joins("stack(-1)", lambda x: torch.stack(x, -1), ([2, 3], [2, 3], [2, 3]), ([], []))
    yield joins("hstack", torch.hstack, ([2, 3], [2, 1]), ([2], [3]), ([], []), ([2, 1, 2], [2, 2, 2]))
    yield joins("vstack", torch.vstack, ([2, 3], [1, 3]), ([3], [3]), ([], []), ([3], [2, 3]))
    mixed = [sample("any", [[2, 3], [1, 3]], pair, may_fail=True) for pair in ((f32, f64), (torch.int32, f32), (torch.bool, i64), (f16, torch.bfloat16),
                                                                  (torch.uint8, torch.int8), (f32, torch.complex64))]
    yield Case("cat(mixed)", lambda *x: torch.cat(x), mixed)
    yield Case("stack(mixed)", lambda x, y: torch.stack([x[:1], y]), mixed)
    yield joins("broadcast_tensors", lambda x: tuple(torch.broadcast_tensors(*x)), ([2, 1], [3]), ([], [2]), ([2, 3, 1], [1, 4], [3, 1]))
    yield Case("expand_as", lambda x, y: x.expand_as(y), list(lists(([3, 1], [2, 3, 4]), ([], [2]), ([1], [0]))), may_fail=True)

    def splits(name, function, *shapes):
        return Case(name, lambda x: tuple(function(x)), list(samples(*shapes)), may_fail=True)

    yield splits("split(2)", lambda x: x.split(2), [5, 2], [4], [0, 3])
    yield splits("split(2, dim=1)", lambda x: x.split(2, 1), [2, 5], [2, 3, 2], [2, 1])
    yield splits("split(1,3, dim=1)", lambda x: x.split([1, 3], 1), [2, 4], [1, 4, 2])
    yield splits("split(2,0,1)", lambda x: x.split([2, 0, 1]), [3, 2], [3])
    yield splits("chunk(2)", lambda x: x.chunk(2), [5, 2], [4], [1])
    yield splits("chunk(3, dim=-1)", lambda x: x.chunk(3, -1), [2, 7], [4], [2, 2])
    yield splits("unbind", lambda x: x.unbind(), [3, 2], [4])
    yield splits("unbind(-1)", lambda x: x.unbind(-1), [3, 2], [2, 3, 4])
    repeats = torch.tensor([2, 0, 3])
    yield Case("repeat_interleave(tensor)", lambda x, r: x.repeat_interleave(r), [named(f"{str(d)[6:]} 3", values("any", [3], d), repeats) for d in (f32, f64, i64)])
    yield Case("repeat_interleave(tensor, dim=1)", lambda x, r: x.repeat_interleave(r, 1),
               [named(f"{str(d)[6:]} 2x3", values("any", [2, 3], d), repeats) for d in (f32, f64, i64)] +
               [named("float32 2x3x2", values("any", [2, 3, 2], f32), repeats)])
    for name in "tril", "triu":
        function = getattr(torch, name)
        yield case(name, function, [3, 4], [4, 3], [2, 3, 3], [0, 3])
        yield case(f"{name}(1)", lambda x, f=function: f(x, 1), [3, 4], [4, 3], [2, 3, 3])
        yield case(f"{name}(-2)", lambda x, f=function: f(x, -2), [3, 4], [4, 3])
    yield case("diag", torch.diag, [3], [3, 4], [4, 3], [0])
    yield case("diag(1)", lambda x: torch.diag(x, 1), [3], [3, 4], [4, 3])
    yield case("diag(-2)", lambda x: torch.diag(x, -2), [3], [3, 4], [4, 3])
    yield Case("meshgrid", lambda *x: torch.meshgrid(*x, indexing="ij"), list(lists(([2], [3]), ([2], [3], [4]), ([], [2]), ([2],))), may_fail=True)
    yield Case("meshgrid(xy)", lambda *x: torch.meshgrid(*x, indexing="xy"), list(lists(([2], [3]), ([2], [3], [4]))), may_fail=True)


def creation_cases():
    def created(name, function, dtype="float32"):
        return Case(name, function, [named(f"{dtype} created")])

    yield created("zeros(2, 3)", lambda: torch.zeros(2, 3))
    yield created("zeros()", lambda: torch.zeros(()))
    yield created("ones(2, 3; int32)", lambda: torch.ones(2, 3, dtype=torch.int32), "int32")
    yield created("ones(0, 2)", lambda: torch.ones(0, 2))
    yield created("full(2, 3; 2.5)", lambda: torch.full((2, 3), 2.5))
    yield created("full(2; 7)", lambda: torch.full((2,), 7), "int64")
    yield created("full(2; true)", lambda: torch.full((2,), True), "bool")
    yield created("full(2; 1+2j)", lambda: torch.full((2,), 1 + 2j), "complex64")
    yield created("full(2; 3, float16)", lambda: torch.full((2,), 3, dtype=f16), "float16")
    yield created("eye(3)", lambda: torch.eye(3))
    yield created("eye(2, 4; int64)", lambda: torch.eye(2, 4, dtype=i64), "int64")
    yield created("eye(4, 2; bool)", lambda: torch.eye(4, 2, dtype=torch.bool), "bool")
    yield created("arange(5)", lambda: torch.arange(5), "int64")
    yield created("arange(2, 11, 3)", lambda: torch.arange(2, 11, 3), "int64")
    yield created("arange(5, 0, -2)", lambda: torch.arange(5, 0, -2), "int64")
    yield created("arange(0, 1, 0.1)", lambda: torch.arange(0, 1, 0.1))
    yield created("arange(2.5)", lambda: torch.arange(2.5))
    yield created("arange(1, 2, 0.25; float64)", lambda: torch.arange(1, 2, 0.25, dtype=f64), "float64")
    yield created("arange(0)", lambda: torch.arange(0), "int64")
    yield created("arange(5; bfloat16)", lambda: torch.arange(5, dtype=torch.bfloat16), "bfloat16")
    yield created("arange(0, 100, 1; float32)", lambda: torch.arange(0, 100, 1, dtype=f32))
    yield created("arange(0, 5, 2; int32)", lambda: torch.arange(0, 5, 2, dtype=torch.int32), "int32")
    yield created("linspace(0, 1, 5)", lambda: torch.linspace(0, 1, 5))
    yield created("linspace(-3, 10, 7)", lambda: torch.linspace(-3, 10, 7))
    yield created("linspace(3, -2.5, 50; float64)", lambda: torch.linspace(3, -2.5, 50, dtype=f64), "float64")
    yield created("linspace(0, 1, 1)", lambda: torch.linspace(0, 1, 1))
    yield created("linspace(0, 1, 0)", lambda: torch.linspace(0, 1, 0))
    yield created("linspace(0, 10, 4; int64)", lambda: torch.linspace(0, 10, 4, dtype=i64), "int64")
    yield created("linspace(0, 1, 9; float16)", lambda: torch.linspace(0, 1, 9, dtype=f16), "float16")
    yield created("linspace(0, 1j, 3)", lambda: torch.linspace(0, 1 + 1j, 3), "complex64")
    yield created("logspace(-2, 2, 5)", lambda: torch.logspace(-2, 2, 5))
    yield created("logspace(0, 3, 4; base 2)", lambda: torch.logspace(0, 3, 4, base=2))
    yield created("logspace(0.1, 1, 10; float64)", lambda: torch.logspace(0.1, 1, 10, dtype=f64), "float64")
    yield created("scalar_tensor(2.5)", lambda: torch.tensor(2.5))
    yield created("tensor(nested)", lambda: torch.tensor([[1.0, 2.0], [3.0, 4.5]]))
    yield created("tensor(integers)", lambda: torch.tensor([[[1], [2]], [[3], [4]]]), "int64")
    yield created("tensor(bools)", lambda: torch.tensor([True, False]), "bool")
    yield created("tensor(mixed)", lambda: torch.tensor([1, 2.5]), "float32")
    yield created("tensor(empty)", lambda: torch.tensor([]))
    yield created("tensor(complex)", lambda: torch.tensor([1 + 2j, 3]), "complex64")
    likes = list(samples([2, 3], [], [0, 2], dtypes=ALL))
    for name, function in (("zeros_like", torch.zeros_like), ("ones_like", torch.ones_like), ("full_like(2)", lambda x: torch.full_like(x, 2)),
                           ("zeros_like(int32)", lambda x: torch.zeros_like(x, dtype=torch.int32)),
                           ("full_like(2.5, float64)", lambda x: torch.full_like(x, 2.5, dtype=f64))):
        yield Case(name, function, likes, gradient=False)
