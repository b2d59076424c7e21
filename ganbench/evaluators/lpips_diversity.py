"""The mean perceptual distance of pairs of generated images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, on_split, real_view, unsupported_features
from ganbench.evaluators.parts.transport import COLUMNS


@dataclass(frozen=True, kw_only=True)
class LPIPSDiversity(Evaluator):
    """`lpips_diversity`: the mean LPIPS distance of pairs of generated images; `lpips_diversity_real`: of real ones.

    Higher is more diverse: a collapsed generator comes close to 0. Noise is highest of all, so compare with the value
    of real images. The mean is over all pairs of the first `size` images, which are resized to 64x64.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1801.03924; the mean over pairs as in Zhu et al. 2017, section 5"

    size: Annotated[int, Ge(2)] = 100
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        own, real = (on_split(name, self.split) for name in ("lpips_diversity", "lpips_diversity_real"))
        return (Metric(own, "higher", low=0, diversity=True), Metric(real, "neither", low=0))

    def needs(self) -> tuple[FeatureName, ...]:
        return ("lpips",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs at least 2 samples" if samples < 2 else unsupported_features("lpips", space)

    def memory(self, load: Load) -> int:
        return 4 * 4 * self.size * load.dimensions

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        views = [view.first(self.size) for view in (fake, real_view(real, self.split, None, least=2))]
        n, m = map(len, views)
        marks = fingerprint(self, **fake.extractor("lpips"), generated=n, real=m, split=self.split)
        pairs = zip(self.metrics(), views, strict=True)
        return {metric.name: Score(mean_of_pairs(view), None, n, m, marks) for metric, view in pairs}


def mean_of_pairs(view: View) -> float:
    """The mean squared distance over all pairs of different rows: twice the sum of the columns' variances."""
    columns = torch.split(view.features("lpips"), COLUMNS, 1)
    return 2 * math.fsum(part.double().var(0).sum().item() for part in columns)
