"""The Frechet distance between two sets of features; with Inception's features it is the FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators._classes import Per, check_parts, class_misfit, each_class, named
from ganbench.evaluators._gaussians import frechet
from ganbench.evaluators._protocol import feature_misfit, fingerprint, metric_name, real_view, size_misfit
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View


@dataclass(frozen=True, kw_only=True)
class FID(Evaluator):
    """`fid`, or `fd_pixels`, `fd_classifier`: ||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with n - 1.

    `reference`: the first so many real samples of `split`; None takes all. 10,000 samples or more are customary, and
    more than the features' dimension are needed for covariances of full rank.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Heusel et al. 2017, arXiv:1706.08500, eq. 6; by the covariances' factors"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"

    def metrics(self) -> tuple[Metric, ...]:
        return named(self.per, Metric(metric_name("fid", "fd", self.features, self.split), "lower", low=0))

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        return (
            size_misfit(2, samples, self.reference)
            or feature_misfit(self.features, space)
            or class_misfit(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_parts(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return each_class(self, fake, real, rng)
        reals = self._reals(real)
        value = frechet(fake.moments(self.features), reals.moments(self.features), fake.device)
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "statistics": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        return {self.metrics()[0].name: Score(value, None, len(fake), len(reals), marks)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=2)
