#!/usr/bin/env python3
"""Prints what torch.optim makes of the problem in tests/optim/problem.h, and the rates of its schedulers, for the tables
in tests/optim/*_test.cpp. Run it with the Python of scripts/make-oracle-venv."""

import warnings

import torch
from torch import optim
from torch.optim import lr_scheduler as schedules

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGDMomentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "SGDDampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05),
    "SGDNesterovMaximize": lambda p: optim.SGD(
        p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.05, maximize=True
    ),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "AdamAmsgrad": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, amsgrad=True),
    "AdamMaximize": lambda p: optim.Adam(p, lr=0.05, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05),
    "AdamWAmsgrad": lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.2, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p),
    "RMSpropCentered": lambda p: optim.RMSprop(
        p, lr=0.02, alpha=0.9, eps=1e-4, weight_decay=0.1, momentum=0.5, centered=True
    ),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "AdagradDecay": lambda p: optim.Adagrad(
        p, lr=0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-6
    ),
}

# Name: how to make it, steps.
SCHEDULES = {
    "Step": (lambda o: schedules.StepLR(o, 3, gamma=0.5), 8),
    "MultiStep": (lambda o: schedules.MultiStepLR(o, [2, 5, 5], gamma=0.1), 7),
    "Exponential": (lambda o: schedules.ExponentialLR(o, 0.9), 6),
    "CosineAnnealing": (lambda o: schedules.CosineAnnealingLR(o, 5, eta_min=0.01), 13),
    "Linear": (lambda o: schedules.LinearLR(o, start_factor=0.25, end_factor=0.9, total_iters=4), 7),
    "Lambda": (lambda o: schedules.LambdaLR(o, lambda step: 1 / (1 + step)), 5),
    "OneCycle": (lambda o: schedules.OneCycleLR(o, 0.4, total_steps=12), 12),
    "OneCycleInThreeLinearPhases": (
        lambda o: schedules.OneCycleLR(
            o, 0.4, epochs=3, steps_per_epoch=4, anneal_strategy="linear", three_phase=True, pct_start=0.25,
            div_factor=10, final_div_factor=100, base_momentum=0.8, max_momentum=0.9,
        ),
        11,
    ),
    "Sequential": (
        lambda o: schedules.SequentialLR(
            o,
            [
                schedules.LinearLR(o, 0.1, total_iters=3),
                schedules.CosineAnnealingLR(o, 4),
                schedules.ExponentialLR(o, 0.5),
            ],
            [3, 7],
        ),
        11,
    ),
}


def braces(values):
    return "{" + ", ".join(repr(value) for value in values) + "}"


def values_after(make, steps=10):
    p = torch.tensor([[0.5, -0.3], [0.8, 1.2]], requires_grad=True)
    q = torch.tensor([2.0, -1.0], requires_grad=True)
    optimizer = make([p, q])
    for step in range(steps):
        p.grad = p.detach() * 0.5 + 0.1 * step
        q.grad = q.detach() * q.detach() - 0.3 if step % 2 == 0 else None
        optimizer.step()
    return p.detach().flatten().tolist() + q.detach().tolist()


def rates(make, steps, optimizer=None, option="lr"):
    optimizer = optimizer or optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    schedule = make(optimizer)
    result = [optimizer.param_groups[0][option]]
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        result.append(optimizer.param_groups[0][option])
    return result


def main():
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("ignore")
    for name, make in OPTIMIZERS.items():
        print(name, braces(values_after(make)))
    for name, (make, steps) in SCHEDULES.items():
        print(name, braces(rates(make, steps)))
        if "OneCycle" in name:
            print(name, "momentum", braces(rates(make, steps, option="momentum")))
    adam = optim.AdamW([torch.zeros(1, requires_grad=True)], lr=1)
    betas = rates(lambda o: schedules.OneCycleLR(o, 0.4, total_steps=5), 4, adam, "betas")
    print("OneCycle beta1", braces(beta1 for beta1, _ in betas))


if __name__ == "__main__":
    main()
