"""The Wasserstein distance on random lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.distances import BLOCK
from ganbench.evaluators.parts.protocol import fingerprint, on_split, real_view
from ganbench.evaluators.parts.transport import line_cost, pieces


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(Evaluator):
    """`sliced_wasserstein_1` or `_2`: the p-th root of the mean of W_p^p over random directions, in float64.

    Exact on each line, for any two numbers of samples; the directions are even on the sphere and drawn from the score's
    own stream. Images are flattened, in [0, 1].
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing, section 2"

    p: Literal[1, 2] = 2
    projections: Count = 500
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split(f"sliced_wasserstein_{self.p}", self.split), "lower", low=0),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs a sample at least" if samples < 1 else None

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=1)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        reals = real_view(real, self.split, None, least=1)
        x, y = (view.features("pixels").to(fake.device).double() for view in (fake, reals))
        directions = torch.randn(self.projections, x.shape[1], generator=rng, dtype=torch.float64)
        directions = (directions / directions.norm(dim=1, keepdim=True)).to(fake.device)
        shared, size = pieces(len(x), len(y)), max(1, BLOCK // max(len(x), len(y)))
        costs = torch.empty(self.projections, dtype=torch.float64, device=fake.device)  # no small piece between blocks
        for some, into in zip(torch.split(directions, size), torch.split(costs, size), strict=True):
            into.copy_(line_cost((x @ some.T).T, (y @ some.T).T, self.p, shared))
        facts = {"generated": len(x), "real": len(y), "split": self.split, "projections": self.projections}
        marks = fingerprint(self, **fake.extractor("pixels"), **facts, lines="float64")
        value = costs.mean().item() ** (1 / self.p)
        return {self.metrics()[0].name: Score(value, None, len(x), len(y), marks)}
