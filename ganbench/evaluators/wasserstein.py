"""The exact Wasserstein distance between two sets of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, on_split, real_view
from ganbench.evaluators.parts.transport import line_cost, pieces


@dataclass(frozen=True, kw_only=True)
class Wasserstein(Evaluator):
    """`wasserstein_1` or `wasserstein_2`: W_p with Euclidean distances, by the best assignment of samples; float64.

    The assignment is of as many samples as both sides have, the first `limit` at most: 2,000 take about a second,
    twice as many eight times as long and 128 MB for their distances. Numbers on a line are sorted instead, all of them.
    In more than a few dimensions it is far above zero even for two sets of real samples: compare with that.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kantorovich 1942; Crouse 2016 for the assignment, through scipy"

    p: Literal[1, 2] = 1
    limit: Count = 2000
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split(f"wasserstein_{self.p}", self.split), "lower", low=0),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs a sample at least" if samples < 1 else None

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=1)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        from scipy.optimize import linear_sum_assignment

        reals = real_view(real, self.split, None, least=1)
        x, y = (view.features("pixels").double() for view in (fake, reals))
        if x.shape[1] == 1:
            cost = line_cost(x.T, y.T, self.p, pieces(len(x), len(y))).item()
        else:
            n = min(len(x), len(y), self.limit)
            x, y = x[:n], y[:n]
            costs = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").pow(self.p).numpy()
            rows, columns = linear_sum_assignment(costs)
            cost = float(costs[rows, columns].mean())
        facts = {"generated": len(x), "real": len(y), "split": self.split, "distances": "float64"}
        marks = fingerprint(self, "scipy", **fake.extractor("pixels"), **facts)
        return {self.metrics()[0].name: Score(cost ** (1 / self.p), None, len(x), len(y), marks)}
