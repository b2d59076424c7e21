"""What enters the networks: latents, and packed samples, several of which PacGAN's D judges at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.datasets.base import Space

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


def latents(spec: RunSpec, space: Space, n: int, generator: torch.Generator) -> Tensor:
    """(n, z) draws from the prior: N(0, 1) or U(-1, 1), float32 on the CPU."""
    return latents_of_each(spec, space, n, (generator,))[0]


def latents_of_each(spec: RunSpec, space: Space, n: int, generators: Sequence[torch.Generator]) -> Tensor:
    """(S, n, z): those that each generator draws."""
    shape = (n, spec.network.latent(space))
    if spec.network.prior == "normal":
        return torch.stack([torch.randn(shape, generator=generator) for generator in generators])
    return torch.stack([torch.rand(shape, generator=generator) for generator in generators]).mul_(2).sub_(1)


def packed_samples(x: Tensor, pac: int) -> Tensor:
    """(n * pac, c, ...) -> (n, pac * c, ...): consecutive samples side by side."""
    return x if pac == 1 else x.reshape(len(x) // pac, pac * x.shape[1], *x.shape[2:])


def packed_space(space: Space, pac: int) -> Space:
    """The space of packed samples."""
    return Space((pac * space.shape[0], *space.shape[1:]), space.classes)
