"""The birthday paradox test: an estimate of how many different samples a generator produces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.distances import close_pairs, closest_pairs, distances_memory
from ganbench.evaluators.parts.products import blocks_within
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class Birthday(TwoSamples):
    """`birthday_duplicates_pixels`: pairs of near-duplicates; `birthday_support_pixels`: the size of the support.

    Two generated samples are near-duplicates if they are at least as close as the `pairs`-th closest pair among as many
    real ones; a perfect sampler then has about `pairs` of them. (In the paper people judge the 20 closest pairs, which
    is impossible at every mark.) n samples drawn uniformly from N different ones have n (n - 1) / (2 N) equal pairs on
    average; solved for N, this gives the support. It has no value without near-duplicates. At most `limit` samples of
    each side are used. With features other than Inception's the names say which.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Arora, Risteski and Zhang 2018, Do GANs learn the distribution?, ICLR, section 3"

    features: FeatureName = "pixels"
    pairs: Count = 20
    limit: Count = 2500
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        names = [f"birthday_{what}" for what in ("duplicates", "support")]
        duplicates, support = (metric_name(name, name, self.features, self.split) for name in names)
        return (Metric(duplicates, "lower", low=0), Metric(support, "higher", low=1))

    def unsupported_options(self, samples: int) -> str | None:
        return "needs a `limit` of at least 2 samples" if self.limit < 2 else None

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return 8 * 3 * min(self.limit, *sizes) * dimensions + distances_memory((min(self.limit, *sizes),), dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        n = min(len(fake), len(reals), self.limit)
        of_fake, of_real = (blocks_within(view.first(n), self.features) for view in (fake, reals))
        border = closest_pairs(of_real, self.pairs)[-1].item()
        duplicates = close_pairs(of_fake, border)
        facts = {"near": f"{border**0.5:.6g}", "distances": "float64"}
        support = n * (n - 1) / (2 * duplicates) if duplicates else None
        return MetricValues((float(duplicates), support), facts, used=Sizes(n, n))
