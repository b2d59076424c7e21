"""The feature likelihood divergence: held-out likelihood under Gaussians around generated samples, and its gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.likelihood import Standardised, fit_widths, nats_per_dimension
from ganbench.evaluators.parts.protocol import content_key, fingerprint, metric_name, real_view, unsupported_features

HUNDREDTHS = 100


@dataclass(frozen=True, kw_only=True)
class FLD(Evaluator):
    """`fld`: how many more nats a held-out sample costs than with real samples, in hundredths per dimension.

    A mixture of Gaussians around generated samples, the first `size` at most, has its widths fitted to the training
    samples; the cost is the mean negative log-likelihood of the samples of `split`. The cost under half of the training
    samples, fitted to the other half, is subtracted. Features are scaled to the mean and deviation of `split`.
    `fld_gap` is the cost of the training samples minus that of `split`: far below 0 for memorised ones.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jiralerspong et al. 2023, arXiv:2302.04440, eqs. 2-5; the authors' code (base component)"

    features: FeatureName = "inception"
    split: SplitName = "test"
    size: Count = 10_000

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric(metric_name("fld", "fld", self.features, self.split), "lower"),
            Metric(metric_name("fld_gap", "fld_gap", self.features, self.split), "neither"),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if self.split == "train":
            return "needs a held-out split; use split: test or split: validation"
        return unsupported_features(self.features, space)

    def memory(self, load: Load) -> int:
        train, test = (load.splits.get(name, 0) for name in ("train", self.split))
        centres = min(self.size, max(load.generated, train // 2))
        return 8 * (2 * (load.generated + train + test) * load.dimensions + 4 * max(train, test) * centres)

    def check(self, real: Reference) -> None:
        real_view(real, "train", None, least=2)
        real_view(real, self.split, None, least=2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        train, test = real_view(real, "train", None, least=2), real_view(real, self.split, None, least=2)
        scaled = Standardised.by(test.features(self.features))
        known, held_out = (scaled(view.features(self.features)).to(fake.device) for view in (train, test))
        centres = scaled(fake.features(self.features)[: self.size]).to(fake.device)
        widths = fit_widths(centres, known)
        seen, new = (nats_per_dimension(x, centres, widths).mean().item() for x in (known, held_out))
        base = new - self._baseline(train, test, scaled)
        facts = {"generated": len(centres), "train": len(known), "real": len(held_out), "split": self.split}
        marks = fingerprint(self, **fake.extractor(self.features), **facts, likelihood="float64")
        values = zip(self.metrics(), (base, seen - new), strict=True)
        return {m.name: Score(HUNDREDTHS * v, None, len(centres), len(held_out), marks) for m, v in values}

    def _baseline(self, train: View, test: View, scaled: Standardised) -> float:
        """The cost under real samples, which all scores share."""

        def compute() -> dict[str, torch.Tensor]:
            known, held_out = (scaled(view.features(self.features)).to(train.device) for view in (train, test))
            known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(0)).to(known.device)]
            half = min(self.size, len(known) // 2)
            widths = fit_widths(known[:half], known[half:])
            return {"cost": nats_per_dimension(held_out, known[:half], widths).mean()}

        what = f"fld-{self.size}-{content_key(test.features(self.features))[:16]}"
        return train.derived(self.features, what, compute)["cost"].item()
