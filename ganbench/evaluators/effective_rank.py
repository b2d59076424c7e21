"""The effective rank of the samples' features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.products import are_wide, products_memory, within
from ganbench.evaluators.parts.protocol import fingerprint, metric_name, unsupported_features

if TYPE_CHECKING:
    from torch import Tensor

SHORT = 2  # samples for each dimension from which on the products of the dimensions take less time
ROUNDING = torch.finfo(torch.float64).eps  # of products: singular values below 1e-7 of the largest count as 0


@dataclass(frozen=True, kw_only=True)
class EffectiveRank(Evaluator):
    """`effective_rank`: exp of the entropy of the singular values of the matrix of features, which sum to 1.

    From 1 (all features are multiples of one vector) to the smaller of the number of samples and the features'
    dimension. The features are not centred, so that samples that are nearly alike have a rank near 1. It is absent if
    all features are 0. Real samples aren't used.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Roy & Vetterli 2007, The effective rank, EUSIPCO, definition 1"

    features: FeatureName = "inception"

    def metrics(self) -> tuple[Metric, ...]:
        name = metric_name("effective_rank", "effective_rank", self.features)
        return (Metric(name, "higher", low=1, diversity=True),)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_features(self.features, space)

    def memory(self, load: Load) -> int:
        n, d = load.generated, load.dimensions
        if are_wide(2 * n, d):
            return 4 * n * d + products_memory(2 * n)
        return 4 * n * d + 8 * 2 * (n * d + min(n, d) ** 2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        values = self._singular_values(fake)
        if not values.any():
            return {}
        facts = {"generated": len(fake), "centred": "no", "statistics": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        entropy = torch.special.entr(values / values.sum()).sum()
        return {self.metrics()[0].name: Score(max(entropy.exp().item(), 1.0), None, len(fake), 0, marks)}

    def _singular_values(self, fake: View) -> Tensor:
        """From products where there are far more samples than dimensions, or dimensions than samples."""
        x = fake.features(self.features)
        n, d = x.shape
        if n >= SHORT * d:
            mean, cov = fake.moments(self.features)  # which other evaluators share
            products = (n - 1) * cov + n * mean.outer(mean)
        elif are_wide(2 * n, d):
            products = within(fake, self.features).raw
        else:
            values: Tensor = torch.linalg.svdvals(x.to(fake.device, torch.float64))
            return values
        squares = torch.linalg.eigvalsh(products.to(fake.device))
        return torch.where(squares > len(squares) * ROUNDING * squares[-1], squares, 0).sqrt()
