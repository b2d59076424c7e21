"""The Frechet wavelet distance: Frechet distances of images in bands of frequency, without a network."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.gaussians import frechet, frechet_memory, gaussian
from ganbench.evaluators.parts.protocol import Sizes, on_split, unsupported_sizes
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class FWD(TwoSamples):
    """`fwd`: the mean Frechet distance over the 4^`levels` packets of the images' Haar wavelet packet transform.

    Pixels are in [0, 1]. The paper uses 4 levels for images of 256x256. Sides that can't be halved so often have as
    many levels as they allow; the fingerprint says how many, and such numbers are comparable only with each other.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Veeramacheneni et al. 2025, arXiv:2312.15289, eqs. 3-5"

    levels: Count = 4
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split("fwd", self.split), "lower", low=0),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if not space.is_image or self._depth(space.shape[1:]) == 0:
            return "needs images with sides of an even number of pixels"
        return unsupported_sizes(self.least_samples, samples)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return 8 * 3 * sum(sizes) * dimensions + frechet_memory(sizes, dimensions // 4)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        depth = self._depth(fake.x.shape[2:])
        sides = [packets(view.x.double() / 255, depth).flatten(2) for view in (fake, reals)]
        distances = (frechet(gaussian(x), gaussian(y), fake.device) for x, y in zip(*sides, strict=True))
        return MetricValues((fmean(distances),), {"wavelet": "haar", "levels": depth, "statistics": "float64"})

    def _depth(self, sides: tuple[int, ...]) -> int:
        """How often both sides can be halved, `levels` at most."""
        return next((i for i in range(self.levels) if any(side >> i & 1 for side in sides)), self.levels)


def packets(x: Tensor, levels: int) -> Tensor:
    """The packets (4^levels, n, c, h / 2^levels, w / 2^levels) of images x (n, c, h, w): an orthogonal transform."""
    bands = x[None]
    for _ in range(levels):
        low, high = _halved(bands, 3)
        bands = torch.cat([*_halved(low, 4), *_halved(high, 4)])
    return bands


def _halved(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Sums and differences of neighbours along a dimension, over the root of 2."""
    even, odd = x.reshape(*x.shape[:dim], -1, 2, *x.shape[dim + 1 :]).unbind(dim + 1)
    return (even + odd) / 2**0.5, (even - odd) / 2**0.5
