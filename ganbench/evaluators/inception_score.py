"""The Inception score, and the same formula with the in-domain classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

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
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 4; through torch-fidelity"

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
        from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

        log_p = fake.logits(self.features).double().log_softmax(1).clamp(min=FLOOR)
        scores = isc_features_to_metric(log_p, splits=self.splits, shuffle=False)
        marks = fingerprint(self, "torch-fidelity", **fake.extractor(self.features), generated=len(fake))
        value, spread = scores[KEY_METRIC_ISC_MEAN], scores[KEY_METRIC_ISC_STD]
        return {self.metrics()[0].name: Score(value, spread, len(fake), 0, marks)}
