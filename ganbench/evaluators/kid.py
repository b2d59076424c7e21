"""The kernel distance between two sets of features; with Inception's features it is the KID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Generator, Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import named
from ganbench.evaluators.parts.distances import product_dtype
from ganbench.evaluators.parts.polynomial import across, centred, subsets, within
from ganbench.evaluators.parts.protocol import metric_name
from ganbench.evaluators.parts.two_samples import Found, TwoSamples


@dataclass(frozen=True, kw_only=True)
class KID(TwoSamples):
    """`kid`, or `kd_pixels`, `kd_classifier`: the unbiased squared MMD with the kernel (x.y / d + 1)^3.

    The mean over `subsets` random subsets of `size` samples from each side (the authors took 50 subsets, later work
    100); `stderr` is the population standard deviation over the subsets, absent when each holds every sample. It may be
    negative. With fewer than `size` samples on a side the subsets shrink to that number, as the fingerprint says. The
    real subsets are the same for every score. Inner products are taken in the fingerprint's `products`, sums in
    float64.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Binkowski et al. 2018, arXiv:1801.01401, section 4"

    subsets: Count = 100
    size: Annotated[int, Ge(2)] = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return named(self.per, Metric(metric_name("kid", "kd", self.features, self.split), "lower"))

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> Found:
        size = min(self.size, len(fake), len(reals))
        whole = size == len(fake) == len(reals)
        count = 1 if whole else self.subsets
        sides = [side.features(self.features).to(fake.device) for side in (fake, reals)]
        common = sides[1].mean(0)
        x, y = (centred(side, common) for side in sides)
        of_fake, of_real = (
            subsets(len(fake), size, count, rng),
            subsets(len(reals), size, count, Generator().manual_seed(0)),
        )

        def real_sums() -> dict[str, Tensor]:
            return {"sums": torch.stack([within(y.subset(rows)) for rows in of_real])}

        own = reals.derived(self.features, f"kernels-{count}-{size}", real_sums)["sums"]
        sums = torch.stack([within(x.subset(rows)) for rows in of_fake]).cpu() + own
        pairs = torch.stack([across(x.subset(i), y.subset(j)) for i, j in zip(of_fake, of_real, strict=True)]).cpu()
        found = sums / (size * (size - 1)) - 2 * pairs / size**2
        facts = {"subset size": size, "products": product_dtype(len(common))}
        spread = None if whole else found.std(correction=0).item()
        return Found((found.mean().item(),), facts, spread)
