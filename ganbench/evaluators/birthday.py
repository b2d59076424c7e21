"""The birthday paradox test: how many different samples a generator has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.distances import close_pairs, closest_pairs
from ganbench.evaluators.parts.protocol import feature_misfit, fingerprint, metric_name, real_view


@dataclass(frozen=True, kw_only=True)
class Birthday(Evaluator):
    """`birthday_duplicates_pixels`: pairs of near-duplicates; `birthday_support_pixels`: the size of the support.

    Two generated samples are near-duplicates when they are as close as the `pairs`-th closest pair of as many real
    ones, so that a perfect sampler has about `pairs`; the authors let people judge the 20 closest pairs instead, which
    can't be done at each mark. Of n samples evenly drawn from N different ones n (n - 1) / (2 N) pairs are expected to
    be equal: N by the pairs found is the support, absent where there are none. The first `limit` samples at most enter.
    With features other than Inception's the names say which.
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

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if min(samples, self.limit) < 2:
            return "needs at least 2 samples"
        return feature_misfit(self.features, space)

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        reals = real_view(real, self.split, None, least=2)
        n = min(len(fake), len(reals), self.limit)
        x, y = (view.features(self.features)[:n] for view in (fake, reals))
        border = closest_pairs(y, self.pairs, fake.device)[-1].item()
        found = close_pairs(x, border, fake.device)
        facts = {"generated": n, "real": n, "split": self.split, "near": f"{border**0.5:.6g}", "distances": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        values = [float(found)] + ([n * (n - 1) / (2 * found)] if found else [])
        names = [metric.name for metric in self.metrics()]
        return {name: Score(value, None, n, n, marks) for name, value in zip(names, values, strict=False)}
