"""Captured modes, high-quality samples and reverse KL on a mixture whose modes are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count, Positive
from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.modes import CountingRule, Criterion, best_alignment, count_modes
from ganbench.evaluators.parts.protocol import fingerprint

OFTEN = 20  # samples of a well captured mode


@dataclass(frozen=True, kw_only=True)
class ModeCoverage(Evaluator):
    """`modes`: number of captured modes; `hq`: share of high-quality samples (0..1); `reverse_kl`; `modes_20`;
    `modes_aligned` and `displacement`: the modes that are captured in another place.

    A sample belongs to its nearest mode and has high quality within `within` standard deviations of it. A mode is
    captured if at least `at_least` samples count for it, and is among `modes_20` if 20 do. `reverse_kl` is KL(generated
    || uniform over the modes) in nats, over the samples that count; it has no value if none counts.
    The protocols use 2,500 samples (ALI: 10,000) and the mean of 5 (VEEGAN) or 10 runs. A perfect sampler of a 2-d
    mixture has hq 0.98889 and a reverse_kl of (K - 1) / (2 n): 0.0014 on ring8, 0.0048 on grid25.

    The alignment is the shift and the positive scale that make most samples high-quality, or none if neither does
    better (`parts.modes`). `modes_aligned` is the number of modes that the samples capture once it is undone;
    `displacement` is the root mean square distance of the aligned modes from their places, in standard deviations of a
    mode (0 and more; no value without a finite sample). A discriminator that begins with a linear layer and batch norm,
    over real and generated batches apart, gives x and s x + t the same scores, so nothing calls such samples back.

    criterion: `veegan` counts high-quality samples, border included; `pacgan` those whose Mahalanobis distance is
      strictly below `within`; `ali` every sample, for the mode with the highest posterior probability.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 4.1; Lin et al. 2018 (PacGAN), arXiv:1712.04086, "
        "section 4.1; Dumoulin et al. 2017 (ALI), arXiv:1606.00704"
    )

    criterion: Criterion = "veegan"
    within: Positive = 3.0
    at_least: Count = 1

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("modes", "higher", low=0, diversity=True, unit="count"),
            Metric("hq", "higher", low=0, high=1, unit="share of samples"),
            Metric("reverse_kl", "lower", low=0, diversity=True, unit="nats"),
            Metric("modes_20", "higher", low=0, diversity=True, unit="count"),
            Metric("modes_aligned", "higher", low=0, diversity=True, unit="count"),
            Metric("displacement", "neither", low=0, unit="standard deviations of a mode"),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return None if modes else "needs data with known modes, such as ring8 or grid25"

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        truth = real.modes
        if truth is None or len(fake) == 0:
            return {}
        rule = CountingRule(self.criterion, self.within)
        found = count_modes(fake.x, truth, rule)
        values = {
            "modes": float((found.counts >= self.at_least).sum()),
            "hq": found.good / len(fake),
            "modes_20": float((found.counts >= OFTEN).sum()),
        }
        if found.counts.any():
            share = found.counts / found.counts.sum()
            values["reverse_kl"] = max(torch.special.xlogy(share, share * len(share)).sum().item(), 0.0)
        aligned, alignment = best_alignment(fake.x, truth, rule)
        values["modes_aligned"] = float((aligned.counts >= self.at_least).sum())
        if alignment:
            values["displacement"] = alignment.displacement(truth)
        marks = fingerprint(self, generated=len(fake), modes=len(found.counts), dtype="float64")
        return {name: Score(value, None, len(fake), 0, marks) for name, value in values.items()}
