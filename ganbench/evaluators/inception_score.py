"""The Inception score, and the same formula with the in-domain classifier."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureFile, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, metric_name, unsupported_features

FLOOR = -700.0  # of log p(y|x): a class with probability 0 would give 0 * inf


@dataclass(frozen=True, kw_only=True)
class InceptionScore(Evaluator):
    """`is`, or `is_classifier`: exp E_x KL(p(y|x) || p(y)), the mean over `splits` contiguous parts of the samples.

    p(y) is computed for each part; `stderr` is the population standard deviation over the parts, as in the paper. Real
    samples aren't used. Between 1 and the number of classes. The paper uses 50,000 samples. A TorchScript file must
    return a pair, features and class logits.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 4; in parts as torch-fidelity"

    features: Literal["classifier", "inception", "efficientnet_lite0"] | FeatureFile = "inception"
    splits: Count = 10

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(metric_name("is", "is", self.features), "higher", low=1),)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if samples < self.splits:
            return f"needs at least as many samples as splits ({self.splits})"
        return unsupported_features(self.features, space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        log_p = fake.logits(self.features).double().log_softmax(1).clamp(min=FLOOR)
        scores = part_scores(log_p, self.splits).numpy(force=True)
        # torch-fidelity gives the same number bit for bit: scores that were made through it share the column
        marks = fingerprint(self, "torch-fidelity", **fake.extractor(self.features), generated=len(fake))
        return {self.metrics()[0].name: Score(float(scores.mean()), float(scores.std()), len(fake), 0, marks)}


def part_scores(logits: Tensor, splits: int) -> Tensor:
    """(splits,): exp E_x KL(p(y|x) || p(y)) of each contiguous part of the samples, from their logits (n, k)."""
    p, log_p = logits.softmax(1), logits.log_softmax(1)
    ends = [part * len(logits) // splits for part in range(splits + 1)]
    parts = [slice(*pair) for pair in pairwise(ends)]
    kl = [(p[part] * (log_p[part] - p[part].mean(0).log())).sum(1) for part in parts]
    return torch.stack([each.mean().exp() for each in kl])
