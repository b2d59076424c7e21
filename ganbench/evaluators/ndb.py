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
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.kmeans import assign, k_means
from ganbench.evaluators.parts.protocol import feature_misfit, fingerprint, metric_name, real_view
from ganbench.evaluators.parts.shares import jensen_shannon, p_values

WIDE = 1000  # dimensions above which a sixth of them, chosen at random, is clustered


@dataclass(frozen=True, kw_only=True)
class NDB(Evaluator):
    """`ndb_pixels`: bins whose share of generated samples differs from that of real ones; `ndb_share_pixels`: by K.

    The K `bins` are cells of k-means on the split, fitted on `per_bin` K of its samples at most, the same for all runs.
    A bin differs by a pooled two-proportion z-test at the level `alpha`, two-tailed and not corrected: of a perfect
    sampler about alpha K do. `ndb_jsd_pixels`: the Jensen-Shannon divergence between the shares, in nats. `whiten`
    divides by standard deviations + 1e-6 first; of more than 1000 dimensions a sixth is clustered.
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
        named = {metric_name(name, name, self.features, self.split): high for name, high in bounds.items()}
        return tuple(Metric(name, "lower", low=0, high=high) for name, high in named.items())

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs a sample at least" if samples < 1 else feature_misfit(self.features, space)

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=self.bins)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        reals = real_view(real, self.split, None, least=self.bins)
        what = f"bins-{self.bins}-{self.per_bin}-{'whitened' if self.whiten else 'plain'}-v{self.version}"
        cells = reals.derived(self.features, what, lambda: self._cells(reals.features(self.features), fake.device))
        x = seen(fake.features(self.features), cells)
        counts = assign(x, cells["centres"], fake.device).bincount(minlength=self.bins).double()
        found = int((p_values(counts, cells["counts"]) < self.alpha).sum())
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "dimensions": x.shape[1]}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        values = (float(found), found / self.bins, jensen_shannon(counts, cells["counts"]))
        pairs = zip(self.metrics(), values, strict=True)
        return {metric.name: Score(value, None, len(fake), len(reals), marks) for metric, value in pairs}

    def _cells(self, x: Tensor, device: str) -> dict[str, Tensor]:
        """The dimensions that count, their shift and scale, the bins' centres, and how many real samples each has."""
        chance, d = streams.stream(0, "ndb"), x.shape[1]
        chosen = torch.randperm(d, generator=chance)[: d // 6].sort().values if d > WIDE else torch.arange(d)
        shift, scale = x.new_zeros(len(chosen)), x.new_ones(len(chosen))
        if self.whiten:
            shift, scale = x[:, chosen].mean(0), x[:, chosen].std(0, correction=0) + 1e-6
        rows = seen(x, {"chosen": chosen, "shift": shift, "scale": scale})
        some = rows[torch.randperm(len(rows), generator=chance)[: self.per_bin * self.bins]]
        centres = k_means(some, self.bins, chance)
        counts = assign(rows, centres, device).bincount(minlength=self.bins).double()
        return {"chosen": chosen, "shift": shift, "scale": scale, "centres": centres, "counts": counts}


def seen(x: Tensor, cells: dict[str, Tensor]) -> Tensor:
    """The rows of x (n, d) as they are clustered."""
    return (x[:, cells["chosen"]] - cells["shift"]) / cells["scale"]
