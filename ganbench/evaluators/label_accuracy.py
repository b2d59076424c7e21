"""Whether a conditional generator produces samples of the requested class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, unsupported_features, unsupported_sizes


@dataclass(frozen=True, kw_only=True)
class LabelAccuracy(Evaluator):
    """`label_accuracy`: the share (0..1) of samples that the in-domain classifier assigns to the requested label.

    The classifier is trained on real images, so this is the paper's GAN-test. Chance level is 1 / classes; a perfect
    generator reaches the classifier's accuracy on real test images. Both are in the fingerprint. Labels are requested
    as often as they occur in the training data. `stderr` is binomial. Samples of an unconditional network have no
    score.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Shmelkov et al. 2018, arXiv:1807.09499, section 3 (GAN-test)"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("label_accuracy", "higher", low=0, high=1, unit="share of samples"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("classifier",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_sizes(Sizes(1, 0), samples) or unsupported_features("classifier", space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if fake.y is None:
            return {}
        logits = fake.logits("classifier")
        share = (logits.argmax(1) == fake.y.to(logits.device)).double().mean().item()
        facts = {"generated": len(fake), "chance": f"{1 / logits.shape[1]:.4g}"}
        marks = fingerprint(self, **facts, **fake.extractor("classifier"))
        return {"label_accuracy": Score(share, math.sqrt(share * (1 - share) / len(fake)), len(fake), 0, marks)}
