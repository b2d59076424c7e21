"""The Frechet distance that infinitely many generated samples would have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count, Fraction
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.gaussians import frechet
from ganbench.evaluators.parts.protocol import Least, feature_misfit, fingerprint, metric_name, real_view, size_misfit
from ganbench.features.extractor import moments


@dataclass(frozen=True, kw_only=True)
class FIDInfinity(Evaluator):
    """`fid_infinity`, or `fd_infinity_pixels`: the FID falls as 1/n, so a line over 1/n is followed to 0.

    `points` sizes, evenly from the share `least` of the samples to all of them, each a random subset (the paper: 15
    from 5,000 to 50,000). The bias in the number of generated samples goes, that of the real side stays: compare at one
    reference. Below zero by chance where the distance is near zero. The smallest set should exceed the features'
    dimension, else the law doesn't hold.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Chong & Forsyth 2020, arXiv:1911.07023, section 3; random subsets"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    points: Count = 15
    least: Fraction = 0.1

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(metric_name("fid_infinity", "fd_infinity", self.features, self.split), "lower"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        sizes = self._sizes(samples)
        if sizes[0] < 2 or sizes[0] == sizes[-1]:
            return "needs subsets of at least 2 samples, and of at least 2 sizes: more samples, or another `least`"
        return size_misfit(Least(2, 2), samples, self.reference) or feature_misfit(self.features, space)

    def check(self, real: Reference) -> None:
        self._reals(real)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        reals, sizes = self._reals(real), self._sizes(len(fake))
        rows, truth = fake.features(self.features), reals.moments(self.features)
        subsets = (rows[torch.randperm(len(rows), generator=rng)[:size]] for size in sizes)
        values = torch.tensor([frechet(moments(x), truth, fake.device) for x in subsets], dtype=torch.float64)
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "smallest set": sizes[0]}
        marks = fingerprint(self, **fake.extractor(self.features), **facts, statistics="float64")
        value = at_infinity(torch.tensor(sizes), values)
        return {self.metrics()[0].name: Score(value, None, len(fake), len(reals), marks)}

    def _sizes(self, samples: int) -> list[int]:
        return torch.linspace(self.least * samples, samples, self.points, dtype=torch.float64).round().int().tolist()

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=2)


def at_infinity(sizes: Tensor, values: Tensor) -> float:
    """Where the least-squares line of values (n,) over 1 / sizes (n,) meets 0."""
    x = 1 / sizes.double()
    slope = ((x - x.mean()) * (values - values.mean())).sum() / (x - x.mean()).square().sum()
    return (values.mean() - slope * x.mean()).item()
