"""The number of statistically different bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from ganbench import rng as streams
from ganbench.component import Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.kmeans import assign, k_means, k_means_memory
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples

WIDE = 1000  # with more dimensions, a random sixth of them is clustered


@dataclass(frozen=True, kw_only=True)
class NDB(TwoSamples):
    """`ndb_pixels`: bins whose share of generated samples differs from the real share; `ndb_share_pixels`: that over K.

    The K `bins` are cells of k-means on the split, fitted on at most `per_bin` K of its samples, the same for all runs.
    A bin differs by a pooled two-proportion z-test at the level `alpha`, two-tailed and uncorrected: about alpha K bins
    do for a perfect sampler. `ndb_jsd_pixels`: Jensen-Shannon divergence of the shares, in nats. `whiten` first divides
    by standard deviations + 1e-6. With more than 1000 dimensions, a sixth of them is clustered.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Richardson and Weiss 2018, arXiv:1805.12462, section 3, and the authors' code"

    features: FeatureName = "pixels"
    bins: Annotated[int, Ge(2)] = 100
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    whiten: bool = False
    per_bin: Count = 1000
    split: SplitName = "train"

    def metrics(self) -> tuple[Metric, ...]:
        bounds = {"ndb": float(self.bins), "ndb_share": 1.0, "ndb_jsd": math.log(2)}
        highest = {metric_name(name, name, self.features, self.split): high for name, high in bounds.items()}
        return tuple(Metric(name, "lower", low=0, high=high) for name, high in highest.items())

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, self.bins)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        clustered = dimensions // 6 if dimensions > WIDE else dimensions
        return k_means_memory(sizes.real, self.bins, clustered) + 8 * sum(sizes) * clustered

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        what = f"bins-{self.bins}-{self.per_bin}-{'whitened' if self.whiten else 'plain'}-v{self.version}"
        cells = reals.derived(self.features, what, lambda: self._cells(reals.features(self.features), fake.device))
        x = scaled(fake.features(self.features), cells)
        counts = assign(x, cells["centres"], fake.device).bincount(minlength=self.bins).double()
        different = int((p_values(counts, cells["counts"]) < self.alpha).sum())
        values = (float(different), different / self.bins, jensen_shannon(counts, cells["counts"]))
        return MetricValues(values, {"dimensions": x.shape[1]})

    def _cells(self, x: Tensor, device: str) -> dict[str, Tensor]:
        """The chosen dimensions, their shift and scale, the bins' centres, and the real samples in each bin."""
        chance, d = streams.stream(0, "ndb"), x.shape[1]
        chosen = torch.randperm(d, generator=chance)[: d // 6].sort().values if d > WIDE else torch.arange(d)
        shift, scale = x.new_zeros(len(chosen)), x.new_ones(len(chosen))
        if self.whiten:
            shift, scale = x[:, chosen].mean(0), x[:, chosen].std(0, correction=0) + 1e-6
        rows = scaled(x, {"chosen": chosen, "shift": shift, "scale": scale})
        fitted = rows[torch.randperm(len(rows), generator=chance)[: self.per_bin * self.bins]]
        centres = k_means(fitted, self.bins, chance)
        counts = assign(rows, centres, device).bincount(minlength=self.bins).double()
        return {"chosen": chosen, "shift": shift, "scale": scale, "centres": centres, "counts": counts}


def scaled(x: Tensor, cells: dict[str, Tensor]) -> Tensor:
    """The rows of x (n, d) as they are clustered."""
    return (x[:, cells["chosen"]] - cells["shift"]) / cells["scale"]


def p_values(a: Tensor, b: Tensor) -> Tensor:
    """Two-tailed p-values (k,) of the pooled two-proportion z-test for each of k bins, from two sets of counts."""
    n, m = a.sum(), b.sum()
    pooled = (a + b) / (n + m)
    error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    return torch.erfc(((a / n - b / m) / error).nan_to_num(0).abs() / math.sqrt(2))  # 0 / 0: all samples, or none


def jensen_shannon(a: Tensor, b: Tensor) -> float:
    """The divergence in nats, 0 to log 2, between two sets of counts (k,) taken as shares."""
    shares = torch.stack([a / a.sum(), b / b.sum()])
    divergence: Tensor = torch.special.entr(shares.mean(0)).sum() - torch.special.entr(shares).sum(1).mean()
    return min(max(divergence.item(), 0.0), math.log(2))
