"""Reductions, scans and sorting."""

import torch

from .samples import ALL, INF, NAN, Case, Pattern, each_dtype, named, sample, values

f16, bf16, f32, f64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
c128, i64 = torch.complex128, torch.int64

SPECIAL = torch.tensor([[1.0, NAN, 2.0], [INF, -INF, 0.0], [1.0, INF, 3.0], [-0.0, 0.0, -1.0]])
TIES = torch.tensor([[1.0, 3.0, 3.0, -1.0], [2.0, 2.0, 2.0, 2.0], [0.0, -1.0, 4.0, 4.0]])


def samples(domain="any", *, dims=True, empty=True, ties=False, special=True, large=None, halves=True, complex_numbers=True,
            dtypes=True):
    """dims: the case names dims up to the third; empty: the operation has a result where nothing is reduced; large: a
    shape that is reduced to few elements; halves: PyTorch sums float16 and bfloat16 well; dtypes: all of them."""
    yield sample(domain, [[2, 3, 2]], f64)
    yield sample(domain, [[3, 1, 4]], f32)
    yield sample(domain, [[2, 3, 5]], f32)
    yield sample(domain, [[2, 3, 2, 2]], f32)
    yield sample(domain, [[2, 2, 19]], f32)
    yield named("float32 2x3x5 of equal rows", values(domain, [2, 1, 5], f32).expand(2, 3, 5))
    yield sample(domain, [[0, 3, 2]], f32, may_fail=not empty)
    yield sample(domain, [[2, 3, 0]], f32, may_fail=not empty)
    if not dims:
        for shape in [], [1], [37], [0]:
            yield sample(domain, [shape], f32, may_fail=not empty)
    yield from each_dtype(domain, [[2, 3, 5]], [dtype for dtype in ALL if dtype != f32] if dtypes else [f16, i64])
    if complex_numbers:
        yield sample(domain, [[2, 3, 2]], c128, suffix=" small", may_fail=True)
    if special:
        yield named("float32 special", SPECIAL.reshape(2, 2, 3), gradient=False)
    if ties:
        yield named("float32 ties", TIES.reshape(1, 3, 4))
    if large:
        yield named("float32 large", Pattern(f32, large), gradient=False)
        yield named("float64 large", Pattern(f64, large), gradient=False)
    if large and halves:
        small = tuple(min(dim, 60) for dim in large)
        yield named("float16 large", Pattern(f16, small), gradient=False, may_fail=True)
        yield named("bfloat16 large", Pattern(bf16, small), gradient=False, may_fail=True)


def case(name, function, samples):
    """PyTorch may refuse samples: not every dtype suits every function."""
    return Case(name, function, list(samples), may_fail=True)


def forms(name, function, domain="any", everything=True, several=True, large=True, **options):
    """An operation over all dims, one and several, with keepdim."""

    def taking(shape, **others):
        return samples(domain, large=shape if large else None, **others, **options)

    if everything:
        yield case(name, lambda x: function(x), taking((40, 3, 300), dims=False))
    yield case(f"{name}(dim=1)", lambda x: function(x, dim=1), taking((3, 3000, 5)))
    yield case(f"{name}(dim=-1, keepdim)", lambda x: function(x, dim=-1, keepdim=True), taking((5, 2, 4000), dtypes=False))
    yield case(f"{name}(dim=0)", lambda x: function(x, dim=0), taking((3000, 3, 5), dims=False, dtypes=False))
    if several:
        yield case(f"{name}(dim=0,2)", lambda x: function(x, dim=(0, 2)), taking((40, 7, 130)))
        yield case(f"{name}(dim=-1,0, keepdim)", lambda x: function(x, dim=(-1, 0), keepdim=True), taking((7, 3, 9), dtypes=False))


def pair(function):
    return lambda x, *arguments, **options: tuple(function(x, *arguments, **options))


def norm_of(p):
    return lambda x, dim=None, keepdim=False: torch.linalg.vector_norm(x, p, dim=dim, keepdim=keepdim)


def nan_samples(**options):
    yield from samples(**options)
    x = values("any", [2, 3, 4], f64)
    x[0, 1, 2] = NAN
    yield named("float64 some nan", x.clone())
    x[1, :, 0] = NAN
    yield named("float32 some nan", x.float(), gradient=False)


def reduction_cases():
    for name, function in ("sum", torch.sum), ("mean", torch.mean):
        yield from forms(name, function)
        yield case(f"{name}(dtype=float64)", lambda x, f=function: f(x, dtype=f64), samples(dims=False))
        yield case(f"{name}(dim=1, dtype=float32)", lambda x, f=function: f(x, dim=1, dtype=f32), samples())
    yield Case("sum(dim=0, dtype=int64)", lambda x: torch.sum(x, dim=0, dtype=i64), list(samples(special=False)), gradient=False, may_fail=True)
    yield from forms("prod", torch.prod, "nonzero", several=False, large=None)
    yield case("prod(dtype=float64)", lambda x: torch.prod(x, dtype=f64), samples("nonzero", dims=False, large=None))
    zeros = values("any", [2, 3, 4], f64)
    zeros[0, 1, 2] = 0
    zeros[1, 1, 0] = 0
    zeros[1, 1, 3] = 0
    with_zeros = [named("float64 zeros", zeros), named("float64 one zero", zeros[0].clone()), named("float32 zeros", zeros.float()),
                  named("float32 one zero", zeros[0].float())]
    yield Case("prod(zeros)", torch.prod, with_zeros)
    yield Case("prod(dim=1, zeros)", lambda x: torch.prod(x, 1), with_zeros)
    for name in "max", "min":
        function = getattr(torch, name)
        yield case(name, function, samples("distinct", dims=False, empty=False, ties=True))
        yield from forms(name, pair(function), "distinct", everything=False, several=False, empty=False, large=None)
    for name in "amax", "amin":
        function = getattr(torch, name)
        yield from forms(name, function, "distinct", empty=False, ties=True)
    yield from forms("aminmax", pair(torch.aminmax), "distinct", several=False, empty=False, large=None)
    for name in "argmax", "argmin":
        function = getattr(torch, name)
        yield from forms(name, function, "distinct", several=False, empty=False, ties=True)
    for name in "var", "std":
        function = getattr(torch, name)
        yield from forms(name, function)
        yield case(f"{name}(dim=1, correction=0)", lambda x, f=function: f(x, dim=1, correction=0), samples())
        yield case(f"{name}(dim=0,2, correction=2.5, keepdim)",
                   lambda x, f=function: f(x, dim=(0, 2), correction=2.5, keepdim=True), samples())
    for name in "var_mean", "std_mean":
        function = pair(getattr(torch, name))  # whose mean of infinities is NaN: not compared
        yield from forms(name, function, special=False)
        yield case(f"{name}(dim=1, correction=0)", lambda x, f=function: f(x, dim=1, correction=0), samples(special=False))
    for name in "all", "any":
        yield from forms(name, getattr(torch, name), several=False)
    yield from forms("logsumexp", torch.logsumexp, everything=False)
    for p in 2, 1, 0, INF, -INF, 3, 0.5, -1:
        yield from forms(f"norm(p={p:g})", norm_of(p), "nonzero", several=p in (2, 3))
    yield from forms("nansum", torch.nansum, halves=False)
    yield from forms("nanmean", torch.nanmean, halves=False, complex_numbers=False)
    yield case("nansum(some nan)", torch.nansum, nan_samples(dims=False, large=None))
    yield case("nansum(dim=1, some nan)", lambda x: torch.nansum(x, 1), nan_samples(large=None))
    yield case("nanmean(dim=1, some nan)", lambda x: torch.nanmean(x, 1), nan_samples(large=None))
    yield Case("count_nonzero", torch.count_nonzero, list(samples(dims=False)))
    yield Case("count_nonzero(dim=1)", lambda x: torch.count_nonzero(x, 1), list(samples()))
    yield Case("count_nonzero(dim=0,2)", lambda x: torch.count_nonzero(x, (0, 2)), list(samples()))
    for shape in [1, 3, 1], [3, 1], []:
        yield Case(f"sum_to_shape({shape})", lambda x, s=shape: x.sum_to_size(s) if s else x.sum(),
                   [sample("any", [[2, 3, 5]], f32), sample("any", [[2, 3, 2]], f64), sample("any", [[0, 3, 5]], f32)])


def scan_samples(domain="any", **options):
    yield from samples(domain, **options)
    yield named("float32 long", Pattern(f32, (1, 130, 2)), gradient=False)
    yield named("float64 long", Pattern(f64, (1, 1, 150)), gradient=False)


def scan_cases():
    for name, function, domain in (("cumsum", torch.cumsum, "any"), ("cumprod", torch.cumprod, "nonzero"),
                                   ("logcumsumexp", torch.logcumsumexp, "any")):
        for dim in 0, 1, -1:
            yield case(f"{name}(dim={dim})", lambda x, f=function, d=dim: f(x, d), scan_samples(domain, dims=dim != 0))
        if name != "logcumsumexp":
            yield case(f"{name}(dim=1, dtype=float64)", lambda x, f=function: f(x, 1, dtype=f64),
                       [one for one in scan_samples(domain, complex_numbers=False) if "complex" not in one.name])
    zeros = values("any", [2, 3, 4], f64)
    zeros[0, 1, 2] = 0
    zeros[1, 0, 0] = 0
    zeros[1, 2, 0] = 0
    yield Case("cumprod(dim=1, zeros)", lambda x: torch.cumprod(x, 1), [named("float64 zeros", zeros), named("float32 zeros", zeros.float())])
    for name in "cummax", "cummin":
        function = pair(getattr(torch, name))
        for dim in 0, 1, -1:
            yield case(f"{name}(dim={dim})", lambda x, f=function, d=dim: f(x, d), scan_samples("distinct", dims=dim != 0))


def sorting_samples(dims=True):
    for one in samples("distinct", dims=dims, large=None, special=False, complex_numbers=False):
        if "equal rows" not in one.name and not one.name.startswith("bool"):
            yield one
    yield named("float32 nan", torch.tensor([[3.0, NAN, -1.0, INF], [-INF, 2.0, 0.5, NAN]]).reshape(1, 2, 4), gradient=False)
    yield sample("distinct", [[1, 2, 90]], f32, gradient=False)
    yield sample("distinct", [[2, 70, 2]], torch.int32, gradient=False)


def sorting_cases():
    for dim in -1, 0, 1:
        for descending in False, True:
            suffix = f"dim={dim}" + (", descending" if descending else "")
            options = {"dim": dim, "descending": descending}
            yield case(f"sort({suffix})", lambda x, o=options: tuple(torch.sort(x, **o)), sorting_samples(dim != 1))
            yield case(f"argsort({suffix})", lambda x, o=options: torch.argsort(x, **o), sorting_samples(dim != 1))
    stable = [named("float32 ties", TIES), named("int64 ties", torch.tensor([[3, 1, 3, 1, 1, 2, 2]])), named("bool ties", TIES > 1)]
    yield Case("sort(stable)", lambda x: tuple(torch.sort(x, stable=True)), stable + [sample("distinct", [[3, 4]], f64)])
    yield Case("sort(stable, descending)", lambda x: tuple(torch.sort(x, stable=True, descending=True)), stable + [sample("distinct", [[3, 4]], f64)])
    yield Case("argsort(stable)", lambda x: torch.argsort(x, stable=True), stable)
    yield case("msort", torch.msort, sorting_samples(False))
    for dim, largest in (-1, True), (-1, False), (0, True), (1, False):
        k = 2
        suffix = f"{k}, dim={dim}" + ("" if largest else ", smallest")
        yield Case(f"topk({suffix})", lambda x, d=dim, g=largest: tuple(torch.topk(x, k, d, g)),
                   [one for one in sorting_samples() if one.inputs[0].shape[dim] >= k], may_fail=True)
    yield Case("topk(0)", lambda x: tuple(torch.topk(x, 0)), [sample("distinct", [[3, 4]], f32), sample("distinct", [[3, 4]], f64)])
