"""Optimizers over stacked parameters: separate runs, separate rates, exact resume."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch

from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import uncompiled
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.spec import RunSpec

OPTIMIZERS = [
    Adam(),
    Adam(eps_hat=True),
    RMSprop(),
    RMSprop(momentum=0.5, centered=True),
    RMSpropTF(),
    RMSpropTF(momentum=0.5),
    SGD(),
    SGD(momentum=0.9, nesterov=True, weight_decay=1e-3),
    SGD(momentum=0.5, final_momentum=0.7, ramp=7, lr_decay=1.1, min_lr=5e-3),
]
SHAPES = [(7, 13), (31,), (2, 3, 5, 5), (1,)]
RUNS = 3

every = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.notation())


def stacked(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(RUNS, *shape, generator=generator, dtype=dtype) for shape in SHAPES]


def gradients(step, dtype=torch.float32):
    generator = torch.Generator().manual_seed(100 + step)
    return [
        torch.randn(RUNS, *shape, generator=generator, dtype=dtype) * 10.0 ** (i - 2) for i, shape in enumerate(SHAPES)
    ]


def leaves(tensors):
    return [tensor.clone().requires_grad_() for tensor in tensors]


def advance(rule, params, steps, pick=lambda tensor: tensor):
    for step in steps:
        for param, gradient in zip(params, gradients(step, params[0].dtype), strict=True):
            param.grad = pick(gradient).clone()
        rule.step()


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stacked_parameters_are_separate_optimizers(optimizer, dtype):
    together = leaves(stacked(dtype))
    advance(optimizer.build(together, "g"), together, range(20))
    exact = not isinstance(optimizer, Adam)  # the fused rule rounds the last few elements of a tensor differently
    for run in range(RUNS):
        alone = leaves([tensor[run] for tensor in stacked(dtype)])
        advance(optimizer.build(alone, "g"), alone, range(20), pick=lambda tensor, run=run: tensor[run])
        ulps = 0.0 if exact else 8 * torch.finfo(dtype).eps
        for pack, single in zip(together, alone, strict=True):
            torch.testing.assert_close(pack[run], single, rtol=ulps, atol=ulps)


@every
def test_saving_and_loading_in_the_middle_changes_nothing(optimizer):
    straight = leaves(stacked())
    advance(optimizer.build(straight, "d"), straight, range(10))

    first = leaves(stacked())
    rule = optimizer.build(first, "d")
    advance(rule, first, range(5))
    file = io.BytesIO()
    torch.save({"params": [p.detach() for p in first], "rule": rule.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second = leaves(saved["params"])
    again = optimizer.build(second, "d")
    again.load_state_dict(saved["rule"])
    advance(again, second, range(5, 10))
    for a, b in zip(straight, second, strict=True):
        assert torch.equal(a, b)


@every
def test_state_is_a_step_count_or_shaped_like_the_parameter(optimizer):
    params = leaves(stacked())
    rule = optimizer.build(params, "g")
    advance(rule, params, range(2))
    for param in params:
        for value in rule.state[param].values():
            assert value is None or value.dim() == 0 or value.shape == param.shape


@every
def test_each_player_has_its_own_rate(optimizer):
    own = replace(optimizer, lr=0.1, d_lr=0.3)
    rates = {}
    for player in ("g", "d"):
        param = torch.zeros(4, requires_grad=True)
        rule = own.build([param], player)
        param.grad = torch.ones(4)
        rule.step()
        rates[player] = param.detach()
    assert own.lr_of("g") == 0.1
    torch.testing.assert_close(rates["d"], 3 * rates["g"])


@every
def test_layout_of_the_gradient_in_memory_does_not_matter(optimizer):
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(3, 7, 5, generator=generator).transpose(1, 2)
    ends = []
    for form in (gradient, gradient.contiguous()):
        param = torch.zeros(3, 5, 7, requires_grad=True)
        rule = optimizer.build([param], "g")
        for scale in (1.0, -2.0):
            param.grad = form * scale
            rule.step()
        ends.append(param.detach())
    torch.testing.assert_close(*ends, rtol=1e-6, atol=0)


@every
def test_a_parameter_without_gradient_stays(optimizer):
    moving, resting = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    rule = optimizer.build([moving, resting], "g")
    moving.grad = torch.ones(3)
    rule.step()
    assert torch.equal(resting, torch.ones(3))
    assert not torch.equal(moving, torch.ones(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adam_fused_or_not_takes_the_same_steps(dtype):
    params, plain = leaves(stacked(dtype)), leaves(stacked(dtype))
    advance(Adam().build(params, "g"), params, range(20))
    advance(torch.optim.Adam(plain, lr=2e-4, betas=(0.5, 0.999), fused=False, foreach=False), plain, range(20))
    for ours, theirs in zip(params, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


MOMENTUM = "nesterov and final_momentum need a momentum above 0: set momentum"


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (SGD(nesterov=True), MOMENTUM),
        (SGD(final_momentum=0.7), MOMENTUM),
        (SGD(nesterov=True, momentum=0.9, final_momentum=0.5), None),
        (
            SGD(lr=0.1, d_lr=0.01, min_lr=0.05),
            "min_lr is above the learning rate of a player: lower min_lr",
        ),
        (SGD(lr=0.1, d_lr=0.05, min_lr=0.05), None),
    ],
    ids=lambda value: value.notation() if isinstance(value, SGD) else "",
)
def test_conflicts_of_sgd(optimizer, reason):
    spec = RunSpec(variant=None, dataset=None, network=None, optimizer=optimizer)
    assert optimizer.conflict(spec) == reason


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (torch.optim.Adam, {"lr": 1e-2, "betas": (0.5, 0.99), "fused": True}),
        (torch.optim.RMSprop, {"lr": 1e-2, "momentum": 0.3}),
        (torch.optim.SGD, {"lr": 1e-2, "momentum": 0.9, "nesterov": True}),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_without_the_compiler_torchs_optimizers_take_the_same_steps(kind, options):
    torchs, own = stacked(), stacked()
    rules = kind([param.requires_grad_() for param in torchs], **options), uncompiled(kind, own, **options)
    for step in range(4):
        if step == 2:  # the state passes through a checkpoint
            state, rules = rules[1].state_dict(), (rules[0], uncompiled(kind, own, **options))
            rules[1].load_state_dict(state)
        for rule, params in zip(rules, (torchs, own), strict=True):
            rule.zero_grad()
            for param, gradient in zip(params, gradients(step), strict=True):
                param.grad = gradient
            rule.step()
    assert all(torch.equal(a, b) for a, b in zip(torchs, own, strict=True))
    assert not any(tensor.requires_grad for param in own for tensor in rules[1].state[param].values())
