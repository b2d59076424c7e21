"""The feature likelihood divergence: held-out likelihood under Gaussians around generated samples, and its gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Load, Metric, View
from ganbench.evaluators.parts.held_out import HeldOutComparison
from ganbench.evaluators.parts.likelihood import Standardised, fit_widths, nats_per_dimension
from ganbench.evaluators.parts.protocol import Sizes, content_key, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues

HUNDREDTHS = 100


@dataclass(frozen=True, kw_only=True)
class FLD(HeldOutComparison):
    """`fld`: how many more nats a held-out sample costs than with real samples, in hundredths per dimension.

    A mixture of Gaussians around generated samples, the first `size` at most, has its widths fitted to the training
    samples; the cost is the mean negative log-likelihood of the samples of `split`. The cost under as many training
    samples (half of them at most), fitted to the others, is subtracted. Features are scaled to the mean and deviation
    of `split`. `fld_gap` is the cost of the training samples minus that of `split`: far below 0 for memorised ones.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Jiralerspong et al. 2023, arXiv:2302.04440, eqs. 2-5; the authors' code"

    size: Count = 10_000

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric(metric_name("fld", "fld", self.features, self.split), "lower"),
            Metric(metric_name("fld_gap", "fld_gap", self.features, self.split), "neither"),
        )

    def memory(self, load: Load) -> int:
        train, test = (load.splits.get(name, 0) for name in ("train", self.split))
        centres = min(self.size, max(load.generated, train // 2))
        return 8 * (2 * (load.generated + train + test) * load.dimensions + 4 * max(train, test) * centres)

    def compare(self, fake: View, train: View, held_out: View, rng: torch.Generator) -> MetricValues:
        scaled = Standardised.by(held_out.features(self.features))
        known, new = (scaled(view.features(self.features)).to(fake.device) for view in (train, held_out))
        centres = scaled(fake.features(self.features)[: self.size]).to(fake.device)
        widths = fit_widths(centres, known)
        seen, unseen = (nats_per_dimension(x, centres, widths).mean().item() for x in (known, new))
        values = (unseen - self._baseline(train, held_out, scaled, len(centres)), seen - unseen)
        sizes = Sizes(len(centres), len(new))
        return MetricValues(tuple(HUNDREDTHS * v for v in values), {"likelihood": "float64"}, used=sizes)

    def _baseline(self, train: View, held_out: View, scaled: Standardised, count: int) -> float:
        """The cost under that many training samples, at most half of them, which scores share; kept on disk."""

        def compute() -> dict[str, torch.Tensor]:
            known, new = (scaled(view.features(self.features)).to(train.device) for view in (train, held_out))
            known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(0)).to(known.device)]
            half = min(count, len(known) // 2)
            widths = fit_widths(known[:half], known[half:])
            return {"cost": nats_per_dimension(new, known[:half], widths).mean()}

        what = f"fld-{self.version}-{count}-{content_key(held_out.features(self.features))[:16]}"
        return train.derived(self.features, what, compute)["cost"].item()
