"""What enters the networks: latents, and packed samples, several of which PacGAN's D judges at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.datasets.base import Space

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


def latents(spec: RunSpec, space: Space, n: int, generator: torch.Generator) -> Tensor:
    """(n, z) draws from the prior: N(0, 1) or U(-1, 1), float32 on the CPU."""
    shape = (n, spec.network.latent(space))
    if spec.network.prior == "normal":
        return torch.randn(shape, generator=generator)
    return torch.rand(shape, generator=generator).mul_(2).sub_(1)


def packed_samples(x: Tensor, pac: int) -> Tensor:
    """(n * pac, c, ...) -> (n, pac * c, ...): consecutive samples side by side."""
    return x if pac == 1 else x.reshape(len(x) // pac, pac * x.shape[1], *x.shape[2:])


def packed_space(space: Space, pac: int) -> Space:
    """The space of packed samples."""
    return Space((pac * space.shape[0], *space.shape[1:]), space.classes)
