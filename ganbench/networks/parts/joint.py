"""A discriminator of pairs of a sample and its latent, and an encoder from samples to latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

JOINT = frozenset({"joint"})
ENCODER = frozenset({"e"})


class JointDiscriminator(nn.Module):
    """`joint`: samples x (n, *shape) and latents (n, z) -> raw scores (n,).

    `sample` and `latent` make features of each, and `pair` the score of both side by side.
    Its score of x alone, for objectives that know no pairs, is that of x with the latent 0.
    """

    def __init__(self, z: int, *, sample: nn.Module, latent: nn.Module, pair: nn.Module) -> None:
        super().__init__()
        self.z = z
        self.sample, self.latent, self.pair = sample, latent, pair

    def joint(self, x: Tensor, z: Tensor) -> Tensor:
        score: Tensor = self.pair(torch.cat([self.sample(x), self.latent(z)], 1))
        return score

    def forward(self, x: Tensor) -> Tensor:
        return self.joint(x, x.new_zeros(len(x), self.z))


class Encoder(nn.Module):
    """Samples x (n, *shape) -> means of latents (n, z); with noise (n, z), latents: mean + std * noise.

    `net` gives means and logarithms of standard deviations side by side (n, 2 z).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        mean, log_std = self.net(x).chunk(2, 1)
        latent: Tensor = mean if noise is None else mean + log_std.exp() * noise
        return latent
