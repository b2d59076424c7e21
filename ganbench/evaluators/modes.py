"""Captured modes, high-quality samples and reverse KL on a mixture whose modes are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Count, Positive
from ganbench.datasets.base import Modes, Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint

ROWS = 2**16  # samples in one block; doesn't affect results


@dataclass(frozen=True, kw_only=True)
class ModeCoverage(Evaluator):
    """`modes`: number of captured modes; `hq`: share of high-quality samples (0..1); `reverse_kl`; `modes_20`.

    A sample belongs to its nearest mode and has high quality within `within` standard deviations of it. A mode is
    captured if at least `at_least` samples count for it, and is among `modes_20` if 20 do. `reverse_kl` is KL(generated
    || uniform over the modes) in nats, over the samples that count; it has no value if none counts.
    The protocols use 2,500 samples (ALI: 10,000) and the mean of 5 (VEEGAN) or 10 runs. A perfect sampler of a 2-d
    mixture has hq 0.98889 and a reverse_kl of (K - 1) / (2 n): 0.0014 on ring8, 0.0048 on grid25.

    criterion: `veegan` counts high-quality samples, border included; `pacgan` those whose Mahalanobis distance is
      strictly below `within`; `ali` every sample, for the mode with the highest posterior probability.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 4.1; Lin et al. 2018 (PacGAN), arXiv:1712.04086, "
        "section 4.1; Dumoulin et al. 2017 (ALI), arXiv:1606.00704"
    )

    criterion: Literal["veegan", "pacgan", "ali"] = "veegan"
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

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return None if modes else "needs data with known modes, such as ring8 or grid25"

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        truth = real.modes
        if truth is None or len(fake) == 0:
            return {}
        counts, good = torch.zeros(len(truth.centres), dtype=torch.float64), 0
        for block in torch.split(fake.x, ROWS):
            mode, counted, fine = self._assigned(block.double(), truth)
            counts += mode[counted].bincount(minlength=len(counts))
            good += int(fine.sum())
        values = {
            "modes": float((counts >= self.at_least).sum()),
            "hq": good / len(fake),
            "modes_20": float((counts >= 20).sum()),
        }
        if counts.any():
            share = counts / counts.sum()
            values["reverse_kl"] = max(torch.special.xlogy(share, share * len(counts)).sum().item(), 0.0)
        marks = fingerprint(self, generated=len(fake), modes=len(counts), dtype="float64")
        return {name: Score(value, None, len(fake), 0, marks) for name, value in values.items()}

    def _assigned(self, x: Tensor, truth: Modes) -> tuple[Tensor, Tensor, Tensor]:
        """For each sample: its mode, whether it counts for it, and whether it has high quality."""
        # from differences: matrix products would cancel for samples close to their mode
        away = torch.cdist(x, truth.centres.double(), compute_mode="donot_use_mm_for_euclid_dist") / truth.std
        nearest, mode = away.min(1)
        good = nearest < self.within if self.criterion == "pacgan" else nearest <= self.within
        if self.criterion == "ali":
            return (truth.weights.log() - away.square() / 2).argmax(1), torch.ones_like(good), good
        return mode, good, good
