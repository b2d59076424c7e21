"""The Vendi score: the effective number of different samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.classes import Per, metrics_per, score_classes, unsupported_classes
from ganbench.evaluators.parts.products import are_wide, products_memory, within
from ganbench.evaluators.parts.protocol import fingerprint, metric_name, unsupported_features


@dataclass(frozen=True, kw_only=True)
class Vendi(Evaluator):
    """`vendi`: exp of the entropy of the eigenvalues of K / n, K the cosine similarities of the samples' features.

    From 1 (all alike) to the smaller of n and the features' dimension. Real samples aren't used: it measures diversity,
    not quality. Feature vectors of zero length are similar to each other and to no other.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Friedman & Dieng 2023, arXiv:2210.02410, definition 3.1; the cosine kernel"

    features: FeatureName = "inception"
    per: Per = "all"

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(
            self.per, Metric(metric_name("vendi", "vendi", self.features), "higher", low=1, diversity=True)
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_features(self.features, space) or unsupported_classes(self.per, space)

    def memory(self, load: Load) -> int:
        n, d = load.generated, load.dimensions
        if are_wide(2 * n, d):
            return 4 * n * d + products_memory(2 * n)
        return 4 * n * d + 8 * 3 * (n * d + min(n, d) ** 2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return score_classes(self, fake, real, rng)
        x = fake.features(self.features)
        wide = are_wide(2 * len(x), x.shape[1])
        value = effective_rank(within(fake, self.features).raw) if wide else effective_number(x.to(fake.device))
        facts = {"generated": len(fake), "kernel": "cosine", "statistics": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        return {self.metrics()[0].name: Score(value, None, len(fake), 0, marks)}


def effective_number(x: Tensor) -> float:
    """Of rows x (n, d). X X' / n and X' X / n have the same nonzero eigenvalues: the smaller matrix is used."""
    rows = x.double()
    lengths = rows.norm(dim=1, keepdim=True)
    rows = torch.cat([rows / lengths.where(lengths > 0, 1), (lengths == 0).double()], 1)
    wide = rows.shape[0] < rows.shape[1]
    return _exp_entropy((rows @ rows.T if wide else rows.T @ rows) / len(rows))


def effective_rank(products: Tensor) -> float:
    """The effective number of rows with these inner products (n, n)."""
    lengths = products.diagonal().clamp(min=0).sqrt()
    zero = (lengths == 0).double()
    lengths = lengths.where(lengths > 0, 1)
    return _exp_entropy((products / lengths[:, None] / lengths + zero[:, None] * zero) / len(products))


def _exp_entropy(kernel: Tensor) -> float:
    values: Tensor = torch.linalg.eigvalsh(kernel)
    entropy: Tensor = torch.special.entr(values.clamp(min=0)).sum()
    return max(entropy.exp().item(), 1.0)
