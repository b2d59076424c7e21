"""Whether generated samples are copies of training samples, that is, nearer to them than new real samples are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Load, Metric, View
from ganbench.evaluators.parts.distances import distances_memory, features_memory
from ganbench.evaluators.parts.held_out import HeldOutComparison
from ganbench.evaluators.parts.kmeans import assign, k_means, k_means_memory
from ganbench.evaluators.parts.neighbours import balls_around, nearest_of
from ganbench.evaluators.parts.protocol import content_key, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues


@dataclass(frozen=True, kw_only=True)
class Memorisation(HeldOutComparison):
    """`c_t`: a test for copies; `authenticity`: the share of generated samples that aren't copies (0..1).

    C_T is a rank test of the distances to the nearest training sample, of generated against held-out samples (`split`),
    in standard deviations: about 0 if they are alike, below -3 for copies, above 3 for samples far from the data. It
    is the mean over `cells` of the space, found by k-means on the training samples and weighted by held-out samples.
    Cells with fewer than `least` generated samples are left out; without any cell there is no C_T. A sample is
    authentic unless it is nearer to its nearest training sample than any other training sample is to that one.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Meehan et al. 2020, arXiv:2004.05675, section 3; Alaa et al. 2022, arXiv:2102.08921, eq. 7"

    cells: Count = 1
    least: Count = 20

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric(metric_name("c_t", "c_t", self.features, self.split), "neither"),
            Metric(metric_name("authenticity", "authenticity", self.features, self.split), "higher", low=0, high=1),
        )

    @property
    def least_train(self) -> int:
        return max(2, self.cells)

    @property
    def least_held_out(self) -> int:
        return 1

    def memory(self, load: Load) -> int:
        sizes, d = (load.generated, *(load.splits.get(name, 0) for name in ("train", self.split))), load.dimensions
        return features_memory(sizes, d) + max(distances_memory(sizes, d), k_means_memory(sizes[1], self.cells, d))

    def compare(self, fake: View, train: View, held_out: View, rng: torch.Generator) -> MetricValues:
        known, reach = balls_around(train, self.features, 1)
        sides = (fake.features(self.features), held_out.features(self.features))
        made, neighbours = (column[:, 0] for column in nearest_of(fake, train, self.features))
        new = self._distances(held_out, train)
        authentic = made >= reach[neighbours]
        centres = k_means(known, self.cells, rng)
        cells = [assign(side, centres, fake.device) for side in sides]
        by_cell = [(made[cells[0] == cell], new[cells[1] == cell]) for cell in range(self.cells)]
        kept = [(rank_test(m, n), len(n)) for m, n in by_cell if len(m) >= self.least and len(n)]
        c_t = sum(z * n for z, n in kept) / sum(n for _, n in kept) if kept else None
        return MetricValues((c_t, authentic.double().mean().item()), {"distances": "float64"})

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
