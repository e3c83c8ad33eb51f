"""Indexing, gathering and scattering."""

import torch
import torch.nn.functional as F

from .samples import ALL, Case, named, sample, values

f32, f64, i64, i32 = torch.float32, torch.float64, torch.int64, torch.int32
DTYPES = (f32, torch.float16, torch.bool, torch.uint8, i32, i64, torch.complex64)


def with_index(shape, *indices, more=(), sources=()):
    """Samples of x with fixed indices, in every dtype; `more` are other (shape, indices, source shapes)."""
    def one(dtype, shape, indices, sources, suffix=""):
        name = f"{str(dtype)[6:]} {'x'.join(map(str, shape))}{suffix}"
        tensors = [values("any", s, dtype, 7 + i) for i, s in enumerate(sources)]
        return named(name, values("any", shape, dtype), *indices, *tensors, may_fail=True,
                     gradient=dtype in (f32, f64))
    for dtype in (f64, *DTYPES):
        yield one(dtype, shape, indices, sources)
    for i, (other, its, theirs) in enumerate(more):
        yield one(f32, other, its, theirs, f" {i + 1}")


def case(name, function, *arguments, **options):
    return Case(name, function, list(with_index(*arguments, **options)))


def t(*numbers, dtype=i64):
    return torch.tensor(numbers, dtype=dtype)


def indexing_cases():
    x = [3, 4, 5]
    plain = {
        "index(1)": lambda x: x[1],
        "index(-1, 2)": lambda x: x[-1, 2],
        "index(1:, ::2)": lambda x: x[1:, ::2],
        "index(..., 0)": lambda x: x[..., 0],
        "index(0, ..., 1:3)": lambda x: x[0, ..., 1:3],
        "index(None, 1)": lambda x: x[None, 1],
        "index(:, None, -2:)": lambda x: x[:, None, -2:],
        "index()": lambda x: x[()],
        "index(2, 3, 4)": lambda x: x[2, 3, 4],
        "index(5:2)": lambda x: x[5:2],
        "index(-100:100)": lambda x: x[-100:100],
    }
    for name, function in plain.items():
        yield case(name, function, x)
    rows, columns = t(2, 0, 2, -1), t(1, 3, 0, 1)
    matrix = torch.tensor([[0, 2], [1, -1]])
    by_tensor = {
        "index(t)": lambda x, i: x[i],
        "index(:, t)": lambda x, i: x[:, i],
        "index(..., t)": lambda x, i: x[..., i],
        "index(t, 1)": lambda x, i: x[i, 1],
        "index(1:, t)": lambda x, i: x[1:, i],
        "index(None, t)": lambda x, i: x[None, i],
        "index(0, :, t)": lambda x, i: x[0, :, i],
    }
    for name, function in by_tensor.items():
        yield case(name, function, x, rows, more=[(x, (matrix,), ()), (x, (t(),), ()), (x, (torch.tensor(1),), ()), (x, (rows.to(i32),), ())])
    yield case("index(t, t)", lambda x, i, j: x[i, j], x, rows, columns, more=[(x, (matrix, t(0, 1)), ()), (x, (rows, torch.tensor(1)), ())])
    yield case("index(t, :, t)", lambda x, i, j: x[i, :, j], x, rows, columns)
    yield case("index(:, t, t)", lambda x, i, j: x[:, i, j], x, rows, columns)
    yield case("index(t, t, t)", lambda x, i, j, k: x[i, j, k], x, rows, columns, t(4, 0, 1, 2))
    mask = torch.tensor([[True, False, True, True], [False] * 4, [True, True, False, False]])
    yield case("index(mask)", lambda x, m: x[m], [3, 4], mask, more=[(x, (mask,), ()), ([3, 4], (torch.zeros(3, 4, dtype=torch.bool),), ()),
                                                                   (x, (torch.tensor([True, False, True]),), ())])
    yield case("index(:, mask)", lambda x, m: x[:, m], x, torch.tensor([True, False, True, False]))

    def put(*index, accumulate=False):
        def run(x, *rest):
            tensors = iter(rest)
            chosen = tuple(next(tensors) if i is torch.Tensor else i for i in index)
            return torch.ops.aten.clone(x).index_put(tuple(chosen), next(tensors), accumulate) if all(isinstance(i, torch.Tensor) for i in chosen) \
                else assign(x, chosen, next(tensors))
        return run

    def assign(x, index, value):
        y = x.clone()
        y[index] = value
        return y

    T = torch.Tensor
    yield case("index_put(1, v)", put(1), x, sources=[[4, 5]], more=[(x, (), ([5],)), (x, (), ([],))])
    yield case("index_put(1:, ::2, v)", put(slice(1, None), slice(None, None, 2)), x, sources=[[2, 2, 5]], more=[(x, (), ([],))])
    yield case("index_put(..., 0, v)", put(Ellipsis, 0), x, sources=[[3, 4]], more=[(x, (), ([4],))])
    yield case("index_put(t, v)", put(T), x, t(2, 0), sources=[[2, 4, 5]], more=[(x, (t(2, 0),), ([],)), (x, (t(2, 0),), ([5],)), (x, (t(),), ([0, 4, 5],))])
    yield case("index_put(t, v, accumulate)", put(T, accumulate=True), x, rows, sources=[[4, 4, 5]], more=[(x, (matrix,), ([5],)), (x, (rows,), ([],))])
    yield case("index_put(t, t, v)", put(T, T), x, t(2, 0), t(1, 3), sources=[[2, 5]])
    yield case("index_put(t, t, v, accumulate)", put(T, T, accumulate=True), x, t(2, 0, 2), t(1, 3, 1), sources=[[3, 5]])
    yield case("index_put(:, t, v)", put(slice(None), T), x, t(2, 0), sources=[[3, 2, 5]])
    yield case("index_put(mask, v)", put(T), [3, 4], mask, sources=[[5]], more=[([3, 4], (mask,), ([],)), (x, (mask,), ([5, 5],))])
    yield case("index_put(t, 2)", lambda x, i: assign(x, (i,), 2), x, t(2, 0))
    yield case("index_put(mask, 1)", lambda x, m: assign(x, (m,), 1), [3, 4], mask)


def gathering_cases():
    x = [3, 4]
    along0, along1 = torch.tensor([[0, 2, 1, 0], [2, 2, 0, 1]]), torch.tensor([[3, 0], [1, 1], [0, 2]])
    cube = [3, 4, 2]
    yield case("gather(0)", lambda x, i: x.gather(0, i), x, along0, more=[(x, (along0[:, :2],), ()), (x, (torch.zeros(0, 4, dtype=i64),), ())])
    yield case("gather(1)", lambda x, i: x.gather(1, i), x, along1, more=[(x, (along1[:2],), ()), (cube, (along1[:, :, None],), ())])
    yield case("gather(-1)", lambda x, i: x.gather(-1, i), x, along1, more=[([4], (t(3, 0, 0),), ()), ([], (torch.tensor(0),), ())])
    distinct0 = torch.tensor([[0, 2, 1, 0], [2, 1, 0, 1]])
    yield case("scatter(0)", lambda x, i, s: x.scatter(0, i, s), x, distinct0, sources=[[2, 4]], more=[(x, (distinct0[:, :2],), ([3, 5],))])
    yield case("scatter(1)", lambda x, i, s: x.scatter(1, i, s), x, torch.tensor([[3, 0], [1, 2], [0, 2]]), sources=[[3, 2]],
               more=[(x, (torch.zeros(3, 0, dtype=i64),), ([3, 2],))])
    yield case("scatter(1, 2)", lambda x, i: x.scatter(1, i, 2), x, along1)
    yield case("scatter(0, 0.5)", lambda x, i: x.scatter(0, i, 0.5), x, along0)
    yield case("scatter_add(0)", lambda x, i, s: x.scatter_add(0, i, s), x, along0, sources=[[2, 4]], more=[(x, (along0[:, :2],), ([3, 5],))])
    yield case("scatter_add(1)", lambda x, i, s: x.scatter_add(1, i, s), x, along1, sources=[[3, 2]], more=[(cube, (along1[:, :, None],), ([3, 2, 1],))])
    picked = t(2, 0, 2, 1)
    yield case("index_select(0)", lambda x, i: x.index_select(0, i), x, picked, more=[(cube, (picked,), ()), (x, (t(),), ()), (x, (picked.to(i32),), ()), (x, (torch.tensor(1),), ())])
    yield case("index_select(1)", lambda x, i: x.index_select(1, i), x, picked, more=[(cube, (picked,), ()), ([3, 4, 2, 2], (picked,), ())])
    yield case("index_select(-1)", lambda x, i: x.index_select(-1, i), x, picked)
    yield case("index_add(0)", lambda x, i, s: x.index_add(0, i, s), x, picked, sources=[[4, 4]], more=[(cube, (picked,), ([4, 4, 2],))])
    yield case("index_add(1)", lambda x, i, s: x.index_add(1, i, s), x, picked, sources=[[3, 4]], more=[(cube, (picked,), ([3, 4, 2],))])
    yield case("index_add(0, alpha=2)", lambda x, i, s: x.index_add(0, i, s, alpha=2), x, picked, sources=[[4, 4]])
    yield case("take", lambda x, i: x.take(i), x, torch.tensor([[0, 11], [-1, 5]]), more=[(cube, (t(3, 3, 20),), ()), (x, (t(),), ())])
    yield case("take_along_dim(1)", lambda x, i: x.take_along_dim(i, 1), x, along1, more=[(x, (t(1, 0)[None],), ()), (cube, (along1[:, :, None],), ())])
    yield case("take_along_dim(0)", lambda x, i: x.take_along_dim(i, 0), x, along0)
    mask = torch.tensor([[True, False, True, True], [False] * 4, [True, True, False, False]])
    masks = [(x, (mask[0],), ()), (x, (mask[:, :1],), ()), (x, (torch.zeros(3, 4, dtype=torch.bool),), ()), ([4], (mask,), ()), ([2, 3, 4], (mask,), ()),
             ([], (torch.tensor(True),), ())]
    yield case("masked_select", lambda x, m: x.masked_select(m), x, mask, more=masks)
    yield case("masked_fill(2)", lambda x, m: x.masked_fill(m, 2), x, mask, more=masks)
    yield case("masked_fill(-0.5)", lambda x, m: x.masked_fill(m, -0.5), x, mask)
    yield case("masked_fill(-inf)", lambda x, m: x.masked_fill(m, float("-inf")), x, mask)
    yield case("masked_fill(tensor)", lambda x, m, v: x.masked_fill(m, v), x, mask, sources=[[]])
    sparse = [named(f"{str(d)[6:]} 3x4", values("any", [3, 4], d) * values("any", [3, 4], torch.bool).to(d), may_fail=True) for d in ALL]
    yield Case("nonzero", torch.nonzero, sparse + [named("float32 scalar", torch.tensor(2.0)), named("float32 zero", torch.tensor(0.0)), named("float32 0x3", torch.zeros(0, 3)),
                                                   named("float32 special", torch.tensor([0.0, -0.0, float("nan"), 1e-40])), sample("any", [[70]], torch.bool)])
    labels = [named("int64 4", t(0, 2, 1, 2)), named("int64 2x2", torch.tensor([[1, 0], [3, 3]])), named("int64 scalar", torch.tensor(2))]
    yield Case("one_hot", F.one_hot, labels)
    yield Case("one_hot(5)", lambda x: F.one_hot(x, 5), labels + [named("int64 0", t())])
    yield Case("embedding", lambda i, w: F.embedding(i, w),
               [named(f"int64 of {str(d)[6:]} {n}", index, values("any", [5, 3], d), gradient=d in (f32, f64))
                for d in (f32, f64, torch.float16, torch.bfloat16) for n, index in (("4", t(0, 4, 4, 1)), ("2x2", torch.tensor([[1, 2], [0, 0]])), ("scalar", torch.tensor(3)), ("0", t()))])
