"""Precision and recall of distributions: the curve over clusters of both sides, in two numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.kmeans import assign, k_means
from ganbench.evaluators.parts.protocol import Least, feature_misfit, fingerprint, metric_name, real_view, size_misfit

EDGE = 1e-10  # radians from the curve's ends


@dataclass(frozen=True, kw_only=True)
class PRD(Evaluator):
    """`prd_f8`: the largest F of the curve that weighs recall by 8; `prd_f1_8`: precision by 8 (0..1).

    The first n samples of each side, n those of the smaller one, are clustered together by k-means; the curve of
    `angles` points compares the shares of the clusters and is the mean over `repeats` clusterings.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Sajjadi et al. 2018, arXiv:1806.00035, section 3 and eq. 7; k-means++ and Lloyd"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    clusters: Count = 20
    angles: Count = 1001
    repeats: Count = 10

    def metrics(self) -> tuple[Metric, ...]:
        names = [metric_name(name, name, self.features, self.split) for name in ("prd_f8", "prd_f1_8")]
        return tuple(Metric(name, "higher", low=0, high=1) for name in names)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return size_misfit(Least(self.clusters, self.clusters), samples, self.reference) or feature_misfit(
            self.features, space
        )

    def check(self, real: Reference) -> None:
        self._reals(real)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        reals = self._reals(real)
        n = min(len(fake), len(reals))
        rows = torch.cat([side.features(self.features)[:n] for side in (fake, reals)])
        curves = []
        for _ in range(self.repeats):
            labels = assign(rows, k_means(rows, self.clusters, rng), fake.device)
            shares = [torch.bincount(part, minlength=self.clusters) / n for part in torch.split(labels, n)]
            curves.append(curve(fake=shares[0], real=shares[1], angles=self.angles))
        precision, recall = torch.stack(curves).mean(0)
        values = (f_score(precision, recall, 8), f_score(precision, recall, 1 / 8))
        facts = {"generated": n, "real": n, "split": self.split, "clustering": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        return {m.name: Score(value, None, n, n, marks) for m, value in zip(self.metrics(), values, strict=True)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=self.clusters)


def curve(*, fake: Tensor, real: Tensor, angles: int) -> Tensor:
    """Precision and recall (2, angles) of two discrete distributions (k,) at slopes from near 0 to near infinity."""
    slopes = torch.linspace(EDGE, math.pi / 2 - EDGE, angles, dtype=torch.float64).tan()[:, None]
    precision = torch.minimum(real.double() * slopes, fake.double()).sum(1)
    return torch.stack([precision, precision / slopes[:, 0]]).clamp(0, 1)


def f_score(precision: Tensor, recall: Tensor, beta: float) -> float:
    """The largest F_beta = (1 + beta^2) p r / (beta^2 p + r) on a curve."""
    scores = (1 + beta**2) * precision * recall / (beta**2 * precision + recall).clamp(min=EDGE)
    return scores.max().item()
