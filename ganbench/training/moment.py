"""What the trainer yields: a look at every run of a pack after some step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.datasets.base import to_rest
from ganbench.rng import stream
from ganbench.variants.base import Params

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganbench.spec import RunSpec
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
    terms: dict[str, float]  # means since the last moment, `d/real` ...; empty once the run has diverged
    diverged: Divergence | None
    checkpoint: Callable[[], Checkpoint]  # everything needed to resume
    generator: Callable[[], Params]  # the weights that `sample` needs


@dataclass(frozen=True)
class Moment:
    """Every run of a pack after `step` generator updates."""

    step: int
    looks: tuple[Look, ...]


def sample(spec: RunSpec, module: nn.Module, weights: Params, n: int, step: int) -> Tensor:
    """n samples at rest (uint8 images, float points) of a generator at a step, on its device.

    Batch norm uses its running statistics. The latents come from the run's `eval` stream of that step alone, so the
    samples depend neither on what was sampled before nor on the device.
    """
    z = latents(spec, n, stream(spec.seed, "eval", step))
    device, dtype = next(iter(weights.values())).device, next(iter(weights.values())).dtype
    was_training = module.training
    module.eval()
    with torch.no_grad():
        parts = torch.split(z, CHUNK)
        chunks = [functional_call(module, weights, (part.to(device, dtype),)) for part in parts]
    module.train(was_training)
    return to_rest(torch.cat(chunks), *spec.network.pixel_range)


def latents(spec: RunSpec, n: int, generator: torch.Generator) -> Tensor:
    """(n, z) draws from the prior: N(0, 1) or U(-1, 1), float32 on the CPU."""
    shape = (n, spec.network.z)
    if spec.network.prior == "normal":
        return torch.randn(shape, generator=generator)
    return torch.rand(shape, generator=generator).mul_(2).sub_(1)
