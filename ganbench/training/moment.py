"""What the trainer yields: a look at every run of a pack after some step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import functional_call

from ganbench.datasets.base import Data, Space, Split, to_rest
from ganbench.rng import stream
from ganbench.variants.base import Params, Player

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganbench.spec import RunSpec
    from ganbench.training.measures import Measured
    from ganbench.training.state import Checkpoint

CHUNK = 512  # samples generated at once


@dataclass(frozen=True)
class Divergence:
    """The first non-finite number of a run: after which generator step, in which term (`d/real`, `g/parameters`)."""

    step: int
    term: str


@dataclass(frozen=True)
class Look:
    """One run at a moment. The functions read the trainer's state as it is now: call them before going on."""

    spec: RunSpec
    step: int
    terms: dict[str, float]  # means since the last moment (`d/real`), `carry/...`, `health/...`; none once diverged
    diverged: Divergence | None
    checkpoint: Callable[[], Checkpoint]  # everything needed to resume
    generator: Callable[[], Params]  # the weights that `sample` needs
    measures: Callable[[], dict[str, Measured]]  # what the variant measures of its own networks on the test split


@dataclass(frozen=True)
class Moment:
    """Every run of a pack after `step` generator updates."""

    step: int
    looks: tuple[Look, ...]


def sample(spec: RunSpec, data: Data, weights: Params, n: int, step: int) -> Split:
    """n samples at rest (uint8 images, float points) of a generator at a step, on the device of its weights.

    Batch norm uses its running statistics. The latents come from the run's `eval` stream of that step alone, so the
    samples depend neither on what was sampled before nor on the device. A conditional generator is asked for labels
    drawn from those of the training data.
    """
    generator = stream(spec.seed, "eval", step)
    z = latents(spec, data.space, n, generator)
    y = None
    if spec.network.conditional and data.train.y is not None:
        y = data.train.y[torch.randint(len(data.train.y), (n,), generator=generator)]
    own = {name: tensor for name, tensor in weights.items() if not name.startswith("carry/")}
    carry = {name.removeprefix("carry/"): tensor for name, tensor in weights.items() if name not in own}
    like = next(iter(own.values()))
    with torch.device("meta"):  # the program alone: its parameters are given
        module = spec.network.generator(data.space).eval()
    chunks = []
    for part in torch.split(torch.arange(n), CHUNK):
        given = () if y is None else (y[part].to(like.device),)
        fed = spec.variant.g_input(z[part].to(like), carry)
        with torch.no_grad():
            chunks.append(functional_call(module, own, (fed, *given)))
    return Split(to_rest(torch.cat(chunks), *spec.network.pixel_range), y)


def maker(spec: RunSpec, g: Player, carry: Params) -> Player:
    """G as the losses see it: latents as they were drawn, in packs, to samples in packs."""
    pac = spec.network.pac

    def make(weights: Params, z: Tensor, *inputs: Tensor, **part: str) -> Tensor:
        fed = spec.variant.g_input(z.reshape(len(z) * pac, -1), carry)
        return pack(g.apply(weights, fed, *inputs, **part), pac)

    return replace(g, apply=make)


def report(spec: RunSpec, carry: Params) -> dict[str, float]:
    """How what a run carries fares, as its variant tells: `carry/real_slots` ..."""
    return {f"carry/{name}": float(value) for name, value in spec.variant.report(carry).items()}


def pack(x: Tensor, pac: int) -> Tensor:
    """(n * pac, c, ...) -> (n, pac * c, ...): consecutive samples side by side."""
    return x if pac == 1 else x.reshape(len(x) // pac, pac * x.shape[1], *x.shape[2:])


def packed(space: Space, pac: int) -> Space:
    """The space of packs of samples."""
    return Space((pac * space.shape[0], *space.shape[1:]), space.classes)


def latents(spec: RunSpec, space: Space, n: int, generator: torch.Generator) -> Tensor:
    """(n, z) draws from the prior: N(0, 1) or U(-1, 1), float32 on the CPU."""
    shape = (n, spec.network.latent(space))
    if spec.network.prior == "normal":
        return torch.randn(shape, generator=generator)
    return torch.rand(shape, generator=generator).mul_(2).sub_(1)
