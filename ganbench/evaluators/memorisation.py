"""Whether generated samples are copies of training samples: nearer to them than new real samples are."""

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
from ganbench.evaluators.parts.neighbours import around, nearest
from ganbench.evaluators.parts.protocol import feature_misfit, fingerprint, metric_name, real_view
from ganbench.features.cache import content_key


@dataclass(frozen=True, kw_only=True)
class Memorisation(Evaluator):
    """`c_t`: a test for copies; `authenticity`: the share of generated samples that are no copies (0..1).

    C_T compares distances to the nearest training sample of generated and of held-out samples (`split`) by a rank test,
    in standard deviations: about 0 when they are alike, below -3 for copies, above 3 for samples far from the data. It
    is the mean over `cells` of the space, found by k-means on the training samples and weighted by held-out samples;
    cells with fewer than `least` generated samples are left out, and with no cell left there is no C_T. A sample is
    authentic unless it is nearer to its nearest training sample than any other training sample is to that one.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Meehan et al. 2020, arXiv:2004.05675, section 3; Alaa et al. 2022, arXiv:2102.08921, eq. 7"

    features: FeatureName = "inception"
    split: SplitName = "test"
    cells: Count = 1
    least: Count = 20

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric(metric_name("c_t", "c_t", self.features, self.split), "neither"),
            Metric(metric_name("authenticity", "authenticity", self.features, self.split), "higher", low=0, high=1),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if self.split == "train":
            return "needs a held-out split; use split: test or split: validation"
        return feature_misfit(self.features, space)

    def check(self, real: Reference) -> None:
        real_view(real, "train", None, least=max(2, self.cells))
        real_view(real, self.split, None, least=1)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        train_view = real_view(real, "train", None, least=max(2, self.cells))
        train, reach = around(train_view, self.features, 1)
        held_out = real_view(real, self.split, None, least=1)
        sides = (fake.features(self.features), held_out.features(self.features))
        made, numbers = (part[:, 0] for part in nearest(sides[0], train, device=fake.device))
        new = self._away(sides[1], train_view)
        far = made >= reach[numbers]
        centres = k_means(train, self.cells, rng)
        cells = [assign(side, centres, fake.device) for side in sides]
        parts = [(made[cells[0] == cell], new[cells[1] == cell]) for cell in range(self.cells)]
        kept = [(rank_test(*part), len(part[1])) for part in parts if len(part[0]) >= self.least and len(part[1])]
        values = {1: far.double().mean().item()}
        if kept:
            values[0] = sum(z * n for z, n in kept) / sum(n for _, n in kept)
        facts = {"generated": len(fake), "train": len(train), "real": len(held_out), "split": self.split}
        marks = fingerprint(self, **fake.extractor(self.features), **facts, distances="float64")
        names = [metric.name for metric in self.metrics()]
        return {names[i]: Score(value, None, len(fake), len(held_out), marks) for i, value in sorted(values.items())}

    def _away(self, held_out: Tensor, train: View) -> Tensor:
        """Squared distances (n,) from held-out samples to the nearest training samples, worked out once for all."""
        among = train.features(self.features)
        what = f"nearest-{content_key(held_out)[:16]}"
        away = train.derived(
            self.features, what, lambda: {"squares": nearest(held_out, among, device=train.device).squares}
        )
        return away["squares"][:, 0]


def rank_test(made: Tensor, new: Tensor) -> float:
    """The Mann-Whitney test of values (m,) against values (n,): in standard deviations, negative where `made` is less.

    Ties count as half.
    """
    m, n = len(made), len(new)
    ordered = new.sort().values
    below = sum(torch.searchsorted(ordered, made, right=side).sum().item() for side in (False, True)) / 2
    return (below - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)
