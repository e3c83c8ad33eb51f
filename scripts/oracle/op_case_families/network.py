"""Pooling, normalization, softmax and losses."""

import torch
import torch.nn.functional as F

from .samples import INF, NAN, Case, Pattern, each_dtype, named, sample, values

f16, bf16, f32, f64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
HALVES = (f16, bf16)


def floats(domain, *shapes, more=()):
    """float64 and the 16-bit types on the first shapes, float32 on all."""
    yield sample(domain, shapes[0], f64)
    for one in shapes:
        yield sample(domain, one, f32)
    yield from each_dtype(domain, shapes[0], HALVES)
    yield from more


def case(name, function, domain, *shapes, more=()):
    return Case(name, function, list(floats(domain, *shapes, more=more)), may_fail=True)


def pooling_cases():
    for rank in 1, 2, 3:
        def x(*shapes):
            """Shapes for this rank, from those for rank 3."""
            return [[shape[: rank + 2] if len(shape) == 5 else shape[: rank + 1]] for shape in shapes]

        main = x([2, 2, 5, 4, 3], [3, 6, 4, 3], [0, 3, 5, 4, 4])
        maximum, average = getattr(F, f"max_pool{rank}d"), getattr(F, f"avg_pool{rank}d")
        options = {
            "2": {"kernel_size": 2},
            "3, stride=2, padding=1": {"kernel_size": 3, "stride": 2, "padding": 1},
            "3, stride=2, padding=1, ceil": {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
            "2, stride=1": {"kernel_size": 2, "stride": 1},
        }
        for text, named_options in options.items():
            yield case(f"max_pool{rank}d({text})", lambda x, f=maximum, o=named_options: f(x, **o), "distinct", *main)
            yield case(f"avg_pool{rank}d({text})", lambda x, f=average, o=named_options: f(x, **o), "any", *main)
        yield case(f"max_pool{rank}d(2, stride=1, dilation=2)", lambda x, f=maximum: f(x, 2, 1, dilation=2), "distinct", *main[:2])
        yield case(f"max_pool{rank}d_with_indices(2)", lambda x, f=maximum: tuple(f(x, 2, return_indices=True)), "distinct", *main)
        yield case(f"max_pool{rank}d_with_indices(3, stride=2, padding=1, dilation=1, ceil)",
                   lambda x, f=maximum: tuple(f(x, 3, 2, 1, 1, ceil_mode=True, return_indices=True)), "distinct", *main)
        yield case(f"avg_pool{rank}d(3, stride=2, padding=1, not count_include_pad)", lambda x, f=average: f(x, 3, 2, 1, count_include_pad=False), "any", *main)
        yield case(f"avg_pool{rank}d(3, stride=2, padding=1, ceil, not count_include_pad)",
                   lambda x, f=average: f(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), "any", *main)
        if rank > 1:
            yield case(f"avg_pool{rank}d(2, divisor_override=3)", lambda x, f=average: f(x, 2, divisor_override=3), "any", *main)
        for size in 1, 3:
            yield case(f"adaptive_avg_pool{rank}d({size})", lambda x, f=getattr(F, f"adaptive_avg_pool{rank}d"), s=size: f(x, s), "any", *main[:2], *x([2, 2, 7, 2, 4]))
            yield case(f"adaptive_max_pool{rank}d({size})", lambda x, f=getattr(F, f"adaptive_max_pool{rank}d"), s=size: f(x, s), "distinct", *main[:2], *x([2, 2, 7, 2, 4]))
    yield case("max_pool2d(2,3, stride=1,2, padding=1,0)", lambda x: F.max_pool2d(x, (2, 3), (1, 2), (1, 0)), "distinct", [[2, 3, 5, 4]],
               more=[named("float32 special", torch.tensor([[1.0, NAN, 2.0, 0.0], [-INF, 3.0, INF, 1.0], [-INF, -INF, -INF, NAN]])[None, None], gradient=False)])
    yield case("avg_pool2d(2,3, stride=1,2, padding=1,0)", lambda x: F.avg_pool2d(x, (2, 3), (1, 2), (1, 0)), "any", [[2, 3, 5, 4]])
    yield case("max_pool2d(2, large)", lambda x: F.max_pool2d(x, 2), "distinct", [[1, 2, 4, 4]], more=[named("float32 large", Pattern(f32, (2, 16, 8, 8)), gradient=False)])
    yield case("adaptive_avg_pool2d(2,4)", lambda x: F.adaptive_avg_pool2d(x, (2, 4)), "any", [[2, 3, 5, 4]], [[3, 3, 3]])
    yield case("adaptive_max_pool2d(2,4)", lambda x: F.adaptive_max_pool2d(x, (2, 4)), "distinct", [[2, 3, 5, 4]], [[3, 3, 3]])


def trained(x, mean, variance, weight=None, bias=None, **options):
    mean, variance = mean.detach().clone(), variance.detach().clone()
    y = F.batch_norm(x, mean, variance, weight, bias, training=True, **options)
    return y, mean, variance


def normalization_cases():
    wide = ["any", "any", "positive", "any", "any"]
    shapes = ([4, 3, 2], [3], [3], [3], [3]), ([4, 3], [3], [3], [3], [3]), ([2, 3, 4, 5], [3], [3], [3], [3]), ([2, 3, 2, 3, 2], [3], [3], [3], [3])
    bare = [one[:3] for one in shapes]
    yield case("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b), wide, *shapes)
    yield case("batch_norm(no weight)", lambda x, m, v: F.batch_norm(x, m.detach(), v.detach()), wide[:3], *bare)
    yield case("batch_norm(training)", trained, wide, *shapes)
    yield case("batch_norm(training, no weight)", trained, wide[:3], *bare)
    yield case("batch_norm(training, momentum=0.3, eps=0.01)", lambda *x: trained(*x, momentum=0.3, eps=0.01), wide, *shapes)
    yield case("batch_norm(training, no statistics)", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), ["any"] * 3,
               *[[one[0], [3], [3]] for one in shapes], more=[named("float32 large", Pattern(f32, (8, 5, 11)), Pattern(f32, (5,)), Pattern(f32, (5,)), gradient=False)])
    yield case("layer_norm(4)", lambda x: F.layer_norm(x, [4]), "any", [[3, 4]], [[2, 3, 4]], [[0, 4]], [[4]], more=[])
    yield case("layer_norm(4, weight, bias)", lambda x, w, b: F.layer_norm(x, [4], w, b), "any", ([3, 4], [4], [4]), ([2, 3, 4], [4], [4]))
    yield case("layer_norm(4, weight)", lambda x, w: F.layer_norm(x, [4], w), "any", ([3, 4], [4]), ([2, 3, 4], [4]))
    yield case("layer_norm(3,4, weight, bias, eps=0.1)", lambda x, w, b: F.layer_norm(x, [3, 4], w, b, 0.1), "any", ([2, 3, 4], [3, 4], [3, 4]), ([3, 4], [3, 4], [3, 4]))
    yield case("layer_norm(130)", lambda x, w, b: F.layer_norm(x, [130], w, b), "any", ([2, 130], [130], [130]))
    yield case("group_norm(2)", lambda x: F.group_norm(x, 2), "any", [[2, 4, 3]], [[3, 4]], [[2, 6, 2, 3]], [[2, 4, 2, 1, 2]])
    yield case("group_norm(2, weight, bias)", lambda x, w, b: F.group_norm(x, 2, w, b), "any", ([2, 4, 3], [4], [4]), ([2, 4, 2, 3], [4], [4]))
    yield case("group_norm(1, weight, bias, eps=0.1)", lambda x, w, b: F.group_norm(x, 1, w, b, 0.1), "any", ([2, 4, 3], [4], [4]))
    for name, function in ("softmax", F.softmax), ("log_softmax", F.log_softmax):
        odd = [named("float32 special", torch.tensor([[1.0, NAN, 2.0], [INF, 0.0, 1.0], [-INF, 0.0, 1.0], [-INF, -INF, -INF], [1000.0, 999.0, -1000.0]]).T.contiguous(), gradient=False),
               named("float32 long", Pattern(f32, (2, 150, 2)), gradient=False)]
        for dim in 0, 1, -1:
            yield case(f"{name}(dim={dim})", lambda x, f=function, d=dim: f(x, d), "any", [[3, 4]], [[2, 3, 5]], [[3, 19]], [[2, 3, 2, 2]], [[0, 3]], [[2, 1, 3]], more=odd)
        yield case(f"{name}(dim=0, scalar)", lambda x, f=function: f(x, 0), "any", [[]], [[5]], [[1]], more=[sample("any", [[4]], torch.int32, may_fail=True)])
        yield Case(f"{name}(dim=1, dtype=float64)", lambda x, f=function: f(x, 1, dtype=f64),
                   [sample("any", [[3, 4]], f64), sample("any", [[3, 4]], f32), *each_dtype("any", [[3, 4]], (f16, bf16, torch.int32, torch.bool))])


def classified(shape, classes=4):
    """Logits, and a class for each row; some are to be ignored."""
    rows = shape[:1] + shape[2:] if len(shape) > 1 else []
    for dtype in (f64, f32, *HALVES) if shape == [5, 4] else (f32,):
        index = values("shift", rows, torch.int64, 3) % classes
        yield named(f"{str(dtype)[6:]} {'x'.join(map(str, shape))}", values("any", shape, dtype), index, gradient=dtype in (f32, f64))


def classes(name, function, *, shapes=([5, 4], [4], [2, 4, 3], [2, 4, 2, 3], [0, 4]), change=lambda one: one):
    return Case(name, function, [change(one) for shape in shapes for one in classified(shape)])


def with_weight(one):
    one.inputs.append(values("positive", [4], one.inputs[0].dtype))
    return one


def with_ignored(one):
    if one.inputs[1].dim() > 0 and one.inputs[1].numel() > 1:
        one.inputs[1].flatten()[1] = -100
    return one


def with_ignored_two(one):
    if one.inputs[1].dim() > 0 and one.inputs[1].numel() > 1:
        one.inputs[1].flatten()[1] = 2
    return one


def loss_cases():
    for name, function in ("cross_entropy", F.cross_entropy), ("nll_loss", F.nll_loss):
        yield classes(name, function)
        for reduction in "none", "sum":
            yield classes(f"{name}({reduction})", lambda x, t, f=function, r=reduction: f(x, t, reduction=r))
        yield classes(f"{name}(ignored)", function, change=with_ignored)
        yield classes(f"{name}(ignored, none)", lambda x, t, f=function: f(x, t, reduction="none"), change=with_ignored)
        yield classes(f"{name}(ignore_index=2)", lambda x, t, f=function: f(x, t, ignore_index=2), change=with_ignored_two)
        yield classes(f"{name}(weight)", lambda x, t, w, f=function: f(x, t, w.detach()), change=with_weight)
        for reduction in "none", "sum":
            yield classes(f"{name}(weight, {reduction})", lambda x, t, w, f=function, r=reduction: f(x, t, w.detach(), reduction=r), change=with_weight)
        yield classes(f"{name}(weight, ignored)", lambda x, t, w, f=function: f(x, t, w.detach()), change=lambda one: with_ignored(with_weight(one)))
    for reduction in "mean", "none", "sum":
        yield classes(f"cross_entropy(label_smoothing=0.1, {reduction})", lambda x, t, r=reduction: F.cross_entropy(x, t, label_smoothing=0.1, reduction=r))
    yield classes("cross_entropy(label_smoothing=0.2, weight, ignored)", lambda x, t, w: F.cross_entropy(x, t, w.detach(), label_smoothing=0.2), change=lambda one: with_ignored(with_weight(one)))
    soft = ([5, 4], [5, 4]), ([2, 4, 3], [2, 4, 3]), ([4], [4])
    for reduction in "mean", "none", "sum":
        yield case(f"cross_entropy(probabilities, {reduction})", lambda x, t, r=reduction: F.cross_entropy(x, t, reduction=r), ["any", "probability"], *soft)
    yield case("cross_entropy(probabilities, weight, label_smoothing=0.1)", lambda x, t, w: F.cross_entropy(x, t, w.detach(), label_smoothing=0.1), ["any", "probability", "positive"],
               *[(*one, [4]) for one in soft])
    yield Case("cross_entropy(large)", F.cross_entropy, [named("float32 large", Pattern(f32, (300, 30)), torch.arange(300) * 7 % 30, gradient=False),
                                                         named("float64 7x4", values("any", [7, 4], f64), torch.arange(7) % 4), named("float32 7x4", values("wide", [7, 4], f32) * 30, torch.arange(7) % 4)])
    pairs = ([3, 4], [3, 4]), ([2, 3, 5], [2, 3, 5]), ([], []), ([0, 3], [0, 3]), ([3, 19], [3, 19])
    for reduction in "mean", "none", "sum":
        options = {"reduction": reduction}
        yield case(f"mse_loss({reduction})", lambda x, y, o=options: F.mse_loss(x, y, **o), "any", *pairs)
        yield case(f"l1_loss({reduction})", lambda x, y, o=options: F.l1_loss(x, y, **o), "any", *pairs)
        yield case(f"smooth_l1_loss({reduction})", lambda x, y, o=options: F.smooth_l1_loss(x, y, **o), "any", *pairs)
        yield case(f"smooth_l1_loss({reduction}, beta=0.4)", lambda x, y, o=options: F.smooth_l1_loss(x, y, beta=0.4, **o), "any", *pairs)
        yield case(f"huber_loss({reduction})", lambda x, y, o=options: F.huber_loss(x, y, **o), "any", *pairs)
        yield case(f"huber_loss({reduction}, delta=0.4)", lambda x, y, o=options: F.huber_loss(x, y, delta=0.4, **o), "any", *pairs)
        yield case(f"binary_cross_entropy({reduction})", lambda x, y, o=options: F.binary_cross_entropy(x, y, **o), "probability", *pairs)
        yield case(f"binary_cross_entropy({reduction}, weight)", lambda x, y, w, o=options: F.binary_cross_entropy(x, y.detach(), w.detach(), **o), ["probability", "probability", "positive"],
                   *[(*one, one[0]) for one in pairs])
        yield case(f"binary_cross_entropy_with_logits({reduction})", lambda x, y, o=options: F.binary_cross_entropy_with_logits(x, y, **o), ["any", "probability"], *pairs)
        yield case(f"binary_cross_entropy_with_logits({reduction}, weight, pos_weight)",
                   lambda x, y, w, p, o=options: F.binary_cross_entropy_with_logits(x, y, w.detach(), pos_weight=p.detach(), **o), ["any", "probability", "positive", "positive"],
                   ([3, 4], [3, 4], [3, 4], [4]), ([3, 4], [3, 4], [4], [4]))
        yield case(f"kl_div({reduction})", lambda x, y, o=options: F.kl_div(x, y, **o), ["any", "probability"], *pairs)
        yield case(f"kl_div({reduction}, log_target)", lambda x, y, o=options: F.kl_div(x, y, log_target=True, **o), "any", *pairs)
    edge = [named("float32 edges", torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5]), torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5]))]
    yield Case("binary_cross_entropy(edges)", lambda x, y: F.binary_cross_entropy(x, y.detach()), [sample("probability", [[3], [3]], f64), *edge])
    big = [named("float32 large", torch.tensor([100.0, -100.0, 1000.0, -1000.0]), torch.tensor([1.0, 0.0, 0.0, 1.0]))]
    yield Case("binary_cross_entropy_with_logits(large)", F.binary_cross_entropy_with_logits, [sample(["any", "probability"], [[3], [3]], f64), *big])
    yield Case("mse_loss(broadcast)", lambda x, y: F.mse_loss(x, y), [sample("any", [[3, 4], [4]], f32), sample("any", [[3, 1], [4]], f64)])
    ties = [named("float32 equal", torch.tensor([1.0, 2.0, -1.0]), torch.tensor([1.0, 2.5, 0.0])), sample("any", [[3], [3]], f64)]
    yield Case("l1_loss(equal)", lambda x, y: F.l1_loss(x, y), ties)
    yield Case("smooth_l1_loss(beta=0)", lambda x, y: F.smooth_l1_loss(x, y, beta=0.0), ties)
