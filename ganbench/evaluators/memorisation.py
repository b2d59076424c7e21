"""Whether generated samples are copies of training samples, that is, nearer to them than new real samples are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.distances import distances_memory, features_memory
from ganbench.evaluators.parts.kmeans import assign, k_means, k_means_memory
from ganbench.evaluators.parts.neighbours import balls_around, nearest_of
from ganbench.evaluators.parts.protocol import content_key, fingerprint, metric_name, real_view, unsupported_features


@dataclass(frozen=True, kw_only=True)
class Memorisation(Evaluator):
    """`c_t`: a test for copies; `authenticity`: the share of generated samples that aren't copies (0..1).

    C_T is a rank test of the distances to the nearest training sample, of generated against held-out samples (`split`),
    in standard deviations: about 0 if they are alike, below -3 for copies, above 3 for samples far from the data. It
    is the mean over `cells` of the space, found by k-means on the training samples and weighted by held-out samples.
    Cells with fewer than `least` generated samples are left out; without any cell there is no C_T. A sample is
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
        return unsupported_features(self.features, space)

    def memory(self, load: Load) -> int:
        sizes, d = (load.generated, *(load.splits.get(name, 0) for name in ("train", self.split))), load.dimensions
        return features_memory(sizes, d) + max(distances_memory(sizes, d), k_means_memory(sizes[1], self.cells, d))

    def check(self, real: Reference) -> None:
        real_view(real, "train", None, least=max(2, self.cells))
        real_view(real, self.split, None, least=1)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        train_view = real_view(real, "train", None, least=max(2, self.cells))
        train, reach = balls_around(train_view, self.features, 1)
        held_out = real_view(real, self.split, None, least=1)
        sides = (fake.features(self.features), held_out.features(self.features))
        made, neighbours = (column[:, 0] for column in nearest_of(fake, train_view, self.features))
        new = self._distances(held_out, train_view)
        authentic = made >= reach[neighbours]
        centres = k_means(train, self.cells, rng)
        cells = [assign(side, centres, fake.device) for side in sides]
        by_cell = [(made[cells[0] == cell], new[cells[1] == cell]) for cell in range(self.cells)]
        kept = [(rank_test(m, n), len(n)) for m, n in by_cell if len(m) >= self.least and len(n)]
        c_t = sum(z * n for z, n in kept) / sum(n for _, n in kept) if kept else None
        values = zip(self.metrics(), (c_t, authentic.double().mean().item()), strict=True)
        facts = {"generated": len(fake), "train": len(train), "real": len(held_out), "split": self.split}
        marks = fingerprint(self, **fake.extractor(self.features), **facts, distances="float64")
        scores = ((m.name, None if v is None else Score(v, None, len(fake), len(held_out), marks)) for m, v in values)
        return {name: score for name, score in scores if score is not None}

    def _distances(self, held_out: View, train: View) -> Tensor:
        """Squared distances (n,) from held-out samples to their nearest training samples; kept on disk."""
        what = f"nearest-{content_key(held_out.features(self.features))[:16]}"
        computed = train.derived(
            self.features, what, lambda: {"squares": nearest_of(held_out, train, self.features).squares}
        )
        return computed["squares"][:, 0]


def rank_test(made: Tensor, new: Tensor) -> float:
    """The Mann-Whitney statistic of values (m,) and (n,), in standard deviations; negative if `made` is smaller.

    Ties count as half.
    """
    m, n = len(made), len(new)
    ordered = new.sort().values
    below = sum(torch.searchsorted(ordered, made, right=side).sum().item() for side in (False, True)) / 2
    return (below - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)
