"""Plain PyTorch loops, as one writes them for a single experiment: they train, and do nothing else.

    python benchmarks/plain.py --steps 2000 --runs 4     # the ring, one run after the other

One process with torch's default threads. No file, no score, no log: everything that ganbench does besides counts
against ganbench.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from timing import Spent, timed
from torch import Tensor, nn
from torch.nn.functional import softplus

Draw = Callable[[], Tensor]


@dataclass(frozen=True)
class Where:
    """The device of a loop, and the clock of its CPU time."""

    device: str = "cpu"
    cpu: Callable[[], float] = time.process_time

    def timed(self, loop: Callable[[], None]) -> Spent:
        """What a loop takes, until the device has done all of it."""

        def completed() -> None:
            loop()
            if self.device != "cpu":
                torch.cuda.synchronize(self.device)

        return timed(completed, self.cpu)[1]


THREAD = Where(cpu=time.thread_time)


def ring(steps: int, seed: int, where: Where = Where()) -> Spent:
    """LSGAN on a ring of Gaussians as Mao et al. trained it; what the loop takes.

    Both players move at once, on the same latents: the fakes are made once for both losses.
    """
    torch.manual_seed(seed)
    g = nn.Sequential(nn.Linear(256, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 2))
    d = nn.Sequential(nn.Linear(2, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 1))
    for layer in [*g, *d]:
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gain=1.4)
            nn.init.zeros_(layer.bias)
    device = where.device
    g.to(device), d.to(device)
    g_adam = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.999))
    d_adam = torch.optim.Adam(d.parameters(), lr=1e-4, betas=(0.5, 0.999))
    angle = torch.linspace(0, 2 * math.pi, 9, device=device)  # both ends: the authors' first mode comes twice
    centres = torch.stack([angle.sin(), angle.cos()], dim=1)

    def loop() -> None:
        for _ in range(steps):
            real = centres[torch.randint(9, (512,), device=device)] + 0.01 * torch.randn(512, 2, device=device)
            fake = g(torch.randn(512, 256, device=device))
            d_loss = (d(real) - 1).square().mean() / 2 + d(fake.detach()).square().mean() / 2
            g_loss = (d(fake) - 1).square().mean() / 2
            g_adam.zero_grad()
            g_loss.backward()
            d_adam.zero_grad()  # of what the generator's loss left there
            d_loss.backward()
            d_adam.step()
            g_adam.step()

    return where.timed(loop)


def small_ring(steps: int, seed: int, where: Where = Where()) -> Spent:
    """The non-saturating GAN on eight Gaussians with the MLP of suites/stability.yaml; what the loop takes."""
    torch.manual_seed(seed)
    g = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    d = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    for layer in [*g, *d]:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    angle = torch.arange(8, device=where.device) * (2 * math.pi / 8)
    centres = torch.stack([angle.sin(), angle.cos()], dim=1)

    def reals() -> Tensor:
        chosen = torch.randint(8, (64,), device=where.device)
        return centres[chosen] + 0.05 * torch.randn(64, 2, device=where.device)

    return _non_saturating((g, d), (reals, lambda: torch.randn(64, 16, device=where.device)), steps, where)


def digits(images: Tensor, steps: int, seed: int, where: Where = Where()) -> Spent:
    """The non-saturating GAN on 8x8 images in [-1, 1] with the DCGAN of suites/stability.yaml; what the loop takes."""
    torch.manual_seed(seed)
    g = nn.Sequential(
        nn.Linear(100, 128), nn.Unflatten(1, (32, 2, 2)), nn.ReLU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    d = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
        nn.Linear(128, 1),
    )  # fmt: skip
    for layer in [*g, *d]:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
    return non_saturating((g, d), images, (steps, 64), where)


def non_saturating(pair: tuple[nn.Module, nn.Module], images: Tensor, size: tuple[int, int], where: Where) -> Spent:
    """The non-saturating GAN with the networks G and D on images in [-1, 1]; `size`: steps, samples in a batch."""
    images = images.to(where.device)
    steps, n = size

    def reals() -> Tensor:
        return images[torch.randint(len(images), (n,), device=where.device)]

    return _non_saturating(pair, (reals, lambda: torch.rand(n, 100, device=where.device) * 2 - 1), steps, where)


def _non_saturating(pair: tuple[nn.Module, nn.Module], draws: tuple[Draw, Draw], steps: int, where: Where) -> Spent:
    """Train G and D by Adam with a learning rate of 0.001; `draws`: a batch of reals, and one of latents."""
    g, d = (net.to(where.device) for net in pair)
    reals, latents = draws
    g_adam = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.999))
    d_adam = torch.optim.Adam(d.parameters(), lr=1e-3, betas=(0.5, 0.999))

    def loop() -> None:
        for _ in range(steps):
            real = reals()
            fake = g(latents()).detach()
            d_loss = softplus(-d(real)).mean() + softplus(d(fake)).mean()
            d_adam.zero_grad()
            d_loss.backward()
            d_adam.step()
            g_loss = softplus(-d(g(latents()))).mean()
            g_adam.zero_grad()
            g_loss.backward()
            g_adam.step()

    return where.timed(loop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=4)
    options = parser.parse_args()
    for seed in range(options.runs):
        ring(options.steps, seed)
