"""Captured modes, high-quality samples and reverse KL on a mixture whose modes are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count, Positive
from ganbench.datasets.base import Space
from ganbench.evaluators._protocol import fingerprint
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View


@dataclass(frozen=True, kw_only=True)
class ModeCoverage(Evaluator):
    """`modes`: captured ones; `hq`: the share of high-quality samples (0..1); `reverse_kl`; `modes_20`.

    A sample belongs to its nearest mode and is of high quality within `within` standard deviations of it, border
    included. A mode is captured by `at_least` high-quality samples, and counts in `modes_20` by 20 of them.
    `reverse_kl` is KL(generated || uniform over the modes) in nats over the high-quality samples; absent without any.
    The protocol takes 2,500 samples; a perfect sampler of a 2-d mixture has hq 0.98889 and reverse_kl (K - 1) / (2 n).
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 4.1; Lin et al. 2018 (PacGAN)"

    within: Positive = 3.0
    at_least: Count = 1

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("modes", "higher", low=0),
            Metric("hq", "higher", low=0, high=1),
            Metric("reverse_kl", "lower", low=0),
            Metric("modes_20", "higher", low=0),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        return None if modes else "needs data with known modes, such as ring8 or grid25"

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        truth = real.modes
        if truth is None or len(fake) == 0:
            return {}
        distances = torch.cdist(fake.x.double(), truth.centres.double(), compute_mode="donot_use_mm_for_euclid_dist")
        distance, nearest = distances.min(1)
        good = distance <= self.within * truth.std
        counts = nearest[good].bincount(minlength=len(truth.centres)).double()
        values = {
            "modes": float((counts >= self.at_least).sum()),
            "hq": good.double().mean().item(),
            "modes_20": float((counts >= 20).sum()),
        }
        if good.any():
            share = counts / counts.sum()
            values["reverse_kl"] = max(torch.special.xlogy(share, share * len(counts)).sum().item(), 0.0)
        marks = fingerprint(self, generated=len(fake), modes=len(counts), dtype="float64")
        return {name: Score(value, None, len(fake), 0, marks) for name, value in values.items()}
